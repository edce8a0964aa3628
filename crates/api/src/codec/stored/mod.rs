//! Stored objects on their way out, without becoming objects in between.
//!
//! What is stored is protobuf and lacks nothing but its resourceVersion, which is the revision of the write. So its
//! protobuf form is a copy with that put in, and its JSON form is written along the [`Schema`] straight from the bytes.
//! Reading an object, setting its version and encoding it comes to the same bytes at many times the price; the tests hold
//! both ways against each other.
//!
//! [`Schema`]: crate::schema::Schema

mod json;
mod wire;

use super::protobuf::{MAGIC, delimited_len, start_field};
use crate::schema::Schema;
use crate::{ApiError, TypeCodec};
use wire::{Fields, Malformed, Wire};

/// The number of `metadata` in every object.
const METADATA: u8 = 1;
/// The number of `resourceVersion` in metadata.
const RESOURCE_VERSION: u8 = 6;

/// A stored object and its version.
#[derive(Clone, Copy, Debug)]
pub struct Stored<'a> {
    schema: &'static Schema,
    /// The bare message.
    message: &'a [u8],
    version: u64,
}

impl<'a> Stored<'a> {
    /// The object of this type in a stored value, whose last change was at this revision: 0 when it has not been stored
    /// yet, and then it has no version.
    ///
    /// # Errors
    /// 500 when the value holds no message.
    pub fn new(codec: &TypeCodec, value: &'a [u8], version: u64) -> Result<Self, ApiError> {
        Ok(Self {
            schema: codec.schema,
            message: message(value).map_err(ApiError::internal)?,
            version,
        })
    }

    /// Appends the JSON object, without `kind` and `apiVersion`: as [`crate::Encode::write_json`].
    ///
    /// # Errors
    /// 500 when the bytes are not an object of this type. What was appended until then is to be thrown away.
    pub fn write_json(&self, out: &mut Vec<u8>) -> Result<(), ApiError> {
        json::write(self, out).map_err(ApiError::internal)
    }

    /// The bare protobuf message with the version in it.
    ///
    /// # Errors
    /// 500 when the bytes are not an object of this type.
    pub fn protobuf(&self) -> Result<Versioned<'a>, ApiError> {
        Versioned::of(self).map_err(ApiError::internal)
    }
}

/// The message in an envelope.
pub(super) fn message(value: &[u8]) -> Result<&[u8], Malformed> {
    let envelope = value.strip_prefix(MAGIC).ok_or(Malformed)?;
    let mut fields = Fields::of(envelope);
    while let Some(field) = fields.next()? {
        if let (2, Wire::Bytes(message)) = (field.number, field.value) {
            return Ok(message);
        }
    }
    Err(Malformed)
}

/// A bare message with its version put in.
#[derive(Clone, Copy, Debug)]
pub struct Versioned<'a> {
    before_metadata: &'a [u8],
    /// Metadata up to its version, and from there on.
    metadata: [&'a [u8]; 2],
    after_metadata: &'a [u8],
    version: u64,
}

impl<'a> Versioned<'a> {
    fn of(stored: &Stored<'a>) -> Result<Self, Malformed> {
        let message = stored.message;
        let mut fields = Fields::of(message);
        while let Some(field) = fields.next()? {
            if field.number != u32::from(METADATA) {
                continue;
            }
            if let Wire::Bytes(metadata) = field.value {
                return Ok(Self {
                    before_metadata: &message[..field.start],
                    metadata: around_version(metadata)?,
                    after_metadata: &message[field.end..],
                    version: stored.version,
                });
            }
        }
        Err(Malformed)
    }

    /// How many bytes [`Versioned::write`] appends.
    #[must_use]
    pub fn len(&self) -> usize {
        self.before_metadata.len() + delimited_len(self.metadata_len()) + self.after_metadata.len()
    }

    /// Whether it has none: never.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Appends it.
    pub fn write(&self, out: &mut Vec<u8>) {
        let mut digits = itoa::Buffer::new();
        let version = digits.format(self.version).as_bytes();
        out.extend_from_slice(self.before_metadata);
        start_field(METADATA, self.metadata_len(), out);
        out.extend_from_slice(self.metadata[0]);
        let version = if self.version == 0 { b"" } else { version };
        start_field(RESOURCE_VERSION, version.len(), out);
        out.extend_from_slice(version);
        out.extend_from_slice(self.metadata[1]);
        out.extend_from_slice(self.after_metadata);
    }

    fn metadata_len(&self) -> usize {
        let digits = self.version.checked_ilog10().map_or(0, |power| power as usize + 1);
        self.metadata[0].len() + delimited_len(digits) + self.metadata[1].len()
    }
}

/// What stands before and after the version, which is stored empty or not at all.
fn around_version(metadata: &[u8]) -> Result<[&[u8]; 2], Malformed> {
    let (mut before, mut after) = (metadata.len(), metadata.len());
    let mut fields = Fields::of(metadata);
    while let Some(field) = fields.next()? {
        if field.number >= u32::from(RESOURCE_VERSION) {
            let is_version = field.number == u32::from(RESOURCE_VERSION);
            before = field.start;
            after = if is_version { field.end } else { field.start };
            break;
        }
    }
    Ok([&metadata[..before], &metadata[after..]])
}

#[cfg(test)]
mod tests;
