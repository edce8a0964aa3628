//! The rules of namespaces.

use super::meta::qualified_finalizer;
use super::{FieldError, Path, name_is_dns_label, push_invalid, qualified_name};
use super::{validate_core_object_meta, validate_core_object_meta_update};
use crate::core::Namespace;

/// What is wrong with a namespace that is to be created.
#[must_use]
pub fn validate_namespace_create(namespace: &Namespace) -> Vec<FieldError> {
    let path = Path::new("metadata");
    let mut errors = validate_core_object_meta(&namespace.metadata, false, name_is_dns_label, &path);
    for finalizer in &namespace.spec.finalizers {
        self::finalizer(&mut errors, finalizer, &Path::new("spec").child("finalizers"));
    }
    errors
}

/// What is wrong with a change of a namespace from `old` to `new`, other than of its status or finalizers.
#[must_use]
pub fn validate_namespace_update(new: &Namespace, old: &Namespace) -> Vec<FieldError> {
    validate_core_object_meta_update(&new.metadata, &old.metadata, &Path::new("metadata"))
}

/// What is wrong with a change of a namespace's status from `old` to `new`.
#[must_use]
pub fn validate_namespace_status_update(new: &Namespace, old: &Namespace) -> Vec<FieldError> {
    let mut errors = validate_namespace_update(new, old);
    let deleted = new.metadata.deletion_timestamp.is_some_and(|time| !time.is_zero());
    let (phase, detail) = if deleted {
        (
            "Terminating",
            "may only be 'Terminating' if `deletionTimestamp` is not empty",
        )
    } else {
        ("Active", "may only be 'Active' if `deletionTimestamp` is empty")
    };
    if new.status.phase != phase {
        // The capital letter is Kubernetes' own.
        let path = Path::new("status");
        let path = path.child("Phase");
        errors.push(FieldError::invalid(&path, &new.status.phase, detail));
    }
    errors
}

/// What is wrong with a change of a namespace's finalizers from `old` to `new`.
#[must_use]
pub fn validate_namespace_finalize_update(new: &Namespace, old: &Namespace) -> Vec<FieldError> {
    let mut errors = validate_namespace_update(new, old);
    let path = Path::new("spec");
    let path = path.child("finalizers");
    for (at, finalizer) in new.spec.finalizers.iter().enumerate() {
        self::finalizer(&mut errors, finalizer, &path.index(at));
    }
    errors
}

fn finalizer(errors: &mut Vec<FieldError>, finalizer: &str, path: &Path<'_>) {
    push_invalid(errors, path, finalizer, qualified_name(finalizer));
    qualified_finalizer(errors, finalizer, path);
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::validation::texts;

    fn namespace(metadata: &Value, finalizers: &[&str], phase: &str) -> Namespace {
        let (spec, status) = (json!({"finalizers": finalizers}), json!({"phase": phase}));
        serde_json::from_value(json!({"metadata": metadata, "spec": spec, "status": status})).unwrap()
    }

    #[test]
    fn names_are_labels_and_finalizers_qualified() {
        let not_standard = "name is neither a standard finalizer name nor is it fully qualified";
        let good = namespace(&json!({"name": "a"}), &["kubernetes", "x.io/a"], "Active");
        assert_eq!(texts(&validate_namespace_create(&good)), Vec::<String>::new());
        let bad = namespace(&json!({"name": "a.b", "finalizers": ["y"]}), &["x"], "Active");
        let wrong = [
            "metadata.name: Invalid value: \"a.b\": must not contain dots".to_owned(),
            format!("metadata.finalizers[0]: Invalid value: \"y\": {not_standard}"),
            format!("spec.finalizers: Invalid value: \"x\": {not_standard}"),
        ];
        assert_eq!(texts(&validate_namespace_create(&bad)), wrong);
    }

    #[test]
    fn the_phase_follows_from_the_deletion_timestamp() {
        let here = json!({"name": "a", "resourceVersion": "1"});
        let going = json!({
            "name": "a", "resourceVersion": "1", "deletionTimestamp": "2026-01-02T03:04:05Z",
        });
        for (metadata, phase, wrong) in [
            (&here, "Active", vec![]),
            (&going, "Terminating", vec![]),
            (
                &here,
                "Terminating",
                vec![
                    "status.Phase: Invalid value: \"Terminating\": may only be 'Active' if `deletionTimestamp` is empty",
                ],
            ),
            (
                &going,
                "Active",
                vec![
                    "status.Phase: Invalid value: \"Active\": may only be 'Terminating' if `deletionTimestamp` is not empty",
                ],
            ),
        ] {
            let namespace = namespace(metadata, &[], phase);
            let errors = validate_namespace_status_update(&namespace, &namespace);
            assert_eq!(texts(&errors), wrong, "{phase}");
        }
    }

    #[test]
    fn finalize_checks_each_finalizer() {
        let metadata = json!({"name": "a", "resourceVersion": "1"});
        let namespace = namespace(&metadata, &["kubernetes", "x"], "Active");
        let wrong = "spec.finalizers[1]: Invalid value: \"x\": name is neither a standard finalizer name nor is it fully qualified";
        assert_eq!(
            texts(&validate_namespace_finalize_update(&namespace, &namespace)),
            [wrong]
        );
        assert!(validate_namespace_update(&namespace, &namespace).is_empty());
    }
}
