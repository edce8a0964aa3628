//! JSON, the form that people read and most clients write.

mod type_meta;

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::stored::Stored;
use super::{Decoded, Target, strict};
use crate::meta::ListMeta;
use crate::schema::Schema;
use crate::{ApiError, Encode, Gvk};

pub(crate) use type_meta::{Text, TypeMeta, WithTypeMeta};

pub(super) fn decode(target: &Target, body: &[u8]) -> Result<Decoded, ApiError> {
    if let Some(decoded) = decode_clean(target, body)? {
        return Ok(decoded);
    }
    // Something is wrong or to be told: read it again, thoroughly.
    let value = parse(body).map_err(|e| target.unrecognized(e))?;
    match value {
        Shape::Null => target.build(Value::Object(serde_json::Map::new()), Vec::new()),
        Shape::Object => {
            let mut reader = serde_json::Deserializer::from_slice(body);
            let (value, problems) = strict::read(target.codec.schema, &mut reader).map_err(|e| target.refuse(e))?;
            target.build(value, problems)
        }
        Shape::Other(found) => Err(target.unrecognized(format_args!(
            "couldn't get version/kind: a JSON {found} is not an object"
        ))),
    }
}

/// The common case in one go: nothing unknown, nothing twice. `None` when it takes a closer look.
fn decode_clean(target: &Target, body: &[u8]) -> Result<Option<Decoded>, ApiError> {
    let Ok(text) = std::str::from_utf8(body) else {
        return Ok(None);
    };
    let mut type_meta = TypeMeta::default();
    let Ok(object) = (target.codec.from_json)(text, &mut type_meta) else {
        return Ok(None);
    };
    target.check(&type_meta.api_version, &type_meta.kind)?;
    Ok(Some(Decoded {
        object,
        problems: Vec::new(),
    }))
}

/// Reads any JSON object along a schema, and tells the unknown and duplicate fields.
///
/// # Errors
/// One line saying what is wrong and where.
pub fn read(schema: &'static Schema, body: &[u8]) -> Result<(Value, Vec<String>), String> {
    check(body)?;
    strict::read(schema, &mut serde_json::Deserializer::from_slice(body))
}

/// What kind of JSON value a text is.
enum Shape {
    Null,
    Object,
    Other(&'static str),
}

/// Checks that `body` is one JSON value, nested no deeper than 127 levels anywhere.
///
/// # Errors
/// One line saying what is wrong and where.
pub fn check(body: &[u8]) -> Result<(), String> {
    match serde_json::from_slice(body) {
        Ok(Nested) => Ok(()),
        Err(error) => Err(format!("couldn't get version/kind; json parse error: {error}")),
    }
}

/// Checks that `body` is one JSON value and says which kind.
fn parse(body: &[u8]) -> Result<Shape, String> {
    check(body)?;
    Ok(match body.iter().find(|byte| !byte.is_ascii_whitespace()) {
        Some(b'{') => Shape::Object,
        Some(b'n') => Shape::Null,
        Some(b'[') => Shape::Other("array"),
        Some(b'"') => Shape::Other("string"),
        Some(b't' | b'f') => Shape::Other("boolean"),
        _ => Shape::Other("number"),
    })
}

/// Any JSON value, passed over level by level, so that serde_json's limit of 128 levels holds for what is in unknown
/// fields as well. Its `IgnoredAny` goes down without a limit.
struct Nested;

impl<'de> Deserialize<'de> for Nested {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Self)
    }
}

impl<'de> Visitor<'de> for Nested {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self, A::Error> {
        while items.next_element::<Self>()?.is_some() {}
        Ok(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self, A::Error> {
        while entries.next_entry::<IgnoredAny, Self>()?.is_some() {}
        Ok(self)
    }
}

/// Appends a whole object: `kind` and `apiVersion`, then its fields.
pub fn write_object(gvk: Gvk, object: &dyn Encode, out: &mut Vec<u8>) {
    write_type_meta(gvk, out);
    let brace = out.len();
    object.write_json(out);
    join_type_meta(brace, out);
}

/// As [`write_object`] for an object as it is stored.
///
/// # Errors
/// As [`Stored::write_json`].
pub fn write_stored(gvk: Gvk, stored: &Stored<'_>, out: &mut Vec<u8>) -> Result<(), ApiError> {
    write_type_meta(gvk, out);
    let brace = out.len();
    stored.write_json(out)?;
    join_type_meta(brace, out);
    Ok(())
}

/// Makes one object of the type and the object after it, which starts at `brace`.
fn join_type_meta(brace: usize, out: &mut Vec<u8>) {
    if out[brace..] == *b"{}" {
        out.truncate(brace);
        out.push(b'}');
    } else {
        // The object's own opening brace becomes the comma after the type.
        out[brace] = b',';
    }
}

fn write_type_meta(gvk: Gvk, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"kind\":\"");
    out.extend_from_slice(gvk.kind.as_bytes());
    out.extend_from_slice(b"\",\"apiVersion\":\"");
    if !gvk.group.is_empty() {
        out.extend_from_slice(gvk.group.as_bytes());
        out.push(b'/');
    }
    out.extend_from_slice(gvk.version.as_bytes());
    out.push(b'"');
}

/// Writes a list, item by item.
#[derive(Debug)]
pub struct ListWriter {
    out: Vec<u8>,
    empty: bool,
}

impl ListWriter {
    /// Starts a list of `gvk`, the list's own kind.
    #[must_use]
    pub fn new(gvk: Gvk, metadata: &ListMeta) -> Self {
        let mut out = Vec::new();
        write_type_meta(gvk, &mut out);
        out.extend_from_slice(b",\"metadata\":");
        metadata.write_json(&mut out);
        out.extend_from_slice(b",\"items\":[");
        Self { out, empty: true }
    }

    /// Appends an item.
    pub fn item(&mut self, item: &dyn Encode) {
        self.separate();
        item.write_json(&mut self.out);
    }

    /// Appends an item as it is stored.
    ///
    /// # Errors
    /// As [`Stored::write_json`].
    pub fn stored(&mut self, item: &Stored<'_>) -> Result<(), ApiError> {
        self.separate();
        item.write_json(&mut self.out)
    }

    fn separate(&mut self) {
        if !std::mem::replace(&mut self.empty, false) {
            self.out.push(b',');
        }
    }

    /// What was written and not yet taken. What is written from here on goes to `next`, after what that holds.
    pub fn take(&mut self, next: Vec<u8>) -> Vec<u8> {
        std::mem::replace(&mut self.out, next)
    }

    /// How many bytes there are to take.
    #[must_use]
    pub fn len(&self) -> usize {
        self.out.len()
    }

    /// Whether there is nothing to take.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.out.is_empty()
    }

    /// Ends the list: all of it, or what was not yet taken.
    #[must_use]
    pub fn finish(mut self) -> Vec<u8> {
        self.out.extend_from_slice(b"]}");
        self.out
    }
}

/// Appends one line of a watch: an event of type `event` (such as `ADDED`) about the JSON object `object`.
pub fn write_watch_event(event: &str, object: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"type\":\"");
    out.extend_from_slice(event.as_bytes());
    out.extend_from_slice(b"\",\"object\":");
    out.extend_from_slice(object);
    out.extend_from_slice(b"}\n");
}
