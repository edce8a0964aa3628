//! Backups: the whole key space at one revision as one file, taken while the store is written.
//!
//! A header of 64 bytes (magic (8), format version (4), zeros (4), revision (8), CRC-32C of those (4), zeros) and then a
//! snapshot exactly as the store keeps them, whose frames have checksums of their own and which says where it ends. So a
//! backup that was cut off or changed is noticed, and where. Taking one holds nothing up: it reads the immutable state
//! that was published when it began.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;

use crate::Revision;

use super::format;
use super::open_error::OpenError;
use super::snapshot::{self, Encoder};
use crate::view::state::State;

const HEADER: usize = 64;
const MAGIC: &[u8; 8] = b"LSHDBAK1";
/// Where the checksum of the header is.
const CRC: usize = 24;

/// A backup as it is read from a running store: pieces of a few hundred kilobytes, each made when it is asked for.
pub struct Backup {
    state: Arc<State>,
    encoder: Encoder,
    begun: bool,
}

impl Backup {
    pub(crate) fn new(state: Arc<State>) -> Self {
        Self {
            state,
            encoder: Encoder::new(),
            begun: false,
        }
    }

    /// Everything up to this revision is in it, and nothing after.
    #[must_use]
    pub fn revision(&self) -> Revision {
        self.state.revision
    }
}

impl Iterator for Backup {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        if !std::mem::replace(&mut self.begun, true) {
            return Some(Bytes::copy_from_slice(&header(format::VERSION, self.state.revision)));
        }
        let mut piece = Vec::new();
        let more = self.encoder.next(&self.state, &mut piece).is_continue();
        more.then(|| piece.into())
    }
}

/// What a backup holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BackupContent {
    /// Of its last change.
    pub revision: Revision,
    /// How many objects are in it.
    pub objects: usize,
    /// Bytes of the file.
    pub bytes: u64,
}

/// Reads a backup and checks every byte of it.
///
/// # Errors
/// [`OpenError::Corrupted`], [`OpenError::Newer`] and [`OpenError::Io`].
pub fn verify(path: &Path) -> Result<BackupContent, OpenError> {
    let (state, bytes) = read(path)?;
    Ok(BackupContent {
        revision: state.revision,
        objects: state.len(),
        bytes,
    })
}

/// What is in the backup, and how many bytes it has.
pub(crate) fn read(path: &Path) -> Result<(State, u64), OpenError> {
    let mut bytes = Vec::new();
    let mut file = File::open(path).map_err(OpenError::io_at(path))?;
    file.read_to_end(&mut bytes).map_err(OpenError::io_at(path))?;
    Ok((parse(&bytes, &path.display().to_string())?, bytes.len() as u64))
}

/// The state that the bytes of a backup stand for. `name` is what errors call it.
pub(crate) fn parse(bytes: &[u8], name: &str) -> Result<State, OpenError> {
    let damage = |offset, what| OpenError::corrupted(name, offset, what);
    let Some((version, revision)) = read_header(bytes) else {
        let cut = bytes.len() < HEADER;
        return Err(damage(
            0,
            if cut {
                snapshot::CUT
            } else {
                "not the header of a backup"
            },
        ));
    };
    if version > format::VERSION {
        return Err(OpenError::Newer {
            found: version,
            supported: format::VERSION,
        });
    }
    snapshot::parse(&bytes[HEADER..], revision).map_err(|found| damage(HEADER as u64 + found.offset, found.what))
}

fn header(version: u32, revision: Revision) -> [u8; HEADER] {
    let mut bytes = [0; HEADER];
    bytes[0..8].copy_from_slice(MAGIC);
    bytes[8..12].copy_from_slice(&version.to_le_bytes());
    bytes[16..24].copy_from_slice(&revision.0.to_le_bytes());
    let crc = crc32c::crc32c(&bytes[..CRC]);
    bytes[CRC..CRC + 4].copy_from_slice(&crc.to_le_bytes());
    bytes
}

/// Format version and revision, when the header is whole and unchanged.
fn read_header(bytes: &[u8]) -> Option<(u32, Revision)> {
    let head = bytes.first_chunk::<HEADER>()?;
    let version = u32::from_le_bytes(*head[8..].first_chunk()?);
    let revision = Revision(u64::from_le_bytes(*head[16..].first_chunk()?));
    // Comparing all of it also checks the magic, the checksum and that the rest is zero.
    (header(version, revision) == *head).then_some((version, revision))
}
