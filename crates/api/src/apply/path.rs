//! [`PathElement`]: one step of a path into an object, in the form and order that managed fields give it.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;

use serde_json::{Map, Value};

use super::values;

/// One step from a value into it.
#[derive(Clone, Debug)]
pub enum PathElement<'a> {
    /// A field of an object, or an entry of a map.
    Field(Cow<'a, str>),
    /// The item of a keyed list that has these values in its key fields; sorted by field name.
    Key(Vec<(Cow<'a, str>, Value)>),
    /// This very item of a set.
    Value(Value),
    /// The item at this place of a list.
    Index(i64),
}

/// Why a text is no path element.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathElementError {
    /// There is no colon after the first character.
    #[error("missing colon")]
    NoColon,
    /// The part after the colon is not what its kind asks for.
    #[error("not a valid path element")]
    Malformed,
    /// A kind of element that is not known here; readers pass over it, as it may come from a later version.
    #[error("unknown path element type")]
    Unknown,
}

impl<'a> PathElement<'a> {
    /// A field of this name.
    #[must_use]
    pub fn field(name: impl Into<Cow<'a, str>>) -> Self {
        Self::Field(name.into())
    }

    /// Reads the form used in `FieldsV1`: `f:name`, `k:{…}`, `v:…` or `i:7`.
    ///
    /// # Errors
    /// When the text has another form.
    pub fn parse(text: Cow<'a, str>) -> Result<Self, PathElementError> {
        let (kind, rest) = text.split_at_checked(2).ok_or(PathElementError::NoColon)?;
        match kind {
            "f:" => Ok(Self::Field(match text {
                Cow::Borrowed(text) => Cow::Borrowed(&text[2..]),
                Cow::Owned(text) => Cow::Owned(text[2..].to_owned()),
            })),
            "k:" => serde_json::from_str::<Map<String, Value>>(rest)
                .map(|map| Self::Key(map.into_iter().map(|(k, v)| (k.into(), v)).collect()))
                .map_err(|_| PathElementError::Malformed),
            "v:" => serde_json::from_str(rest)
                .map(Self::Value)
                .map_err(|_| PathElementError::Malformed),
            "i:" => rest.parse().map(Self::Index).map_err(|_| PathElementError::Malformed),
            _ if kind.ends_with(':') => Err(PathElementError::Unknown),
            _ => Err(PathElementError::NoColon),
        }
    }

    /// The form used in `FieldsV1`, the reverse of [`PathElement::parse`].
    #[must_use]
    pub fn to_text(&self) -> Cow<'_, str> {
        match self {
            Self::Field(name) => Cow::Owned(format!("f:{name}")),
            Self::Key(fields) => {
                let fields: Vec<String> = fields
                    .iter()
                    .map(|(name, value)| format!("{}:{}", Value::from(name.as_ref()), values::to_go_json(value)))
                    .collect();
                Cow::Owned(format!("k:{{{}}}", fields.join(",")))
            }
            Self::Value(value) => Cow::Owned(format!("v:{}", values::to_go_json(value))),
            Self::Index(index) => Cow::Owned(format!("i:{index}")),
        }
    }

    /// The same element, borrowing nothing.
    #[must_use]
    pub fn into_owned(self) -> PathElement<'static> {
        match self {
            Self::Field(name) => PathElement::Field(Cow::Owned(name.into_owned())),
            Self::Key(fields) => PathElement::Key(
                fields
                    .into_iter()
                    .map(|(name, value)| (Cow::Owned(name.into_owned()), value))
                    .collect(),
            ),
            Self::Value(value) => PathElement::Value(value),
            Self::Index(index) => PathElement::Index(index),
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Self::Field(_) => 0,
            Self::Key(_) => 1,
            Self::Value(_) => 2,
            Self::Index(_) => 3,
        }
    }
}

fn compare_keys(left: &[(Cow<'_, str>, Value)], right: &[(Cow<'_, str>, Value)]) -> Ordering {
    for (l, r) in left.iter().zip(right) {
        let order = l.0.cmp(&r.0).then_with(|| values::compare(&l.1, &r.1));
        if order.is_ne() {
            return order;
        }
    }
    left.len().cmp(&right.len())
}

impl Ord for PathElement<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Field(a), Self::Field(b)) => a.cmp(b),
            (Self::Key(a), Self::Key(b)) => compare_keys(a, b),
            (Self::Value(a), Self::Value(b)) => values::compare(a, b),
            (Self::Index(a), Self::Index(b)) => a.cmp(b),
            _ => self.rank().cmp(&other.rank()),
        }
    }
}

impl PartialOrd for PathElement<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for PathElement<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for PathElement<'_> {}

impl fmt::Display for PathElement<'_> {
    /// The form used in messages: `.name`, `[uid="u1"]`, `[="x.io/a"]` or `[7]`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(name) => write!(f, ".{name}"),
            Self::Key(fields) => {
                f.write_str("[")?;
                for (index, (name, value)) in fields.iter().enumerate() {
                    let comma = if index == 0 { "" } else { "," };
                    write!(f, "{comma}{name}={value}")?;
                }
                f.write_str("]")
            }
            Self::Value(value) => write!(f, "[={value}]"),
            Self::Index(index) => write!(f, "[{index}]"),
        }
    }
}
