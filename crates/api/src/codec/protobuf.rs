//! Kubernetes' protobuf: four magic bytes, then a `runtime.Unknown` that says what is inside. The same bytes are what
//! the store keeps.

use bytes::Bytes;
use prost::Message;

use super::stored::{self, Stored};
use super::{Decoded, Target};
use crate::meta::ListMeta;
use crate::{ApiError, Encode, Gvk, Object, TypeCodec};

/// What every enveloped message starts with.
pub const MAGIC: &[u8; 4] = b"k8s\0";

/// `runtime.Unknown`
#[derive(Clone, PartialEq, Message)]
struct Unknown {
    #[prost(message, optional, tag = "1")]
    type_meta: Option<TypeMeta>,
    #[prost(bytes = "bytes", tag = "2")]
    raw: Bytes,
    #[prost(string, tag = "3")]
    content_encoding: String,
    #[prost(string, tag = "4")]
    content_type: String,
}

/// `runtime.TypeMeta`
#[derive(Clone, PartialEq, Message)]
struct TypeMeta {
    #[prost(string, tag = "1")]
    api_version: String,
    #[prost(string, tag = "2")]
    kind: String,
}

fn open(body: &Bytes) -> Result<Unknown, String> {
    if !body.starts_with(MAGIC) {
        return Err(
            "provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]".to_owned(),
        );
    }
    Unknown::decode(body.slice(MAGIC.len()..)).map_err(|e| e.to_string())
}

pub(super) fn decode(target: &Target, body: &Bytes) -> Result<Decoded, ApiError> {
    let unknown = open(body).map_err(|e| target.unrecognized(e))?;
    if !unknown.content_encoding.is_empty() {
        return Err(target.unrecognized("a compressed body is not accepted"));
    }
    let type_meta = unknown.type_meta.unwrap_or_default();
    target.check(&type_meta.api_version, &type_meta.kind)?;
    let object = (target.codec.from_protobuf)(&unknown.raw).map_err(|e| target.unrecognized(e))?;
    Ok(Decoded {
        object,
        problems: Vec::new(),
    })
}

/// Reads an enveloped message that is no object, such as DeleteOptions: its `apiVersion`, its `kind` and itself.
///
/// # Errors
/// One line saying what is wrong.
pub fn decode_message<T: Message + Default>(body: &Bytes) -> Result<(String, String, T), String> {
    let unknown = open(body)?;
    if !unknown.content_encoding.is_empty() {
        return Err("a compressed body is not accepted".to_owned());
    }
    let TypeMeta { api_version, kind } = unknown.type_meta.unwrap_or_default();
    let message = T::decode(unknown.raw).map_err(|e| e.to_string())?;
    Ok((api_version, kind, message))
}

/// Reads a stored value.
///
/// # Errors
/// When the bytes are not an object of this type: the store holds something it should not.
pub fn from_stored(codec: &TypeCodec, value: &Bytes) -> Result<Box<dyn Object>, ApiError> {
    let message = stored::message(value).map_err(ApiError::internal)?;
    (codec.from_protobuf)(message).map_err(ApiError::internal)
}

/// What stands after the message in its envelope: content encoding and type, empty, but always written, as Go does.
const TAIL: [u8; 4] = [0x1a, 0, 0x22, 0];

/// Appends an enveloped message of `gvk`; `write` appends the bare message, which has `len` bytes.
pub fn write_envelope(gvk: Gvk, len: usize, write: impl FnOnce(&mut Vec<u8>), out: &mut Vec<u8>) {
    // Exactly: what is stored is kept in this very allocation.
    out.reserve(MAGIC.len() + delimited_len(type_meta_len(gvk)) + delimited_len(len) + TAIL.len());
    open_envelope(gvk, len, out);
    let start = out.len();
    write(out);
    debug_assert_eq!(out.len() - start, len, "a message is as long as it said");
    out.extend_from_slice(&TAIL);
}

const fn api_version_len(gvk: Gvk) -> usize {
    gvk.version.len() + if gvk.group.is_empty() { 0 } else { gvk.group.len() + 1 }
}

fn type_meta_len(gvk: Gvk) -> usize {
    delimited_len(api_version_len(gvk)) + delimited_len(gvk.kind.len())
}

