//! Frames: what is written and checked as one piece. In the log a frame is a commit group.
//!
//! A header of 32 bytes, then the payload, then zeros up to a multiple of 8: length of the payload (4), number of
//! records (4), revision before the frame (8), last revision issued with it (8), CRC-32C of the payload (4), CRC-32C of
//! the header so far (4). Both checksums start from the salt of the file, a random number that no client knows: neither
//! a value that looks like a frame nor what an older file left on the disk is ever taken for one.

use crate::Revision;

use super::record::{Record, decode, take};

/// Bytes of a frame's header.
pub(crate) const HEADER: usize = 32;
/// Frames start at multiples of this.
pub(crate) const ALIGN: usize = 8;
/// Where the header's own checksum is.
const HEADER_CRC: usize = 28;

/// The header of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    /// Bytes of the payload.
    pub(crate) len: u32,
    /// Records in the payload.
    pub(crate) count: u32,
    /// The last revision of the frame before this one: the chain that shows a missing frame.
    pub(crate) previous: Revision,
    /// The last revision issued when this frame was written: at least that of its last record.
    pub(crate) last: Revision,
    payload_crc: u32,
}

impl Header {
    /// Bytes of the whole frame in the file.
    pub(crate) fn frame_len(&self) -> usize {
        (HEADER + self.len as usize).next_multiple_of(ALIGN)
    }
}

/// Starts a frame in an emptied buffer. Append records, then call [`seal`].
pub(crate) fn begin(buffer: &mut Vec<u8>) {
    buffer.clear();
    buffer.resize(HEADER, 0);
}

/// Completes the frame that the buffer holds.
///
/// # Panics
/// When the payload has 4 GiB or more, which the bounds on values and groups exclude.
pub(crate) fn seal(buffer: &mut Vec<u8>, salt: u32, count: u32, previous: Revision, last: Revision) {
    let len = u32::try_from(buffer.len() - HEADER).expect("groups are bounded far below 4 GiB");
    let payload_crc = crc32c::crc32c_append(salt, &buffer[HEADER..]);
    buffer[0..4].copy_from_slice(&len.to_le_bytes());
    buffer[4..8].copy_from_slice(&count.to_le_bytes());
    buffer[8..16].copy_from_slice(&previous.0.to_le_bytes());
    buffer[16..24].copy_from_slice(&last.0.to_le_bytes());
    buffer[24..28].copy_from_slice(&payload_crc.to_le_bytes());
    let header_crc = crc32c::crc32c_append(salt, &buffer[..HEADER_CRC]);
    buffer[HEADER_CRC..HEADER].copy_from_slice(&header_crc.to_le_bytes());
    buffer.resize(buffer.len().next_multiple_of(ALIGN), 0);
}

/// The header at the front of `bytes`, if its checksum holds.
pub(crate) fn header(bytes: &[u8], salt: u32) -> Option<Header> {
    let head = bytes.first_chunk::<HEADER>()?;
    let mut rest = head.as_slice();
    let header = Header {
        len: u32::from_le_bytes(take(&mut rest)?),
        count: u32::from_le_bytes(take(&mut rest)?),
        previous: Revision(u64::from_le_bytes(take(&mut rest)?)),
        last: Revision(u64::from_le_bytes(take(&mut rest)?)),
        payload_crc: u32::from_le_bytes(take(&mut rest)?),
    };
    let crc = u32::from_le_bytes(take(&mut rest)?);
    (crc32c::crc32c_append(salt, &head[..HEADER_CRC]) == crc).then_some(header)
}

/// The header and payload at the front of `bytes`, if both checksums hold and the padding is zero.
pub(crate) fn read(bytes: &[u8], salt: u32) -> Option<(Header, &[u8])> {
    let header = header(bytes, salt)?;
    let frame = bytes.get(..header.frame_len())?;
    let (payload, padding) = frame[HEADER..].split_at(header.len as usize);
    let sound = crc32c::crc32c_append(salt, payload) == header.payload_crc && padding.iter().all(|byte| *byte == 0);
    sound.then_some((header, payload))
}

/// The records of a payload, which must be exactly `count`.
pub(crate) fn records(mut payload: &[u8], count: u32) -> Option<Vec<Record>> {
    let mut records = Vec::new();
    while !payload.is_empty() {
        records.push(decode(&mut payload)?);
    }
    (records.len() == count as usize).then_some(records)
}
