//! Who set which fields: `metadata.managedFields` over creates, updates and applies.

use leasehold_api::apply::{self, FieldSet, Reading, Request};
use leasehold_api::meta::ManagedFieldsEntry;
use leasehold_api::{ApiError, Object, Time};
use serde_json::Value;

use crate::place::Place;
use crate::resource::Subresource;

/// Who writes, and when.
#[derive(Clone, Copy)]
pub(crate) struct Writer<'a> {
    pub(crate) manager: &'a str,
    pub(crate) now: Time,
}

/// Whether a write changes anything beside managed fields, as far as working those out has shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// It does.
    Certain,
    /// To be seen from what would be stored.
    Unknown,
}

/// Works out the managed fields of an object that is created, or stored over `live`, from what its writer changed.
/// What the request itself carried as managed fields is in `new`.
pub(crate) fn track(place: &Place, live: Option<&dyn Object>, new: &mut dyn Object, writer: Writer<'_>) -> Change {
    let sent = std::mem::take(&mut new.metadata_mut().managed_fields);
    // Left out and empty are the same here: whoever knows nothing of managed fields must not remove them. One empty entry
    // does.
    let sent = (!sent.is_empty()).then_some(&sent[..]);
    let recorded = live.map_or(&[][..], |live| &live.metadata().managed_fields);
    let renewal = renewal(live, new).filter(|_| sent.is_none_or(|sent| sent == recorded));
    let change = match &renewal {
        Some(renewal) if !renewal.modified.is_empty() => Change::Certain,
        _ => Change::Unknown,
    };
    let managers = with_request(place, writer, |request| match renewal {
        Some(renewal) => apply::track_change(request, &renewal, recorded),
        None => {
            let before = live.map(Object::to_value);
            apply::track_update(request, before.as_ref(), &new.to_value(), recorded, sent)
        }
    });
    new.metadata_mut().managed_fields = managers;
    change
}

/// What changed, where that can be told without turning both objects into trees.
fn renewal(live: Option<&dyn Object>, new: &dyn Object) -> Option<apply::Change<'static>> {
    let paths = new.changed_values(live?)?;
    Some(apply::Change {
        modified: FieldSet::of_fields(&paths),
        ..apply::Change::default()
    })
}

/// Merges an applied object into what is there: the result, and its managed fields.
pub(crate) fn apply(
    place: &Place,
    live: Option<&dyn Object>,
    wanted: &Value,
    writer: Writer<'_>,
    force: bool,
) -> Result<(Value, Vec<ManagedFieldsEntry>), ApiError> {
    let recorded = live.map_or(&[][..], |live| &live.metadata().managed_fields);
    let before = live.map(Object::to_value);
    let applied = with_request(place, writer, |request| {
        apply::apply(request, before.as_ref(), recorded, wanted, force)
    })?;
    Ok((applied.object, applied.managers))
}

fn with_request<T>(place: &Place, writer: Writer<'_>, work: impl FnOnce(&Request<'_>) -> T) -> T {
    let ignored = ignored(place);
    let api_version = place.gvk().api_version();
    work(&Request {
        codec: &place.version.codec,
        manager: writer.manager,
        api_version: &api_version,
        subresource: place.subresource.map_or("", Subresource::name),
        ignored: &ignored,
        versions: &|other| reading(place, other),
        now: writer.now,
    })
}

/// What a write through this path never changes, and so never owns.
fn ignored(place: &Place) -> FieldSet<'static> {
    match place.subresource {
        Some(Subresource::Status) => FieldSet::of_fields(&[&["spec"]]),
        Some(Subresource::Finalize) => FieldSet::of_fields(&[&["status"]]),
        None if place.resource.subresource("status").is_some() => FieldSet::of_fields(&[&["status"]]),
        None => FieldSet::new(),
    }
}

/// How an entry of another version reads. Versions of one row differ in name only; the fields of another group are
/// unknown here, as to Kubernetes, though it show the same objects.
fn reading(place: &Place, api_version: &str) -> Reading {
    let row = place.resource;
    let served = row
        .versions
        .iter()
        .any(|version| row.gvk(version).group_version().is(api_version));
    if served { Reading::SameFields } else { Reading::Unknown }
}
