//! Replies.

use bytes::Bytes;

/// A key as etcd holds it.
#[derive(Clone, PartialEq, prost::Message)]
pub struct KeyValue {
    /// The key.
    #[prost(bytes = "bytes", tag = "1")]
    pub key: Bytes,
    /// The revision at which it was created, last.
    #[prost(int64, tag = "2")]
    pub create_revision: i64,
    /// The revision of its last change. Of a deletion, the revision of that.
    #[prost(int64, tag = "3")]
    pub mod_revision: i64,
    /// How often it was written since it was created; 0 of a deletion.
    #[prost(int64, tag = "4")]
    pub version: i64,
    /// The value; empty of a deletion.
    #[prost(bytes = "bytes", tag = "5")]
    pub value: Bytes,
}

/// What was read.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RangeReply {
    /// In the order of their keys.
    pub kvs: Vec<KeyValue>,
    /// Whether the limit cut it.
    pub more: bool,
    /// How many keys the range has, whatever the limit.
    pub count: i64,
    /// etcd's revision when it answered: of a read of now, the one it was read at.
    pub revision: i64,
}

/// What a transaction did.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TxnReply {
    /// Whether the conditions held.
    pub succeeded: bool,
    /// One for each operation of the branch that was carried out.
    pub responses: Vec<OpReply>,
    /// The revision after it: of one that wrote, that of its writes. Of one within another it says nothing.
    pub revision: i64,
}

/// What one operation of a transaction did.
#[derive(Debug, Clone, PartialEq)]
pub enum OpReply {
    /// Written.
    Put,
    /// Deleted, or not there.
    Delete {
        /// How many keys were deleted: 0 or 1.
        deleted: i64,
    },
    /// Read. The revision that counts is the transaction's.
    Range(RangeReply),
    /// The transaction within.
    Txn(TxnReply),
}

/// How a member of the cluster is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Status {
    /// Its version, such as `3.6.4`.
    pub version: String,
    /// Its own id.
    pub member: u64,
    /// The id of the leader as it knows; 0 for none.
    pub leader: u64,
    /// Its revision: a member may lag.
    pub revision: i64,
    /// Bytes of its database file.
    pub db_size: i64,
}

/// What a watch told.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct WatchReply {
    /// Changes in the order of their revisions. Those of one revision are always in one reply, all of them.
    pub events: Vec<Event>,
    /// Everything the watch has to tell up to this revision, it included, has been told. Of a progress reply, only where
    /// etcd's progress is sound: 3.4.31, 3.5.13, 3.6 and later.
    pub revision: i64,
    /// Whether it only says how far the watch is.
    pub is_progress: bool,
}

/// A change.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// What happened.
    pub kind: EventKind,
    /// The key after it. Of a deletion: only key and `mod_revision`.
    pub kv: KeyValue,
}

/// What happened to a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventKind {
    /// Created or written anew.
    Put,
    /// Deleted.
    Delete,
}
