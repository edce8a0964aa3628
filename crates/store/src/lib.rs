//! A revisioned, watchable, durable key space: the [`Store`] contract and its engines.
//!
//! This is the floor that the API verbs stand on. It knows keys, bytes and revisions; it never knows what a
//! lease is, never looks at a clock to decide what to keep alive, and never acknowledges a write that a power
//! cut could take back.

mod contract;
pub mod embedded;
pub mod etcd;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod view;

pub use contract::{
    Change, ChangeKind, Entry, Error, Key, Listing, Memos, Page, Range, Revision, Snapshot, Store, Watch, WatchBatch,
};
