//! From files to the state they stand for.
//!
//! The start is the oldest snapshot that the log reaches back to (or nothing, when the log is whole); the log is replayed
//! from there, which also fills the history. A group that a power cut interrupted is cut off the end. Everything else
//! that is not exactly as it was written stops the start with the file and the offset: a gap in the chain of groups, a
//! snapshot that differs from what the log says, a log that ends before a snapshot.

use std::collections::VecDeque;
use std::sync::Arc;

use leasehold_clock::{Clock, Monotonic};

use crate::{Change, ChangeKind, Memos, Revision};

use super::disk::{Disk, read_all};
use super::files::Files;
use super::log::frame::{self, Header};
use super::log::record::Record;
use super::log::segment::{self, Head, Segment};
use super::log::tail::{self, Tail};
use super::log::{self, CreateError, Log, Sealed};
use super::open_error::OpenError;
use super::options::Options;
use super::snapshot;
use crate::view::history::{History, Window};
use crate::view::state::{Item, State};

/// What was found.
pub(crate) struct Recovered {
    pub(crate) state: State,
    pub(crate) history: History,
    pub(crate) log: Log,
    /// Revisions of the snapshots, oldest first.
    pub(crate) snapshots: Vec<Revision>,
    /// Bytes of log after the newest snapshot.
    pub(crate) since_snapshot: u64,
}

/// Reads everything, and leaves the disk as if the last shutdown had been clean. What is returned is durable, including
/// groups that were never acknowledged but are there whole.
pub(crate) fn recover(disk: &Arc<dyn Disk>, clock: &Arc<dyn Clock>, options: &Options) -> Result<Recovered, OpenError> {
    let mut files = Files::find(disk.as_ref())?;
    files.remove_unstarted(disk.as_ref())?;
    let window = Window {
        age: options.history_age,
        bytes: options.history_bytes,
    };
    let replayed = replay(disk.as_ref(), &mut files, options.first_revision, window, clock.now())?;
    let current = match &replayed.last {
        None => first_segment(disk.as_ref(), options)?,
        Some(last) => reopen(disk.as_ref(), last).map_err(OpenError::io(&*last.name))?,
    };
    files.remove_leftovers(disk.as_ref());
    let Replay {
        state,
        history,
        sealed,
        chain,
        since_snapshot,
        ..
    } = replayed.replay;
    let log = Log::new(
        Arc::clone(disk),
        Arc::clone(clock),
        options.segment_bytes,
        sealed,
        current,
        chain.unwrap_or(options.first_revision),
    );
    Ok(Recovered {
        state,
        history,
        log,
        snapshots: files.snapshots,
        since_snapshot,
    })
}

/// The whole of a store, read and found to be sound.
pub(crate) struct Replayed {
    pub(crate) replay: Replay,
    /// The segment that is appended to; `None` where there is no log yet.
    pub(crate) last: Option<Read>,
}

/// Reads everything, and changes nothing.
pub(crate) fn replay(
    disk: &dyn Disk,
    files: &mut Files,
    first_revision: Revision,
    window: Window,
    now: Monotonic,
) -> Result<Replayed, OpenError> {
    let base = files.choose_base(disk, first_revision)?;
    let mut replay = Replay::new(base, window, now, files);
    let mut last = None;
    if let Some((newest, sealed)) = files.segments.split_last() {
        sealed
            .iter()
            .try_for_each(|sequence| replay.sealed_segment(disk, *sequence))?;
        last = Some(replay.last_segment(disk, *newest)?);
    }
    replay.check_end()?;
    Ok(Replayed { replay, last })
}

fn first_segment(disk: &dyn Disk, options: &Options) -> Result<Segment, OpenError> {
    let head = Head {
        sequence: segment::FIRST,
        base: options.first_revision,
        salt: log::new_salt(),
    };
    log::create(disk, head, options.segment_bytes).map_err(|error| match error {
        CreateError::Full(error) | CreateError::Fatal(error) => OpenError::io(segment::name(segment::FIRST))(error),
    })
}

