//! From protobuf to JSON along the schema.

use prost::Message;

use super::wire::{Fields, Malformed, Run, Wire};
use super::{METADATA, RESOURCE_VERSION, Stored};
use crate::codec::plain::is_plain;
use crate::meta::fields;
use crate::schema::{Field, Schema, Shape};
use crate::{MicroTime, Quantity, Time};

type Written = Result<(), Malformed>;

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
    /// The version, where this field is where it belongs.
    fn version(self, field: &Field) -> Option<u64> {
        match self {
            Self::Metadata(version) if field.number == u32::from(RESOURCE_VERSION) => Some(version),
            _ => None,
        }
    }

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

/// Writes a message as an object.
///
/// Nearly all types have their fields in the order of their numbers, and nearly all encoders write them in that order, so
/// that one walk does. Where it does not (owner references are such a type) each field is looked for.
fn object(schema: &'static Schema, message: &[u8], part: Part, out: &mut Vec<u8>) -> Written {
    let start = out.len();
    out.push(b'{');
    if !ordered_fields(schema, message, part, out)? {
        out.truncate(start + 1);
        for field in schema.fields {
            match Run::of(field.number, message)? {
                Some(run) => present(field, &run, part, out)?,
                None => absent(field, part, out)?,
            }
        }
    }
    // Each field ended with a comma; the last one's becomes the end.
    match out.last_mut() {
        Some(comma @ b',') => *comma = b'}',
        _ => out.push(b'}'),
    }
    Ok(())
}

/// Writes the fields of a message, each with a comma; or says, having written anything, that they are in another order.
fn ordered_fields(schema: &'static Schema, message: &[u8], part: Part, out: &mut Vec<u8>) -> Result<bool, Malformed> {
    let mut fields = Fields::of(message);
    let mut to_come = schema.fields;
    while let Some(run) = fields.next_run()? {
        let Some(at) = position(to_come, run.last.number) else {
            if position(schema.fields, run.last.number).is_some() {
                return Ok(false);
            }
            // Unknown fields are those of a newer version: they are not shown.
            continue;
        };
        for field in &to_come[..at] {
            absent(field, part, out)?;
        }
        present(&to_come[at], &run, part, out)?;
        to_come = &to_come[at + 1..];
    }
    for field in to_come {
        absent(field, part, out)?;
    }
    Ok(true)
}

fn position(fields: &[Field], number: u32) -> Option<usize> {
    fields.iter().position(|field| field.number == number)
}

/// Writes a field that the message has, unless it is left out for being empty.
fn present(field: &'static Field, run: &Run<'_>, part: Part, out: &mut Vec<u8>) -> Written {
    if let Some(version) = part.version(field) {
        self::version(field, version, out);
        return Ok(());
    }
    match (field.shape, run.last.value) {
        (Shape::List(item), _) => {
            out.extend_from_slice(field.key.as_bytes());
            list(*item, run, out)?;
        }
        (Shape::Map(item), _) => {
            out.extend_from_slice(field.key.as_bytes());
            map(*item, run, out)?;
        }
        // Protobuf would merge several into one; nobody writes that.
        (Shape::Object(_), _) if run.count > 1 => return Err(Malformed),
        (Shape::Object(schema), Wire::Bytes(bytes)) => {
            out.extend_from_slice(field.key.as_bytes());
            object(schema, bytes, part.below(field), out)?;
        }
        (shape, value) if !field.optional && !field.always && is_empty(shape, value)? => return Ok(()),
        (shape, value) => {
            out.extend_from_slice(field.key.as_bytes());
            scalar(shape, value, out)?;
        }
    }
    out.push(b',');
    Ok(())
}

/// Writes a field that the message does not have, unless it is left out.
fn absent(field: &'static Field, part: Part, out: &mut Vec<u8>) -> Written {
    if let Some(version) = part.version(field) {
        self::version(field, version, out);
        return Ok(());
    }
    match field.shape {
        Shape::List(_) | Shape::Map(_) => return Ok(()),
        _ if field.optional && !field.always => return Ok(()),
        _ if field.optional => {
            out.extend_from_slice(field.key.as_bytes());
            out.extend_from_slice(b"null");
        }
        Shape::Object(schema) => {
            out.extend_from_slice(field.key.as_bytes());
            object(schema, &[], part.below(field), out)?;
        }
        shape => {
            if !field.always && is_empty(shape, empty(shape))? {
                return Ok(());
            }
            out.extend_from_slice(field.key.as_bytes());
            scalar(shape, empty(shape), out)?;
        }
    }
    out.push(b',');
    Ok(())
}

/// Writes the version of the object, which is 0 while it is not stored.
fn version(field: &'static Field, version: u64, out: &mut Vec<u8>) {
    if version > 0 {
        out.extend_from_slice(field.key.as_bytes());
        number(version, out);
        out.push(b',');
    }
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
        (Shape::Time, Wire::Bytes(bytes)) => time(bytes)?.is_zero(),
        (Shape::MicroTime, Wire::Bytes(bytes)) => micro_time(bytes)?.is_zero(),
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
            time(bytes)?.write_json(out);
            Ok(())
        }
        (Shape::MicroTime, Wire::Bytes(bytes)) => {
            micro_time(bytes)?.write_json(out);
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

fn list(item: Shape, run: &Run<'_>, out: &mut Vec<u8>) -> Written {
    let mut separator = b'[';
    let mut items = run.items();
    while let Some(found) = items.next()? {
        out.push(separator);
        separator = b',';
        scalar(item, found.value, out)?;
    }
    out.push(b']');
    Ok(())
}

/// Writes a map sorted by its keys; of two entries with the same key, the latter counts.
fn map(item: Shape, run: &Run<'_>, out: &mut Vec<u8>) -> Written {
    let mut entries = std::collections::BTreeMap::new();
    let mut items = run.items();
    while let Some(found) = items.next()? {
        let (key, value) = entry(item, found.value)?;
        entries.insert(key, value);
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

fn time(message: &[u8]) -> Result<Time, Malformed> {
    let (seconds, nanos) = instant(message)?;
    Ok(Time { seconds, nanos })
}

fn micro_time(message: &[u8]) -> Result<MicroTime, Malformed> {
    let (seconds, nanos) = instant(message)?;
    Ok(MicroTime { seconds, nanos })
}

/// Seconds and nanoseconds of a time of either kind.
fn instant(message: &[u8]) -> Result<(i64, i32), Malformed> {
    let (mut seconds, mut nanos) = (0, 0);
    let mut fields = Fields::of(message);
    while let Some(field) = fields.next()? {
        match (field.number, field.value) {
            (1, Wire::Varint(number)) => seconds = number.cast_signed(),
            #[expect(clippy::cast_possible_truncation, reason = "as protobuf reads it")]
            (2, Wire::Varint(number)) => nanos = number as i32,
            (1 | 2, _) => return Err(Malformed),
            _ => {}
        }
    }
    Ok((seconds, nanos))
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

/// Writes a text. Nearly all of them are plain.
fn text(bytes: &[u8], out: &mut Vec<u8>) -> Written {
    if !is_plain(bytes) {
        return json(&std::str::from_utf8(bytes).map_err(|_| Malformed)?, out);
    }
    out.reserve(bytes.len() + 2);
    out.push(b'"');
    out.extend_from_slice(bytes);
    out.push(b'"');
    Ok(())
}
