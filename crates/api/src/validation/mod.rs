//! The rules that objects must keep. Pure, and every broken rule is told with its field path, not only the first.
//!
//! The rules, their order and their texts are Kubernetes' own, because programs and people match on them. Where
//! Kubernetes goes through a map in no particular order, we go by key.

mod event;
mod field_error;
mod lease;
mod lease_candidate;
mod meta;
mod names;
mod namespace;
mod node;

pub use event::{validate_event_create, validate_event_update, validate_events_v1_create, validate_events_v1_update};
pub use field_error::{FieldError, Path};
pub use lease::{validate_lease_create, validate_lease_update};
pub use lease_candidate::{validate_lease_candidate_create, validate_lease_candidate_update};
pub use meta::{
    validate_core_object_meta, validate_core_object_meta_update, validate_field_manager, validate_object_meta,
    validate_object_meta_update,
};
pub use names::{
    NameRule, config_map_key, dns1123_label, dns1123_subdomain, label_value, lease_candidate_name, name_is_dns_label,
    name_is_dns_subdomain, name_is_path_segment, qualified_name,
};
pub use namespace::{
    validate_namespace_create, validate_namespace_finalize_update, validate_namespace_status_update,
    validate_namespace_update,
};
pub use node::{validate_node_create, validate_node_status_update, validate_node_update};

/// Appends one [`FieldError::invalid`] for each message about a value.
fn push_invalid(errors: &mut Vec<FieldError>, path: &Path<'_>, value: &str, messages: Vec<String>) {
    let invalid = |message: String| FieldError::invalid(path, value, &message);
    errors.extend(messages.into_iter().map(invalid));
}

/// A value as errors show what is neither a text nor a number.
/// A struct as Go prints one whose fields have no JSON names: all of them, by their Go names.
fn in_go(fields: &[(&str, String)]) -> String {
    let fields: Vec<_> = fields
        .iter()
        .map(|(name, value)| format!("\"{name}\":{value}"))
        .collect();
    format!("{{{}}}", fields.join(","))
}

fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

#[cfg(test)]
fn texts(errors: &[FieldError]) -> Vec<String> {
    errors.iter().map(ToString::to_string).collect()
}
