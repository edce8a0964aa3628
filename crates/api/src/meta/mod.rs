//! `k8s.io/apimachinery/pkg/apis/meta/v1`: what all objects share.

pub(crate) mod fields;
mod list;
mod object_meta;
mod options;
mod partial;
mod status;
mod table;

pub use fields::FieldsV1;
pub use list::ListMeta;
pub use object_meta::{ManagedFieldsEntry, ObjectMeta, OwnerReference};
pub use options::{DeleteOptions, Preconditions};
pub use partial::PartialObjectMetadata;
pub use status::{Status, StatusCause, StatusDetails};
pub use table::{Table, TableColumnDefinition, TableRow, TableRowCondition};
