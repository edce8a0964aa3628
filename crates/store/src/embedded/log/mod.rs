//! The log: commit groups in order, each appended as one frame and made durable before anyone hears of it.
//!
//! It is cut into preallocated segments, so that appending changes no metadata and old parts can be removed as whole
//! files. It never reads what it wrote (that is recovery's), and never retries a failed sync.

pub(crate) mod frame;
pub(crate) mod record;
pub(crate) mod segment;
pub(crate) mod tail;

use std::hash::{BuildHasher, Hasher};
use std::io;
use std::sync::Arc;
use std::time::Duration;

use leasehold_clock::Clock;

use crate::Revision;
use crate::embedded::disk::{Disk, is_full};
use segment::{Head, Segment};

/// Why a group could not be appended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum AppendError {
    /// No room. The log is as it was before.
    Full,
    /// What is on the disk is unknown from here on.
    Fatal(Arc<str>),
}

impl AppendError {
    /// Says what was being done when `error` came; being out of room is not told apart here.
    pub(crate) fn fatal(doing: &str, error: &io::Error) -> Self {
        Self::Fatal(format!("{doing}: {error}").into())
    }
}

/// What a successful append cost.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Appended {
    /// Bytes written, padding included.
    pub(crate) bytes: u64,
    /// How long the sync took.
    pub(crate) sync: Duration,
}

/// A segment that is complete.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sealed {
    pub(crate) sequence: u64,
    /// The last revision issued before it.
    pub(crate) base: Revision,
    /// Bytes of its header and frames.
    pub(crate) bytes: u64,
}

/// The open log.
pub(crate) struct Log {
    disk: Arc<dyn Disk>,
    clock: Arc<dyn Clock>,
    segment_size: u64,
    /// Complete segments in order, the one that is appended to not among them.
    sealed: Vec<Sealed>,
    current: Segment,
    /// The last revision of the last frame: what the next frame is chained to.
    last: Revision,
}

impl Log {
    /// The log that recovery found.
    pub(crate) fn new(
        disk: Arc<dyn Disk>,
        clock: Arc<dyn Clock>,
        segment_size: u64,
        sealed: Vec<Sealed>,
        current: Segment,
        last: Revision,
    ) -> Self {
        Self {
            disk,
            clock,
            segment_size,
            sealed,
            current,
            last,
        }
    }

    /// Appends one group and makes it durable. `frame` was started with [`frame::begin`] and holds `count` records;
    /// `last` is the highest revision issued so far.
    pub(crate) fn append(&mut self, frame: &mut Vec<u8>, count: u32, last: Revision) -> Result<Appended, AppendError> {
        let bytes = frame.len().next_multiple_of(frame::ALIGN) as u64;
        self.make_room(bytes)?;
        frame::seal(frame, self.current.head.salt, count, self.last, last);
        if let Err(error) = self.current.file.write_at(self.current.end, frame) {
            return Err(self.give_back("appending to the log", &error));
        }
        let before = self.clock.now();
        #[cfg(not(leasehold_mutant = "acknowledge-before-sync"))]
        self.current
            .file
            .sync()
            .map_err(|error| AppendError::fatal("syncing the log", &error))?;
        self.current.end += bytes;
        self.last = last;
        Ok(Appended {
            bytes,
            sync: self.clock.now().since(before),
        })
    }

    /// Makes sure that a frame of `bytes` can be appended, moving to a new segment where this one is used up.
    pub(crate) fn make_room(&mut self, bytes: u64) -> Result<(), AppendError> {
        let end = self.current.end + bytes;
        if end > self.segment_size && self.current.end > segment::HEADER as u64 {
            return self.rotate(bytes);
        }
        if end <= self.current.reserved {
            return Ok(());
        }
        match reserve(&mut self.current, end, self.segment_size) {
            Ok(()) => Ok(()),
            Err(error) => Err(self.give_back("reserving room for the log", &error)),
        }
    }

    /// Segments from oldest to newest that hold nothing after `revision`.
    pub(crate) fn obsolete(&self, revision: Revision) -> Vec<u64> {
        let next_bases = self
            .sealed
            .iter()
            .skip(1)
            .map(|sealed| sealed.base)
            .chain([self.current.head.base]);
        let ends = self.sealed.iter().zip(next_bases);
        ends.take_while(|(_, end)| *end <= revision)
            .map(|(sealed, _)| sealed.sequence)
            .collect()
    }

