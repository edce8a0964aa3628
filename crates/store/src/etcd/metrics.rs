//! What the engine counts, cheaply, for whoever exposes it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use leasehold_etcd as etcd;

use crate::Revision;

/// The kinds of request that are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestKind {
    /// Reads of keys and of etcd's revision.
    Range,
    /// Writes.
    Txn,
    /// Compactions.
    Compact,
    /// Watches opened.
    Watch,
}

/// How a request can end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestOutcome {
    /// Answered, be it that a comparison did not hold.
    Answered,
    /// Surely not carried out.
    Failed,
    /// Perhaps carried out: there was no answer.
    Unknown,
}

impl RequestKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Range, Self::Txn, Self::Compact, Self::Watch];

    /// One word, for a label.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Range => "range",
            Self::Txn => "txn",
            Self::Compact => "compact",
            Self::Watch => "watch",
        }
    }
}

impl RequestOutcome {
    /// Every outcome.
    pub const ALL: [Self; 3] = [Self::Answered, Self::Failed, Self::Unknown];

    /// One word, for a label.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
        }
    }

    const fn of(error: Option<&etcd::Error>) -> Self {
        match error {
            // An answer as well, about history.
            None | Some(etcd::Error::Compacted | etcd::Error::FutureRevision) => Self::Answered,
            Some(etcd::Error::Unknown(_)) => Self::Unknown,
            Some(_) => Self::Failed,
        }
    }
}

/// Figures of an open store. Counters start at zero when it is opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Metrics {
    /// Writes acknowledged.
    pub commits: u64,
    /// The last revision that has been seen here, of the watch.
    pub seen_revision: u64,
    /// The last revision that etcd has told of in any reply. While others write elsewhere in the same etcd, what has been seen
    /// is behind it for some seconds.
    pub etcd_revision: u64,
    /// How long ago the watch told anything, be it only how far it is.
    pub silence: Duration,
    /// How often the watch was opened again after it was lost.
    pub reconnects: u64,
    /// How often everything was read anew because changes had been compacted before they were told, or did not fit.
    pub relists: u64,
    /// Compactions carried out by this process.
    pub compactions: u64,
    /// Objects there are.
    pub live_objects: u64,
    /// Bytes of their names and values.
    pub live_bytes: u64,
    /// Watches there are.
    pub watchers: u64,
    pub(super) requests: [[u64; RequestOutcome::ALL.len()]; RequestKind::ALL.len()],
}

impl Metrics {
    /// How many requests of a kind have ended so.
    #[must_use]
    pub const fn requests(&self, kind: RequestKind, outcome: RequestOutcome) -> u64 {
        self.requests[kind as usize][outcome as usize]
    }
}

/// The part that is counted as it happens.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) commits: AtomicU64,
    pub(super) reconnects: AtomicU64,
    pub(super) relists: AtomicU64,
    pub(super) compactions: AtomicU64,
    /// Bytes of values that the watch has told.
    pub(super) told_bytes: AtomicU64,
    etcd_revision: AtomicU64,
    requests: [[AtomicU64; RequestOutcome::ALL.len()]; RequestKind::ALL.len()],
}

impl Counters {
    pub(super) fn add(counter: &AtomicU64, by: u64) {
        counter.fetch_add(by, Ordering::Relaxed);
    }

    /// Counts a request by its result, and hands the result on.
    pub(super) fn request<T>(&self, kind: RequestKind, result: Result<T, etcd::Error>) -> Result<T, etcd::Error> {
        let outcome = RequestOutcome::of(result.as_ref().err());
        Self::add(&self.requests[kind as usize][outcome as usize], 1);
        result
    }

    /// Notes that etcd has come so far.
    pub(super) fn etcd_is_at(&self, revision: Revision) {
        self.etcd_revision.fetch_max(revision.0, Ordering::Relaxed);
    }

    /// Bytes of values told so far.
    pub(super) fn told(&self) -> u64 {
        self.told_bytes.load(Ordering::Relaxed)
    }

    pub(super) fn read(&self) -> Metrics {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Metrics {
            commits: get(&self.commits),
            etcd_revision: get(&self.etcd_revision),
            reconnects: get(&self.reconnects),
            relists: get(&self.relists),
            compactions: get(&self.compactions),
            requests: self.requests.each_ref().map(|outcomes| outcomes.each_ref().map(get)),
            ..Metrics::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_counted_by_kind_and_outcome() {
        let counters = Counters::default();
        let failed = || etcd::Error::NotSent(String::new());
        let results = [Ok(()), Ok(()), Err(failed()), Err(etcd::Error::Unknown(String::new()))];
        for result in results {
            let _handed_on = counters.request(RequestKind::Txn, result);
        }
        let _handed_on = counters.request::<()>(RequestKind::Range, Err(etcd::Error::Compacted));
        let metrics = counters.read();
        let of = |kind| RequestOutcome::ALL.map(|outcome| metrics.requests(kind, outcome));
        assert_eq!(of(RequestKind::Txn), [2, 1, 1]);
        assert_eq!(of(RequestKind::Range), [1, 0, 0]);
        assert_eq!(of(RequestKind::Watch), [0, 0, 0]);
    }
}
