//! One broken rule: which field, what it holds, and what would be right.

use std::fmt;

use crate::meta::StatusCause;
use crate::quote::Quoted;

/// A field path as errors print it, such as `metadata.labels` or `metadata.ownerReferences[0].uid`.
///
/// It knows its parent and is put together only when it is printed: nearly every object is valid, and then no path is.
#[derive(Clone, Copy, Debug)]
pub struct Path<'a> {
    parent: Option<&'a Path<'a>>,
    step: Step<'a>,
}

#[derive(Clone, Copy, Debug)]
enum Step<'a> {
    Field(&'a str),
    Index(usize),
    Key(&'a str),
}

impl<'a> Path<'a> {
    /// A path of one field.
    #[must_use]
    pub const fn new(field: &'a str) -> Self {
        Self {
            parent: None,
            step: Step::Field(field),
        }
    }

    /// A field of this one.
    #[must_use]
    pub const fn child(&'a self, field: &'a str) -> Self {
        self.step(Step::Field(field))
    }

    /// An item of this list.
    #[must_use]
    pub const fn index(&'a self, index: usize) -> Self {
        self.step(Step::Index(index))
    }

    /// An entry of this map.
    #[must_use]
    pub const fn key(&'a self, key: &'a str) -> Self {
        self.step(Step::Key(key))
    }

    const fn step(&'a self, step: Step<'a>) -> Self {
        Self {
            parent: Some(self),
            step,
        }
    }

    /// Whether nothing would be printed: the path of the object itself.
    fn is_empty(&self) -> bool {
        self.parent.is_none() && matches!(self.step, Step::Field(""))
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parent = self.parent.filter(|parent| !parent.is_empty());
        if let Some(parent) = parent {
            parent.fmt(f)?;
        }
        match self.step {
            Step::Field(name) if parent.is_some() => write!(f, ".{name}"),
            Step::Field(name) => f.write_str(name),
            Step::Index(index) => write!(f, "[{index}]"),
            Step::Key(key) => write!(f, "[{key}]"),
        }
    }
}

/// One broken rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    path: String,
    reason: &'static str,
    message: String,
}

impl FieldError {
    fn new(path: &Path<'_>, reason: &'static str, message: String) -> Self {
        Self {
            path: path.to_string(),
            reason,
            message,
        }
    }

    /// The value breaks the rule that `detail` states. `value` is shown as Go shows it: texts in quotes.
    #[must_use]
    pub fn invalid(path: &Path<'_>, value: impl AsRef<str>, detail: &str) -> Self {
        Self::invalid_bare(path, Quoted(value.as_ref()), detail)
    }

    /// As [`FieldError::invalid`] for a value that is shown without quotes.
    #[must_use]
    pub fn invalid_bare(path: &Path<'_>, value: impl fmt::Display, detail: &str) -> Self {
        Self::new(path, "FieldValueInvalid", format!("Invalid value: {value}: {detail}"))
    }

    /// A value is missing; `detail` may be empty.
    #[must_use]
    pub fn required(path: &Path<'_>, detail: &str) -> Self {
        let message = if detail.is_empty() {
            "Required value".to_owned()
        } else {
            format!("Required value: {detail}")
        };
        Self::new(path, "FieldValueRequired", message)
    }

    /// The field may not be set here.
    #[must_use]
    pub fn forbidden(path: &Path<'_>, detail: &str) -> Self {
        Self::new(path, "FieldValueForbidden", format!("Forbidden: {detail}"))
    }

    /// The value occurs twice in a list.
    #[must_use]
    pub fn duplicate(path: &Path<'_>, value: impl AsRef<str>) -> Self {
        Self::duplicate_bare(path, Quoted(value.as_ref()), "")
    }

    /// As [`FieldError::duplicate`] for a value that is shown without quotes; `detail` may be empty.
    #[must_use]
    pub fn duplicate_bare(path: &Path<'_>, value: impl fmt::Display, detail: &str) -> Self {
        let colon = if detail.is_empty() { "" } else { ": " };
        Self::new(
            path,
            "FieldValueDuplicate",
            format!("Duplicate value: {value}{colon}{detail}"),
        )
    }

    /// The value is none of those known. `value` is shown as Go shows it.
    #[must_use]
    pub fn not_supported(path: &Path<'_>, value: impl fmt::Debug, supported: &[&str]) -> Self {
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
    pub fn too_long(path: &Path<'_>, max: usize) -> Self {
        Self::new(
            path,
            "FieldValueTooLong",
            format!("Too long: may not be more than {max} bytes"),
        )
    }

    /// The list has more than `max` items.
    #[must_use]
    pub fn too_many(path: &Path<'_>, actual: usize, max: usize) -> Self {
        Self::new(
            path,
            "FieldValueTooMany",
            format!("Too many: {actual}: must have at most {max} items"),
        )
    }

    /// The field's value is of the wrong type.
    #[must_use]
    pub fn type_invalid(path: &Path<'_>, value: impl fmt::Debug, detail: &str) -> Self {
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
            field: self.path.clone(),
        }
    }
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.message)
    }
}