/// The replay of the log, as far as it has come.
pub(crate) struct Replay {
    pub(crate) state: State,
    history: History,
    now: Monotonic,
    /// Records up to here are in the snapshot already.
    base: Revision,
    /// The last revision of the last frame; `None` before the first segment.
    chain: Option<Revision>,
    sealed: Vec<Sealed>,
    /// Snapshots that the log has not reached yet, to be compared with it.
    ahead: VecDeque<Revision>,
    newest_snapshot: Revision,
    since_snapshot: u64,
}

/// A segment as it was read.
pub(crate) struct Read {
    pub(crate) name: String,
    head: Head,
    bytes: Vec<u8>,
    /// Where its last whole frame starts and ends.
    last_frame: Option<usize>,
    pub(crate) end: usize,
    pub(crate) tail: Tail,
}

impl Replay {
    fn new(base: State, window: Window, now: Monotonic, files: &Files) -> Self {
        let revision = base.revision;
        Self {
            history: History::new(window, revision),
            state: base,
            now,
            base: revision,
            chain: None,
            sealed: Vec::new(),
            ahead: files
                .snapshots
                .iter()
                .copied()
                .filter(|snapshot| *snapshot > revision)
                .collect(),
            newest_snapshot: files.snapshots.last().copied().unwrap_or_default(),
            since_snapshot: 0,
        }
    }

    fn sealed_segment(&mut self, disk: &dyn Disk, sequence: u64) -> Result<(), OpenError> {
        let read = self.segment(disk, sequence)?;
        if read.tail != Tail::Clean {
            return Err(OpenError::corrupted(
                read.name,
                read.end as u64,
                "a group whose checksum does not match",
            ));
        }
        self.sealed.push(Sealed {
            sequence,
            base: read.head.base,
            bytes: read.end as u64,
        });
        Ok(())
    }

    fn last_segment(&mut self, disk: &dyn Disk, sequence: u64) -> Result<Read, OpenError> {
        let read = self.segment(disk, sequence)?;
        if read.tail == Tail::Damaged {
            let what = "a group whose checksum does not match, and which was not being written at a power cut";
            return Err(OpenError::corrupted(read.name, read.end as u64, what));
        }
        Ok(read)
    }

    fn segment(&mut self, disk: &dyn Disk, sequence: u64) -> Result<Read, OpenError> {
        let name = segment::name(sequence);
        let file = disk.open(&name).map_err(OpenError::io(&*name))?;
        let bytes = read_all(file.as_ref()).map_err(OpenError::io(&*name))?;
        let Some(head) = Head::decode(&bytes) else {
            return Err(OpenError::corrupted(name, 0, "not the header of a segment of the log"));
        };
        if head.sequence != sequence || head.base != *self.chain.get_or_insert(head.base) {
            return Err(OpenError::corrupted(
                name,
                0,
                "it does not follow the segment before it",
            ));
        }
        let (mut end, mut last_frame) = (segment::HEADER, None);
        while let Some((frame, payload)) = frame::read(&bytes[end..], head.salt) {
            #[cfg(leasehold_mutant = "revisions-reused-after-restart")]
            if frame::read(&bytes[end + frame.frame_len()..], head.salt).is_none() {
                return Ok(Read {
                    name,
                    head,
                    bytes,
                    last_frame,
                    end,
                    tail: Tail::Torn,
                });
            }
            self.frame(disk, &frame, payload)
                .map_err(|problem| problem.at(&name, end))?;
            last_frame = Some(end);
            end += frame.frame_len();
        }
        let tail = tail::judge(&bytes, end, head.salt);
        #[cfg(leasehold_mutant = "damage-taken-for-a-torn-tail")]
        let tail = if tail == Tail::Damaged { Tail::Torn } else { tail };
        Ok(Read {
            name,
            head,
            bytes,
            last_frame,
            end,
            tail,
        })
    }

