//! The embedded engine: everything live in memory, every change in a log before anyone hears of it.
//!
//! A write is judged in memory (`pending`), gathered into a group, appended to the log and synced by one thread
//! (`committer`, `log`), and then becomes visible together with its group (`published`): to reads at once, to
//! watches through the history (`history`, `watch`). From time to time a snapshot lets the old part of the log go
//! (`snapshotter`, `snapshot`). A start reads it all back (`recover`). A `backup` is a snapshot that leaves the machine, and
//! `restore` makes a new store of it; `inspect` looks at a store and changes nothing. The disk is behind a seam (`disk`).
//!
//! # Revisions
//!
//! They are given out in order under one lock and written with every group. A failed group's are not given out again
//! while the process lives. After a restart the numbers go on above the last one in the log. Those of groups that failed
//! and are in no log may then be given out again, and nobody can tell: such a revision was in no reply, since those come
//! after the sync; in no refusal, since those wait for the group they rest on; in no read and no watch, since both show
//! what is published. Where a failed group did reach the disk, the start finds it, shows it, and goes on above it.
//!
//! # What it never does
//!
//! It never shows or acknowledges what a power cut could take back, never retries a failed sync, never holds a lock
//! while it waits for the disk, and keeps no queue for a watcher.

mod backup;
mod committer;
mod completion;
pub mod disk;
mod fail_stop;
mod files;
pub(crate) mod format;
#[cfg(any(test, feature = "testing"))]
mod hand;
mod inspect;
mod lock;
pub(crate) mod log;
mod metrics;
mod open_error;
mod options;
mod pending;
mod read_only;
pub(crate) mod recover;
mod restore;
pub(crate) mod snapshot;
mod snapshotter;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::thread::JoinHandle;

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};
use leasehold_clock::Clock;
use parking_lot::{Condvar, Mutex};
use tokio::sync::Notify;

use crate::view::history::History;
use crate::view::past::Past;
use crate::view::published::Published;
use crate::view::state::{self, State};
use crate::{Entry, Error, Key, Listing, Page, Range, Revision, Snapshot, Store, Watch};
use committer::{Committer, Farewell};
use completion::Completion;
use disk::Disk;
use fail_stop::FailStop;
use lock::DirectoryLock;
use metrics::Counters;
use pending::{Health, Pending, Shared, Write};
use recover::Recovered;
use snapshotter::Snapshotter;

#[cfg(any(test, feature = "testing"))]
pub use hand::Hand;

pub use backup::{Backup, BackupContent, verify as verify_backup};
pub use inspect::{Content, Inspection, Judge, Objects, Problem, SegmentFile, SnapshotFile, inspect};
pub use metrics::Metrics;
pub use open_error::OpenError;
pub use options::Options;
pub use restore::{RestoreError, Restored, create, restore};

/// An open embedded store.
///
/// Close it with [`Embedded::close`]. Dropping it instead does the same work, in the thread that drops it.
pub struct Embedded {
    shared: Arc<Shared>,
    ended: Arc<Completion>,
    committer: Mutex<Option<JoinHandle<()>>>,
}

