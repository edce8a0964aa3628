//! The rules of leases.

use super::{FieldError, Path, name_is_dns_subdomain, push_invalid, qualified_name};
use super::{validate_object_meta, validate_object_meta_update};
use crate::coordination::{Lease, LeaseSpec};

/// The one strategy that Kubernetes itself defines.
pub(super) const OLDEST_EMULATION_VERSION: &str = "OldestEmulationVersion";

/// What is wrong with a lease that is to be created.
#[must_use]
pub fn validate_lease_create(lease: &Lease) -> Vec<FieldError> {
    let path = Path::new("metadata");
    let mut errors = validate_object_meta(&lease.metadata, true, name_is_dns_subdomain, &path);
    spec(&mut errors, &lease.spec);
    errors
}

/// What is wrong with a change of a lease from `old` to `new`.
#[must_use]
pub fn validate_lease_update(new: &Lease, old: &Lease) -> Vec<FieldError> {
    let path = Path::new("metadata");
    let mut errors = validate_object_meta_update(&new.metadata, &old.metadata, &path);
    spec(&mut errors, &new.spec);
    errors
}

fn spec(errors: &mut Vec<FieldError>, spec: &LeaseSpec) {
    let path = Path::new("spec");
    if let Some(seconds) = spec.lease_duration_seconds.filter(|seconds| *seconds <= 0) {
        let path = path.child("leaseDurationSeconds");
        errors.push(FieldError::invalid_bare(&path, seconds, "must be greater than 0"));
    }
    if let Some(transitions) = spec.lease_transitions.filter(|count| *count < 0) {
        let path = path.child("leaseTransitions");
        let detail = "must be greater than or equal to 0";
        errors.push(FieldError::invalid_bare(&path, transitions, detail));
    }
    if let Some(strategy) = &spec.strategy {
        self::strategy(errors, strategy, &path.child("strategy"));
    }
    let set = |text: &Option<String>| text.as_ref().is_some_and(|text| !text.is_empty());
    if set(&spec.preferred_holder) && !set(&spec.strategy) {
        let detail = "may only be specified if `strategy` is defined";
        errors.push(FieldError::forbidden(&path.child("preferredHolder"), detail));
    }
}

/// The strategy of a lease or a candidate: Kubernetes' own, or a name with a domain in front.
pub(super) fn strategy(errors: &mut Vec<FieldError>, strategy: &str, path: &Path<'_>) {
    // Kubernetes names the field twice.
    let path = path.child("strategy");
    if strategy.contains('/') {
        push_invalid(errors, &path, strategy, qualified_name(strategy));
    } else if strategy != OLDEST_EMULATION_VERSION {
        let supported = [OLDEST_EMULATION_VERSION];
        errors.push(FieldError::not_supported(&path, strategy, &supported));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::validation::texts;

    fn lease(spec: &serde_json::Value) -> Lease {
        let metadata = json!({"name": "a", "namespace": "n", "resourceVersion": "1"});
        serde_json::from_value(json!({"metadata": metadata, "spec": spec})).unwrap()
    }

    #[test]
    fn each_broken_rule_is_told() {
        let cases = [
            (json!({}), vec![]),
            (
                json!({"leaseDurationSeconds": 1, "leaseTransitions": 0, "preferredHolder": ""}),
                vec![],
            ),
            (json!({"strategy": "example.com/mine", "preferredHolder": "b"}), vec![]),
            (
                json!({"leaseDurationSeconds": 0}),
                vec!["spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0"],
            ),
            (
                json!({"leaseDurationSeconds": -1, "leaseTransitions": -1}),
                vec![
                    "spec.leaseDurationSeconds: Invalid value: -1: must be greater than 0",
                    "spec.leaseTransitions: Invalid value: -1: must be greater than or equal to 0",
                ],
            ),
            (
                json!({"preferredHolder": "b"}),
                vec!["spec.preferredHolder: Forbidden: may only be specified if `strategy` is defined"],
            ),
            (
                json!({"strategy": "Nope"}),
                vec![
                    "spec.strategy.strategy: Unsupported value: \"Nope\": supported values: \"OldestEmulationVersion\"",
                ],
            ),
            (
                json!({"strategy": "/x"}),
                vec!["spec.strategy.strategy: Invalid value: \"/x\": prefix part must be non-empty"],
            ),
        ];
        for (spec, wrong) in cases {
            let lease = lease(&spec);
            assert_eq!(texts(&validate_lease_create(&lease)), wrong, "create {spec}");
            assert_eq!(texts(&validate_lease_update(&lease, &lease)), wrong, "update {spec}");
        }
    }
}
