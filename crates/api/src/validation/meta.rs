//! The rules of an object's metadata.

use std::collections::{BTreeMap, BTreeSet};

use super::{FieldError, NameRule, Path, json, push_invalid};
use super::{label_value, name_is_dns_label, qualified_name};
use crate::Time;
use crate::meta::{ManagedFieldsEntry, ObjectMeta, OwnerReference};

/// The most bytes that all keys and values of an object's annotations may have together.
const ANNOTATIONS_MAX: usize = 256 * 1024;
/// The most bytes of a manager's name.
const MANAGER_MAX: usize = 128;
/// The most bytes of a subresource's name.
const SUBRESOURCE_MAX: usize = 256;

pub(super) const IMMUTABLE: &str = "field is immutable";

/// The finalizers that need no domain in front.
const STANDARD_FINALIZERS: [&str; 3] = ["kubernetes", ORPHAN, FOREGROUND];
const ORPHAN: &str = "orphan";
const FOREGROUND: &str = "foregroundDeletion";

/// The metadata of an object that is created, after its name has been generated.
#[must_use]
pub fn validate_object_meta(
    meta: &ObjectMeta,
    namespaced: bool,
    name_rule: NameRule,
    path: &Path<'_>,
) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if !meta.generate_name.is_empty() {
        let wrong = name_rule(&meta.generate_name, true);
        push_invalid(&mut errors, &path.child("generateName"), &meta.generate_name, wrong);
    }
    let name = path.child("name");
    if meta.name.is_empty() {
        errors.push(FieldError::required(&name, "name or generateName is required"));
    } else {
        push_invalid(&mut errors, &name, &meta.name, name_rule(&meta.name, false));
    }
    namespace(&mut errors, &meta.namespace, namespaced, &path.child("namespace"));
    if meta.generation < 0 {
        let path = path.child("generation");
        let detail = "must be greater than or equal to 0";
        errors.push(FieldError::invalid_bare(&path, meta.generation, detail));
    }
    labels(&mut errors, &meta.labels, &path.child("labels"));
    annotations(&mut errors, &meta.annotations, &path.child("annotations"));
    owner_references(&mut errors, &meta.owner_references, &path.child("ownerReferences"));
    finalizers(&mut errors, &meta.finalizers, &path.child("finalizers"));
    managed_fields(&mut errors, &meta.managed_fields, &path.child("managedFields"));
    errors
}

/// The metadata of an object that is changed from `old` to `new`.
#[must_use]
pub fn validate_object_meta_update(new: &ObjectMeta, old: &ObjectMeta, path: &Path<'_>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if old.deletion_timestamp.is_some() {
        no_new_finalizers(&mut errors, new, old, &path.child("finalizers"));
    }
    if new.resource_version.is_empty() {
        let detail = "must be specified for an update";
        errors.push(FieldError::invalid(&path.child("resourceVersion"), "", detail));
    }
    if new.generation < old.generation {
        let detail = "must not be decremented";
        errors.push(FieldError::invalid_bare(
            &path.child("generation"),
            new.generation,
            detail,
        ));
    }
    unchanged(&mut errors, new, old, path);
    labels(&mut errors, &new.labels, &path.child("labels"));
    annotations(&mut errors, &new.annotations, &path.child("annotations"));
    owner_references(&mut errors, &new.owner_references, &path.child("ownerReferences"));
    managed_fields(&mut errors, &new.managed_fields, &path.child("managedFields"));
    errors
}

/// As [`validate_object_meta`], with the stricter rule for finalizers that the core group and events keep.
#[must_use]
pub fn validate_core_object_meta(
    meta: &ObjectMeta,
    namespaced: bool,
    name_rule: NameRule,
    path: &Path<'_>,
) -> Vec<FieldError> {
    let mut errors = validate_object_meta(meta, namespaced, name_rule, path);
    qualified_finalizers(&mut errors, &meta.finalizers, &path.child("finalizers"));
    errors
}

/// As [`validate_object_meta_update`], with the stricter rule for finalizers that the core group and events keep.
#[must_use]
pub fn validate_core_object_meta_update(new: &ObjectMeta, old: &ObjectMeta, path: &Path<'_>) -> Vec<FieldError> {
    let mut errors = validate_object_meta_update(new, old, path);
    qualified_finalizers(&mut errors, &new.finalizers, &path.child("finalizers"));
    errors
}

