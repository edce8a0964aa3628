//! Writes that meet somebody else's: a store that lets the test act just before a write reaches it, and one that has not seen
//! for a while what others write.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use leasehold_clock::SystemClock;
use leasehold_registry::Registry;
use leasehold_store::embedded::{Embedded, Options};
use leasehold_store::{Entry, Error, Key, Listing, Page, Range, Revision, Snapshot, Store, Watch};
use parking_lot::Mutex;

/// What is done to the store below before a write goes on.
type Meddling = Box<dyn FnOnce(Arc<Embedded>) -> BoxFuture<'static, ()> + Send>;

pub(crate) struct Meddled {
    below: Arc<Embedded>,
    next: Mutex<Option<Meddling>>,
    /// Whether it is one of several over the same data, and so may be behind.
    shared: AtomicBool,
    /// The last revision that it has seen, if it sees no more.
    blind_since: Mutex<Option<Revision>>,
    /// What the next write comes to without being carried out.
    failure: Mutex<Option<Error>>,
    gets: AtomicUsize,
    writes: AtomicUsize,
}

impl Meddled {
    pub(crate) fn new(below: Arc<Embedded>) -> Arc<Self> {
        Arc::new(Self {
            below,
            next: Mutex::default(),
            shared: AtomicBool::new(false),
            blind_since: Mutex::default(),
            failure: Mutex::default(),
            gets: AtomicUsize::new(0),
            writes: AtomicUsize::new(0),
        })
    }

    /// From now on its glances may lag.
    pub(crate) fn share(&self) {
        self.shared.store(true, Ordering::Relaxed);
    }

    /// From now on it sees nothing new, until [`Meddled::see`].
    pub(crate) fn go_blind(&self) {
        self.share();
        *self.blind_since.lock() = Some(self.below.revision());
    }

    /// Sees everything again.
    pub(crate) fn see(&self) {
        *self.blind_since.lock() = None;
    }

    /// The next write fails so.
    pub(crate) fn fail_next_write(&self, error: Error) {
        *self.failure.lock() = Some(error);
    }

    /// How often the latest state has been asked for, and how often something was to be written, since the last time that
    /// this was asked.
    pub(crate) fn requests(&self) -> (usize, usize) {
        (
            self.gets.swap(0, Ordering::Relaxed),
            self.writes.swap(0, Ordering::Relaxed),
        )
    }

    /// Acts before the next write, once.
    pub(crate) fn before_next_write<F: Future<Output = ()> + Send + 'static>(
        &self,
        act: impl FnOnce(Arc<Embedded>) -> F + Send + 'static,
    ) {
        *self.next.lock() = Some(Box::new(|store| act(store).boxed()));
    }

    async fn meddle(&self) -> Result<(), Error> {
        self.writes.fetch_add(1, Ordering::Relaxed);
        let next = self.next.lock().take();
        if let Some(act) = next {
            act(self.below.clone()).await;
        }
        self.failure.lock().take().map_or(Ok(()), Err)
    }

    fn seen(&self, snapshot: Snapshot) -> Snapshot {
        match (snapshot, *self.blind_since.lock()) {
            (Snapshot::Any, Some(revision)) => Snapshot::At(revision),
            (other, _) => other,
        }
    }
}

/// A registry over a store that can be meddled with.
pub(crate) struct Scene {
    pub(crate) registry: Registry,
    pub(crate) store: Arc<Meddled>,
    below: Arc<Embedded>,
    _directory: tempfile::TempDir,
}

impl Scene {
    pub(crate) async fn new() -> Self {
        let directory = tempfile::tempdir().expect("a scratch directory");
        let clock = Arc::new(SystemClock);
        let below = Embedded::open(&Options::new(directory.path().join("store")), clock.clone()).expect("a new store");
        let below = Arc::new(below);
        let store = Meddled::new(below.clone());
        let registry = Registry::new(store.clone(), clock);
        registry.bootstrap().await.expect("the first namespaces");
        Self {
            registry,
            store,
            below,
            _directory: directory,
        }
    }

    /// A registry that is one of several over the same data.
    pub(crate) async fn shared() -> Self {
        let scene = Self::new().await;
        scene.store.share();
        scene
    }

    /// Another registry over the same data: somebody else.
    pub(crate) fn rival(&self) -> Registry {
        Registry::new(self.below.clone(), Arc::new(SystemClock))
    }

    pub(crate) async fn close(self) {
        self.below.close().await.expect("a clean end");
    }
}

impl Store for Meddled {
    fn revision(&self) -> Revision {
        self.blind_since.lock().unwrap_or_else(|| self.below.revision())
    }

    fn reached(&self, revision: Revision) -> BoxFuture<'_, Result<(), Error>> {
        self.below.reached(revision)
    }

    fn get<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<Option<Entry>, Error>> {
        self.gets.fetch_add(1, Ordering::Relaxed);
        self.below.get(key)
    }

    fn glance<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<Option<Entry>, Error>> {
        async move {
            let (range, page) = (Range::Name(key.clone()), Page::default());
            let listing = self.below.list(&range, self.seen(Snapshot::Any), &page).await?;
            Ok(listing.entries.into_iter().next())
        }
        .boxed()
    }

    fn glances_lag(&self) -> bool {
        self.shared.load(Ordering::Relaxed)
    }

    fn list<'a>(
        &'a self,
        range: &'a Range,
        snapshot: Snapshot,
        page: &'a Page,
    ) -> BoxFuture<'a, Result<Listing, Error>> {
        self.below.list(range, self.seen(snapshot), page)
    }

    fn create(&self, key: Key, value: bytes::Bytes) -> BoxFuture<'_, Result<Revision, Error>> {
        async move {
            self.meddle().await?;
            self.below.create(key, value).await
        }
        .boxed()
    }

    fn update(&self, key: Key, value: bytes::Bytes, expected: Revision) -> BoxFuture<'_, Result<Revision, Error>> {
        async move {
            self.meddle().await?;
            self.below.update(key, value, expected).await
        }
        .boxed()
    }

    fn delete(&self, key: Key, expected: Revision) -> BoxFuture<'_, Result<Revision, Error>> {
        async move {
            self.meddle().await?;
            self.below.delete(key, expected).await
        }
        .boxed()
    }

    fn watch(&self, range: Range, after: Revision) -> Result<Box<dyn Watch>, Error> {
        self.below.watch(range, after)
    }

    fn ready(&self) -> Result<(), Error> {
        self.below.ready()
    }
}
