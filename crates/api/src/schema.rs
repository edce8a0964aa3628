//! What the fields of a type are, as data.
//!
//! The type definitions ([`crate::Kind`]s and their parts) each carry one [`Schema`]. Strict decoding, strategic merge,
//! apply, managed fields and OpenAPI all read it, so that no second list of fields exists.

/// A type with named fields.
#[derive(Debug)]
pub struct Schema {
    /// The OpenAPI name, such as `io.k8s.api.coordination.v1.LeaseSpec`.
    pub name: &'static str,
    /// The docstring, a line each.
    pub doc: &'static [&'static str],
    /// Its fields in wire order, without `apiVersion` and `kind`.
    pub fields: &'static [Field],
    /// Whether it is a whole object, which carries `apiVersion` and `kind` beside these fields.
    pub top_level: bool,
}

impl Schema {
    /// The field of this JSON name.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.name == name)
    }
}

/// One field of a [`Schema`].
#[derive(Debug)]
pub struct Field {
    /// The JSON name.
    pub name: &'static str,
    /// The docstring, a line each.
    pub doc: &'static [&'static str],
    /// What it holds.
    pub shape: Shape,
    /// How apply treats it.
    pub merge: Merge,
    /// How a strategic merge patch treats it, where it is a list.
    pub patch: Patch,
    /// Whether OpenAPI lists it as required: it is written even when empty and has no default.
    pub required: bool,
    /// Its number in protobuf.
    pub number: u32,
    /// Whether being absent differs from being empty.
    pub optional: bool,
    /// How it starts in JSON: `"name":`
    pub key: &'static str,
    /// Whether it is written in JSON even when empty.
    pub always: bool,
}

impl Field {
    /// A field with the usual treatment: see [`Merge::Usual`] and [`Patch::Replace`].
    #[must_use]
    pub const fn new(name: &'static str, doc: &'static [&'static str], shape: Shape, required: bool) -> Self {
        Self {
            name,
            doc,
            shape,
            merge: Merge::Usual,
            patch: Patch::Replace,
            required,
            number: 0,
            optional: false,
            key: "",
            always: false,
        }
    }

    /// The same field with its wire forms: prost's attribute, such as `string, optional, tag = "1"`, the JSON key, and
    /// whether the field is always written.
    ///
    /// # Panics
    /// When the attribute has no `tag = "…"` last. It is called while the program is compiled.
    #[must_use]
    pub const fn on_the_wire(mut self, attribute: &str, key: &'static str, always: bool) -> Self {
        self.number = tag(attribute.as_bytes());
        self.optional = contains(attribute.as_bytes(), b"optional");
        self.key = key;
        self.always = always;
        self
    }
}

/// The number between the last two quotes.
const fn tag(attribute: &[u8]) -> u32 {
    let mut at = attribute.len();
    assert!(at > 0 && attribute[at - 1] == b'"', "the tag comes last");
    at -= 1;
    let (mut number, mut place) = (0, 1);
    while attribute[at - 1].is_ascii_digit() {
        at -= 1;
        number += (attribute[at] - b'0') as u32 * place;
        place *= 10;
    }
    assert!(number > 0, "a tag is a number above 0");
    number
}

const fn contains(text: &[u8], word: &[u8]) -> bool {
    let mut at = 0;
    while at + word.len() <= text.len() {
        let mut same = 0;
        while same < word.len() && text[at + same] == word[same] {
            same += 1;
        }
        if same == word.len() {
            return true;
        }
        at += 1;
    }
    false
}

/// What a value may be.
#[derive(Clone, Copy, Debug)]
pub enum Shape {
    /// A text.
    String,
    /// True or false.
    Boolean,
    /// A 32-bit integer.
    Int32,
    /// A 64-bit integer.
    Int64,
    /// Bytes, base64 in JSON.
    Bytes,
    /// [`crate::Time`].
    Time,
    /// [`crate::MicroTime`].
    MicroTime,
    /// A number with a unit, such as `100m` or `16Gi`: a text, or a number in JSON input.
    Quantity,
    /// A number or a text.
    IntOrString,
    /// Any JSON object, kept as it is.
    RawObject,
    /// A nested type.
    Object(&'static Schema),
    /// A list of these.
    List(&'static Shape),
    /// A map from texts to these.
    Map(&'static Shape),
}

/// How apply merges a field: Kubernetes' `x-kubernetes-list-type`, `-map-type` and `-list-map-keys`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Merge {
    /// Objects and maps field by field, lists as one value.
    Usual,
    /// As one value, whatever it is.
    Atomic,
    /// A list of scalars, each owned by itself.
    Set,
    /// A list of objects, each identified by these fields.
    Keyed(&'static [&'static str]),
}

/// How a strategic merge patch treats a list: Kubernetes' `patchStrategy` and `patchMergeKey`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patch {
    /// The patch's list replaces the old one.
    Replace,
    /// Scalars are added to the old list.
    Merge,
    /// Objects are merged with the one of the same key.
    MergeKey(&'static str),
}

/// A type that knows its [`Shape`].
pub trait Shaped {
    /// What it is on the wire.
    const SHAPE: Shape;
}

macro_rules! shaped {
    ($($ty:ty => $shape:expr),* $(,)?) => { $(impl Shaped for $ty { const SHAPE: Shape = $shape; })* };
}

shaped! {
    String => Shape::String,
    bool => Shape::Boolean,
    i32 => Shape::Int32,
    i64 => Shape::Int64,
    crate::Time => Shape::Time,
    crate::MicroTime => Shape::MicroTime,
    crate::Quantity => Shape::Quantity,
    crate::meta::FieldsV1 => Shape::RawObject,
}

impl<T: Shaped> Shaped for Option<T> {
    const SHAPE: Shape = T::SHAPE;
}

impl<T: Shaped> Shaped for Vec<T> {
    const SHAPE: Shape = Shape::List(&T::SHAPE);
}

impl<T: Shaped> Shaped for std::collections::BTreeMap<String, T> {
    const SHAPE: Shape = Shape::Map(&T::SHAPE);
}
