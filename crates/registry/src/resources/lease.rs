//! `leases.coordination.k8s.io`

use std::borrow::Cow;

use leasehold_api::coordination::Lease;
use leasehold_api::meta::TableColumnDefinition;
use leasehold_api::validation::{FieldError, validate_lease_create, validate_lease_update};
use leasehold_api::{Gvk, Object, Time, TypeCodec, printers};
use serde_json::Value;

use super::typed;
use crate::resource::{Resource, Strategy, Subresource, Version};

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
    versions: &[Version { version: "v1", codec: CODEC, convert: None, warning: None, slot: 0 }],
    subresources: &[],
    storage: "leases",
    stored: (Gvk { group: "coordination.k8s.io", version: "v1", kind: "Lease" }, CODEC),
    storage_version_hash: "gqkMMb/YqFM=",
    create_on_update: true,
    unconditional_update: false,
    strategy: &LeaseStrategy,
};

struct LeaseStrategy;

impl Strategy for LeaseStrategy {
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

    fn selectable<'a>(&self, _object: &'a dyn Object, _field: &str) -> Option<Cow<'a, str>> {
        None
    }

    fn columns(&self) -> &'static [TableColumnDefinition] {
        printers::lease::COLUMNS
    }

    fn cells(&self, object: &dyn Object, now: Time) -> Vec<Value> {
        printers::lease::cells(typed(object), now)
    }
}
