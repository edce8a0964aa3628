//! Writes that meet somebody else's: a store that lets the test act just before a write reaches it.

use std::sync::Arc;

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
}

impl Meddled {
    pub(crate) fn new(below: Arc<Embedded>) -> Arc<Self> {
        Arc::new(Self {
            below,
            next: Mutex::default(),
        })
    }

    /// Acts before the next write, once.
    pub(crate) fn before_next_write<F: Future<Output = ()> + Send + 'static>(
        &self,
        act: impl FnOnce(Arc<Embedded>) -> F + Send + 'static,
    ) {
        *self.next.lock() = Some(Box::new(|store| act(store).boxed()));
    }

    async fn meddle(&self) {
        let next = self.next.lock().take();
        if let Some(act) = next {
            act(self.below.clone()).await;
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
        self.below.revision()
    }

    fn reached(&self, revision: Revision) -> BoxFuture<'_, Result<(), Error>> {
        self.below.reached(revision)
    }

    fn get<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<Option<Entry>, Error>> {
        self.below.get(key)
    }

    fn list<'a>(
        &'a self,
        range: &'a Range,
        snapshot: Snapshot,
        page: &'a Page,
    ) -> BoxFuture<'a, Result<Listing, Error>> {
        self.below.list(range, snapshot, page)
    }

    fn create(&self, key: Key, value: bytes::Bytes) -> BoxFuture<'_, Result<Revision, Error>> {
        async move {
            self.meddle().await;
            self.below.create(key, value).await
        }
        .boxed()
    }

    fn update(&self, key: Key, value: bytes::Bytes, expected: Revision) -> BoxFuture<'_, Result<Revision, Error>> {
        async move {
            self.meddle().await;
            self.below.update(key, value, expected).await
        }
        .boxed()
    }

    fn delete(&self, key: Key, expected: Revision) -> BoxFuture<'_, Result<Revision, Error>> {
        async move {
            self.meddle().await;
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