/// The name of a field manager: at most 128 bytes, and printable.
#[must_use]
pub fn validate_field_manager(manager: &str, path: &Path<'_>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if manager.len() > MANAGER_MAX {
        errors.push(FieldError::too_long(path, MANAGER_MAX));
    }
    let printable = |c: char| c == ' ' || !(c.is_control() || c.is_whitespace());
    let unprintable = manager.char_indices().filter(|(_, c)| !printable(*c));
    errors.extend(unprintable.map(|(at, c)| {
        let detail = format!("invalid character U+{:04X} (at position {at})", u32::from(c));
        FieldError::invalid(path, manager, &detail)
    }));
    errors
}

/// A finalizer without a domain must be one of those that Kubernetes knows.
pub(super) fn qualified_finalizer(errors: &mut Vec<FieldError>, finalizer: &str, path: &Path<'_>) {
    if !finalizer.contains('/') && !STANDARD_FINALIZERS.contains(&finalizer) {
        let detail = "name is neither a standard finalizer name nor is it fully qualified";
        errors.push(FieldError::invalid(path, finalizer, detail));
    }
}

/// A field that cannot be changed once the object exists.
pub(super) fn immutable<T: PartialEq + serde::Serialize>(
    errors: &mut Vec<FieldError>,
    new: &T,
    old: &T,
    path: &Path<'_>,
) {
    if new != old {
        errors.push(FieldError::invalid_bare(path, json(new), IMMUTABLE));
    }
}

fn namespace(errors: &mut Vec<FieldError>, namespace: &str, namespaced: bool, path: &Path<'_>) {
    match (namespaced, namespace.is_empty()) {
        (true, true) => errors.push(FieldError::required(path, "")),
        (true, false) => push_invalid(errors, path, namespace, name_is_dns_label(namespace, false)),
        (false, true) => {}
        (false, false) => errors.push(FieldError::forbidden(path, "not allowed on this type")),
    }
}

fn labels(errors: &mut Vec<FieldError>, labels: &BTreeMap<String, String>, path: &Path<'_>) {
    for (key, value) in labels {
        push_invalid(errors, path, key, qualified_name(key));
        push_invalid(errors, path, value, label_value(value));
    }
}

fn annotations(errors: &mut Vec<FieldError>, annotations: &BTreeMap<String, String>, path: &Path<'_>) {
    for key in annotations.keys() {
        // Their keys may be in upper case where labels' keys may not.
        push_invalid(errors, path, key, qualified_name(&key.to_lowercase()));
    }
    let size: usize = annotations.iter().map(|(key, value)| key.len() + value.len()).sum();
    if size > ANNOTATIONS_MAX {
        errors.push(FieldError::too_long(path, ANNOTATIONS_MAX));
    }
}

fn owner_references(errors: &mut Vec<FieldError>, owners: &[OwnerReference], path: &Path<'_>) {
    let mut controller: Option<String> = None;
    for owner in owners {
        owner_reference(errors, owner, path);
        if owner.controller != Some(true) {
            continue;
        }
        let this = format!("{}/{}", owner.kind, owner.name);
        match &controller {
            None => controller = Some(this),
            Some(first) => {
                let detail = format!(
                    "Only one reference can have Controller set to true. Found \"true\" in references for {first} and \
                     {this}"
                );
                errors.push(FieldError::invalid_bare(path, json(&owners), &detail));
            }
        }
    }
}

