//! Patches of what is there, in each form.

use leasehold_registry::{PatchKind, WriteOptions};

use crate::world::{self, NAME, WORLD};

pub(crate) fn json(data: &[u8]) {
    patch(PatchKind::Json, data);
}

pub(crate) fn merge(data: &[u8]) {
    patch(PatchKind::Merge, data);
}

pub(crate) fn strategic(data: &[u8]) {
    patch(PatchKind::Strategic, data);
}

pub(crate) fn apply(data: &[u8]) {
    patch(PatchKind::Apply, data);
}

/// Refused, or the same object changed.
fn patch(kind: PatchKind, data: &[u8]) {
    let Some((place, body)) = world::place(data) else {
        return;
    };
    let options = WriteOptions {
        force: kind == PatchKind::Apply && data.len().is_multiple_of(2),
        ..world::dry_run()
    };
    let place = place.named(NAME);
    let patched = WORLD
        .runtime
        .block_on(WORLD.registry.patch(&place, kind, &body, &options));
    if let Ok(written) = patched {
        assert_eq!(
            &*written
                .item
                .object()
                .expect("what was written can be read")
                .metadata()
                .name,
            NAME
        );
    }
}
