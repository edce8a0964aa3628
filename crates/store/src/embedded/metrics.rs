//! What the engine counts, cheaply, for whoever exposes it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Figures of an open store. Counters start at zero when it is opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Metrics {
    /// Writes made durable.
    pub commits: u64,
    /// Groups they were made durable in.
    pub groups: u64,
    /// Bytes appended to the log.
    pub written_bytes: u64,
    /// Syncs of the log.
    pub syncs: u64,
    /// Time spent in them.
    pub sync_time: Duration,
    /// Snapshots written.
    pub snapshots: u64,
    /// Objects there are.
    pub live_objects: u64,
    /// Bytes of their names and values.
    pub live_bytes: u64,
    /// Bytes in the log, of all its segments.
    pub log_bytes: u64,
    /// Watches there are.
    pub watchers: u64,
}

/// The part that is counted as it happens.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) commits: AtomicU64,
    pub(crate) groups: AtomicU64,
    pub(crate) written_bytes: AtomicU64,
    pub(crate) sync_nanoseconds: AtomicU64,
    pub(crate) snapshots: AtomicU64,
    pub(crate) log_bytes: AtomicU64,
}

impl Counters {
    pub(crate) fn group(&self, commits: usize, bytes: u64, sync: Duration) {
        let nanoseconds = u64::try_from(sync.as_nanos()).unwrap_or(u64::MAX);
        self.commits.fetch_add(commits as u64, Ordering::Relaxed);
        self.groups.fetch_add(1, Ordering::Relaxed);
        self.written_bytes.fetch_add(bytes, Ordering::Relaxed);
        self.sync_nanoseconds.fetch_add(nanoseconds, Ordering::Relaxed);
    }

    /// Bytes appended to the log so far.
    pub(crate) fn written(&self) -> u64 {
        self.written_bytes.load(Ordering::Relaxed)
    }

    pub(crate) fn set_log_bytes(&self, bytes: u64) {
        self.log_bytes.store(bytes, Ordering::Relaxed);
    }

    pub(crate) fn read(&self) -> Metrics {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Metrics {
            commits: get(&self.commits),
            groups: get(&self.groups),
            written_bytes: get(&self.written_bytes),
            syncs: get(&self.groups),
            sync_time: Duration::from_nanos(get(&self.sync_nanoseconds)),
            snapshots: get(&self.snapshots),
            log_bytes: get(&self.log_bytes),
            ..Metrics::default()
        }
    }
}
