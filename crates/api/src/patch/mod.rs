//! The three kinds of patch that carry a change: JSON patch, JSON merge patch and strategic merge patch.
//!
//! A patch is applied to an object's JSON form; the caller decodes the outcome, which shows whether it still is an object
//! of its type. Server-side apply is something else: see [`crate::apply`].
//!
//! Bodies come through the JSON reader, which stops at 128 levels, and no patch makes a value deeper than that or grows
//! an object without bound; so recursion over patches and outcomes is bounded.

mod json;
mod lists;
mod problems;
mod strategic;

#[cfg(test)]
mod tests;

pub use json::json;
pub use problems::{json_problems, merge_problems};
pub use strategic::strategic;

use serde_json::{Map, Value};

use crate::ApiError;
use crate::meta::StatusDetails;

/// Applies a JSON merge patch (RFC 7386): objects are merged, `null` removes, anything else replaces.
///
/// # Errors
/// 400 when the body is not a JSON object.
pub fn merge(mut target: Value, body: &[u8]) -> Result<Value, ApiError> {
    let patch = Value::Object(object(decode(body)?)?);
    json_patch::merge(&mut target, &patch);
    Ok(target)
}

/// The patch as a JSON object.
fn object(patch: Value) -> Result<Map<String, Value>, ApiError> {
    match patch {
        Value::Object(fields) => Ok(fields),
        other => Err(undecodable(format!("expected an object, got {}", type_name(&other)))),
    }
}

fn decode(body: &[u8]) -> Result<Value, ApiError> {
    serde_json::from_slice(body).map_err(undecodable)
}

/// 400: the body is no patch.
fn undecodable(why: impl std::fmt::Display) -> ApiError {
    ApiError::bad_request(format!("error decoding patch: {why}"))
}

/// 422: the patch is well formed and cannot be applied to this object. As in Kubernetes, it is not said why.
fn inapplicable() -> ApiError {
    let message = "the server rejected our request due to an error in our request";
    ApiError::new(422, "Invalid", message).with_details(StatusDetails::default())
}

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}