    /// Forgets the segments up to `sequence`: their files have been removed.
    pub(crate) fn forget(&mut self, sequence: u64) {
        self.sealed.retain(|sealed| sealed.sequence > sequence);
    }

    /// Bytes of headers and frames in all segments.
    pub(crate) fn bytes(&self) -> u64 {
        self.sealed.iter().map(|sealed| sealed.bytes).sum::<u64>() + self.current.end
    }

    fn rotate(&mut self, bytes: u64) -> Result<(), AppendError> {
        let head = Head {
            sequence: self.current.head.sequence + 1,
            base: self.last,
            salt: new_salt(),
        };
        let size = self.segment_size.max(segment::HEADER as u64 + bytes);
        let next = match create(self.disk.as_ref(), head, size) {
            Ok(next) => next,
            Err(CreateError::Full(_)) => {
                // A whole segment with this name must not come back after a crash: this one goes on being used.
                let gone = remove(self.disk.as_ref(), &segment::name(head.sequence)).and_then(|()| self.disk.sync());
                gone.map_err(|error| AppendError::fatal("removing a segment that found no room", &error))?;
                return Err(AppendError::Full);
            }
            Err(CreateError::Fatal(error)) => return Err(AppendError::fatal("starting a segment of the log", &error)),
        };
        let full = std::mem::replace(&mut self.current, next);
        self.sealed.push(Sealed {
            sequence: full.head.sequence,
            base: full.head.base,
            bytes: full.end,
        });
        Ok(())
    }

    /// After `error` with nothing acknowledged: puts the end of the log back to what it was when there was no room, so
    /// that nothing half written stays. Every other error leaves the disk in an unknown state.
    fn give_back(&mut self, doing: &str, error: &io::Error) -> AppendError {
        if !is_full(error) {
            return AppendError::fatal(doing, error);
        }
        let end = self.current.end;
        // Synced, so that no part of the failed frame can come back behind what is written next.
        let repaired = self.current.file.truncate(end).and_then(|()| self.current.file.sync());
        match repaired {
            Ok(()) => {
                self.current.reserved = end;
                AppendError::Full
            }
            Err(error) => AppendError::fatal("putting back the end of the log", &error),
        }
    }
}

/// Removes a file that may not be there.
pub(crate) fn remove(disk: &dyn Disk, name: &str) -> io::Result<()> {
    match disk.unlink(name) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Why a segment could not be created.
pub(crate) enum CreateError {
    /// No room; the file may be there in part.
    Full(io::Error),
    /// Anything else.
    Fatal(io::Error),
}

/// Creates a segment, durable with its name, with room for `size` bytes.
pub(crate) fn create(disk: &dyn Disk, head: Head, size: u64) -> Result<Segment, CreateError> {
    let classify = |error| {
        if is_full(&error) {
            CreateError::Full(error)
        } else {
            CreateError::Fatal(error)
        }
    };
    let file = disk.create(&segment::name(head.sequence)).map_err(classify)?;
    let mut segment = Segment {
        head,
        file,
        end: segment::HEADER as u64,
        reserved: 0,
    };
    reserve(&mut segment, segment::HEADER as u64, size).map_err(classify)?;
    segment.file.write_at(0, &head.encode()).map_err(classify)?;
    segment.file.sync().map_err(CreateError::Fatal)?;
    #[cfg(not(leasehold_mutant = "directory-sync-skipped"))]
    disk.sync().map_err(CreateError::Fatal)?;
    Ok(segment)
}

/// Reserves `wanted` bytes for a segment, or just the `needed` ones where there is no room for more.
fn reserve(segment: &mut Segment, needed: u64, wanted: u64) -> io::Result<()> {
    let wanted = wanted.max(needed);
    segment.reserved = match segment.file.allocate(wanted) {
        Err(error) if is_full(&error) && wanted > needed => segment.file.allocate(needed).map(|()| needed)?,
        other => other.map(|()| wanted)?,
    };
    Ok(())
}

/// A number that no client can know.
pub(crate) fn new_salt() -> u32 {
    let random = std::hash::RandomState::new().build_hasher().finish();
    u32::try_from(random & u64::from(u32::MAX)).expect("masked to 32 bits")
}
