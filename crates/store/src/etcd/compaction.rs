//! Compaction: lets etcd forget what nobody can ask for any more, once per interval among all who share it.
//!
//! The protocol is Kubernetes' own, so that a kube-apiserver over the same etcd takes part: one key whose *version* counts the
//! intervals. Who manages to write it from the version known to the next has the interval, and compacts at the revision that
//! was noted one interval before; who does not learns the version there. What is compacted is at least one interval old.

use std::sync::Arc;
use std::time::Duration;

use leasehold_etcd::{self as etcd, Compare, Op, OpReply, Txn, TxnReply};

use super::metrics::{Counters, RequestKind};
use super::mirror::{number, revision};
use super::shared::Shared;
use crate::Revision;

/// Kubernetes' key: not under any prefix, since there is one history for all.
pub(super) const KEY: &str = "compact_rev_key";

/// What one process knows between two intervals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Turn {
    /// The version of the key when it was last looked at.
    time: i64,
    /// etcd's revision then: what may be compacted next. 0 before the first look.
    noted: Revision,
}

impl Turn {
    fn txn(self) -> Txn {
        Txn {
            compare: vec![Compare::version(KEY, self.time)],
            success: vec![Op::put(KEY, self.noted.to_string())],
            failure: vec![Op::get(KEY)],
        }
    }

    /// The next turn, and what to compact at, if it falls to us.
    fn after(self, reply: &TxnReply) -> (Self, Option<Revision>) {
        let noted = revision(reply.revision);
        if reply.succeeded {
            let next = Self {
                time: self.time + 1,
                noted,
            };
            return (next, (self.noted > Revision(0)).then_some(self.noted));
        }
        let time = match reply.responses.first() {
            Some(OpReply::Range(found)) => found.kvs.first().map_or(0, |kv| kv.version),
            _ => self.time,
        };
        (Self { time, noted }, None)
    }
}

/// Runs until the store closes.
pub(super) async fn run(shared: Arc<Shared>, interval: Duration) {
    let closing = shared.closing.clone();
    let forever = async {
        let mut turn = Turn::default();
        loop {
            match take(&shared, turn).await {
                Ok(next) => turn = next,
                Err(error) => tracing::warn!(%error, "etcd's history could not be compacted; it is tried again"),
            }
            shared.clock.sleep_until(shared.clock.now() + interval).await;
        }
    };
    let _closed = closing.run_until_cancelled(forever).await;
}

async fn take(shared: &Shared, turn: Turn) -> Result<Turn, etcd::Error> {
    let reply = shared.txn(turn.txn()).await?;
    let (next, compact) = turn.after(&reply);
    if let Some(at) = compact {
        let compacted = shared.client.compact(number(at)).await;
        match shared.counters.request(RequestKind::Compact, compacted) {
            // Somebody who knows nothing of the key was further.
            Ok(()) | Err(etcd::Error::Compacted) => Counters::add(&shared.counters.compactions, 1),
            Err(error) => tracing::warn!(%error, revision = %at, "etcd could not be compacted"),
        }
    }
    Ok(next)
}

#[cfg(test)]
mod tests {
    use leasehold_etcd::{KeyValue, RangeReply};

    use super::*;

    fn won(at: i64) -> TxnReply {
        TxnReply {
            succeeded: true,
            responses: vec![OpReply::Put],
            revision: at,
        }
    }

    fn lost(at: i64, version: i64) -> TxnReply {
        let kv = KeyValue {
            version,
            ..KeyValue::default()
        };
        let found = RangeReply {
            kvs: vec![kv],
            ..RangeReply::default()
        };
        TxnReply {
            succeeded: false,
            responses: vec![OpReply::Range(found)],
            revision: at,
        }
    }

    fn turn(time: i64, noted: u64) -> Turn {
        Turn {
            time,
            noted: Revision(noted),
        }
    }

    #[test]
    fn who_wins_compacts_at_what_was_noted_an_interval_before() {
        let first = Turn::default().after(&won(10));
        assert_eq!(first, (turn(1, 10), None), "the first interval only notes");
        assert_eq!(first.0.after(&won(25)), (turn(2, 25), Some(Revision(10))));
    }

    #[test]
    fn who_loses_learns_the_time_and_compacts_nothing() {
        assert_eq!(Turn::default().after(&lost(30, 7)), (turn(7, 30), None));
        assert_eq!(turn(7, 30).after(&lost(40, 8)), (turn(8, 40), None));
        assert_eq!(turn(8, 40).after(&won(55)), (turn(9, 55), Some(Revision(40))));
    }

    #[test]
    fn a_key_that_somebody_deleted_begins_anew() {
        let mut gone = lost(60, 0);
        gone.responses = vec![OpReply::Range(RangeReply::default())];
        assert_eq!(turn(9, 55).after(&gone), (turn(0, 60), None));
    }
}