impl Embedded {
    /// Opens the store in a directory, creating it when there is none. Blocks while it reads the data back.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open(options: &Options, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        let (disk, lock) = lock::open(&options.directory)?;
        Self::start(Arc::new(disk), Some(lock), options, clock)
    }

    /// Opens the store on a disk of the caller's, which nobody else may use meanwhile. The directory in the options plays
    /// no part.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open_on(disk: Arc<dyn Disk>, options: &Options, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        Self::start(disk, None, options, clock)
    }

    /// Opens the store on a disk of the caller's, without a thread of its own: whoever has the [`Hand`] says when what was
    /// asked for is written, and does it. So a simulation decides what happens when.
    ///
    /// # Errors
    /// See [`OpenError`].
    #[cfg(any(test, feature = "testing"))]
    pub fn open_by_hand(
        disk: Arc<dyn Disk>,
        options: &Options,
        clock: Arc<dyn Clock>,
    ) -> Result<(Self, Hand), OpenError> {
        let (store, committer, farewell) = Self::prepare(disk, options, clock)?;
        Ok((store, Hand::new(committer, farewell)))
    }

    fn start(
        disk: Arc<dyn Disk>,
        lock: Option<DirectoryLock>,
        options: &Options,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, OpenError> {
        let (store, committer, farewell) = Self::prepare(disk, options, clock)?;
        let thread = std::thread::Builder::new().name("store-commit".into()).spawn(move || {
            // Dropped in reverse: the lock goes once nothing is written any more, and then the end is announced.
            let _farewell = farewell;
            let _lock = lock;
            committer.run();
        });
        *store.committer.lock() = Some(thread.map_err(OpenError::io("starting the committer"))?);
        Ok(store)
    }

    /// A store whose committer does not run yet.
    fn prepare(
        disk: Arc<dyn Disk>,
        options: &Options,
        clock: Arc<dyn Clock>,
    ) -> Result<(Self, Committer, Farewell), OpenError> {
        let disk: Arc<dyn Disk> = Arc::new(FailStop::new(disk));
        format::check(disk.as_ref())?;
        let Recovered {
            state,
            history,
            log,
            snapshots,
            since_snapshot,
        } = recover::recover(&disk, &clock, options)?;
        let shared = Arc::new(shared(state, history, clock, options));
        shared.counters.set_log_bytes(log.bytes());
        let snapshotter = Snapshotter::new(disk, options.snapshot_bytes, snapshots, since_snapshot);
        let committer = Committer::new(Arc::clone(&shared), log, snapshotter);
        let ended = Arc::new(Completion::default());
        let farewell = Farewell {
            shared: Arc::clone(&shared),
            ended: Arc::clone(&ended),
        };
        let store = Self {
            shared,
            ended,
            committer: Mutex::new(None),
        };
        Ok((store, committer, farewell))
    }

    /// Stops accepting writes, finishes those on their way, ends watches once they have handed out everything, and gives
    /// the directory free. May be called more than once.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the store had failed before.
    pub async fn close(&self) -> Result<(), Error> {
        self.stop_accepting();
        // Never fails: the farewell is said whatever becomes of the thread.
        let _ended = self.ended.wait().await;
        self.finish();
        match &self.shared.pending.lock().health {
            Health::Unavailable(why) => Err(Error::Unavailable(Arc::clone(why))),
            Health::Open | Health::Closing => Ok(()),
        }
    }

    /// Waits until the store has failed for good, and says why. Reads go on, but the process should end: what the disk
    /// holds is known only after a start.
    pub fn fatal(&self) -> impl Future<Output = Arc<str>> + Send + 'static {
        let shared = Arc::clone(&self.shared);
        async move { shared.failure().await }
    }

    /// Figures of this store, cheap enough for every scrape.
    pub fn metrics(&self) -> Metrics {
        let state = self.shared.published.state();
        Metrics {
            live_objects: state.len() as u64,
            live_bytes: state.bytes() as u64,
            watchers: self.shared.published.watchers() as u64,
            ..self.shared.counters.read()
        }
    }

    /// Everything there is now, to be kept elsewhere. Writes go on meanwhile and are not in it.
    #[must_use]
    pub fn backup(&self) -> Backup {
        Backup::new(self.shared.published.state())
    }

    fn stop_accepting(&self) {
        self.shared.nudge(|pending| {
            if pending.health == Health::Open {
                pending.health = Health::Closing;
            }
        });
        self.shared.room.notify_waiters();
    }

    fn finish(&self) {
        if let Some(thread) = self.committer.lock().take() {
            // A panic has been reported by the farewell.
            let _joined = thread.join();
        }
        self.shared.published.close();
    }

    fn list_now(&self, range: &Range, snapshot: Snapshot, page: &Page) -> Result<Listing, Error> {
        let resource = range.resource();
        let (table, revision) = match snapshot {
            Snapshot::Latest | Snapshot::Any => {
                let state = self.shared.published.state();
                #[cfg(leasehold_mutant = "list-not-of-one-snapshot")]
                let state = {
                    let mut overlay = self.shared.pending.lock().overlay.clone();
                    overlay.revision = state.revision;
                    overlay
                };
                (state.table(resource).cloned().unwrap_or_default(), state.revision)
            }
            Snapshot::At(revision) => (
                self.shared.past.table(&self.shared.published, resource, revision)?,
                revision,
            ),
        };
        let listing = table.list(range, page, revision);
        if listing.remaining > 0 {
            self.shared
                .past
                .keep(resource, revision, &table, self.shared.counters.written());
        }
        Ok(listing)
    }

    async fn reached_revision(&self, revision: Revision) -> Result<(), Error> {
        loop {
            let moved = self.shared.published.moved.notified();
            if self.shared.published.revision() >= revision {
                return Ok(());
            }
            if self.shared.published.view().closed {
                return Err(Error::Closed);
            }
            if let Health::Unavailable(why) = &self.shared.pending.lock().health {
                return Err(Error::Unavailable(Arc::clone(why)));
            }
            moved.await;
        }
    }

    fn write(
        &self,
        key: Key,
        value: Option<Bytes>,
        expected: Option<Revision>,
    ) -> BoxFuture<'_, Result<Revision, Error>> {
        self.shared.write(Write { key, value, expected }).boxed()
    }
}

fn shared(state: State, history: History, clock: Arc<dyn Clock>, options: &Options) -> Shared {
    Shared {
        past: Past::new(Arc::clone(&clock)),
        clock,
        counters: Counters::default(),
        pending: Mutex::new(Pending::new(&state)),
        published: Arc::new(Published::new(state, history)),
        work: Condvar::new(),
        room: Notify::new(),
        failed: Notify::new(),
        group_bytes: options.group_bytes,
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        self.stop_accepting();
        self.finish();
    }
}

impl Store for Embedded {
    fn revision(&self) -> Revision {
        self.shared.published.revision()
    }

    fn reached(&self, revision: Revision) -> BoxFuture<'_, Result<(), Error>> {
        self.reached_revision(revision).boxed()
    }

    fn get<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<Option<Entry>, Error>> {
        let state = self.shared.published.state();
        ready(Ok(state.get(key).map(|item| state::entry(key.clone(), item)))).boxed()
    }

    fn list<'a>(
        &'a self,
        range: &'a Range,
        snapshot: Snapshot,
        page: &'a Page,
    ) -> BoxFuture<'a, Result<Listing, Error>> {
        ready(self.list_now(range, snapshot, page)).boxed()
    }

    fn create(&self, key: Key, value: Bytes) -> BoxFuture<'_, Result<Revision, Error>> {
        self.write(key, Some(value), None)
    }

    fn update(&self, key: Key, value: Bytes, expected: Revision) -> BoxFuture<'_, Result<Revision, Error>> {
        self.write(key, Some(value), Some(expected))
    }

    fn delete(&self, key: Key, expected: Revision) -> BoxFuture<'_, Result<Revision, Error>> {
        self.write(key, None, Some(expected))
    }

    fn watch(&self, range: Range, after: Revision) -> Result<Box<dyn Watch>, Error> {
        Ok(Box::new(self.shared.published.watch(range, after)?))
    }

    fn ready(&self) -> Result<(), Error> {
        self.shared.pending.lock().ready(self.shared.clock.now())
    }
}
