//! Who set which fields: `metadata.managedFields` over creates, updates and applies.

use leasehold_api::apply::{self, Manager};
use leasehold_api::meta::ManagedFieldsEntry;
use leasehold_api::{ApiError, Object, Time};
use serde_json::Value;

use crate::place::{Place, WriteOptions};

/// Works out the managed fields of an object that is created or replaced, from what its writer changed.
pub(crate) fn track(place: &Place, live: Option<&dyn Object>, new: &mut dyn Object, manager: &str, now: Time) {
    let sent = std::mem::take(&mut new.metadata_mut().managed_fields);
    let _ = (place, live, manager, now, sent);
}

/// Merges an applied object into what is there.
pub(crate) fn apply(
    place: &Place,
    live: Option<&dyn Object>,
    wanted: &Value,
    options: &WriteOptions,
    now: Time,
) -> Result<(Value, Vec<ManagedFieldsEntry>), ApiError> {
    let _ = (place, live, wanted, options, now);
    Err(ApiError::internal("apply"))
}
