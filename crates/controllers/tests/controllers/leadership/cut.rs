//! A store that can be cut off from one of its replicas.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, ready};
use leasehold_store::embedded::Embedded;
use leasehold_store::{Entry, Error, Key, Listing, Page, Range, Revision, Snapshot, Store, Watch};

pub(crate) struct Cut {
    pub(crate) store: Arc<Embedded>,
    pub(crate) cut: Arc<AtomicBool>,
}

impl Cut {
    fn ask<'a, T: Send + 'a>(
        &'a self,
        ask: impl FnOnce(&'a Embedded) -> BoxFuture<'a, Result<T, Error>>,
    ) -> BoxFuture<'a, Result<T, Error>> {
        if self.cut.load(Ordering::Relaxed) {
            return ready(Err(Error::Unavailable("cut off".into()))).boxed();
        }
        ask(&self.store)
    }
}

impl Store for Cut {
    fn revision(&self) -> Revision {
        self.store.revision()
    }

    fn reached(&self, revision: Revision) -> BoxFuture<'_, Result<(), Error>> {
        self.store.reached(revision)
    }

    fn get<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<Option<Entry>, Error>> {
        self.ask(move |store| store.get(key))
    }

    fn glance<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<Option<Entry>, Error>> {
        self.ask(move |store| store.glance(key))
    }

    fn glances_lag(&self) -> bool {
        self.store.glances_lag()
    }

    fn list<'a>(
        &'a self,
        range: &'a Range,
        snapshot: Snapshot,
        page: &'a Page,
    ) -> BoxFuture<'a, Result<Listing, Error>> {
        self.ask(move |store| store.list(range, snapshot, page))
    }

    fn create(&self, key: Key, value: Bytes) -> BoxFuture<'_, Result<Revision, Error>> {
        self.ask(|store| store.create(key, value))
    }

    fn update(&self, key: Key, value: Bytes, expected: Revision) -> BoxFuture<'_, Result<Revision, Error>> {
        self.ask(move |store| store.update(key, value, expected))
    }

    fn delete(&self, key: Key, expected: Revision) -> BoxFuture<'_, Result<Revision, Error>> {
        self.ask(move |store| store.delete(key, expected))
    }

    fn watch(&self, range: Range, after: Revision) -> Result<Box<dyn Watch>, Error> {
        if self.cut.load(Ordering::Relaxed) {
            return Err(Error::Unavailable("cut off".into()));
        }
        self.store.watch(range, after)
    }

    fn ready(&self) -> Result<(), Error> {
        self.store.ready()
    }
}
