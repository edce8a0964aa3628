//! How apply sees each place of an object: as one value, or as something with parts that are owned one by one.

use serde_json::Value;

use super::path::PathElement;
use crate::schema::{Field, Merge, Schema, Shape};

/// A place in an object: what it holds and how it is merged.
#[derive(Clone, Copy, Debug)]
pub(super) struct Type {
    pub(super) shape: Shape,
    merge: Merge,
}

/// What a [`Type`] means for ownership.
#[derive(Clone, Copy, Debug)]
pub(super) enum Form {
    /// One value, owned as a whole.
    Leaf,
    /// Named fields, each owned by itself.
    Struct(&'static Schema),
    /// Entries of any name, each owned by itself.
    Map(Type),
    /// A list of scalars, each owned by itself.
    Set,
    /// A list of objects, each identified by these fields.
    Keyed(&'static [&'static str], Type),
}

/// Types that Kubernetes marks `x-kubernetes-map-type: atomic` wherever they stand.
const ATOMIC: &[&str] = &[
    "io.k8s.apimachinery.pkg.apis.meta.v1.OwnerReference",
    "io.k8s.api.core.v1.ObjectReference",
];

impl Type {
    /// An object of this schema.
    pub(super) const fn object(schema: &'static Schema) -> Self {
        Self::usual(Shape::Object(schema))
    }

    pub(super) const fn usual(shape: Shape) -> Self {
        Self {
            shape,
            merge: Merge::Usual,
        }
    }

    pub(super) fn form(self) -> Form {
        match (self.merge, self.shape) {
            (Merge::Usual, Shape::Object(schema)) if !ATOMIC.contains(&schema.name) => Form::Struct(schema),
            (Merge::Usual, Shape::Map(item)) => Form::Map(Self::usual(*item)),
            (Merge::Set, Shape::List(_)) => Form::Set,
            (Merge::Keyed(keys), Shape::List(item)) => Form::Keyed(keys, Self::usual(*item)),
            _ => Form::Leaf,
        }
    }
}

impl From<&Field> for Type {
    fn from(field: &Field) -> Self {
        Self {
            shape: field.shape,
            merge: field.merge,
        }
    }
}

impl Form {
    /// The type of a field or map entry. What the schema does not name, such as `apiVersion` of a whole object, is one
    /// value.
    pub(super) fn entry(self, name: &str) -> Type {
        const UNKNOWN: Type = Type {
            shape: Shape::RawObject,
            merge: Merge::Atomic,
        };
        match self {
            Self::Struct(schema) => schema.field(name).map_or(UNKNOWN, Type::from),
            Self::Map(item) => item,
            Self::Leaf | Self::Set | Self::Keyed(..) => UNKNOWN,
        }
    }

    /// The type of a list item.
    pub(super) fn item(self) -> Type {
        match self {
            Self::Keyed(_, item) => item,
            _ => Type::usual(Shape::String),
        }
    }

    /// The type one step down, if the schema knows it.
    pub(super) fn step(self, element: &PathElement<'_>) -> Option<Type> {
        match (self, element) {
            (Self::Struct(schema), PathElement::Field(name)) => schema.field(name).map(Type::from),
            (Self::Map(item), PathElement::Field(_)) | (Self::Keyed(_, item), _) => Some(item),
            _ => None,
        }
    }

    /// What identifies an item of a set or keyed list.
    ///
    /// # Errors
    /// In Kubernetes' words, when nothing does.
    pub(super) fn identify(self, item: &Value) -> Result<PathElement<'_>, String> {
        match self {
            Self::Keyed(keys, _) => key_of(keys, item),
            _ => member_of_set(item),
        }
    }

    /// As [`Form::identify`]; an item that nothing identifies is the one at its place.
    pub(super) fn identify_or_place(self, place: usize, item: &Value) -> PathElement<'_> {
        self.identify(item)
            .unwrap_or(PathElement::Index(i64::try_from(place).unwrap_or(i64::MAX)))
    }
}

fn key_of<'a>(keys: &'static [&'static str], item: &'a Value) -> Result<PathElement<'a>, String> {
    let map = match item {
        Value::Object(map) => map,
        Value::Null => return Err("associative list with keys may not have a null element".into()),
        _ => return Err("associative list with keys may not have non-map elements".into()),
    };
    let mut found: Vec<_> = keys
        .iter()
        .filter_map(|&key| map.get(key).map(|value| (key.into(), value.clone())))
        .collect();
    if found.is_empty() {
        return Err(format!(
            "associative list with keys has an element that omits all key fields {keys:?} (and doesn't have default values for any key fields)"
        ));
    }
    found.sort_by(|a: &(std::borrow::Cow<'_, str>, _), b| a.0.cmp(&b.0));
    Ok(PathElement::Key(found))
}

fn member_of_set(item: &Value) -> Result<PathElement<'_>, String> {
    match item {
        Value::Object(_) => Err("associative list without keys has an element that's a map type".into()),
        Value::Array(_) => Err("not supported: associative list with lists as elements".into()),
        Value::Null => Err("associative list without keys has an element that's an explicit null".into()),
        scalar => Ok(PathElement::Value(scalar.clone())),
    }
}
