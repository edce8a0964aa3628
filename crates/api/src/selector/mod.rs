//! Label and field selectors, as clients write them in `labelSelector` and `fieldSelector`.
//!
//! A selector is parsed once per request and then asked about every object, so parsing does all the work there is
//! (numbers are read, values sorted, rules checked) and matching does none. The empty selector matches everything and
//! allocates nothing. Selectors know no object: labels come as a map, fields through a closure.

pub mod fields;
mod label_rules;
pub mod labels;

use crate::ApiError;

/// Why a selector's text is not understood. `Display` is what Kubernetes tells the client with status 400.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SelectorError(String);

impl From<SelectorError> for ApiError {
    fn from(error: SelectorError) -> Self {
        Self::bad_request(error.0)
    }
}
