//! A small asynchronous client of etcd v3: what a store of revisioned keys asks of etcd, and nothing more.
//!
//! Range, Txn (also nested), Compact, Watch (one watch for each stream, with progress) and Status. No etcd TTLs, no locks, no
//! users: what stands on this crate needs none of them.
//!
//! Three things decided its form. A caller must know whether a write that failed *may* have been carried out, so every
//! [`Error`] says so. A renewal is one small transaction, so a call costs no task, no channel and no copy of the request: it
//! speaks gRPC's few bytes over `h2` itself, as the load generator does. And it builds with cargo alone: the messages are
//! written by hand from etcd's published field numbers, with no `protoc`.
//!
//! What a caller gets is never a slice of a larger buffer: each key and value is an allocation of its own, so that keeping one
//! keeps nothing else.

mod call;
mod client;
mod connection;
mod endpoint;
mod error;
mod events;
mod frames;
mod keep_alive;
mod kv;
mod last_word;
mod options;
mod proto;
mod reply;
mod rotation;
mod status;
mod target;
mod tls;
mod watch;

pub use client::Client;
pub use error::{Error, WatchError};
pub use kv::{Compare, Op, RangeRequest, Txn, prefix_end};
pub use options::{Options, TlsOptions};
pub use reply::{Event, EventKind, KeyValue, OpReply, RangeReply, Status, TxnReply, WatchReply};
pub use watch::{WatchOptions, WatchStream};
