//! The rules of lease candidates.

use semver::Version;

use super::lease::{OLDEST_EMULATION_VERSION, strategy};
use super::meta::immutable;
use super::{FieldError, Path, lease_candidate_name};
use super::{validate_object_meta, validate_object_meta_update};
use crate::coordination::{LeaseCandidate, LeaseCandidateSpec};

/// What is wrong with a candidate that is to be created.
#[must_use]
pub fn validate_lease_candidate_create(candidate: &LeaseCandidate) -> Vec<FieldError> {
    let path = Path::new("metadata");
    let mut errors = validate_object_meta(&candidate.metadata, true, lease_candidate_name, &path);
    spec(&mut errors, &candidate.spec);
    errors
}

/// What is wrong with a change of a candidate from `old` to `new`.
#[must_use]
pub fn validate_lease_candidate_update(new: &LeaseCandidate, old: &LeaseCandidate) -> Vec<FieldError> {
    let path = Path::new("metadata");
    let mut errors = validate_object_meta_update(&new.metadata, &old.metadata, &path);
    spec(&mut errors, &new.spec);
    let path = Path::new("spec");
    let path = path.child("leaseName");
    immutable(&mut errors, &new.spec.lease_name, &old.spec.lease_name, &path);
    errors
}

fn spec(errors: &mut Vec<FieldError>, spec: &LeaseCandidateSpec) {
    let path = Path::new("spec");
    if spec.lease_name.is_empty() {
        errors.push(FieldError::required(&path.child("leaseName"), ""));
    }
    let emulation = versions(errors, spec, &path);
    let path = path.child("strategy");
    if spec.strategy.is_empty() {
        errors.push(FieldError::required(&path, ""));
        return;
    }
    if spec.strategy == OLDEST_EMULATION_VERSION && emulation == zero() {
        let path = Path::new("spec");
        let path = path.child("emulationVersion");
        let detail = "must be specified when `strategy` is 'OldestEmulationVersion'";
        errors.push(FieldError::required(&path, detail));
    }
    strategy(errors, &spec.strategy, &path);
}

/// What stands for a version that is missing or cannot be read.
fn zero() -> Version {
    Version::new(0, 0, 0)
}

/// Checks both versions; returns the emulation version.
fn versions(errors: &mut Vec<FieldError>, spec: &LeaseCandidateSpec, path: &Path<'_>) -> Version {
    let binary_path = path.child("binaryVersion");
    let mut read = |text: &str, path: &Path<'_>| {
        if text.is_empty() {
            return zero();
        }
        Version::parse(text).unwrap_or_else(|_| {
            let detail = "must be a valid semantic version";
            errors.push(FieldError::invalid(path, text, detail));
            zero()
        })
    };
    let emulation = read(&spec.emulation_version, &path.child("emulationVersion"));
    let binary = read(&spec.binary_version, &binary_path);
    if spec.binary_version.is_empty() {
        errors.push(FieldError::required(&binary_path, ""));
    } else if !spec.emulation_version.is_empty() && binary.cmp_precedence(&emulation).is_lt() {
        let detail = "must be greater than or equal to `emulationVersion`";
        errors.push(FieldError::invalid(&binary_path, &spec.binary_version, detail));
    }
    emulation
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::validation::texts;

    /// Fields of the spec and their values.
    type Changes = [(&'static str, &'static str)];

    fn candidate(name: &str, changes: &Changes) -> LeaseCandidate {
        let mut spec = json!({
            "leaseName": "job",
            "binaryVersion": "1.36.0",
            "emulationVersion": "1.36.0",
            "strategy": "OldestEmulationVersion",
        });
        for (field, value) in changes {
            spec[*field] = json!(value);
        }
        let metadata = json!({"name": name, "namespace": "n", "resourceVersion": "1"});
        serde_json::from_value(json!({"metadata": metadata, "spec": spec})).unwrap()
    }

    #[test]
    fn each_broken_rule_is_told() {
        let cases: &[(&Changes, &[&str])] = &[
            (&[], &[]),
            (&[("strategy", "example.com/mine"), ("emulationVersion", "")], &[]),
            (&[("binaryVersion", "1.36.0+build.1")], &[]),
            (&[("emulationVersion", "1.36.0+build.1")], &[]),
            (&[("leaseName", "")], &["spec.leaseName: Required value"]),
            (&[("binaryVersion", "")], &["spec.binaryVersion: Required value"]),
            (&[("strategy", "")], &["spec.strategy: Required value"]),
            (
                &[("binaryVersion", "v1.2")],
                &[
                    "spec.binaryVersion: Invalid value: \"v1.2\": must be a valid semantic version",
                    "spec.binaryVersion: Invalid value: \"v1.2\": must be greater than or equal to `emulationVersion`",
                ],
            ),
            (
                &[("emulationVersion", "x")],
                &[
                    "spec.emulationVersion: Invalid value: \"x\": must be a valid semantic version",
                    "spec.emulationVersion: Required value: must be specified when `strategy` is 'OldestEmulationVersion'",
                ],
            ),
            (
                &[("emulationVersion", "2.0.0")],
                &["spec.binaryVersion: Invalid value: \"1.36.0\": must be greater than or equal to `emulationVersion`"],
            ),
            (
                &[("emulationVersion", "")],
                &[
                    "spec.emulationVersion: Required value: must be specified when `strategy` is 'OldestEmulationVersion'",
                ],
            ),
            (
                &[("binaryVersion", "1.36.0-alpha.1")],
                &[
                    "spec.binaryVersion: Invalid value: \"1.36.0-alpha.1\": must be greater than or equal to `emulationVersion`",
                ],
            ),
            (
                &[("strategy", "Nope")],
                &["spec.strategy.strategy: Unsupported value: \"Nope\": supported values: \"OldestEmulationVersion\""],
            ),
        ];
        for (changes, wrong) in cases {
            let candidate = candidate("A_b", changes);
            let errors = validate_lease_candidate_create(&candidate);
            assert_eq!(texts(&errors), *wrong, "{changes:?}");
            let errors = validate_lease_candidate_update(&candidate, &candidate);
            assert_eq!(texts(&errors), *wrong, "{changes:?}");
        }
    }

    #[test]
    fn names_are_those_of_config_map_keys() {
        let errors = texts(&validate_lease_candidate_create(&candidate("Bad Name", &[])));
        let wrong = "metadata.name: Invalid value: \"Bad Name\": a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";
        assert_eq!(errors, [wrong]);
    }

    #[test]
    fn the_lease_cannot_be_changed() {
        let new = candidate("a", &[("leaseName", "other")]);
        let errors = validate_lease_candidate_update(&new, &candidate("a", &[]));
        let wrong = "spec.leaseName: Invalid value: \"other\": field is immutable";
        assert_eq!(texts(&errors), [wrong]);
    }
}
