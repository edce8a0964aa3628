//! The settings of the engine.

use std::path::PathBuf;
use std::time::Duration;

use crate::Revision;

/// Settings of an embedded store. Plain data: the clock and the disk are given beside it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// Where the data is. Created with mode 0700 when missing; refused when others may enter it.
    pub directory: PathBuf,
    /// How long changes can be watched and listed at: 5 minutes.
    pub history_age: Duration,
    /// How many bytes of changes are kept of each resource within that time: 64 MiB.
    pub history_bytes: usize,
    /// The size of a file of the log: 16 MiB. A larger group makes a larger file.
    pub segment_bytes: u64,
    /// Bytes in the log after which a snapshot is written, unless the live data is larger: 64 MiB. The disk holds at most
    /// two snapshots and about twice this much log.
    pub snapshot_bytes: u64,
    /// Bytes after which a commit group takes no more writes until it is on its way: 8 MiB. A write that waits for the next
    /// has not begun: dropping its future means that it never does.
    pub group_bytes: usize,
    /// What a new store starts after: 0. With some more, the small numbers that clients make up are known to be older than
    /// anything kept, as on any cluster that has lived a while, and not taken for a point in history. Of no meaning to a
    /// store that exists.
    pub first_revision: Revision,
}

impl Options {
    /// The defaults, for data in `directory`.
    #[must_use]
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self {
            directory: directory.into(),
            history_age: Duration::from_secs(300),
            history_bytes: 64 << 20,
            segment_bytes: 16 << 20,
            snapshot_bytes: 64 << 20,
            group_bytes: 8 << 20,
            first_revision: Revision(0),
        }
    }
}
