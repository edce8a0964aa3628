//! The contract every engine keeps, in prose and types.
//!
//! * A [`Revision`] is one strictly increasing number for the whole store: never reused and never lowered, not by a
//!   crash, a failed append, a restore or a move to another engine. The revision of an entry is that of its last
//!   change; a deletion has a revision of its own.
//! * A write is acknowledged after it is durable. Neither reads nor watches ever show what is not durable yet, and a
//!   refusal that rests on a write still on its way ([`Error::Conflict`], [`Error::Exists`], [`Error::NotFound`])
//!   is given only once that write is durable; if it failed instead, the refused operation is judged again.
//! * A [`Listing`] is an exact snapshot of the store at its revision.
//! * Where several processes share the data, each may be a little behind. [`Store::get`] and [`Snapshot::Latest`] are not: they
//!   show every write that was acknowledged, anywhere, before they were asked for. [`Store::revision`], [`Store::glance`] and
//!   [`Snapshot::Any`] show what this process has seen: never less than they have shown before and, unless it is cut off from the
//!   others, every write that it has acknowledged itself.
//! * A watch from revision `r` delivers every change of its range with a revision above `r`, once, in order, without a
//!   gap; where that is no longer possible it says [`Error::Compacted`] and never stays silent.

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use futures_util::future::BoxFuture;

/// The store's own clock: one strictly increasing number, first change 1 or more, 0 meaning "before everything".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision(pub u64);

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Where a value lives. Ordered by resource, then namespace, then name: the order of every list.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// The resource as it is stored, such as `leases` or `minions`: one of a closed, small set.
    pub resource: &'static str,
    /// Empty for what lives in no namespace.
    pub namespace: Arc<str>,
    /// The object's name, unique within resource and namespace.
    pub name: Arc<str>,
}

/// A set of keys that is contiguous in key order.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Range {
    /// Every object of a resource.
    Resource(&'static str),
    /// Every object of a resource in one namespace.
    Namespace(&'static str, Arc<str>),
    /// One object, there or not.
    Name(Key),
}

impl Range {
    /// The resource that all its keys are of.
    #[must_use]
    pub fn resource(&self) -> &'static str {
        match self {
            Self::Resource(resource) | Self::Namespace(resource, _) => resource,
            Self::Name(key) => key.resource,
        }
    }

    /// Whether a key lies in it.
    #[must_use]
    pub fn contains(&self, key: &Key) -> bool {
        match self {
            Self::Resource(resource) => key.resource == *resource,
            Self::Namespace(resource, namespace) => key.resource == *resource && key.namespace == *namespace,
            Self::Name(name) => key == name,
        }
    }
}

/// A value and the revision of its last change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Where it lives.
    pub key: Key,
    /// What was stored, byte for byte.
    pub value: Bytes,
    /// The revision of its last change.
    pub revision: Revision,
}

/// At which revision to list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Snapshot {
    /// The latest durable state, whoever wrote it.
    Latest,
    /// What this process holds now: a durable state that there was, perhaps behind [`Snapshot::Latest`] where others write as
    /// well, never behind [`Store::revision`]. Asks nobody and so never waits.
    Any,
    /// Exactly as it was at this revision: [`Error::Compacted`] once that is beyond the window, [`Error::Future`] when
    /// it has not come yet.
    At(Revision),
}

/// Which part of a list to return.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// At most so many entries; `None` is all of them.
    pub limit: Option<NonZeroUsize>,
    /// Only entries after this key, which need not exist (any more).
    pub after: Option<Key>,
}

/// The entries of a range in key order, as they were at one revision.
#[derive(Clone, Debug)]
pub struct Listing {
    /// The entries of this page.
    pub entries: Vec<Entry>,
    /// The revision of the snapshot they were read from: the store's, not the newest entry's.
    pub revision: Revision,
    /// How many entries of the range follow this page in the snapshot.
    pub remaining: usize,
}

/// What happened to a key.
#[derive(Clone, Debug)]
pub struct Change {
    /// Where.
    pub key: Key,
    /// The revision of this change: of the write, or of the deletion.
    pub revision: Revision,
    /// What.
    pub kind: ChangeKind,
    /// The value before the change and the revision it had; absent for a creation.
    pub previous: Option<(Bytes, Revision)>,
    /// Encoded forms that somebody needed.
    pub memos: Memos,
}

/// Encoded forms of a change, computed by whoever needs one first and shared by every watcher. The index is the
/// caller's: the store attaches no meaning to it.
///
/// Most changes are never sent in most forms, many never at all, so that room for them is made on first use.
#[derive(Clone, Debug, Default)]
pub struct Memos(OnceLock<Box<[OnceLock<Bytes>; Memos::COUNT]>>);

impl Memos {
    /// How many encoded forms a change can carry.
    pub const COUNT: usize = 8;

    /// The encoded form number `index`, if somebody has computed it.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<Bytes> {
        self.0.get()?.get(index)?.get().cloned()
    }

    /// The encoded form number `index`, computed at most once.
    ///
    /// # Panics
    /// When `index` is not below [`Memos::COUNT`].
    pub fn get_or_init(&self, index: usize, encode: impl FnOnce() -> Bytes) -> Bytes {
        self.0.get_or_init(Box::default)[index].get_or_init(encode).clone()
    }
}

/// The kinds of change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    /// The key holds this value now, new or instead of `previous`.
    Put(Bytes),
    /// The key is gone; `previous` is what it held last.
    Delete,
}

