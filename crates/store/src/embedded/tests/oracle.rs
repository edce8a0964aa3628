//! What may be found after a power cut, and whether it is.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use leasehold_clock::SimulatedClock;

use super::support::{Outcome, content, key, small, value};
use crate::Revision;
use crate::embedded::disk::Disk;
use crate::embedded::log::{frame, record, segment};
use crate::embedded::recover::{Recovered, recover};
use crate::embedded::{OpenError, format};
use crate::testing::{Image, MemoryDisk, Op};
use crate::view::state::{Item, State};

/// Knows what was acknowledged and shown by when, and what each revision stands for.
pub(crate) struct Oracle {
    /// The state after each revision.
    states: BTreeMap<Revision, State>,
    /// The revisions at which a group ends, as they were written to the log.
    ends: BTreeSet<Revision>,
    /// By position in the record: the highest revision that somebody knew of by then.
    known: BTreeMap<usize, Revision>,
}

impl Oracle {
    /// `starts` are what later starts of the store have shown, at their positions in the record.
    pub(crate) fn new(ops: &[Op], outcomes: &[Outcome], starts: &[(usize, Revision)]) -> Self {
        Self {
            states: states(outcomes),
            ends: group_ends(ops),
            known: known(outcomes, starts),
        }
    }

    /// The highest revision that was acknowledged or shown by the time of a position in the record.
    pub(crate) fn known(&self, position: usize) -> Revision {
        let last = self.known.range(..=position).next_back();
        last.map_or(Revision(0), |(_, revision)| *revision)
    }

    /// Whether a recovered state may be what was there at that position.
    pub(crate) fn judge(&self, state: &State, position: usize) -> Result<(), String> {
        let (revision, known) = (state.revision, self.known(position));
        if revision < known {
            return Err(format!("{revision} was recovered but {known} was acknowledged"));
        }
        if !self.ends.contains(&revision) {
            return Err(format!("{revision} is in the middle of a group"));
        }
        match self.states.get(&revision) {
            Some(expected) if expected.same_content(state) => Ok(()),
            Some(expected) => Err(format!(
                "at {revision} there is {:?} instead of {:?}",
                content(state),
                content(expected)
            )),
            None => Err(format!("{revision} was never given out")),
        }
    }

    /// Starts on an image, again, and once more after another write.
    pub(crate) fn check_image(&self, image: &Image, position: usize) -> Result<(), String> {
        let disk = MemoryDisk::new(image);
        let start = || start(&disk).map_err(|error| error.to_string());
        let first = start()?;
        self.judge(&first.state, position)?;
        drop(first);
        let again = start()?;
        self.judge(&again.state, position)
            .map_err(|why| format!("at the second start {why}"))?;
        let written = write_one(again)?;
        let last = start()?.state;
        if last.revision == written.revision && last.same_content(&written) {
            Ok(())
        } else {
            Err(format!(
                "{} was written after a start, but the next one came to {}",
                written.revision, last.revision
            ))
        }
    }
}

/// What a start makes of a disk.
pub(crate) fn start(disk: &MemoryDisk) -> Result<Recovered, OpenError> {
    let disk: Arc<dyn Disk> = Arc::new(disk.clone());
    format::check(disk.as_ref())?;
    recover(&disk, &(Arc::new(SimulatedClock::default()) as _), &small())
}

/// Writes once more, as the committer does, and returns what is there then.
fn write_one(Recovered { mut state, mut log, .. }: Recovered) -> Result<State, String> {
    let (key, value) = (key("leases", "after"), value(1, 700));
    let revision = Revision(state.revision.0 + 1);
    let mut buffer = Vec::new();
    frame::begin(&mut buffer);
    record::encode(&mut buffer, &key, revision, Some(&value));
    log.append(&mut buffer, 1, revision)
        .map_err(|error| format!("after a start the log takes nothing: {error:?}"))?;
    state.set(&key, Some(Item { value, revision }));
    state.revision = revision;
    Ok(state)
}

fn states(outcomes: &[Outcome]) -> BTreeMap<Revision, State> {
    let done = outcomes
        .iter()
        .filter_map(|outcome| Some((outcome.result.clone().ok()?, outcome)));
    let done: BTreeMap<_, _> = done.collect();
    let mut state = State::at(Revision(0));
    let mut states = BTreeMap::from([(Revision(0), state.clone())]);
    for (revision, outcome) in done {
        let item = outcome.value.clone().map(|value| Item { value, revision });
        state.set(&outcome.key, item);
        state.revision = revision;
        states.insert(revision, state.clone());
    }
    states
}

fn known(outcomes: &[Outcome], starts: &[(usize, Revision)]) -> BTreeMap<usize, Revision> {
    let answers = outcomes
        .iter()
        .filter_map(|outcome| Some((outcome.answered_at, outcome.result.clone().ok()?)));
    let mut told: Vec<_> = answers.chain(starts.iter().copied()).collect();
    told.sort_unstable();
    let mut highest = Revision(0);
    let rising = told.into_iter().map(|(position, revision)| {
        highest = highest.max(revision);
        (position, highest)
    });
    rising.collect()
}

fn group_ends(ops: &[Op]) -> BTreeSet<Revision> {
    let mut names = Vec::new();
    let mut ends = BTreeSet::from([Revision(0)]);
    for op in ops {
        match op {
            Op::Create(name) => names.push(name.clone()),
            Op::Write(file, offset, bytes)
                if segment::sequence(&names[*file]).is_some() && *offset >= segment::HEADER as u64 =>
            {
                ends.insert(Revision(u64::from_le_bytes(bytes[16..24].try_into().unwrap())));
            }
            _ => {}
        }
    }
    ends
}
