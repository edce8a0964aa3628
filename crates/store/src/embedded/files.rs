//! Which files there are, which of them matter, and which are left over from something that was interrupted.

use crate::Revision;

use super::disk::{Disk, read_all};
use super::log::segment::{self, Head};
use super::open_error::OpenError;
use super::recover::read_snapshot;
use super::snapshot;
use crate::view::state::State;

/// The files of a store, by kind and in order.
pub(crate) struct Files {
    /// The end of the log that has no gap, oldest first.
    pub(crate) segments: Vec<u64>,
    /// Oldest first.
    pub(crate) snapshots: Vec<Revision>,
    /// A last segment that was created and never started: it holds nothing.
    pub(crate) unstarted: Option<String>,
    pub(crate) leftovers: Vec<String>,
}

impl Files {
    /// Looks at the directory.
    pub(crate) fn find(disk: &dyn Disk) -> Result<Self, OpenError> {
        let names = disk.list().map_err(OpenError::io("listing the data directory"))?;
        let mut segments: Vec<u64> = names.iter().filter_map(|name| segment::sequence(name)).collect();
        let mut snapshots: Vec<Revision> = names.iter().filter_map(|name| snapshot::revision(name)).collect();
        segments.sort_unstable();
        snapshots.sort_unstable();
        let unstarted = match segments.last().map(|last| segment::name(*last)) {
            Some(last) if is_unstarted(disk, &last)? => {
                segments.pop();
                Some(last)
            }
            _ => None,
        };
        let gap = segments
            .windows(2)
            .rposition(|pair| pair[0].checked_add(1) != Some(pair[1]));
        let needed = segments.split_off(gap.map_or(0, |gap| gap + 1));
        let unfinished = names.into_iter().filter(|name| snapshot::is_unfinished(name));
        let leftovers = unfinished.chain(segments.into_iter().map(segment::name)).collect();
        Ok(Self {
            segments: needed,
            snapshots,
            unstarted,
            leftovers,
        })
    }

    /// Removes a segment that was never started, so that its name is free for good.
    pub(crate) fn remove_unstarted(&mut self, disk: &dyn Disk) -> Result<(), OpenError> {
        let Some(name) = self.unstarted.take() else {
            return Ok(());
        };
        let removed = disk.unlink(&name).and_then(|()| disk.sync());
        removed.map_err(OpenError::io(name))
    }

    /// The state that the replay starts from. Snapshots that are older become leftovers.
    pub(crate) fn choose_base(&mut self, disk: &dyn Disk, first_revision: Revision) -> Result<State, OpenError> {
        let Some(first) = self.segments.first() else {
            return match self.snapshots.last() {
                None => Ok(State::at(first_revision)),
                Some(newest) => Err(OpenError::corrupted(
                    snapshot::name(*newest),
                    0,
                    "there is no log that leads to it",
                )),
            };
        };
        let log_base = base(disk, *first)?;
        if *first == segment::FIRST {
            return Ok(State::at(log_base));
        }
        let older = self.snapshots.partition_point(|snapshot| *snapshot < log_base);
        self.leftovers.extend(self.snapshots.drain(..older).map(snapshot::name));
        match self.snapshots.first() {
            Some(snapshot) => read_snapshot(disk, *snapshot),
            None => Err(OpenError::corrupted(
                segment::name(*first),
                0,
                "the log before it is missing",
            )),
        }
    }

    /// Removes what is not needed. What cannot be removed does no harm.
    pub(crate) fn remove_leftovers(&mut self, disk: &dyn Disk) {
        for name in self.leftovers.drain(..) {
            if let Err(error) = disk.unlink(&name) {
                tracing::warn!(%error, file = name, "a file that is not needed any more could not be removed");
            }
        }
    }
}

/// The revision before the first segment.
fn base(disk: &dyn Disk, sequence: u64) -> Result<Revision, OpenError> {
    let name = segment::name(sequence);
    let file = disk.open(&name).map_err(OpenError::io(&*name))?;
    let mut bytes = [0; segment::HEADER];
    let size = file.size().map_err(OpenError::io(&*name))?;
    if size >= segment::HEADER as u64 {
        file.read_at(0, &mut bytes).map_err(OpenError::io(&*name))?;
    }
    let head = Head::decode(&bytes);
    head.map(|head| head.base)
        .ok_or_else(|| OpenError::corrupted(name, 0, "not the header of a segment of the log"))
}

/// Whether a segment was created but never had a header: then nothing was ever appended to it.
fn is_unstarted(disk: &dyn Disk, name: &str) -> Result<bool, OpenError> {
    let file = disk.open(name).map_err(OpenError::io(name))?;
    let bytes = read_all(file.as_ref()).map_err(OpenError::io(name))?;
    Ok(bytes.iter().all(|byte| *byte == 0))
}
