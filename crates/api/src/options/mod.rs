//! Request options: what a client says in the query string, and for deletes in the body, as typed and checked values.
//!
//! Each options type is read from a [`Query`] once, before the request does anything; what comes out needs no further
//! checking. Unknown parameters are ignored, of repeated ones the first counts (but for `dryRun`), and a parameter with
//! a bad value is told apart from one with a forbidden value as Kubernetes does it: 400 where the text cannot be read,
//! 422 with every broken rule where it can. The rules and texts follow apimachinery's `meta/v1/validation` and
//! `meta/internalversion/validation`.

mod delete;
mod list;
mod manager;
mod output;
mod query;
mod resource_version;
mod write;

pub use delete::{DeleteOptions, PropagationPolicy};
pub use list::{ListOptions, ResourceVersionMatch, TIMEOUT_MAX};
pub use manager::{MANAGER_MAX, manager_name};
pub use output::{IncludeObject, pretty};
pub use query::Query;
pub use resource_version::{GetOptions, ResourceVersion};
pub use write::{FieldValidation, PatchOptions, WriteOptions};

use crate::ApiError;
use crate::validation::FieldError;

/// 422 for options of this kind if any rule is broken.
fn refuse(kind: &str, errors: &[FieldError]) -> Result<(), ApiError> {
    if errors.is_empty() {
        return Ok(());
    }
    Err(ApiError::invalid("meta.k8s.io", kind, "", errors))
}
