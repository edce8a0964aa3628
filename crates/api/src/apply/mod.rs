//! Server-side apply, and who owns which field: `metadata.managedFields`.
//!
//! Every write is attributed to a manager. An apply declares fields: what its manager declared before and leaves out now
//! is removed, unless somebody else owns it; a field that another manager set to another value is a conflict. Any other
//! write takes over the fields that it changes. The rules are those of `sigs.k8s.io/structured-merge-diff` (its `merge`
//! and `typed` packages) and of `k8s.io/apimachinery/pkg/util/managedfields` around it.
//!
//! ```text
//! path, field_set, fields_v1   sets of fields and their text
//! types, check                 what the schema says of a value
//! compare, merge, members      two states of an object: what differs, both merged, fields taken out
//! owners                       the entries of managedFields
//! update, server_side          the two kinds of write
//! conflict, last_applied       refusals; taking over from `kubectl apply` on the client's side
//! ```
//!
//! Pure: the caller brings the time. Nothing here converts between versions: those of one kind differ in name only (see
//! [`Reading`]).
//! All recursion follows the schema, or values and sets that came through the JSON reader, which stops at 128 levels.

mod check;
mod compare;
mod conflict;
mod field_set;
mod fields_v1;
mod last_applied;
mod members;
mod merge;
mod owners;
mod path;
mod server_side;
mod types;
mod update;
mod values;

#[cfg(test)]
pub(crate) mod tests;

pub use compare::Change;
pub use field_set::FieldSet;
pub use path::{PathElement, PathElementError};
pub use server_side::{Applied, apply};
pub use update::{keep_times, track_change, track_update};

use crate::{Time, TypeCodec};

/// A write, as far as managed fields depend on it.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// The type of the object, in the version of the request.
    pub codec: &'a TypeCodec,
    /// Who writes; empty means `unknown`.
    pub manager: &'a str,
    /// The request's group and version, such as `coordination.k8s.io/v1`.
    pub api_version: &'a str,
    /// The subresource written through, such as `status`, or empty.
    pub subresource: &'a str,
    /// Fields that such a request never changes, such as `status` of a write to the object itself, with all below them.
    pub ignored: &'a FieldSet<'a>,
    /// How entries recorded for another group and version read.
    pub versions: &'a dyn Fn(&str) -> Reading,
    /// Now, with whole seconds.
    pub now: Time,
}

/// What an entry of `managedFields` means to a request in another version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// The fields have the same names and meaning.
    SameFields,
    /// No such version of this kind is served: the entry is dropped, as Kubernetes does.
    Unknown,
}

impl Request<'_> {
    fn reading(&self, api_version: &str) -> Reading {
        if api_version == self.api_version {
            Reading::SameFields
        } else {
            (self.versions)(api_version)
        }
    }

    fn manager(&self) -> &str {
        if self.manager.is_empty() {
            "unknown"
        } else {
            self.manager
        }
    }

    /// The object of this type with nothing set, which is what a create changes.
    fn empty_object(&self) -> serde_json::Value {
        (self.codec.from_value)(serde_json::Value::Object(serde_json::Map::new()))
            .expect("every field of an API type may be absent")
            .to_value()
    }
}

impl std::fmt::Debug for Request<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} of {:?} by {:?} through {:?}",
            self.codec.schema.name, self.api_version, self.manager, self.subresource
        )
    }
}

/// Fields that nobody owns: the server's own, and those that name the object. Exactly these paths, not those below.
fn never_owned() -> &'static FieldSet<'static> {
    static FIELDS: std::sync::LazyLock<FieldSet<'static>> = std::sync::LazyLock::new(|| {
        FieldSet::of_fields(&[
            &["apiVersion"],
            &["kind"],
            &["metadata"],
            &["metadata", "name"],
            &["metadata", "namespace"],
            &["metadata", "creationTimestamp"],
            &["metadata", "selfLink"],
            &["metadata", "uid"],
            &["metadata", "clusterName"],
            &["metadata", "generation"],
            &["metadata", "managedFields"],
            &["metadata", "resourceVersion"],
        ])
    });
    &FIELDS
}
