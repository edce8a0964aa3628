//! Looks at a data directory that nobody uses, without changing it: is all of it as it was written?
//!
//! The store is read as a start reads it, which checks the chain of groups and compares snapshots with the log, and says
//! where that would stop. Besides, every file is read by itself, so that one damaged file does not hide what is wrong
//! with the others, and every value in them is shown to the caller, who knows what it should be.

use std::collections::BTreeSet;
use std::path::Path;

use bytes::Bytes;
use leasehold_clock::Monotonic;

use crate::{Key, Revision};

use super::disk::{Disk, read_all};
use super::files::Files;
use super::format;
use super::log::frame;
use super::log::segment::{self, Head};
use super::log::tail::Tail;
use super::open_error::OpenError;
use super::read_only::ReadOnlyDisk;
use super::recover::{self, Replayed};
use super::snapshot;
use crate::view::history::Window;
use crate::view::state::State;

/// Says what is wrong with the value of a key, if anything is.
pub type Judge<'a> = dyn FnMut(&Key, &Bytes) -> Result<(), String> + 'a;

/// What a look at a data directory has found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inspection {
    /// Everything that is not as it should be, by file and offset. Nothing in here means that the store is sound.
    pub problems: Vec<Problem>,
    /// What is in it; `None` when a start would fail.
    pub content: Option<Content>,
    /// The files of the log, oldest first.
    pub segments: Vec<SegmentFile>,
    /// The snapshots, oldest first.
    pub snapshots: Vec<SnapshotFile>,
    /// Files that the next start removes: of interrupted work, or replaced.
    pub leftovers: Vec<String>,
}

/// The objects of a sound store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// Of the last change.
    pub revision: Revision,
    /// By name of resource.
    pub resources: Vec<Objects>,
    /// The file and the offset of a last group that was being written when the power went or the process was killed. It
    /// had not been acknowledged, and the next start cuts it off.
    pub interrupted: Option<(String, u64)>,
}

/// The objects of one resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Objects {
    /// The store's name of the resource.
    pub resource: &'static str,
    /// How many there are.
    pub objects: usize,
    /// Bytes of their names and values.
    pub bytes: usize,
}

/// One file of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentFile {
    /// Its name.
    pub file: String,
    /// Bytes of the file, reserved ones included.
    pub size: u64,
    /// Bytes of it that are written, as far as they are sound.
    pub used: u64,
    /// Commit groups.
    pub groups: u64,
    /// Changes in them.
    pub changes: u64,
}

/// One snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotFile {
    /// Its name.
    pub file: String,
    /// The revision that it is of.
    pub revision: Revision,
    /// Bytes of the file.
    pub size: u64,
    /// How many objects are in it; `None` when it is damaged.
    pub objects: Option<usize>,
}

/// Something that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// The file in the data directory.
    pub file: String,
    /// Where in the file: the start of the frame concerned, 0 for the file as a whole.
    pub offset: u64,
    /// What is wrong.
    pub what: String,
}

/// Looks at the store in `directory`. `judge` is shown every value in its files, also those that were replaced since.
///
/// # Errors
/// When nothing could be looked at: there is no store, it is in use, of a newer version, or cannot be read.
pub fn inspect(directory: &Path, judge: &mut Judge<'_>) -> Result<Inspection, OpenError> {
    let disk = ReadOnlyDisk::open(directory)?;
    inspect_on(&disk, judge)
}

/// [`inspect`] on a disk that nobody changes meanwhile.
pub(crate) fn inspect_on(disk: &dyn Disk, judge: &mut Judge<'_>) -> Result<Inspection, OpenError> {
    let mut look = Look {
        disk,
        judge,
        found: Inspection::default(),
        problems: BTreeSet::new(),
    };
    look.whole()?;
    look.files()?;
    let Look {
        mut found, problems, ..
    } = look;
    found.problems = problems.into_iter().collect();
    Ok(found)
}

struct Look<'a, 'b> {
    disk: &'a dyn Disk,
    judge: &'a mut Judge<'b>,
    found: Inspection,
    problems: BTreeSet<Problem>,
}

