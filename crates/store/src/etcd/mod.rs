//! The etcd engine: any number of processes over one etcd, each of them replaceable at any time.
//!
//! A write is one transaction that compares the key's revision (`write`). What happens in etcd, whoever wrote it, comes back
//! through one watch (`feed`, `mirror`) and becomes visible here as a group of changes ([`crate::view`]): to reads that take
//! what is held, to watches, and to writes, which wait to be seen before they answer. Reads that must be the latest ask etcd how
//! far it is and wait until this process is, too, or go to etcd themselves (`read`, `direct`). `probe` and `health` know
//! whether etcd can be used, `compaction` lets it forget, `keys` knows where things are: as Kubernetes has them, byte for byte.
//!
//! # Revisions
//!
//! They are etcd's. One of them may be shared by several changes, of a transaction of somebody else's; they are never shown
//! apart. What etcd tells of its progress is believed only from versions where it is true (`versions`).
//!
//! # What it never does
//!
//! It keeps nothing that etcd does not have, gives no write a time to live, repeats no write whose outcome is unknown, takes no
//! write for refused because of what it has seen itself, and never passes over a gap in history: who may have missed
//! something is told.

mod arrivals;
mod compaction;
mod direct;
mod feed;
mod health;
mod keys;
mod metrics;
mod mirror;
mod open_error;
mod options;
mod probe;
mod read;
mod secret;
mod shared;
mod versions;
mod write;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use leasehold_clock::Clock;
use leasehold_etcd as etcd;
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::view::history::{History, Window};
use crate::view::past::Past;
use crate::view::published::Published;
use crate::view::state::State;
use crate::{Entry, Error, Key, Listing, Page, Range, Revision, Snapshot, Store, Watch};
use arrivals::Arrivals;
use feed::Feed;
use health::Health;
use keys::Keys;
use metrics::Counters;
use shared::Shared;
use write::Write;

pub use metrics::{Metrics, RequestKind, RequestOutcome};
pub use open_error::OpenError;
pub use options::Options;

/// An open store in etcd. Close it with [`Etcd::close`]; dropping it ends its tasks without waiting for them.
pub struct Etcd {
    shared: Arc<Shared>,
    /// Writes on their way.
    writes: TaskTracker,
    /// What runs for as long as the store is open.
    tasks: TaskTracker,
}

impl Etcd {
    /// Opens the store: returns when what etcd had when it was asked is held here.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub async fn open(options: Options, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        let shared = Arc::new(shared(&options, clock)?);
        let store = Self {
            shared: Arc::clone(&shared),
            writes: TaskTracker::new(),
            tasks: TaskTracker::new(),
        };
        store.tasks.spawn(probe::run(Arc::clone(&shared)));
        store
            .tasks
            .spawn(Feed::new(Arc::clone(&shared), options.history_revisions).run());
        if tokio::time::timeout(options.open_timeout, shared.is_good())
            .await
            .is_err()
        {
            let why = shared.health.lock().why_lost();
            store.close().await;
            return Err(OpenError::NotServed {
                waited: options.open_timeout,
                why: why.map_or_else(String::new, |why| why.to_string()),
            });
        }
        if !options.compaction_interval.is_zero() {
            store.tasks.spawn(compaction::run(shared, options.compaction_interval));
        }
        Ok(store)
    }

    /// Stops accepting writes, waits for those on their way, ends the engine's tasks, and ends watches once they have handed
    /// out everything. May be called more than once.
    pub async fn close(&self) {
        self.shared.health.lock().close();
        self.writes.close();
        self.writes.wait().await;
        self.shared.closing.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        self.shared.published.close();
        self.shared.writes.all();
        self.shared.reads.all();
    }

    /// Figures of this store, cheap enough for every scrape.
    #[must_use]
    pub fn metrics(&self) -> Metrics {
        let state = self.shared.published.state();
        Metrics {
            seen_revision: state.revision.0,
            silence: self.shared.health.lock().silence(self.shared.clock.now()),
            live_objects: state.len() as u64,
            live_bytes: state.bytes() as u64,
            watchers: self.shared.published.watchers() as u64,
            ..self.shared.counters.read()
        }
    }
}

fn shared(options: &Options, clock: Arc<dyn Clock>) -> Result<Shared, OpenError> {
    let keys = Keys::new(&options.prefix, &options.resources);
    let window = Window {
        age: options.history_age,
        bytes: options.history_bytes,
    };
    let nothing = History::new(window, Revision(0));
    Ok(Shared {
        client: etcd::Client::new(options.etcd.clone())?,
        keys: keys.ok_or_else(|| OpenError::Prefix(options.prefix.clone()))?,
        published: Arc::new(Published::new(State::default(), nothing)),
        past: Past::new(Arc::clone(&clock)),
        counters: Counters::default(),
        health: Mutex::new(Health::new(clock.now())),
        watches_wait: options.watches_wait,
        writes: Arrivals::default(),
        reads: Arrivals::default(),
        asked: Notify::new(),
        opened: Notify::new(),
        progress_is_sound: AtomicBool::new(false),
        closing: CancellationToken::new(),
        clock,
    })
}

impl Drop for Etcd {
    fn drop(&mut self) {
        self.shared.health.lock().close();
        self.shared.closing.cancel();
        self.shared.published.close();
    }
}

impl Store for Etcd {
    fn revision(&self) -> Revision {
        self.shared.published.revision()
    }

    fn reached(&self, revision: Revision) -> BoxFuture<'_, Result<(), Error>> {
        self.shared.reached(revision).boxed()
    }

    fn get<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<Option<Entry>, Error>> {
        self.shared.get(key).boxed()
    }

    fn glance<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<Option<Entry>, Error>> {
        self.shared.glance(key).boxed()
    }

    fn glances_lag(&self) -> bool {
        true
    }

    fn list<'a>(
        &'a self,
        range: &'a Range,
        snapshot: Snapshot,
        page: &'a Page,
    ) -> BoxFuture<'a, Result<Listing, Error>> {
        self.shared.list(range, snapshot, page).boxed()
    }

    fn create(&self, key: Key, value: Bytes) -> BoxFuture<'_, Result<Revision, Error>> {
        let (value, expected) = (Some(value), None);
        self.write(Write { key, value, expected }).boxed()
    }

    fn update(&self, key: Key, value: Bytes, expected: Revision) -> BoxFuture<'_, Result<Revision, Error>> {
        let (value, expected) = (Some(value), Some(expected));
        self.write(Write { key, value, expected }).boxed()
    }

    fn delete(&self, key: Key, expected: Revision) -> BoxFuture<'_, Result<Revision, Error>> {
        let (value, expected) = (None, Some(expected));
        self.write(Write { key, value, expected }).boxed()
    }

    fn watch(&self, range: Range, after: Revision) -> Result<Box<dyn Watch>, Error> {
        if !self.shared.keys.has(range.resource()) {
            let why = format!("{} are not followed here", range.resource());
            return Err(Error::Unavailable(why.into()));
        }
        self.shared.can_watch()?;
        Ok(Box::new(self.shared.published.watch(range, after)?))
    }

    fn ready(&self) -> Result<(), Error> {
        self.shared.health.lock().ready(self.shared.clock.now())
    }
}
