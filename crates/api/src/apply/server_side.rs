//! [`apply`]: a manager declares all the fields that it cares about.

use serde_json::Value;

use super::check::check;
use super::compare::Change;
use super::conflict::Conflicts;
use super::field_set::FieldSet;
use super::last_applied;
use super::members::{fields_of, remove, with_named_fields};
use super::merge::merge;
use super::owners::{APPLY, Owner, OwnerId, Owners};
use super::update::record;
use super::{Reading, Request, never_owned, values};
use crate::ApiError;
use crate::meta::ManagedFieldsEntry;

/// The manager of what was there before anybody applied.
const BEFORE_FIRST_APPLY: &str = "before-first-apply";

/// What an apply makes of an object.
#[derive(Clone, Debug)]
pub struct Applied {
    /// The new state, without `apiVersion`, `kind` and `managedFields`. `null` stands for what is no longer set.
    pub object: Value,
    /// Its managed fields.
    pub managers: Vec<ManagedFieldsEntry>,
}

/// Applies `config` to the live object, or creates one when there is none.
///
/// The caller has checked that `config` has the request's `apiVersion`, the kind and the name. `recorded` are the live
/// object's managed fields. With `force`, the fields of others are taken over.
///
/// # Errors
/// 409 naming each owner and field when others own fields that would change; 400 when `config` is not of its type, has
/// fields that the type has not (Kubernetes answers 500 to these), duplicates, or managed fields; 500 when the recorded
/// managed fields cannot be read.
pub fn apply(
    request: &Request<'_>,
    live: Option<&Value>,
    recorded: &[ManagedFieldsEntry],
    config: &Value,
    force: bool,
) -> Result<Applied, ApiError> {
    refuse_managed_fields(config)?;
    let live = plain(live.cloned().unwrap_or_else(|| request.empty_object()));
    check(request.codec.schema, config).map_err(|why| untyped(config, &why))?;
    let owners = owners_before(request, &live, recorded)?;
    let bare = plain(config.clone());
    let applying = Applying {
        request,
        live: &live,
        config: &bare,
        id: OwnerId::new(APPLY, request.manager(), "", request.subresource),
    };
    let (mut object, owners) = applying.settle(&owners, force)?;
    if request.manager == last_applied::KUBECTL {
        last_applied::refresh(&mut object, config);
    }
    let managers = owners.encode();
    Ok(Applied { object, managers })
}

fn refuse_managed_fields(config: &Value) -> Result<(), ApiError> {
    match config
        .get("metadata")
        .and_then(|metadata| metadata.get("managedFields"))
    {
        None | Some(Value::Null) => Ok(()),
        Some(_) => Err(ApiError::bad_request("metadata.managedFields must be nil")),
    }
}

fn untyped(config: &Value, why: &str) -> ApiError {
    let text = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().to_owned();
    let metadata = config.get("metadata");
    let namespace = text(metadata.and_then(|m| m.get("namespace")));
    let name = text(metadata.and_then(|m| m.get("name")));
    let (api_version, kind) = (text(config.get("apiVersion")), text(config.get("kind")));
    // The core group has an empty name, which Kubernetes prints all the same.
    let slash = if api_version.contains('/') { "" } else { "/" };
    ApiError::bad_request(format!(
        "failed to create typed patch object ({namespace}/{name}; {slash}{api_version}, Kind={kind}): {why}"
    ))
}

/// The object without what is not its state.
fn plain(mut object: Value) -> Value {
    if let Some(fields) = object.as_object_mut() {
        fields.remove("apiVersion");
        fields.remove("kind");
    }
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("managedFields");
    }
    object
}

/// The owners that an apply meets: where nothing was tracked, all that is there belongs to a manager made up for it.
fn owners_before<'a>(
    request: &Request<'_>,
    live: &'a Value,
    recorded: &'a [ManagedFieldsEntry],
) -> Result<Owners<'a>, ApiError> {
    let mut owners = Owners::decode(request, recorded)
        .map_err(|why| ApiError::internal(format!("failed to decode managed fields: {why}")))?;
    if owners.is_empty() {
        let empty = request.empty_object();
        let first = Request {
            manager: BEFORE_FIRST_APPLY,
            ..*request
        };
        let change = Change::between(request.codec.schema, &empty, live);
        let change = Change {
            removed: FieldSet::new(),
            modified: change.modified.into_owned(),
            added: change.added.into_owned(),
        };
        owners = record(&first, owners, &change);
    }
    owners.drop_unknown();
    Ok(owners)
}

