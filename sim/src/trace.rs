//! What happened, as a number: two runs of one seed must have the same.

use std::hash::{DefaultHasher, Hash, Hasher};

use crate::time::Nanos;
use crate::world::{NodeId, ProcessId};

/// A step of a run. Nothing in it may depend on anything but the plan: no uid, no address.
#[derive(Clone, Copy, Debug, Hash)]
pub(crate) enum Entry {
    Wakes(ProcessId),
    Sends(ProcessId, &'static str),
    Answers(ProcessId, &'static str, u64),
    Leads(ProcessId, u64),
    WorkEnds(ProcessId, u64),
    Writes(ProcessId, u64, bool),
    Strikes(usize),
    Starts(NodeId),
    Crashes,
    FallsAsleep(NodeId, Nanos, bool),
    WakesUp(NodeId),
}

/// A hash over all entries and their times.
pub(crate) struct Trace {
    hasher: DefaultHasher,
    entries: u64,
    verbose: bool,
}

impl Trace {
    pub(crate) fn new(verbose: bool) -> Self {
        Self {
            hasher: DefaultHasher::new(),
            entries: 0,
            verbose,
        }
    }

    pub(crate) fn note(&mut self, at: Nanos, entry: Entry) {
        (at, &entry).hash(&mut self.hasher);
        self.entries += 1;
        if self.verbose {
            say(at, &entry);
        }
    }

    /// The hash so far, and over how many entries.
    pub(crate) fn digest(&self) -> (u64, u64) {
        (self.hasher.finish(), self.entries)
    }
}

#[expect(clippy::print_stderr, reason = "asked for by --trace")]
fn say(at: Nanos, entry: &Entry) {
    // By far the most, and they tell least.
    if !matches!(entry, Entry::Wakes(_)) {
        eprintln!("{:>14.6} {entry:?}", std::time::Duration::from_nanos(at).as_secs_f64());
    }
}
