//! Raises etcd's revision, which cannot be set: by writes of nothing, each of which uses one up.

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use leasehold_etcd::{Client, Error, Op, RangeRequest, Txn};
use leasehold_store::Revision;

use crate::failure::{Failure, Kind};
use crate::{etcd_access, printer};

/// How many writes are under way at once: etcd gathers them.
const AT_ONCE: usize = 64;
/// How many writes lie between two words about how far it is.
const STEP: u64 = 10_000;

/// How many revisions to use up, if that is not more than is allowed.
pub(super) fn needed(directory: Revision, etcd: Revision, at_most: u64) -> Result<u64, Failure> {
    let needed = directory.0.saturating_sub(etcd.0);
    if needed <= at_most {
        return Ok(needed);
    }
    let message = format!(
        "etcd is at revision {etcd} and the directory at {directory}: {needed} revisions would have to be used up, which is \
         more than --burn-at-most {at_most}"
    );
    // More than needed: between the snapshot and its restore etcd goes on.
    let bump = needed.saturating_add(1_000_000);
    Err(Failure::new(Kind::Runtime, message).hint(format!(
        "raise etcd itself: 'etcdutl snapshot restore --bump-revision {bump} --mark-compacted' of a snapshot of it, then again"
    )))
}

/// Writes until etcd's revision is at least `target`. `prefix` is what our keys begin with.
pub(super) async fn burn(client: &Client, prefix: &str, target: Revision) -> Result<(), Failure> {
    let key = format!("{prefix}/leasehold.dev/burnt");
    let mut current = revision(client, &key).await?;
    let begin = current;
    while current < target.0 {
        let all = target.0.saturating_sub(begin);
        printer::status(&format!(
            "etcd is raised: {} of {all} revisions",
            current.saturating_sub(begin)
        ));
        let round = STEP.min(target.0 - current);
        let writes = (0..round).map(|_| write(client, &key));
        stream::iter(writes)
            .buffer_unordered(AT_ONCE)
            .try_for_each(|()| std::future::ready(Ok(())))
            .await
            .map_err(|error| etcd_access::failure(&error))?;
        // Others may have written too, and a write that got no answer may have been carried out or not.
        current = revision(client, &key).await?;
    }
    printer::status("");
    let gone = Txn {
        success: vec![Op::delete(key)],
        ..Txn::default()
    };
    client
        .txn(gone)
        .await
        .map(drop)
        .map_err(|error| etcd_access::failure(&error))
}

/// One write. Whether one without an answer was carried out is seen afterwards.
async fn write(client: &Client, key: &str) -> Result<(), Error> {
    let txn = Txn {
        success: vec![Op::put(key.to_owned(), "")],
        ..Txn::default()
    };
    match client.txn(txn).await {
        Err(error) if !error.is_transient() => Err(error),
        _ => Ok(()),
    }
}

async fn revision(client: &Client, key: &str) -> Result<u64, Failure> {
    let reply = client.range(RangeRequest::key(key.to_owned()).count_only()).await;
    let revision = reply.map_err(|error| etcd_access::failure(&error))?.revision;
    Ok(u64::try_from(revision).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_burnt_than_allowed_and_the_refusal_says_what_to_do() {
        let needed = |directory, etcd| needed(Revision(directory), Revision(etcd), 100);
        assert_eq!(needed(50, 60), Ok(0));
        assert_eq!(needed(160, 60), Ok(100));
        let refused = needed(161, 60).unwrap_err();
        assert!(refused.message().contains("101 revisions"), "{}", refused.message());
        assert!(refused.advice().unwrap().contains("--bump-revision 1000101"));
    }
}
