//! What came of operations.

use std::collections::BTreeMap;

use leasehold_clock::Monotonic;
use parking_lot::Mutex;

use crate::latency::Latencies;
use crate::pool::Failed;
use crate::schedule::Arrival;

/// Different reasons that are told apart.
const REASONS: usize = 20;

/// How an operation ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Done,
    /// Done, with so many bytes read.
    Read(u64),
    /// Somebody else had written the lease.
    Conflict,
    /// With how the server refused it.
    Failed(String),
    /// The time for one request was up.
    TimedOut,
}

impl Outcome {
    /// Whether it is what was to be expected.
    pub(crate) const fn is_fine(&self) -> bool {
        matches!(self, Self::Done | Self::Read(_) | Self::Conflict)
    }
}

impl From<Failed> for Outcome {
    fn from(failed: Failed) -> Self {
        match failed {
            Failed::TimedOut => Self::TimedOut,
            Failed::Broken(why) => Self::Failed(why),
        }
    }
}

/// Counts of outcomes.
#[derive(Clone, Default)]
pub(crate) struct Tally {
    /// Of what was done and of what timed out: a server that never answers must not look fast.
    pub(crate) latencies: Latencies,
    pub(crate) operations: u64,
    /// Read by operations that say so.
    pub(crate) bytes: u64,
    pub(crate) conflicts: u64,
    pub(crate) failures: BTreeMap<String, u64>,
}

impl Tally {
    /// Counts an operation, if it is to be measured.
    pub(crate) fn record(tally: &Mutex<Self>, arrival: Arrival, now: Monotonic, outcome: Outcome) {
        if !arrival.measured {
            return;
        }
        let mut tally = tally.lock();
        let latency = now.since(arrival.due);
        match outcome {
            Outcome::Done => {
                tally.latencies.record(latency);
                tally.operations += 1;
            }
            Outcome::Read(bytes) => {
                tally.latencies.record(latency);
                tally.operations += 1;
                tally.bytes += bytes;
            }
            Outcome::Conflict => tally.conflicts += 1,
            Outcome::Failed(why) => tally.fail(why),
            Outcome::TimedOut => {
                tally.latencies.record(latency);
                tally.fail("timed out".to_owned());
            }
        }
    }

    /// Adds all of another's.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.latencies.merge(&other.latencies);
        self.operations += other.operations;
        self.bytes += other.bytes;
        self.conflicts += other.conflicts;
        for (why, count) in &other.failures {
            *self.failures.entry(why.clone()).or_default() += count;
        }
    }

    fn fail(&mut self, why: String) {
        let is_known = self.failures.contains_key(&why) || self.failures.len() < REASONS;
        let why = if is_known { why } else { "other".to_owned() };
        *self.failures.entry(why).or_default() += 1;
    }
}
