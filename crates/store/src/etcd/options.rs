//! The settings of the engine.

use std::time::Duration;

use leasehold_etcd as etcd;

/// Settings of a store in etcd. Plain data: the clock is given beside it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// How to reach etcd, and how long a call may take.
    pub etcd: etcd::Options,
    /// What all keys begin with: `/registry`, as for a kube-apiserver.
    pub prefix: String,
    /// What is followed and served from memory, by the names under which it is stored. Of everything else, single keys can be
    /// read and written, and ranges listed, straight from etcd; it cannot be watched.
    pub resources: Vec<&'static str>,
    /// How long changes can be watched and listed at without asking etcd: 5 minutes.
    pub history_age: Duration,
    /// How many bytes of changes are kept of each resource within that time: 64 MiB.
    pub history_bytes: usize,
    /// How many of etcd's revisions back a start begins, so that those who were watching another process, or this one before,
    /// can go on: 50,000, or what etcd has not compacted.
    pub history_revisions: u64,
    /// How often old revisions are compacted, by one of all processes that share the etcd, a kube-apiserver among them: 5
    /// minutes. What is compacted is older than one interval. Zero leaves it to others.
    pub compaction_interval: Duration,
    /// How long etcd may be away before watches here are ended, so that their clients try another replica: 10 seconds.
    pub watches_wait: Duration,
    /// How long an open may take, trying again where etcd cannot be reached: 30 seconds.
    pub open_timeout: Duration,
}

impl Options {
    /// The defaults, for these endpoints and resources.
    #[must_use]
    pub fn new(etcd: etcd::Options, resources: Vec<&'static str>) -> Self {
        Self {
            etcd,
            prefix: "/registry".to_owned(),
            resources,
            history_age: Duration::from_secs(300),
            history_bytes: 64 << 20,
            history_revisions: 50_000,
            compaction_interval: Duration::from_secs(300),
            watches_wait: Duration::from_secs(10),
            open_timeout: Duration::from_secs(30),
        }
    }
}
