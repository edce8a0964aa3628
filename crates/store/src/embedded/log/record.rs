//! One change as bytes: the same form in the log and in snapshots.
//!
//! Little endian, nothing variable but what a length announces: kind (1), revision (8), lengths of resource (1),
//! namespace (2), name (2) and value (4), then those four. A deletion has no value. The kinds are permanent.

use std::sync::Arc;

use bytes::Bytes;

use crate::view::resources::intern;
use crate::{Key, Revision};

/// The fixed part.
const HEAD: usize = 18;
const KIND_PUT: u8 = 1;
const KIND_DELETE: u8 = 2;

/// What became of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) key: Key,
    pub(crate) revision: Revision,
    /// `None` when it was deleted.
    pub(crate) value: Option<Bytes>,
}

/// Whether every part of a key can be written with the lengths above.
pub(crate) fn fits(key: &Key) -> bool {
    u8::try_from(key.resource.len()).is_ok()
        && u16::try_from(key.namespace.len()).is_ok()
        && u16::try_from(key.name.len()).is_ok()
}

/// How many bytes [`encode`] appends.
pub(crate) fn encoded_len(key: &Key, value: Option<&Bytes>) -> usize {
    HEAD + key.resource.len() + key.namespace.len() + key.name.len() + value.map_or(0, Bytes::len)
}

/// Appends one record. Keys have been checked by [`fits`] and values are below 4 GiB.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the lengths were checked when the write was accepted"
)]
pub(crate) fn encode(out: &mut Vec<u8>, key: &Key, revision: Revision, value: Option<&Bytes>) {
    let value_bytes = value.map_or(&[][..], |value| value);
    out.push(if value.is_some() { KIND_PUT } else { KIND_DELETE });
    out.extend_from_slice(&revision.0.to_le_bytes());
    out.push(key.resource.len() as u8);
    out.extend_from_slice(&(key.namespace.len() as u16).to_le_bytes());
    out.extend_from_slice(&(key.name.len() as u16).to_le_bytes());
    out.extend_from_slice(&(value_bytes.len() as u32).to_le_bytes());
    out.extend_from_slice(key.resource.as_bytes());
    out.extend_from_slice(key.namespace.as_bytes());
    out.extend_from_slice(key.name.as_bytes());
    out.extend_from_slice(value_bytes);
}

/// Takes one record off the front; `None` when the bytes are not one.
pub(crate) fn decode(bytes: &mut &[u8]) -> Option<Record> {
    let (kind, revision) = (take::<1>(bytes)?[0], u64::from_le_bytes(take(bytes)?));
    let resource = usize::from(take::<1>(bytes)?[0]);
    let namespace = usize::from(u16::from_le_bytes(take(bytes)?));
    let name = usize::from(u16::from_le_bytes(take(bytes)?));
    let value = usize::try_from(u32::from_le_bytes(take(bytes)?)).ok()?;
    let key = Key {
        resource: intern(text(bytes, resource)?),
        namespace: Arc::from(text(bytes, namespace)?),
        name: Arc::from(text(bytes, name)?),
    };
    // Copied only now that the bytes are known to be there: a length alone allocates nothing.
    let value = bytes.split_off(..value)?;
    let value = match kind {
        KIND_PUT => Some(Bytes::copy_from_slice(value)),
        KIND_DELETE if value.is_empty() => None,
        _ => return None,
    };
    Some(Record {
        key,
        revision: Revision(revision),
        value,
    })
}

/// Takes `N` bytes off the front.
pub(crate) fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (head, rest) = bytes.split_first_chunk::<N>()?;
    *bytes = rest;
    Some(*head)
}

fn text<'a>(bytes: &mut &'a [u8], len: usize) -> Option<&'a str> {
    std::str::from_utf8(bytes.split_off(..len)?).ok()
}