fn owner_reference(errors: &mut Vec<FieldError>, owner: &OwnerReference, path: &Path<'_>) {
    let mut parts = owner.api_version.split('/');
    let version = match (parts.next(), parts.next(), parts.next()) {
        (Some(version), None, None) | (Some(_), Some(version), None) => version,
        _ => "",
    };
    let mut needed = |field: &str, value: &str, empty: bool, detail: &str| {
        if empty {
            errors.push(FieldError::invalid(&path.child(field), value, detail));
        }
    };
    let (no_version, detail) = (version.is_empty(), "version must not be empty");
    needed("apiVersion", &owner.api_version, no_version, detail);
    needed("kind", &owner.kind, owner.kind.is_empty(), "must not be empty");
    needed("name", &owner.name, owner.name.is_empty(), "must not be empty");
    needed("uid", &owner.uid, owner.uid.is_empty(), "must not be empty");
    if owner.api_version == "v1" && owner.kind == "Event" {
        let detail = "/v1, Kind=Event is disallowed from being an owner";
        errors.push(FieldError::invalid_bare(path, json(owner), detail));
    }
}

fn finalizers(errors: &mut Vec<FieldError>, finalizers: &[String], path: &Path<'_>) {
    for finalizer in finalizers {
        push_invalid(errors, path, finalizer, qualified_name(finalizer));
    }
    let has = |name: &str| finalizers.iter().any(|finalizer| finalizer == name);
    if has(ORPHAN) && has(FOREGROUND) {
        let detail = format!("finalizer {ORPHAN} and {FOREGROUND} cannot be both set");
        errors.push(FieldError::invalid_bare(path, json(&finalizers), &detail));
    }
}

fn qualified_finalizers(errors: &mut Vec<FieldError>, finalizers: &[String], path: &Path<'_>) {
    for (at, finalizer) in finalizers.iter().enumerate() {
        qualified_finalizer(errors, finalizer, &path.index(at));
    }
}

fn no_new_finalizers(errors: &mut Vec<FieldError>, new: &ObjectMeta, old: &ObjectMeta, path: &Path<'_>) {
    let old: BTreeSet<_> = old.finalizers.iter().collect();
    let new: BTreeSet<_> = new.finalizers.iter().collect();
    let added: Vec<_> = new.difference(&old).map(|name| format!("{name:?}")).collect();
    if !added.is_empty() {
        let detail = format!(
            "no new finalizers can be added if the object is being deleted, found new finalizers []string{{{}}}",
            added.join(", ")
        );
        errors.push(FieldError::forbidden(path, &detail));
    }
}

fn managed_fields(errors: &mut Vec<FieldError>, entries: &[ManagedFieldsEntry], path: &Path<'_>) {
    for (at, entry) in entries.iter().enumerate() {
        let path = path.index(at);
        if entry.operation != "Apply" && entry.operation != "Update" {
            let detail = "must be `Apply` or `Update`";
            errors.push(FieldError::invalid(&path.child("operation"), &entry.operation, detail));
        }
        if !entry.fields_type.is_empty() && entry.fields_type != "FieldsV1" {
            let detail = "must be `FieldsV1`";
            errors.push(FieldError::invalid(
                &path.child("fieldsType"),
                &entry.fields_type,
                detail,
            ));
        }
        errors.extend(validate_field_manager(&entry.manager, &path.child("manager")));
        if entry.subresource.len() > SUBRESOURCE_MAX {
            errors.push(FieldError::too_long(&path.child("subresource"), SUBRESOURCE_MAX));
        }
    }
}

fn unchanged(errors: &mut Vec<FieldError>, new: &ObjectMeta, old: &ObjectMeta, path: &Path<'_>) {
    // Two zero times differ in protobuf and mean the same.
    let set = |time: &Time| (!time.is_zero()).then_some(*time);
    immutable(errors, &new.name, &old.name, &path.child("name"));
    immutable(errors, &new.namespace, &old.namespace, &path.child("namespace"));
    immutable(errors, &new.uid, &old.uid, &path.child("uid"));
    let (new_time, old_time) = (set(&new.creation_timestamp), set(&old.creation_timestamp));
    immutable(errors, &new_time, &old_time, &path.child("creationTimestamp"));
    let (new_time, old_time) = (&new.deletion_timestamp, &old.deletion_timestamp);
    immutable(errors, new_time, old_time, &path.child("deletionTimestamp"));
    let new_seconds = &new.deletion_grace_period_seconds;
    let old_seconds = &old.deletion_grace_period_seconds;
    immutable(
        errors,
        new_seconds,
        old_seconds,
        &path.child("deletionGracePeriodSeconds"),
    );
}

#[cfg(test)]
mod tests;
