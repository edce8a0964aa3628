//! Every call of the client, against every etcd that is here.

use bytes::Bytes;
use leasehold_etcd::{Client, Compare, Error, KeyValue, Op, OpReply, RangeReply, RangeRequest, Txn, TxnReply};
use leasehold_test_etcd::{Cluster, Setup, Version};
use tokio::task::JoinSet;

/// A cluster of one member, and a client of it.
async fn one(version: Version) -> (Cluster, Client) {
    let cluster = Cluster::start(Setup::new(version)).await.unwrap();
    let client = cluster.client().unwrap();
    (cluster, client)
}

async fn put(client: &Client, key: &'static str, value: impl Into<Bytes>) -> i64 {
    done(client, [Op::put(key, value)]).await.revision
}

async fn done(client: &Client, operations: impl IntoIterator<Item = Op>) -> TxnReply {
    let txn = Txn {
        success: operations.into_iter().collect(),
        ..Txn::default()
    };
    client.txn(txn).await.unwrap()
}

fn keys(reply: &RangeReply) -> Vec<&str> {
    let key = |kv: &KeyValue| -> &str { std::str::from_utf8(Box::leak(kv.key.to_vec().into_boxed_slice())).unwrap() };
    reply.kvs.iter().map(key).collect()
}

#[tokio::test]
async fn what_was_written_is_read() {
    for version in Version::available() {
        let (_cluster, client) = one(version).await;
        let created = put(&client, "k", "1").await;
        let updated = put(&client, "k", "2").await;
        assert_eq!(updated, created + 1);
        let now = client.range(RangeRequest::key("k")).await.unwrap();
        let kv = KeyValue {
            key: "k".into(),
            create_revision: created,
            mod_revision: updated,
            version: 2,
            value: "2".into(),
        };
        let wanted = RangeReply {
            kvs: vec![kv],
            more: false,
            count: 1,
            revision: updated,
        };
        assert_eq!(now, wanted);
        let past = client.range(RangeRequest::key("k").at(created)).await.unwrap();
        assert_eq!((&past.kvs[0].value[..], past.revision), (&b"1"[..], updated));
        let gone = done(&client, [Op::delete("k")]).await;
        assert_eq!(gone.responses, [OpReply::Delete { deleted: 1 }]);
        let none = client.range(RangeRequest::key("k")).await.unwrap();
        assert_eq!((none.kvs.len(), none.count, none.revision), (0, 0, updated + 1));
    }
}

#[tokio::test]
async fn ranges_are_cut_and_counted() {
    for version in Version::available() {
        let (_cluster, client) = one(version).await;
        done(&client, ["a/1", "a/2", "a/3", "b/1"].map(|key| Op::put(key, "value"))).await;
        let range = |request: RangeRequest| async { client.range(request).await.unwrap() };
        let prefix = range(RangeRequest::prefix("a/")).await;
        assert_eq!(
            (keys(&prefix), prefix.more, prefix.count),
            (vec!["a/1", "a/2", "a/3"], false, 3)
        );
        let page = range(RangeRequest::prefix("a/").limit(2)).await;
        assert_eq!((keys(&page), page.more, page.count), (vec!["a/1", "a/2"], true, 3));
        let rest = range(RangeRequest::range("a/2\0", "a0").keys_only()).await;
        assert_eq!((keys(&rest), &rest.kvs[0].value[..]), (vec!["a/3"], &b""[..]));
        let count = range(RangeRequest::prefix("").count_only()).await;
        assert_eq!((count.kvs.len(), count.count), (0, 4));
    }
}

#[tokio::test]
async fn a_transaction_takes_one_branch_and_tells_what_it_did() {
    for version in Version::available() {
        let (_cluster, client) = one(version).await;
        let txn = |revision: i64, version: i64| Txn {
            compare: vec![Compare::mod_revision("k", revision), Compare::version("k", version)],
            success: vec![Op::put("k", "new"), Op::get("other")],
            failure: vec![Op::get("k")],
        };
        let first = client.txn(txn(0, 0)).await.unwrap();
        assert!(first.succeeded);
        let [OpReply::Put, OpReply::Range(other)] = &first.responses[..] else {
            panic!("{first:?}");
        };
        assert_eq!(other.kvs, []);
        for stale in [txn(0, 1), txn(first.revision, 2), txn(first.revision + 1, 1)] {
            let refused = client.txn(stale).await.unwrap();
            assert!(!refused.succeeded);
            let [OpReply::Range(found)] = &refused.responses[..] else {
                panic!("{refused:?}");
            };
            assert_eq!(found.kvs[0].mod_revision, first.revision);
            assert_eq!(refused.revision, first.revision);
        }
        assert!(client.txn(txn(first.revision, 1)).await.unwrap().succeeded);
    }
}

#[tokio::test]
async fn transactions_within_one_share_its_revision_and_fail_alone() {
    for version in Version::available() {
        let (_cluster, client) = one(version).await;
        let held = put(&client, "b", "1").await;
        let swap = |key: &'static str, revision: i64| {
            Op::txn(Txn {
                compare: vec![Compare::mod_revision(key, revision)],
                success: vec![Op::put(key, "2")],
                failure: vec![Op::get(key)],
            })
        };
        let reply = done(&client, [swap("a", 0), swap("b", 0), swap("c", 0)]).await;
        let succeeded: Vec<_> = reply
            .responses
            .iter()
            .map(|response| matches!(response, OpReply::Txn(txn) if txn.succeeded))
            .collect();
        assert_eq!(succeeded, [true, false, true]);
        let all = client.range(RangeRequest::prefix("")).await.unwrap();
        let revisions: Vec<_> = all.kvs.iter().map(|kv| kv.mod_revision).collect();
        assert_eq!(revisions, [reply.revision, held, reply.revision]);
    }
}