/// What a watch hands out at a time.
#[derive(Clone, Debug)]
pub struct WatchBatch {
    /// Changes in order of revision; may be empty when only `progress` moved.
    pub changes: Vec<Arc<Change>>,
    /// Everything up to and including this revision that concerns the watch has now been handed out.
    pub progress: Revision,
}

/// A cursor into the history of one range. Dropping it ends the watch; it holds no queue of its own.
pub trait Watch: Send {
    /// The next changes of the range, waiting for one. Cancel safe: dropping the future loses nothing.
    ///
    /// # Errors
    /// [`Error::Compacted`] when the cursor has fallen off the history window, [`Error::Closed`] when the store is
    /// shutting down and everything before that has been handed out, [`Error::Unavailable`] when it is not known when more
    /// will come, and who watches had better go on elsewhere. All are final.
    fn next(&mut self) -> BoxFuture<'_, Result<WatchBatch, Error>>;

    /// Where the watch stands: what [`WatchBatch::progress`] said last, raised to the store's durable revision when
    /// nothing that concerns this range lies between. This is what a bookmark may promise.
    fn progress(&mut self) -> Revision;
}

/// Why an operation failed, in terms of keys and revisions.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The key holds nothing.
    #[error("no such key")]
    NotFound,
    /// The key holds something already, at this revision.
    #[error("the key exists at revision {0}")]
    Exists(Revision),
    /// The key is not at the expected revision but at this one.
    #[error("the key is at revision {0}")]
    Conflict(Revision),
    /// The revision asked for is older than the history kept; `oldest` is the first that can still be watched from.
    #[error("history before revision {oldest} is gone")]
    Compacted {
        /// The oldest revision that a watch can resume after.
        oldest: Revision,
    },
    /// The revision asked for has not been reached; the store is at `current`.
    #[error("the store is at revision {current}")]
    Future {
        /// The durable revision when asked.
        current: Revision,
    },
    /// The disk is full: nothing was written, reads go on, and writes work again once there is room.
    #[error("no space left for writes")]
    Full,
    /// The store cannot write, or not even read, and says why, and for how long if it knows. What was being written may or may
    /// not be there later.
    #[error("the store is unavailable: {0}")]
    Unavailable(Arc<str>),
    /// The store is shutting down. The operation was not carried out.
    #[error("the store is closing")]
    Closed,
}

/// A revisioned, watchable, durable key space. See the module for the promises.
///
/// Every method may be called from any task; futures are cancel safe in the sense that a write, once it has been
/// polled, runs to completion whether or not anyone waits for it.
pub trait Store: Send + Sync + 'static {
    /// The latest durable revision that this process has seen.
    fn revision(&self) -> Revision;

    /// Waits until [`Store::revision`] is at least `revision`. Bound the wait outside.
    ///
    /// # Errors
    /// [`Error::Closed`], [`Error::Unavailable`].
    fn reached(&self, revision: Revision) -> BoxFuture<'_, Result<(), Error>>;

    /// The entry at `key` in the latest durable state.
    ///
    /// # Errors
    /// [`Error::Unavailable`] where the engine has to ask someone.
    fn get<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<Option<Entry>, Error>>;

    /// The entry at `key` as this process last saw it: as [`Snapshot::Any`] would list it. Good for a compare-and-swap that
    /// then succeeds. Any other conclusion, and be it that there is nothing to write, must be drawn from [`Store::get`] where
    /// [`Store::glances_lag`].
    ///
    /// # Errors
    /// As [`Store::get`].
    fn glance<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<Option<Entry>, Error>> {
        self.get(key)
    }

    /// Whether [`Store::glance`] may be behind [`Store::get`]. Where it may not, nothing needs to be judged twice.
    fn glances_lag(&self) -> bool {
        false
    }

    /// The entries of a range.
    ///
    /// # Errors
    /// [`Error::Compacted`] and [`Error::Future`] for [`Snapshot::At`].
    fn list<'a>(
        &'a self,
        range: &'a Range,
        snapshot: Snapshot,
        page: &'a Page,
    ) -> BoxFuture<'a, Result<Listing, Error>>;

    /// Stores a value where nothing is and returns its revision.
    ///
    /// # Errors
    /// [`Error::Exists`], [`Error::Full`], [`Error::Unavailable`], [`Error::Closed`].
    fn create(&self, key: Key, value: Bytes) -> BoxFuture<'_, Result<Revision, Error>>;

    /// Replaces the value of a key that is at `expected` and returns its new revision.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Conflict`], and those of [`Store::create`].
    fn update(&self, key: Key, value: Bytes, expected: Revision) -> BoxFuture<'_, Result<Revision, Error>>;

    /// Removes a key that is at `expected` and returns the revision of the deletion.
    ///
    /// # Errors
    /// As [`Store::update`].
    fn delete(&self, key: Key, expected: Revision) -> BoxFuture<'_, Result<Revision, Error>>;

    /// Watches a range from just after `after`.
    ///
    /// # Errors
    /// [`Error::Compacted`] when that is beyond the window, [`Error::Future`] when it has not come yet,
    /// [`Error::Closed`], [`Error::Unavailable`] for what this store does not follow, or not now.
    fn watch(&self, range: Range, after: Revision) -> Result<Box<dyn Watch>, Error>;

    /// Whether writes can be acknowledged now, and if not, why: what `/readyz` says. A disk that has not answered for a
    /// while counts as one that cannot be written.
    ///
    /// # Errors
    /// [`Error::Full`], [`Error::Unavailable`], [`Error::Closed`].
    fn ready(&self) -> Result<(), Error>;
}
