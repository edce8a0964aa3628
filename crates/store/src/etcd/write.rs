//! Writes: one compare-and-swap each, carried out whether or not anybody waits for it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use leasehold_etcd::{self as etcd, Compare, Op, OpReply, RangeRequest, Txn, TxnReply};

use super::Etcd;
use super::metrics::Counters;
use super::mirror::{number, revision};
use super::shared::{Shared, unavailable};
use crate::{Error, Key, Revision};

/// How long an answer waits to be seen here as well, so that who has it finds what it says. Where the watch is that far behind,
/// the answer is given all the same.
const SEEN_WITHIN: Duration = Duration::from_secs(1);

/// A write as it was asked for.
pub(super) struct Write {
    pub(super) key: Key,
    /// What to store, or `None` to delete.
    pub(super) value: Option<Bytes>,
    /// What the key must be at, or `None` if it must hold nothing.
    pub(super) expected: Option<Revision>,
}

impl Write {
    fn txn(&self, path: Bytes) -> Txn {
        let change = match &self.value {
            Some(value) => Op::put(path.clone(), value.clone()),
            None => Op::delete(path.clone()),
        };
        let expected = match self.expected {
            None => 0,
            // No key is at 0, and in a comparison it would mean that there is none.
            Some(Revision(0)) => i64::MAX,
            Some(revision) => number(revision),
        };
        Txn {
            compare: vec![Compare::mod_revision(path.clone(), expected)],
            success: vec![change],
            failure: vec![Op::range(RangeRequest::key(path).keys_only())],
        }
    }

    /// What a transaction came to.
    fn judge(&self, reply: &TxnReply) -> Result<Revision, Error> {
        if reply.succeeded {
            return Ok(revision(reply.revision));
        }
        let Some(OpReply::Range(held)) = reply.responses.first() else {
            return Err(Error::Unavailable("etcd's answer to a write makes no sense".into()));
        };
        let held = held.kvs.first().map(|kv| revision(kv.mod_revision));
        Err(match (held, self.expected) {
            (Some(held), None) => Error::Exists(held),
            (Some(held), Some(_)) => Error::Conflict(held),
            (None, Some(_)) => Error::NotFound,
            (None, None) => Error::Unavailable("etcd's answer to a write contradicts itself".into()),
        })
    }
}

impl Etcd {
    pub(super) async fn write(&self, write: Write) -> Result<Revision, Error> {
        // Before looking: a close that has not been noticed here waits for this write.
        let token = self.writes.token();
        if self.shared.health.lock().is_closing() {
            return Err(Error::Closed);
        }
        let shared = Arc::clone(&self.shared);
        let task = tokio::spawn(async move {
            let _token = token;
            carry_out(&shared, &write).await
        });
        match task.await {
            Ok(result) => result,
            Err(panic) => Err(Error::Unavailable(
                format!("a write failed, which is a bug: {panic}").into(),
            )),
        }
    }
}

async fn carry_out(shared: &Shared, write: &Write) -> Result<Revision, Error> {
    let path = shared.keys.encode(&write.key);
    let path = path.ok_or_else(|| Error::Unavailable("nothing can be stored under such a name".into()))?;
    #[cfg(leasehold_mutant = "acknowledge-before-transaction")]
    {
        let (client, txn) = (shared.client.clone(), write.txn(path));
        tokio::spawn(async move { client.txn(txn).await });
        return Ok(Revision(shared.published.revision().0 + 1));
    }
    let reply = shared
        .txn(write.txn(path))
        .await
        .map_err(|error| failed(shared, &error))?;
    let result = write.judge(&reply);
    let named = match &result {
        Ok(revision) => {
            Counters::add(&shared.counters.commits, 1);
            shared.health.lock().written();
            Some(*revision)
        }
        Err(Error::Exists(revision) | Error::Conflict(revision)) => Some(*revision),
        Err(_) => None,
    };
    if let Some(named) = named.filter(|_| shared.keys.has(write.key.resource)) {
        let _seen = shared.seen(named, SEEN_WITHIN).await;
    }
    result
}

fn failed(shared: &Shared, error: &etcd::Error) -> Error {
    if matches!(error, etcd::Error::NoSpace(_)) {
        shared.health.lock().full(shared.clock.now());
    }
    unavailable(error)
}