    fn frame(&mut self, disk: &dyn Disk, frame: &Header, payload: &[u8]) -> Result<(), Problem> {
        if self.chain != Some(frame.previous) || frame.last < frame.previous {
            return Err(Problem::Here("a group is missing before this one"));
        }
        let records = frame::records(payload, frame.count).ok_or(Problem::Here("records that make no sense"))?;
        let mut before = frame.previous;
        for record in records {
            if record.revision <= before || record.revision > frame.last {
                return Err(Problem::Here("revisions that are out of order"));
            }
            before = record.revision;
            self.record(record)?;
        }
        self.history.trim(self.now, &mut Vec::new());
        self.chain = Some(frame.last);
        self.state.revision = self.state.revision.max(frame.last);
        if frame.last > self.newest_snapshot {
            self.since_snapshot += frame.frame_len() as u64;
        }
        self.compare_snapshot(disk).map_err(Problem::Elsewhere)
    }

    fn record(&mut self, record: Record) -> Result<(), Problem> {
        let Record { key, revision, value } = record;
        if revision <= self.base {
            return Ok(());
        }
        let key = self.state.get_key_value(&key).map_or(key, |(kept, _)| kept);
        let before = self
            .state
            .set(&key, value.clone().map(|value| Item { value, revision }));
        if value.is_none() && before.is_none() {
            return Err(Problem::Here("it deletes what is not there"));
        }
        let kind = value.map_or(ChangeKind::Delete, ChangeKind::Put);
        let previous = before.map(|item| (item.value, item.revision));
        let change = Change {
            key,
            revision,
            kind,
            previous,
            memos: Memos::default(),
        };
        self.history.push(Arc::new(change), self.now);
        Ok(())
    }

    /// Where a later snapshot was taken, the log must have led to the same.
    fn compare_snapshot(&mut self, disk: &dyn Disk) -> Result<(), OpenError> {
        let Some(revision) = self.ahead.pop_front_if(|revision| *revision <= self.state.revision) else {
            return Ok(());
        };
        let snapshot = read_snapshot(disk, revision)?;
        if revision == self.state.revision && snapshot.same_content(&self.state) {
            return Ok(());
        }
        Err(OpenError::corrupted(
            snapshot::name(revision),
            0,
            "it differs from what the log says",
        ))
    }

    fn check_end(&self) -> Result<(), OpenError> {
        if self.chain.unwrap_or_default() < self.newest_snapshot {
            let name = snapshot::name(self.newest_snapshot);
            return Err(OpenError::corrupted(name, 0, "the log ends before this snapshot"));
        }
        Ok(())
    }
}

/// What is wrong with a frame, or with something met while replaying it.
enum Problem {
    Here(&'static str),
    Elsewhere(OpenError),
}

impl Problem {
    fn at(self, file: &str, offset: usize) -> OpenError {
        match self {
            Self::Here(what) => OpenError::corrupted(file, offset as u64, what),
            Self::Elsewhere(error) => error,
        }
    }
}

/// Reads a snapshot that must be sound.
pub(crate) fn read_snapshot(disk: &dyn Disk, revision: Revision) -> Result<State, OpenError> {
    let name = snapshot::name(revision);
    let read = snapshot::read(disk, revision).map_err(OpenError::io(&*name))?;
    read.map_err(|damage| OpenError::corrupted(name, damage.offset, damage.what))
}

/// Opens the last segment for appending, without the interrupted group at its end, and makes what was read from it
/// durable: a group may be whole without ever having been synced.
fn reopen(disk: &dyn Disk, read: &Read) -> std::io::Result<Segment> {
    let mut file = disk.open(&read.name)?;
    let (mut reserved, end) = (read.bytes.len() as u64, read.end as u64);
    if read.tail == Tail::Torn {
        file.truncate(end)?;
        reserved = end;
    }
    // Written once more, because a sync that failed in an earlier life may have left it in memory only, looking written.
    let last_written = read.last_frame.unwrap_or(0);
    file.write_at(last_written as u64, &read.bytes[last_written..read.end])?;
    file.sync()?;
    disk.sync()?;
    Ok(Segment {
        head: read.head,
        file,
        end,
        reserved,
    })
}
