//! What an apply is told when others own its fields.

use std::collections::BTreeMap;

use super::field_set::FieldSet;
use super::owners::{OwnerId, UPDATE};
use crate::ApiError;

/// The fields of each owner that an apply would change.
#[derive(Clone, Debug, Default)]
pub(super) struct Conflicts<'a>(BTreeMap<(OwnerId, String), FieldSet<'a>>);

impl<'a> Conflicts<'a> {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds fields of an owner, whose entry is of `api_version`.
    pub(super) fn add(&mut self, owner: &OwnerId, api_version: &str, fields: FieldSet<'a>) {
        if !fields.is_empty() {
            self.0.insert((owner.clone(), api_version.to_owned()), fields);
        }
    }

    /// The conflicts about other fields than these.
    pub(super) fn without(&self, allowed: &FieldSet<'_>) -> Self {
        let mut left = Self::default();
        for ((owner, api_version), fields) in &self.0 {
            left.add(owner, api_version, fields.difference(allowed));
        }
        left
    }

    /// 409, with every owner and every field.
    pub(super) fn into_error(self) -> ApiError {
        let mut causes = Vec::new();
        let mut lines = Vec::new();
        for ((owner, api_version), fields) in &self.0 {
            let name = describe(owner, api_version);
            lines.push(format!("conflicts with {name}:"));
            for path in fields.paths() {
                lines.push(format!("- {path}"));
                causes.push((format!("conflict with {name}"), path));
            }
        }
        let message = match causes.as_slice() {
            [(what, path)] => format!("Apply failed with 1 conflict: {what}: {path}"),
            many => format!("Apply failed with {} conflicts: {}", many.len(), lines.join("\n")),
        };
        let error = ApiError::new(409, "Conflict", message);
        causes.into_iter().fold(error, |error, (what, path)| {
            error.with_cause("FieldManagerConflict", what, path)
        })
    }
}

fn describe(owner: &OwnerId, api_version: &str) -> String {
    let mut text = format!("{:?}", owner.manager);
    if !owner.subresource.is_empty() {
        text.push_str(&format!(" with subresource {:?}", owner.subresource));
    }
    if owner.operation == UPDATE {
        text.push_str(&format!(" using {api_version}"));
    }
    text
}
