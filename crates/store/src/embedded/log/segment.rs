//! Segments: the files of the log, each with a header of 64 bytes and then frames.
//!
//! A segment's name is its sequence number. Its header says which revision came before it, so that a segment whose end
//! was lost, or that is missing altogether, is noticed by the next.

use crate::Revision;
use crate::embedded::disk::DiskFile;

use super::record::take;

/// The number of the first segment of a store. Nothing was there before it, so it needs no snapshot.
pub(crate) const FIRST: u64 = 1;

/// Bytes of a segment's header; frames start here.
pub(crate) const HEADER: usize = 64;
const MAGIC: &[u8; 8] = b"LSHDLOG1";
/// Where the checksum of the header is.
const CRC: usize = 28;

/// What the header of a segment says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    /// Position in the log, counted from 1 without gaps.
    pub(crate) sequence: u64,
    /// The last revision issued before this segment.
    pub(crate) base: Revision,
    /// Where every checksum in this file starts.
    pub(crate) salt: u32,
}

/// The name of a segment's file.
pub(crate) fn name(sequence: u64) -> String {
    format!("log-{sequence:020}")
}

/// The sequence number in the name of a segment's file.
pub(crate) fn sequence(name: &str) -> Option<u64> {
    numbered(name, "log-")
}

/// The number in a name of the form prefix and twenty digits.
pub(crate) fn numbered(name: &str, prefix: &str) -> Option<u64> {
    let digits = name.strip_prefix(prefix)?;
    (digits.len() == 20 && digits.bytes().all(|byte| byte.is_ascii_digit())).then(|| digits.parse().ok())?
}

impl Head {
    pub(crate) fn encode(&self) -> [u8; HEADER] {
        let mut bytes = [0; HEADER];
        bytes[0..8].copy_from_slice(MAGIC);
        bytes[8..16].copy_from_slice(&self.sequence.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.base.0.to_le_bytes());
        bytes[24..28].copy_from_slice(&self.salt.to_le_bytes());
        let crc = crc32c::crc32c(&bytes[..CRC]);
        bytes[CRC..CRC + 4].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// `None` when the bytes are not the header of a segment, whole and unchanged.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let head = bytes.first_chunk::<HEADER>()?;
        let mut rest = head.strip_prefix(MAGIC)?;
        let decoded = Self {
            sequence: u64::from_le_bytes(take(&mut rest)?),
            base: Revision(u64::from_le_bytes(take(&mut rest)?)),
            salt: u32::from_le_bytes(take(&mut rest)?),
        };
        // Comparing all of it also checks the checksum and that the rest is zero.
        (decoded.encode() == *head).then_some(decoded)
    }
}

/// A segment that frames are appended to.
pub(crate) struct Segment {
    pub(crate) head: Head,
    pub(crate) file: Box<dyn DiskFile>,
    /// Where the next frame goes.
    pub(crate) end: u64,
    /// Up to where room has been reserved, when it could be.
    pub(crate) reserved: u64,
}
