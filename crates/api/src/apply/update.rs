//! Who owns what after a create, an update or a patch: writes that carry the whole object.

use serde_json::Value;

use super::compare::Change;
use super::owners::{Owner, OwnerId, Owners, UPDATE};
use super::{Reading, Request, never_owned};
use crate::meta::ManagedFieldsEntry;

/// The managed fields of `new`, which is about to be stored over `live`, or created when there is no live object.
///
/// `recorded` are the live object's managed fields, `sent` those that the request carried, if it carried any: a client
/// may edit them, and resets them by an empty list or a list of one empty entry. Managed fields within the two objects
/// themselves are not looked at.
///
/// An object whose managed fields were reset is not tracked again before somebody applies to it.
#[must_use]
pub fn track_update(
    request: &Request<'_>,
    live: Option<&Value>,
    new: &Value,
    recorded: &[ManagedFieldsEntry],
    sent: Option<&[ManagedFieldsEntry]>,
) -> Vec<ManagedFieldsEntry> {
    let owners = starting_point(request, recorded, sent);
    if owners.is_empty() && live.is_some() {
        return Vec::new();
    }
    let empty;
    let old = match live {
        Some(live) => live,
        None => {
            empty = request.empty_object();
            &empty
        }
    };
    let change = Change::between(request.codec.schema, old, new);
    record(request, owners, &change).encode()
}

/// As [`track_update`] when the caller knows what an update changes, which saves comparing the objects.
///
/// For an update of fields that only this manager's own entry has, the entries' texts are passed on, and only the time
/// of that entry changes. Where there is no other entry, as for nearly every renewal, not even the texts are taken apart.
#[must_use]
pub fn track_change(
    request: &Request<'_>,
    change: &Change<'_>,
    recorded: &[ManagedFieldsEntry],
) -> Vec<ManagedFieldsEntry> {
    if let [only] = recorded
        && owns_all(request, only, change)
    {
        let mut renewed = only.clone();
        renewed.time = Some(request.now);
        return vec![renewed];
    }
    let owners = starting_point(request, recorded, None);
    if owners.is_empty() {
        return Vec::new();
    }
    record(request, owners, change).encode()
}

/// Whether an entry is the one of this request, and has every field that it changes.
fn owns_all(request: &Request<'_>, entry: &ManagedFieldsEntry, change: &Change<'_>) -> bool {
    let is_own = entry.operation == UPDATE
        && entry.manager == request.manager()
        && entry.api_version == request.api_version
        && entry.subresource == request.subresource
        && entry.fields_type == "FieldsV1";
    let only_modifies = change.added.is_empty() && change.removed.is_empty() && !change.modified.is_empty();
    is_own
        && only_modifies
        && change.modified.is_disjoint(never_owned())
        && request.ignored.is_empty()
        && entry
            .fields_v1
            .as_ref()
            .is_some_and(|fields| change.modified.is_written_in(fields))
}

/// Takes the times of `old` over into `new` where nothing else differs, so that a write which changes nothing is not
/// stored. To be called when the rest of the object is unchanged.
pub fn keep_times(old: &[ManagedFieldsEntry], new: &mut [ManagedFieldsEntry]) {
    let alike = |old: &ManagedFieldsEntry, new: &ManagedFieldsEntry| {
        old.manager == new.manager
            && old.operation == new.operation
            && old.api_version == new.api_version
            && old.subresource == new.subresource
            && old.fields_type == new.fields_type
            && old.fields_v1 == new.fields_v1
    };
    if old.len() == new.len() && old.iter().zip(&*new).all(|(old, new)| alike(old, new)) {
        for (old, new) in old.iter().zip(new) {
            new.time = old.time;
        }
    }
}

/// The entries that a write starts from. What a client sent and cannot be read, or is nothing, does not count: clients
/// that know nothing of managed fields must not remove them.
fn starting_point<'a>(
    request: &Request<'_>,
    recorded: &'a [ManagedFieldsEntry],
    sent: Option<&'a [ManagedFieldsEntry]>,
) -> Owners<'a> {
    // Through a subresource, nobody edits managed fields.
    let sent = sent.filter(|_| request.subresource.is_empty());
    match sent {
        Some(sent) if is_reset(sent) => return Owners::default(),
        // Most clients send back what they read.
        Some(sent) if sent != recorded => {
            if let Ok(owners) = Owners::decode_foreign(request, sent) {
                return owners;
            }
        }
        _ => {}
    }
    Owners::decode(request, recorded).unwrap_or_default()
}

fn is_reset(sent: &[ManagedFieldsEntry]) -> bool {
    match sent {
        [] => true,
        [one] => *one == ManagedFieldsEntry::default(),
        _ => false,
    }
}

/// The owners after a change: its manager gains what was set, everybody else loses it, and all lose what was removed.
pub(super) fn record<'a>(request: &Request<'_>, mut owners: Owners<'a>, change: &Change<'a>) -> Owners<'a> {
    let change = change.without(request.ignored);
    let set = change.set();
    let gained = set.difference(never_owned());
    let id = OwnerId::new(UPDATE, request.manager(), request.api_version, request.subresource);
    owners.drop_unknown();
    for owner in owners.iter_mut().filter(|owner| owner.reading == Reading::SameFields) {
        owner.lose(&change.removed);
        if owner.id != id {
            owner.lose(&set);
        }
    }
    if !gained.is_empty() {
        match owners.get_mut(&id) {
            Some(owner) => {
                owner.gain(&gained);
                owner.time = Some(request.now);
            }
            None => {
                let owner = Owner::new(id, request.api_version, gained, Some(request.now));
                owners.put(owner);
            }
        }
    }
    owners.drop_empty();
    owners.cap();
    owners
}
