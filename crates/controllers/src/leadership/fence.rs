//! The store as it is for a leader: nothing is written once the term is over.
//!
//! A leader that was paused may wake in the middle of its work, with another one at work since. Every write begins with a look
//! at the clock; what began before is a compare-and-swap and finds the other's writes.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, ready};
use leasehold_election::Leadership;
use leasehold_store::{Entry, Error, Key, Listing, Page, Range, Revision, Snapshot, Store, Watch};

/// A store that only a leader can write.
pub(super) struct Fenced {
    store: Arc<dyn Store>,
    leadership: Leadership,
}

impl Fenced {
    pub(super) fn new(store: Arc<dyn Store>, leadership: Leadership) -> Self {
        Self { store, leadership }
    }

    fn write<'a>(
        &'a self,
        write: impl FnOnce(&'a dyn Store) -> BoxFuture<'a, Result<Revision, Error>>,
    ) -> BoxFuture<'a, Result<Revision, Error>> {
        match self.leadership.check() {
            Ok(()) => write(&*self.store),
            Err(over) => ready(Err(Error::Unavailable(over.to_string().into()))).boxed(),
        }
    }
}

impl Store for Fenced {
    fn revision(&self) -> Revision {
        self.store.revision()
    }

    fn reached(&self, revision: Revision) -> BoxFuture<'_, Result<(), Error>> {
        self.store.reached(revision)
    }

    fn get<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<Option<Entry>, Error>> {
        self.store.get(key)
    }

    fn glance<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<Option<Entry>, Error>> {
        self.store.glance(key)
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
        self.store.list(range, snapshot, page)
    }

    fn create(&self, key: Key, value: Bytes) -> BoxFuture<'_, Result<Revision, Error>> {
        self.write(|store| store.create(key, value))
    }

    fn update(&self, key: Key, value: Bytes, expected: Revision) -> BoxFuture<'_, Result<Revision, Error>> {
        self.write(|store| store.update(key, value, expected))
    }

    fn delete(&self, key: Key, expected: Revision) -> BoxFuture<'_, Result<Revision, Error>> {
        self.write(|store| store.delete(key, expected))
    }

    fn watch(&self, range: Range, after: Revision) -> Result<Box<dyn Watch>, Error> {
        self.store.watch(range, after)
    }

    fn ready(&self) -> Result<(), Error> {
        self.store.ready()
    }
}