#[tokio::test]
async fn what_is_compacted_or_to_come_cannot_be_read() {
    for version in Version::available() {
        let (_cluster, client) = one(version).await;
        let old = put(&client, "k", "1").await;
        let new = put(&client, "k", "2").await;
        client.compact(new).await.unwrap();
        let at = |revision| client.range(RangeRequest::key("k").at(revision));
        assert_eq!(at(old).await, Err(Error::Compacted));
        assert_eq!(at(new).await.unwrap().kvs[0].value, "2");
        assert_eq!(at(new + 1).await, Err(Error::FutureRevision));
        assert_eq!(client.compact(new).await, Err(Error::Compacted));
        assert_eq!(client.compact(new + 1).await, Err(Error::FutureRevision));
    }
}

#[tokio::test]
async fn of_those_who_swap_at_once_one_wins_each_round() {
    const SWAPPERS: usize = 8;
    const SWAPS: usize = 40;
    for version in Version::available() {
        let (_cluster, client) = one(version).await;
        put(&client, "n", "0").await;
        let mut swappers = JoinSet::new();
        for _ in 0..SWAPPERS {
            let client = client.clone();
            swappers.spawn(async move {
                for _ in 0..SWAPS {
                    while !add_one(&client).await {}
                }
            });
        }
        swappers.join_all().await;
        let end = client.range(RangeRequest::key("n")).await.unwrap();
        assert_eq!(end.kvs[0].value, (SWAPPERS * SWAPS).to_string());
        assert_eq!(end.kvs[0].version, i64::try_from(SWAPPERS * SWAPS).unwrap() + 1);
    }
}

/// Adds one to the number under `n` unless somebody else was faster.
async fn add_one(client: &Client) -> bool {
    let seen = client.range(RangeRequest::key("n")).await.unwrap().kvs.remove(0);
    let number: usize = std::str::from_utf8(&seen.value).unwrap().parse().unwrap();
    let swap = Txn {
        compare: vec![Compare::mod_revision("n", seen.mod_revision)],
        success: vec![Op::put("n", (number + 1).to_string())],
        failure: Vec::new(),
    };
    client.txn(swap).await.unwrap().succeeded
}

#[tokio::test]
async fn large_values_pass_and_too_large_ones_are_refused() {
    const MIB: usize = 1 << 20;
    for version in Version::available() {
        let (_cluster, client) = one(version).await;
        let value = Bytes::from((0..MIB).map(|i| (i % 251) as u8).collect::<Vec<_>>());
        for key in ["1", "2", "3", "4", "5", "6", "7", "8"] {
            put(&client, key, value.clone()).await;
        }
        // More than the window of a stream, and many at once more than that of the connection.
        let mut readers = JoinSet::new();
        for _ in 0..6 {
            let client = client.clone();
            readers.spawn(async move { client.range(RangeRequest::prefix("")).await.unwrap() });
        }
        for all in readers.join_all().await {
            assert!(all.kvs.len() == 8 && all.kvs.iter().all(|kv| kv.value == value));
        }
        let txn = Txn {
            success: vec![Op::put("k", vec![0; MIB + MIB / 2 + MIB / 4])],
            ..Txn::default()
        };
        let refused = client.txn(txn).await;
        assert!(
            matches!(&refused, Err(Error::Invalid(text)) if text.contains("too large")),
            "{refused:?}"
        );
    }
}

#[tokio::test]
async fn a_request_that_etcd_refuses_is_told_why() {
    for version in Version::available() {
        let (_cluster, client) = one(version).await;
        let twice = Txn {
            success: vec![Op::put("k", "1"), Op::put("k", "2")],
            ..Txn::default()
        };
        for (txn, why) in [
            (twice, "duplicate key"),
            (
                Txn {
                    success: vec![Op::put("", "1")],
                    ..Txn::default()
                },
                "key is not provided",
            ),
            (
                Txn {
                    success: (0..129).map(|i| Op::put(format!("{i}"), "1")).collect(),
                    ..Txn::default()
                },
                "too many operations",
            ),
        ] {
            let refused = client.txn(txn).await;
            assert!(
                matches!(&refused, Err(Error::Invalid(text)) if text.contains(why)),
                "{refused:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_full_etcd_says_so_and_the_write_may_have_been_carried_out() {
    for version in Version::available() {
        let setup = Setup::new(version).argument("--quota-backend-bytes=2000000");
        let cluster = Cluster::start(setup).await.unwrap();
        let client = cluster.client().unwrap();
        let fill = |i: u8| {
            let txn = Txn {
                success: vec![Op::put(vec![i], vec![i; 500_000])],
                ..Txn::default()
            };
            client.txn(txn)
        };
        let mut error = None;
        for i in 0..=u8::MAX {
            error = fill(i).await.err();
            if error.is_some() {
                break;
            }
        }
        let error = error.expect("it is never full");
        assert!(matches!(error, Error::NoSpace(_)) && error.is_unknown(), "{error}");
    }
}

#[tokio::test]
async fn each_member_tells_how_it_is() {
    for version in Version::available() {
        let (_cluster, client) = one(version).await;
        let revision = put(&client, "k", "1").await;
        let endpoint = client.endpoints()[0].clone();
        let status = client.status(&endpoint).await.unwrap();
        let line = match version {
            Version::V3_4 => "3.4.",
            Version::V3_6 => "3.6.",
        };
        assert!(status.version.starts_with(line), "{status:?}");
        assert!(
            status.leader == status.member && status.member != 0 && status.db_size > 0,
            "{status:?}"
        );
        assert_eq!(status.revision, revision);
        let stranger = client.status("http://127.0.0.1:1").await;
        assert!(matches!(stranger, Err(Error::Invalid(_))));
    }
}
