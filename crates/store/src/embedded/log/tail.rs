//! What follows the last whole frame of the log: nothing, a write that a power cut interrupted, or damage.
//!
//! Groups are written one at a time, each synced before the next begins, into a file whose unwritten part is zero. So an
//! interrupted write is the very last thing in the file, and at least one of its sectors was never written and still
//! reads as zeros (or lies beyond the end of the file). What does not look like that was whole once, may have been
//! acknowledged, and must not be cut away.

use super::frame;

/// Disks write sectors of this size, or multiples of it, whole or not at all.
const SECTOR: usize = 512;

/// What the bytes after the last whole frame are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tail {
    /// Never written.
    Clean,
    /// A group that did not get as far as being acknowledged.
    Torn,
    /// Something else.
    Damaged,
}

/// Judges what starts at `at`, where no whole frame was found.
pub(crate) fn judge(bytes: &[u8], at: usize, salt: u32) -> Tail {
    let Some(used) = bytes[at..].iter().rposition(|byte| *byte != 0) else {
        return Tail::Clean;
    };
    let used_end = at + used + 1;
    if whole_frame_after(
        &bytes[..used_end.next_multiple_of(frame::ALIGN).min(bytes.len())],
        at,
        salt,
    ) {
        return Tail::Damaged;
    }
    match frame::header(&bytes[at..], salt) {
        Some(header) => torn_payload(bytes, at, used_end, header.frame_len()),
        // Without a header the length is unknown. The header itself must then be what is missing.
        None if unwritten_sector(bytes, at, at + frame::HEADER) => Tail::Torn,
        None => Tail::Damaged,
    }
}

fn torn_payload(bytes: &[u8], at: usize, used_end: usize, frame_len: usize) -> Tail {
    match at.checked_add(frame_len) {
        // Something behind the frame: the frame was synced before that was written.
        Some(end) if used_end > end => Tail::Damaged,
        Some(end) if unwritten_sector(bytes, at, end) => Tail::Torn,
        _ => Tail::Damaged,
    }
}

/// Whether some sector's share of `start..end` is all zero or beyond the end of the file.
fn unwritten_sector(bytes: &[u8], start: usize, end: usize) -> bool {
    let mut from = start;
    while from < end {
        let to = ((from / SECTOR + 1) * SECTOR).min(end);
        match bytes.get(from..to) {
            Some(share) if share.iter().any(|byte| *byte != 0) => from = to,
            _ => return true,
        }
    }
    false
}

/// Whether a later frame proves that the one at `at` had been synced.
fn whole_frame_after(bytes: &[u8], at: usize, salt: u32) -> bool {
    (at + frame::ALIGN..bytes.len())
        .step_by(frame::ALIGN)
        .any(|offset| frame::read(&bytes[offset..], salt).is_some())
}