/// One apply, with both states reduced to what is the object's own.
struct Applying<'a> {
    request: &'a Request<'a>,
    live: &'a Value,
    config: &'a Value,
    id: OwnerId,
}

impl<'a> Applying<'a> {
    /// The outcome. Where `kubectl` conflicts only about fields that it has applied from the client's side, it wins.
    fn settle(&self, owners: &Owners<'a>, force: bool) -> Result<(Value, Owners<'a>), ApiError> {
        let (object, owners, conflicts) = self.attempt(owners.clone());
        if force || conflicts.is_empty() {
            return Ok((object, owners));
        }
        let own = (self.request.manager == last_applied::KUBECTL)
            .then(|| last_applied::unchanged_fields(self.request, self.live))
            .flatten();
        let left = match own {
            Some(own) => conflicts.without(&own),
            None => conflicts,
        };
        if left.is_empty() {
            Ok((object, owners))
        } else {
            Err(left.into_error())
        }
    }

    /// The new state, its owners when others give way, and what they would have to give.
    fn attempt(&self, mut owners: Owners<'a>) -> (Value, Owners<'a>, Conflicts<'a>) {
        let schema = self.request.codec.schema;
        let before = owners.get(&self.id).cloned();
        let declared = fields_of(schema, self.config).recursive_difference(self.request.ignored);
        let time = before.as_ref().and_then(|owner| owner.time);
        owners.put(Owner::new(self.id.clone(), self.request.api_version, declared, time));
        let merged = merge(schema, self.live, self.config);
        let object = match before {
            Some(before) if before.reading == Reading::SameFields => self.prune(merged, &before.set, &owners),
            _ => merged,
        };
        let conflicts = self.give_way(&object, &mut owners);
        self.finish(&object, &mut owners);
        (object, owners, conflicts)
    }

    /// Removes what the manager declared before, unless it or anybody else owns it now.
    fn prune(&self, merged: Value, before: &FieldSet<'_>, owners: &Owners<'_>) -> Value {
        let schema = self.request.codec.schema;
        let before = with_named_fields(schema, before);
        let owned = owners
            .iter()
            .filter(|owner| owner.reading == Reading::SameFields)
            .fold(FieldSet::new(), |owned, owner| owned.union(&owner.set));
        let owned = with_named_fields(schema, &owned);
        let all = |object: &Value| with_named_fields(schema, &fields_of(schema, object)).into_owned();
        let everything = all(&merged);
        // Removing a field or item removes all that is in it: what others own of that comes back with its parents, and
        // what nobody declared stays.
        let without = all(&remove(schema, merged.clone(), &before));
        let gone = everything.difference(&without).difference(&owned);
        let without = all(&remove(schema, merged.clone(), &gone));
        let gone = everything.difference(&without).intersection(&before);
        remove(schema, merged, &gone)
    }

    /// Takes the fields that change away from all others, and tells which of them change by being set.
    fn give_way(&self, object: &Value, owners: &mut Owners<'a>) -> Conflicts<'a> {
        let change = Change::between(self.request.codec.schema, self.live, object).without(self.request.ignored);
        let set = change.set();
        let mut conflicts = Conflicts::default();
        for owner in owners.iter_mut() {
            if owner.id == self.id || owner.reading != Reading::SameFields {
                continue;
            }
            let contested = owner.set.intersection(&set);
            conflicts.add(&owner.id, &owner.api_version, contested);
            owner.lose(&set);
            owner.lose(&change.removed);
        }
        conflicts
    }

    fn finish(&self, object: &Value, owners: &mut Owners<'a>) {
        if let Some(owner) = owners.get_mut(&self.id) {
            owner.lose(never_owned());
            // An apply that changes nothing leaves the time as it was: unset, if the manager is new.
            if !values::equal(self.live, object) {
                owner.time = Some(self.request.now);
            }
        }
        owners.drop_empty();
    }
}
