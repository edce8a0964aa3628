//! One broken rule: which field, what it holds, and what would be right.

use std::fmt;

use crate::meta::StatusCause;
use crate::quote::Quoted;

/// A field path as errors print it, such as `metadata.labels` or `metadata.ownerReferences[0].uid`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path(String);

impl Path {
    /// A path of one field.
    #[must_use]
    pub fn new(field: &str) -> Self {
        Self(field.to_owned())
    }

    /// A field of this one.
    #[must_use]
    pub fn child(&self, field: &str) -> Self {
        if self.0.is_empty() {
            Self::new(field)
        } else {
            Self(format!("{}.{field}", self.0))
        }
    }

    /// An item of this list.
    #[must_use]
    pub fn index(&self, index: usize) -> Self {
        Self(format!("{}[{index}]", self.0))
    }

    /// An entry of this map.
    #[must_use]
    pub fn key(&self, key: &str) -> Self {
        Self(format!("{}[{key}]", self.0))
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One broken rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    path: Path,
    reason: &'static str,
    message: String,
}

impl FieldError {
    fn new(path: &Path, reason: &'static str, message: String) -> Self {
        Self {
            path: path.clone(),
            reason,
            message,
        }
    }

    /// The value breaks the rule that `detail` states. `value` is shown as Go shows it: texts in quotes.
    #[must_use]
    pub fn invalid(path: &Path, value: impl AsRef<str>, detail: &str) -> Self {
        Self::invalid_bare(path, Quoted(value.as_ref()), detail)
    }

    /// As [`FieldError::invalid`] for a value that is shown without quotes.
    #[must_use]
    pub fn invalid_bare(path: &Path, value: impl fmt::Display, detail: &str) -> Self {
        Self::new(path, "FieldValueInvalid", format!("Invalid value: {value}: {detail}"))
    }

    /// A value is missing; `detail` may be empty.
    #[must_use]
    pub fn required(path: &Path, detail: &str) -> Self {
        let message = if detail.is_empty() {
            "Required value".to_owned()
        } else {
            format!("Required value: {detail}")
        };
        Self::new(path, "FieldValueRequired", message)
    }

    /// The field may not be set here.
    #[must_use]
    pub fn forbidden(path: &Path, detail: &str) -> Self {
        Self::new(path, "FieldValueForbidden", format!("Forbidden: {detail}"))
    }

    /// The value occurs twice in a list.
    #[must_use]
    pub fn duplicate(path: &Path, value: impl AsRef<str>) -> Self {
        Self::duplicate_bare(path, Quoted(value.as_ref()), "")
    }

    /// As [`FieldError::duplicate`] for a value that is shown without quotes; `detail` may be empty.
    #[must_use]
    pub fn duplicate_bare(path: &Path, value: impl fmt::Display, detail: &str) -> Self {
        let colon = if detail.is_empty() { "" } else { ": " };
        Self::new(
            path,
            "FieldValueDuplicate",
            format!("Duplicate value: {value}{colon}{detail}"),
        )
    }

    /// The value is none of those known. `value` is shown as Go shows it.
    #[must_use]
    pub fn not_supported(path: &Path, value: impl fmt::Debug, supported: &[&str]) -> Self {
        let supported = supported
            .iter()
            .map(|s| format!("{s:?}"))
            .collect::<Vec<_>>()
            .join(", ");
        let message = format!("Unsupported value: {value:?}: supported values: {supported}");
        Self::new(path, "FieldValueNotSupported", message)
    }

    /// The value is longer than `max` bytes.
    #[must_use]
    pub fn too_long(path: &Path, max: usize) -> Self {
        Self::new(
            path,
            "FieldValueTooLong",
            format!("Too long: may not be more than {max} bytes"),
        )
    }

    /// The list has more than `max` items.
    #[must_use]
    pub fn too_many(path: &Path, actual: usize, max: usize) -> Self {
        Self::new(
            path,
            "FieldValueTooMany",
            format!("Too many: {actual}: must have at most {max} items"),
        )
    }

    /// The field's value is of the wrong type.
    #[must_use]
    pub fn type_invalid(path: &Path, value: impl fmt::Debug, detail: &str) -> Self {
        Self::new(
            path,
            "FieldValueTypeInvalid",
            format!("Invalid value: {value:?}: {detail}"),
        )
    }

    /// This rule as a cause in a Status.
    #[must_use]
    pub fn cause(&self) -> StatusCause {
        StatusCause {
            reason: self.reason.to_owned(),
            message: self.message.clone(),
            field: self.path.to_string(),
        }
    }
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.message)
    }
}
