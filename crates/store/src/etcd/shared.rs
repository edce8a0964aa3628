//! What callers and the engine's own tasks share, and the requests to etcd that they all make.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use leasehold_clock::Clock;
use leasehold_etcd::{self as etcd, RangeReply, RangeRequest, Txn, TxnReply};
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::arrivals::Arrivals;
use super::health::Health;
use super::keys::Keys;
use super::metrics::{Counters, RequestKind};
use super::mirror::revision;
use crate::view::past::Past;
use crate::view::published::Published;
use crate::{Error, Revision};

/// See the module.
pub(super) struct Shared {
    pub(super) client: etcd::Client,
    pub(super) keys: Keys,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) published: Arc<Published>,
    pub(super) past: Past,
    pub(super) counters: Counters,
    pub(super) health: Mutex<Health>,
    /// How long etcd may be away before watches are ended.
    pub(super) watches_wait: Duration,
    /// Writes that wait to be seen here. Their changes come along by themselves.
    pub(super) writes: Arrivals,
    /// Reads that wait for a revision, which may be that of somebody else's key: the watch must be asked how far it is.
    pub(super) reads: Arrivals,
    /// Told when a read begins to wait.
    pub(super) asked: Notify,
    /// Told whenever what is held has become as good as etcd's word.
    pub(super) opened: Notify,
    /// Whether the watch's word on its progress can be trusted.
    pub(super) progress_is_sound: AtomicBool,
    /// Cancelled once the store closes.
    pub(super) closing: CancellationToken,
}

impl Shared {
    pub(super) async fn range(&self, request: RangeRequest) -> Result<RangeReply, etcd::Error> {
        let reply = self.client.range(request).await;
        let reply = self.counters.request(RequestKind::Range, reply)?;
        self.counters.etcd_is_at(revision(reply.revision));
        Ok(reply)
    }

    pub(super) async fn txn(&self, txn: Txn) -> Result<TxnReply, etcd::Error> {
        let reply = self.client.txn(txn).await;
        let reply = self.counters.request(RequestKind::Txn, reply)?;
        self.counters.etcd_is_at(revision(reply.revision));
        Ok(reply)
    }

    /// etcd's revision now: no lower than that of any write that was answered before this was asked, anywhere.
    pub(super) async fn current(&self) -> Result<Revision, etcd::Error> {
        let seen = self.published.revision();
        let nothing = RangeRequest::key(self.keys.own("nothing")).count_only();
        let current = revision(self.range(nothing).await?.revision);
        if current < seen {
            let why =
                format!("it is at revision {current} and was at {seen}: its data has been replaced by older data");
            return Err(etcd::Error::Unavailable(why));
        }
        Ok(current)
    }

    /// Whether a watch here would be told of what happens, or at least soon.
    pub(super) fn can_watch(&self) -> Result<(), Error> {
        let lost = self.health.lock().lost_for(self.clock.now(), self.watches_wait);
        lost.map_or(Ok(()), |why| Err(Error::Unavailable(why)))
    }

    /// Waits until what is held here is as good as etcd's word.
    pub(super) async fn is_good(&self) {
        loop {
            let opened = self.opened.notified();
            if self.health.lock().why_lost().is_none() {
                return;
            }
            opened.await;
        }
    }

    /// Waits for a revision that is on its way, for so long at most; whether it came.
    pub(super) async fn seen(&self, revision: Revision, within: Duration) -> bool {
        if self.published.revision() >= revision {
            return true;
        }
        let arrival = self.writes.wait(&self.published, revision);
        tokio::time::timeout(within, arrival).await.is_ok() && self.published.revision() >= revision
    }

    /// Waits for a revision, asking the watch how far it is.
    pub(super) async fn reached(&self, revision: Revision) -> Result<(), Error> {
        if self.published.revision() < revision {
            let arrival = self.reads.wait(&self.published, revision);
            self.asked.notify_one();
            arrival.await;
        }
        if self.published.revision() < revision {
            return Err(Error::Closed);
        }
        Ok(())
    }
}

/// What an error of etcd's is to a caller of the store. Those about history are handled where they can come up.
pub(super) fn unavailable(error: &etcd::Error) -> Error {
    match error {
        etcd::Error::NoSpace(_) => Error::Full,
        other => Error::Unavailable(other.to_string().into()),
    }
}