impl Look<'_, '_> {
    /// Reads the store as a start does.
    fn whole(&mut self) -> Result<(), OpenError> {
        match self.replay() {
            Ok(content) => self.found.content = Some(content),
            Err(OpenError::Corrupted { file, offset, what }) => self.problem(&file, offset, what),
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn replay(&mut self) -> Result<Content, OpenError> {
        if !format::is_ours(self.disk)? {
            format::check_empty(self.disk)?;
            return Err(OpenError::Absent);
        }
        let mut files = Files::find(self.disk)?;
        // No history is wanted, only that what leads to it is sound.
        let window = Window {
            age: Default::default(),
            bytes: 0,
        };
        let replayed = recover::replay(self.disk, &mut files, Revision(0), window, Monotonic::default());
        self.found.leftovers = files.leftovers;
        self.found.leftovers.extend(files.unstarted);
        self.found.leftovers.sort_unstable();
        replayed.map(|replayed| content(&replayed))
    }

    /// Reads every file by itself.
    fn files(&mut self) -> Result<(), OpenError> {
        let mut names = self.disk.list().map_err(OpenError::io("listing the data directory"))?;
        names.retain(|name| format::is_data(name) && !self.found.leftovers.contains(name));
        names.sort_unstable();
        for name in names {
            let file = self.disk.open(&name).map_err(OpenError::io(&*name))?;
            let bytes = read_all(file.as_ref()).map_err(OpenError::io(&*name))?;
            match snapshot::revision(&name) {
                Some(revision) => self.snapshot(name, revision, &bytes),
                None => self.segment(name, &bytes),
            }
        }
        Ok(())
    }

    fn segment(&mut self, file: String, bytes: &[u8]) {
        let mut seen = Frames::default();
        match Head::decode(bytes) {
            None => self.problem(&file, 0, "not the header of a segment of the log"),
            Some(head) => seen = self.frames(&file, bytes, segment::HEADER, head.salt),
        }
        let interrupted = self
            .found
            .content
            .as_ref()
            .and_then(|content| content.interrupted.as_ref());
        let expected = interrupted.is_some_and(|(torn, offset)| *torn == file && *offset == seen.end as u64);
        if seen.end > 0 && !expected && bytes[seen.end..].iter().any(|byte| *byte != 0) {
            self.problem(&file, seen.end as u64, "a group whose checksum does not match");
        }
        self.found.segments.push(SegmentFile {
            file,
            size: bytes.len() as u64,
            used: seen.end as u64,
            groups: seen.frames,
            changes: seen.records,
        });
    }

    fn snapshot(&mut self, file: String, revision: Revision, bytes: &[u8]) {
        let objects = match snapshot::parse(bytes, revision) {
            Ok(state) => Some(state.len()),
            Err(damage) => {
                self.problem(&file, damage.offset, damage.what);
                None
            }
        };
        if let Some(salt) = snapshot::read_salt(bytes, revision) {
            self.frames(&file, bytes, snapshot::HEADER, salt);
        }
        self.found.snapshots.push(SnapshotFile {
            file,
            revision,
            size: bytes.len() as u64,
            objects,
        });
    }

    /// Shows the values in the whole frames from `start` on to the judge.
    fn frames(&mut self, file: &str, bytes: &[u8], start: usize, salt: u32) -> Frames {
        let mut seen = Frames {
            end: start,
            ..Frames::default()
        };
        while let Some((head, payload)) = frame::read(&bytes[seen.end..], salt) {
            match frame::records(payload, head.count) {
                None => self.problem(file, seen.end as u64, "records that make no sense"),
                Some(records) => {
                    seen.records += records.len() as u64;
                    for record in records {
                        self.value(file, seen.end, &record.key, record.value.as_ref());
                    }
                }
            }
            seen.frames += 1;
            seen.end += head.frame_len();
        }
        seen
    }

    fn value(&mut self, file: &str, offset: usize, key: &Key, value: Option<&Bytes>) {
        let Some(Err(what)) = value.map(|value| (self.judge)(key, value)) else {
            return;
        };
        let Key {
            resource,
            namespace,
            name,
        } = key;
        let what = format!("the value of {resource} {namespace}/{name}: {what}");
        self.problems.insert(Problem {
            file: file.to_owned(),
            offset: offset as u64,
            what,
        });
    }

    /// Notes a problem, unless this place is known to have one.
    fn problem(&mut self, file: &str, offset: u64, what: &str) {
        let known = |problem: &Problem| problem.file == file && problem.offset == offset;
        if !self.problems.iter().any(known) {
            self.problems.insert(Problem {
                file: file.to_owned(),
                offset,
                what: what.to_owned(),
            });
        }
    }
}

/// What was read of a file.
#[derive(Default)]
struct Frames {
    frames: u64,
    records: u64,
    /// Where the last whole one ends; 0 without a header.
    end: usize,
}

fn content(replayed: &Replayed) -> Content {
    let state = &replayed.replay.state;
    let torn = replayed.last.as_ref().filter(|last| last.tail == Tail::Torn);
    Content {
        revision: state.revision,
        resources: objects(state),
        interrupted: torn.map(|last| (last.name.clone(), last.end as u64)),
    }
}

fn objects(state: &State) -> Vec<Objects> {
    let sizes = state.tables().map(|(resource, table)| {
        let (objects, bytes) = table.size();
        Objects {
            resource,
            objects,
            bytes,
        }
    });
    let mut resources: Vec<Objects> = sizes.filter(|resource| resource.objects > 0).collect();
    resources.sort_unstable_by_key(|resource| resource.resource);
    resources
}