/// Appends what stands before a message of `gvk` that has `len` bytes.
fn open_envelope(gvk: Gvk, len: usize, out: &mut Vec<u8>) {
    out.extend_from_slice(MAGIC);
    start_field(1, type_meta_len(gvk), out);
    start_field(1, api_version_len(gvk), out);
    if !gvk.group.is_empty() {
        out.extend_from_slice(gvk.group.as_bytes());
        out.push(b'/');
    }
    out.extend_from_slice(gvk.version.as_bytes());
    start_field(2, gvk.kind.len(), out);
    out.extend_from_slice(gvk.kind.as_bytes());
    start_field(2, len, out);
}

/// Appends an enveloped object.
pub fn write_object(gvk: Gvk, object: &dyn Encode, out: &mut Vec<u8>) {
    write_envelope(gvk, object.protobuf_len(), |out| object.write_protobuf(out), out);
}

/// As [`write_object`] for an object as it is stored.
///
/// # Errors
/// As [`Stored::protobuf`].
pub fn write_stored(gvk: Gvk, stored: &Stored<'_>, out: &mut Vec<u8>) -> Result<(), ApiError> {
    let message = stored.protobuf()?;
    write_envelope(gvk, message.len(), |out| message.write(out), out);
    Ok(())
}

/// Writes an enveloped list, item by item.
#[derive(Debug)]
pub struct ListWriter {
    out: Vec<u8>,
}

impl ListWriter {
    /// Starts a list of `gvk`, the list's own kind. What is to be written of items is `items_len` long:
    /// [`ListWriter::item_len`] and [`ListWriter::stored_len`] of all of them.
    #[must_use]
    pub fn new(gvk: Gvk, metadata: &ListMeta, items_len: usize) -> Self {
        let mut out = Vec::new();
        let metadata_len = metadata.protobuf_len();
        open_envelope(gvk, delimited_len(metadata_len) + items_len, &mut out);
        start_field(1, metadata_len, &mut out);
        metadata.write_protobuf(&mut out);
        Self { out }
    }

    /// How many bytes [`ListWriter::item`] writes.
    #[must_use]
    pub fn item_len(item: &dyn Encode) -> usize {
        delimited_len(item.protobuf_len())
    }

    /// How many bytes [`ListWriter::stored`] writes.
    ///
    /// # Errors
    /// As [`Stored::protobuf`].
    pub fn stored_len(item: &Stored<'_>) -> Result<usize, ApiError> {
        Ok(delimited_len(item.protobuf()?.len()))
    }

    /// Appends an item.
    pub fn item(&mut self, item: &dyn Encode) {
        start_field(2, item.protobuf_len(), &mut self.out);
        item.write_protobuf(&mut self.out);
    }

    /// Appends an item as it is stored.
    ///
    /// # Errors
    /// As [`Stored::protobuf`].
    pub fn stored(&mut self, item: &Stored<'_>) -> Result<(), ApiError> {
        let item = item.protobuf()?;
        start_field(2, item.len(), &mut self.out);
        item.write(&mut self.out);
        Ok(())
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
        self.out.extend_from_slice(&TAIL);
        self.out
    }
}

/// Appends one frame of a watch: four bytes of length, then a bare `WatchEvent` about the enveloped `object`.
pub fn write_watch_event(event: &str, object: &[u8], out: &mut Vec<u8>) {
    let raw_len = delimited_len(object.len());
    let len = delimited_len(event.len()) + delimited_len(raw_len);
    let frame = u32::try_from(len).expect("an object is far smaller than 4 GiB");
    out.extend_from_slice(&frame.to_be_bytes());
    start_field(1, event.len(), out);
    out.extend_from_slice(event.as_bytes());
    start_field(2, raw_len, out);
    start_field(1, object.len(), out);
    out.extend_from_slice(object);
}

/// How many bytes a length-delimited field below number 16 takes.
pub(super) fn delimited_len(len: usize) -> usize {
    1 + prost::length_delimiter_len(len) + len
}

/// Appends the key and the length of a length-delimited field below number 16.
pub(super) fn start_field(number: u8, len: usize, out: &mut Vec<u8>) {
    out.push(number << 3 | 2);
    prost::encode_length_delimiter(len, out).expect("a Vec grows as needed");
}
