//! `leasecandidates.coordination.k8s.io`: stored once, as v1beta1, and served at both of its versions.

use leasehold_api::coordination::LeaseCandidate;
use leasehold_api::fields::METADATA_LABELS;
use leasehold_api::validation::{FieldError, validate_lease_candidate_create, validate_lease_candidate_update};
use leasehold_api::{Gvk, Object, TypeCodec};

use super::typed;
use crate::features::Feature;
use crate::resource::{Resource, Strategy, Subresource, Version, View};

const CODEC: TypeCodec = TypeCodec::of::<LeaseCandidate>();

/// The row of lease candidates.
pub static LEASE_CANDIDATES: Resource = Resource {
    group: "coordination.k8s.io",
    plural: "leasecandidates",
    singular: "leasecandidate",
    kind: "LeaseCandidate",
    list_kind: "LeaseCandidateList",
    namespaced: true,
    short_names: &[],
    versions: &[
        Version {
            version: "v1beta1",
            codec: CODEC,
            convert: None,
            warning: Some("coordination.k8s.io/v1beta1 LeaseCandidate is deprecated in v1.36+, unavailable in v1.39+"),
            slot: 0,
        },
        Version {
            version: "v1alpha2",
            codec: CODEC,
            convert: None,
            warning: Some("coordination.k8s.io/v1alpha2 LeaseCandidate is deprecated in v1.35+, unavailable in v1.38+"),
            slot: 1,
        },
    ],
    subresources: &[],
    storage: "leasecandidates",
    stored: (
        Gvk {
            group: "coordination.k8s.io",
            version: "v1beta1",
            kind: "LeaseCandidate",
        },
        CODEC,
    ),
    storage_version_hash: "lvME0iHWE20=",
    create_on_update: true,
    unconditional_update: false,
    labels: METADATA_LABELS,
    view: View::of::<LeaseCandidate>(),
    feature: Some(Feature::CoordinatedLeaderElection),
    strategy: &LeaseCandidateStrategy,
};

struct LeaseCandidateStrategy;

impl Strategy for LeaseCandidateStrategy {
    fn validate_create(&self, new: &dyn Object, _version: &Version) -> Vec<FieldError> {
        validate_lease_candidate_create(typed(new))
    }

    fn validate_update(
        &self,
        new: &dyn Object,
        old: &dyn Object,
        _subresource: Option<Subresource>,
        _version: &Version,
    ) -> Vec<FieldError> {
        validate_lease_candidate_update(typed(new), typed(old))
    }
}
