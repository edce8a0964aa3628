//! What the monitor counts.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Figures of a running monitor, for whoever shows them. Counters start at zero with the process.
#[derive(Debug, Default)]
pub struct NodeFigures {
    ready: AtomicU64,
    not_ready: AtomicU64,
    unknown: AtomicU64,
    never_posted: AtomicU64,
    heartbeats: AtomicU64,
    silences: AtomicU64,
    lag_nanoseconds: AtomicU64,
}

/// How many nodes there are, by what their Ready condition says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NodeCounts {
    /// `True`
    pub ready: u64,
    /// `False`
    pub not_ready: u64,
    /// `Unknown`
    pub unknown: u64,
    /// There is no such condition yet.
    pub never_posted: u64,
}

impl NodeFigures {
    /// How many nodes there are.
    #[must_use]
    pub fn nodes(&self) -> NodeCounts {
        NodeCounts {
            ready: self.ready.load(Ordering::Relaxed),
            not_ready: self.not_ready.load(Ordering::Relaxed),
            unknown: self.unknown.load(Ordering::Relaxed),
            never_posted: self.never_posted.load(Ordering::Relaxed),
        }
    }

    /// Heartbeats seen: of leases, and of Ready conditions.
    #[must_use]
    pub fn heartbeats(&self) -> u64 {
        self.heartbeats.load(Ordering::Relaxed)
    }

    /// How often a node was found silent for longer than its grace period.
    #[must_use]
    pub fn silences(&self) -> u64 {
        self.silences.load(Ordering::Relaxed)
    }

    /// How long after its grace period had ended the node was found silent that waited longest, at the last look that
    /// found one.
    #[must_use]
    pub fn lag(&self) -> Duration {
        Duration::from_nanos(self.lag_nanoseconds.load(Ordering::Relaxed))
    }

    pub(super) fn set_nodes(&self, counts: NodeCounts) {
        self.ready.store(counts.ready, Ordering::Relaxed);
        self.not_ready.store(counts.not_ready, Ordering::Relaxed);
        self.unknown.store(counts.unknown, Ordering::Relaxed);
        self.never_posted.store(counts.never_posted, Ordering::Relaxed);
    }

    pub(super) fn add_heartbeats(&self, count: u64) {
        self.heartbeats.fetch_add(count, Ordering::Relaxed);
    }

    pub(super) fn add_silence(&self) {
        self.silences.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn set_lag(&self, lag: Duration) {
        let nanoseconds = u64::try_from(lag.as_nanos()).unwrap_or(u64::MAX);
        self.lag_nanoseconds.store(nanoseconds, Ordering::Relaxed);
    }
}
