//! From protobuf to JSON along the schema.

use prost::Message;

use super::wire::{Fields, Malformed, Wire};
use super::{METADATA, RESOURCE_VERSION, Stored};
use crate::meta::fields;
use crate::schema::{Field, Schema, Shape};
use crate::{MicroTime, Quantity, Time};

type Written = Result<(), Malformed>;

/// The most fields that a type of ours has.
const FIELDS_MAX: usize = 32;

/// The fields of one message by their position in the schema.
type Slots<'a> = [Slot<'a>; FIELDS_MAX];

/// What a message has of one field.
#[derive(Clone, Copy)]
enum Slot<'a> {
    Absent,
    /// The last value, as protobuf has it.
    Value(Wire<'a>),
    /// The part of the message from the first item of a list or a map to the last.
    Items(&'a [u8]),
}

/// Which message of an object is written, as far as its version is concerned.
#[derive(Clone, Copy)]
enum Part {
    /// The object itself.
    Whole(u64),
    /// Its metadata, where the version belongs.
    Metadata(u64),
    Other,
}

impl Part {
    fn below(self, field: &Field) -> Self {
        match self {
            Self::Whole(version) if field.number == u32::from(METADATA) => Self::Metadata(version),
            _ => Self::Other,
        }
    }
}

pub(super) fn write(stored: &Stored<'_>, out: &mut Vec<u8>) -> Written {
    object(stored.schema, stored.message, Part::Whole(stored.version), out)
}

fn object(schema: &'static Schema, message: &[u8], part: Part, out: &mut Vec<u8>) -> Written {
    let slots = slots(schema, message)?;
    let start = out.len();
    out.push(b'{');
    for (field, slot) in schema.fields.iter().zip(&slots) {
        if out.len() > start + 1 {
            out.push(b',');
        }
        let before = out.len();
        out.extend_from_slice(field.key.as_bytes());
        let written = match part {
            Part::Metadata(version) if field.number == u32::from(RESOURCE_VERSION) => {
                number(version, out);
                version > 0
            }
            part => field_value(field, *slot, part, out)?,
        };
        if !written {
            out.truncate(before);
            if out.last() == Some(&b',') {
                out.pop();
            }
        }
    }
    out.push(b'}');
    Ok(())
}

fn slots<'a>(schema: &'static Schema, message: &'a [u8]) -> Result<Slots<'a>, Malformed> {
    let mut slots = [Slot::Absent; FIELDS_MAX];
    let mut starts = [0; FIELDS_MAX];
    let mut last = 0;
    let mut fields = Fields::of(message);
    while let Some(field) = fields.next()? {
        // Unknown fields are those of a newer version: they are not shown.
        let Some(at) = position(schema, field.number, last) else {
            continue;
        };
        last = at;
        let slot = slots.get_mut(at).ok_or(Malformed)?;
        *slot = match (*slot, schema.fields[at].shape) {
            (Slot::Absent, Shape::List(_) | Shape::Map(_)) => {
                starts[at] = field.start;
                Slot::Items(&message[field.start..field.end])
            }
            (_, Shape::List(_) | Shape::Map(_)) => Slot::Items(&message[starts[at]..field.end]),
            // Protobuf would merge the two; nobody writes that.
            (Slot::Value(_), Shape::Object(_)) => return Err(Malformed),
            _ => Slot::Value(field.value),
        };
    }
    Ok(slots)
}

/// Where the field of this number is. Fields mostly come in the schema's order, so that the search goes on from the last.
fn position(schema: &'static Schema, number: u32, last: usize) -> Option<usize> {
    let is_it = |field: &Field| field.number == number;
    let (before, after) = schema.fields.split_at(last);
    match after.iter().position(is_it) {
        Some(at) => Some(last + at),
        None => before.iter().position(is_it),
    }
}

/// Writes a field's value, or says that the field is left out.
fn field_value(field: &'static Field, slot: Slot<'_>, part: Part, out: &mut Vec<u8>) -> Result<bool, Malformed> {
    let value = match (slot, field.shape) {
        (Slot::Items(items), Shape::List(item)) => return list(field, *item, items, out).map(|()| true),
        (Slot::Items(items), Shape::Map(item)) => return map(field, *item, items, out).map(|()| true),
        (Slot::Items(_), _) => return Err(Malformed),
        (Slot::Absent, Shape::List(_) | Shape::Map(_)) => return Ok(false),
        (Slot::Absent, _) if field.optional => {
            if field.always {
                out.extend_from_slice(b"null");
            }
            return Ok(field.always);
        }
        (Slot::Absent, shape) => empty(shape),
        (Slot::Value(value), _) => value,
    };
    let may_be_left_out = !field.optional && !field.always;
    match (field.shape, value) {
        (Shape::Object(schema), Wire::Bytes(bytes)) => object(schema, bytes, part.below(field), out)?,
        (shape, value) if may_be_left_out && is_empty(shape, value)? => return Ok(false),
        (shape, value) => scalar(shape, value, out)?,
    }
    Ok(true)
}

/// What stands for a value that is not there.
fn empty(shape: Shape) -> Wire<'static> {
    match shape {
        Shape::Boolean | Shape::Int32 | Shape::Int64 => Wire::Varint(0),
        _ => Wire::Bytes(&[]),
    }
}

