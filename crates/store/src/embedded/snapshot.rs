//! Snapshots: the whole key space at one revision in one file, so that the log before it can go.
//!
//! A snapshot is written under another name from an immutable state, synced, and only then given its own name: a file
//! with the name of a snapshot is always complete. It has a header of 64 bytes, frames of records as in the log, and an
//! empty frame at the end. In its frames the chain of "previous" counts the entries so far, and "last" is the
//! snapshot's revision.

mod encoder;

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::Revision;

use super::disk::{Disk, is_full, read_all};
use super::log::frame;
use super::log::record::take;
use super::log::{remove, segment};
use crate::view::state::{Item, State};

pub(crate) use encoder::Encoder;
use encoder::FRAME;

/// Bytes of a snapshot's header; frames start here.
pub(crate) const HEADER: usize = 64;
const MAGIC: &[u8; 8] = b"LSHDSNP1";
/// Where the checksum of the header is.
const CRC: usize = 20;
/// What is wrong with a file that was cut off.
pub(crate) const CUT: &str = "it ends before its end";

/// Why no snapshot was written. Nothing of it is left, or recovery will remove it.
#[derive(Debug)]
pub(crate) enum WriteError {
    /// No room: worth another try later.
    Full,
    /// The store is closing.
    Cancelled,
    /// The disk cannot be trusted any more.
    Fatal(io::Error),
}

/// What is wrong with a snapshot, and where in the file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Damage {
    pub(crate) offset: u64,
    pub(crate) what: &'static str,
}

/// The name of a snapshot's file.
pub(crate) fn name(revision: Revision) -> String {
    format!("snapshot-{:020}", revision.0)
}

/// The revision in the name of a snapshot's file.
pub(crate) fn revision(name: &str) -> Option<Revision> {
    segment::numbered(name, "snapshot-").map(Revision)
}

/// Whether a file is a snapshot that was being written.
pub(crate) fn is_unfinished(name: &str) -> bool {
    name.strip_suffix(".tmp").is_some_and(|name| revision(name).is_some())
}

/// Writes the snapshot of `state`, durable with its name when this returns, and says how many bytes it has.
pub(crate) fn write(disk: &dyn Disk, state: &State, cancel: &AtomicBool) -> Result<u64, WriteError> {
    let name = name(state.revision);
    let unfinished = format!("{name}.tmp");
    remove(disk, &unfinished).map_err(WriteError::Fatal)?;
    match write_content(disk, &unfinished, state, cancel) {
        Ok(bytes) => {
            disk.rename(&unfinished, &name).map_err(WriteError::Fatal)?;
            disk.sync().map_err(WriteError::Fatal)?;
            Ok(bytes)
        }
        Err(error) => {
            // What cannot be removed now will be on the next start: the name says that it is unfinished.
            if let Err(error) = remove(disk, &unfinished) {
                tracing::warn!(%error, file = unfinished, "an unfinished snapshot could not be removed");
            }
            Err(error)
        }
    }
}

fn write_content(disk: &dyn Disk, name: &str, state: &State, cancel: &AtomicBool) -> Result<u64, WriteError> {
    let mut file = disk.create(name).map_err(classify)?;
    let (mut encoder, mut buffer, mut offset) = (Encoder::new(), Vec::with_capacity(FRAME + FRAME / 4), 0);
    while encoder.next(state, &mut buffer).is_continue() {
        // Not for the sake of the last few bytes.
        if buffer.len() >= FRAME && cancel.load(Ordering::Relaxed) {
            return Err(WriteError::Cancelled);
        }
        file.write_at(offset, &buffer).map_err(classify)?;
        offset += buffer.len() as u64;
    }
    file.sync().map_err(WriteError::Fatal)?;
    Ok(offset)
}

fn classify(error: io::Error) -> WriteError {
    if is_full(&error) {
        WriteError::Full
    } else {
        WriteError::Fatal(error)
    }
}

pub(crate) fn header(revision: Revision, salt: u32) -> [u8; HEADER] {
    let mut bytes = [0; HEADER];
    bytes[0..8].copy_from_slice(MAGIC);
    bytes[8..16].copy_from_slice(&revision.0.to_le_bytes());
    bytes[16..20].copy_from_slice(&salt.to_le_bytes());
    let crc = crc32c::crc32c(&bytes[..CRC]);
    bytes[CRC..CRC + 4].copy_from_slice(&crc.to_le_bytes());
    bytes
}

/// Reads the snapshot that should be of `revision`.
///
/// # Errors
/// The outer one when it cannot be read, the inner one when what was read is not what was written.
pub(crate) fn read(disk: &dyn Disk, revision: Revision) -> io::Result<Result<State, Damage>> {
    let file = disk.open(&name(revision))?;
    Ok(parse(&read_all(file.as_ref())?, revision))
}

/// The state that the bytes of a snapshot of `revision` stand for.
pub(crate) fn parse(bytes: &[u8], revision: Revision) -> Result<State, Damage> {
    let damage = |offset: usize, what| Damage {
        offset: offset as u64,
        what,
    };
    let Some(salt) = read_salt(bytes, revision) else {
        let cut = bytes.len() < HEADER;
        return Err(damage(0, if cut { CUT } else { "not the header of this snapshot" }));
    };
    let mut state = State::at(revision);
    let (mut offset, mut entries) = (HEADER, 0);
    loop {
        let Some((head, payload)) = frame::read(&bytes[offset..], salt) else {
            return Err(damage(offset, not_a_frame(&bytes[offset..], salt)));
        };
        if head.previous.0 != entries || head.last != revision {
            return Err(damage(offset, "a frame that does not follow the one before it"));
        }
        let Some(records) = frame::records(payload, head.count) else {
            return Err(damage(offset, "a frame whose records make no sense"));
        };
        let start = offset;
        offset += head.frame_len();
        if records.is_empty() {
            return if offset == bytes.len() {
                Ok(state)
            } else {
                Err(damage(start, "an end before the end"))
            };
        }
        entries += records.len() as u64;
        for record in records {
            let item = record.value.map(|value| Item {
                value,
                revision: record.revision,
            });
            if record.revision > revision || item.is_none() || state.set(&record.key, item).is_some() {
                return Err(damage(start, "a record that cannot be in a snapshot"));
            }
        }
    }
}

/// Why there is no whole frame at the front of `bytes`.
fn not_a_frame(bytes: &[u8], salt: u32) -> &'static str {
    match frame::header(bytes, salt) {
        Some(header) if header.frame_len() > bytes.len() => "it ends in the middle of a frame",
        None if bytes.len() < frame::HEADER => CUT,
        _ => "a frame whose checksum does not match",
    }
}

/// Where the checksums of a snapshot start, if its header is that of a snapshot of `revision`.
pub(crate) fn read_salt(bytes: &[u8], revision: Revision) -> Option<u32> {
    let head = bytes.first_chunk::<HEADER>()?;
    let mut salt_bytes = &head[16..CRC];
    let salt = u32::from_le_bytes(take(&mut salt_bytes)?);
    (header(revision, salt) == *head).then_some(salt)
}
