//! `leases.coordination.k8s.io`

use leasehold_api::coordination::Lease;
use leasehold_api::fields::METADATA_LABELS;
use leasehold_api::validation::{FieldError, validate_lease_create, validate_lease_update};
use leasehold_api::{Gvk, Object, TypeCodec};

use super::{typed, typed_mut};
use crate::features::{Feature, Features};
use crate::resource::{Resource, Strategy, Subresource, Version, View};

const CODEC: TypeCodec = TypeCodec::of::<Lease>();

/// The row of leases.
pub static LEASES: Resource = Resource {
    group: "coordination.k8s.io",
    plural: "leases",
    singular: "lease",
    kind: "Lease",
    list_kind: "LeaseList",
    namespaced: true,
    short_names: &[],
    versions: &[Version {
        version: "v1",
        codec: CODEC,
        convert: None,
        warning: None,
        slot: 0,
    }],
    subresources: &[],
    storage: "leases",
    stored: (
        Gvk {
            group: "coordination.k8s.io",
            version: "v1",
            kind: "Lease",
        },
        CODEC,
    ),
    storage_version_hash: "gqkMMb/YqFM=",
    create_on_update: true,
    unconditional_update: false,
    labels: METADATA_LABELS,
    view: View::of::<Lease>(),
    feature: None,
    strategy: &LeaseStrategy,
};

struct LeaseStrategy;

/// What belongs to coordinated election is dropped where that is off, but for what an object has already.
fn drop_coordination(new: &mut Lease, old: Option<&Lease>, features: Features) {
    if features.enabled(Feature::CoordinatedLeaderElection) {
        return;
    }
    if old.is_none_or(|old| old.spec.strategy.is_none()) {
        new.spec.strategy = None;
    }
    if old.is_none_or(|old| old.spec.preferred_holder.is_none()) {
        new.spec.preferred_holder = None;
    }
}

impl Strategy for LeaseStrategy {
    fn prepare_create(&self, new: &mut dyn Object, features: Features) {
        drop_coordination(typed_mut(new), None, features);
    }

    fn prepare_update(
        &self,
        new: &mut dyn Object,
        old: &dyn Object,
        _subresource: Option<Subresource>,
        features: Features,
    ) {
        drop_coordination(typed_mut(new), Some(typed(old)), features);
    }

    fn validate_create(&self, new: &dyn Object, _version: &Version) -> Vec<FieldError> {
        validate_lease_create(typed(new))
    }

    fn validate_update(
        &self,
        new: &dyn Object,
        old: &dyn Object,
        _subresource: Option<Subresource>,
        _version: &Version,
    ) -> Vec<FieldError> {
        validate_lease_update(typed(new), typed(old))
    }
}