/// Whether Go's `omitempty` leaves it out.
fn is_empty(shape: Shape, value: Wire<'_>) -> Result<bool, Malformed> {
    Ok(match (shape, value) {
        (Shape::Time, Wire::Bytes(bytes)) => read::<Time>(bytes)?.is_zero(),
        (Shape::MicroTime, Wire::Bytes(bytes)) => read::<MicroTime>(bytes)?.is_zero(),
        (Shape::String, Wire::Bytes(bytes)) => bytes.is_empty(),
        (_, Wire::Varint(number)) => number == 0,
        _ => false,
    })
}

fn scalar(shape: Shape, value: Wire<'_>, out: &mut Vec<u8>) -> Written {
    match (shape, value) {
        (Shape::String, Wire::Bytes(bytes)) => text(bytes, out),
        (Shape::Boolean, Wire::Varint(value)) => {
            out.extend_from_slice(if value == 0 { b"false" } else { b"true" });
            Ok(())
        }
        #[expect(clippy::cast_possible_truncation, reason = "as protobuf reads it")]
        (Shape::Int32, Wire::Varint(value)) => json(&(value as i32), out),
        (Shape::Int64, Wire::Varint(value)) => json(&value.cast_signed(), out),
        (Shape::Time, Wire::Bytes(bytes)) => {
            read::<Time>(bytes)?.write_json(out);
            Ok(())
        }
        (Shape::MicroTime, Wire::Bytes(bytes)) => {
            read::<MicroTime>(bytes)?.write_json(out);
            Ok(())
        }
        (Shape::Quantity, Wire::Bytes(bytes)) => json(&read::<Quantity>(bytes)?, out),
        (Shape::RawObject, Wire::Bytes(bytes)) => {
            fields::write_json(raw(bytes)?, out);
            Ok(())
        }
        (Shape::Object(schema), Wire::Bytes(bytes)) => object(schema, bytes, Part::Other, out),
        _ => Err(Malformed),
    }
}

fn list(field: &'static Field, item: Shape, items: &[u8], out: &mut Vec<u8>) -> Written {
    let mut separator = b'[';
    let mut fields = Fields::of(items);
    while let Some(found) = fields.next()? {
        if found.number == field.number {
            out.push(separator);
            separator = b',';
            scalar(item, found.value, out)?;
        }
    }
    out.push(b']');
    Ok(())
}

/// Writes a map sorted by its keys; of two entries with the same key, the latter counts.
fn map(field: &'static Field, item: Shape, items: &[u8], out: &mut Vec<u8>) -> Written {
    let mut entries = std::collections::BTreeMap::new();
    let mut fields = Fields::of(items);
    while let Some(found) = fields.next()? {
        if found.number == field.number {
            let (key, value) = entry(item, found.value)?;
            entries.insert(key, value);
        }
    }
    let mut separator = b'{';
    for (key, value) in entries {
        out.push(separator);
        separator = b',';
        text(key, out)?;
        out.push(b':');
        scalar(item, value, out)?;
    }
    out.push(b'}');
    Ok(())
}

/// Key and value of a map's entry, each empty where it is left out.
fn entry<'a>(item: Shape, entry: Wire<'a>) -> Result<(&'a [u8], Wire<'a>), Malformed> {
    let Wire::Bytes(entry) = entry else {
        return Err(Malformed);
    };
    let mut key: &[u8] = &[];
    let mut value = empty(item);
    let mut fields = Fields::of(entry);
    while let Some(field) = fields.next()? {
        match (field.number, field.value) {
            (1, Wire::Bytes(bytes)) => key = bytes,
            (2, found) => value = found,
            _ => {}
        }
    }
    Ok((key, value))
}

/// The text in a [`crate::meta::FieldsV1`].
fn raw(message: &[u8]) -> Result<&[u8], Malformed> {
    let mut text: &[u8] = &[];
    let mut fields = Fields::of(message);
    while let Some(field) = fields.next()? {
        if let (1, Wire::Bytes(bytes)) = (field.number, field.value) {
            text = bytes;
        }
    }
    Ok(text)
}

fn read<T: Message + Default>(bytes: &[u8]) -> Result<T, Malformed> {
    T::decode(bytes).map_err(|_| Malformed)
}

fn json<T: serde::Serialize>(value: &T, out: &mut Vec<u8>) -> Written {
    serde_json::to_writer(out, value).map_err(|_| Malformed)
}

fn number(number: u64, out: &mut Vec<u8>) {
    out.push(b'"');
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
    out.push(b'"');
}

/// Writes a text. Nearly all of them are plain: ASCII without anything to be escaped.
fn text(bytes: &[u8], out: &mut Vec<u8>) -> Written {
    // Every byte is looked at, so that the compiler can look at many at a time.
    let plain = bytes.iter().fold(true, |plain, byte| {
        plain & (*byte >= b' ') & (*byte < 0x80) & (*byte != b'"') & (*byte != b'\\')
    });
    if !plain {
        return json(&std::str::from_utf8(bytes).map_err(|_| Malformed)?, out);
    }
    out.reserve(bytes.len() + 2);
    out.push(b'"');
    out.extend_from_slice(bytes);
    out.push(b'"');
    Ok(())
}
