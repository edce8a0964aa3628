//! The rules that objects must keep. Pure, and every broken rule is told with its field path, not only the first.

mod field_error;

pub use field_error::{FieldError, Path};
