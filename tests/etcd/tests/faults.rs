//! Members that fail, and what a client makes of it.

use std::time::Duration;

use leasehold_etcd::{Client, Error, Op, Options, RangeRequest, Txn, TxnReply, WatchError, WatchOptions, WatchStream};
use leasehold_test_etcd::{Cluster, Mode, Proxy, Setup, Version};
use tokio::time::timeout;

/// Bound on waiting for what must come.
const SOON: Duration = Duration::from_secs(60);

async fn three(version: Version) -> Cluster {
    Cluster::start(Setup::new(version).members(3)).await.unwrap()
}

fn put(value: &str) -> Txn {
    Txn {
        success: vec![Op::put("k", value.to_owned())],
        ..Txn::default()
    }
}

/// Writes until a write succeeds, as whoever is told of a failure would.
async fn put_at_last(client: &Client, value: &str) -> TxnReply {
    let trying = async {
        loop {
            match client.txn(put(value)).await {
                Ok(reply) => return reply,
                Err(error) => assert!(error.is_transient(), "{error:?}"),
            }
        }
    };
    timeout(SOON, trying).await.expect("no write succeeded")
}

async fn value(client: &Client) -> String {
    let reply = client.range(RangeRequest::key("k")).await.unwrap();
    String::from_utf8(reply.kvs[0].value.to_vec()).unwrap()
}

async fn watch(client: &Client) -> WatchStream {
    let options = WatchOptions {
        key: "k".into(),
        ..WatchOptions::default()
    };
    client.watch(options).await.unwrap()
}

fn quick(endpoints: Vec<String>) -> Client {
    let mut options = Options::new(endpoints);
    options.request_timeout = Duration::from_secs(2);
    Client::new(options).unwrap()
}

#[tokio::test]
async fn an_endpoint_that_nobody_listens_at_is_passed_over() {
    for version in Version::available() {
        let cluster = Cluster::start(Setup::new(version)).await.unwrap();
        let mut endpoints = cluster.endpoints();
        endpoints.insert(0, "http://127.0.0.1:1".to_owned());
        let client = quick(endpoints.clone());
        client.txn(put("1")).await.unwrap();
        assert_eq!(value(&client).await, "1");
        assert_eq!(watch(&client).await.endpoint(), endpoints[1]);
        let status = client.status(&endpoints[0]).await;
        let told = |error: &Error| error.to_string().contains(&endpoints[0]);
        assert!(
            matches!(&status, Err(error @ Error::NotSent(_)) if told(error)),
            "{status:?}"
        );
    }
}

#[tokio::test]
async fn many_calls_wait_together_for_an_endpoint_that_says_nothing() {
    let cluster = Cluster::start(Setup::new(Version::newest())).await.unwrap();
    let proxy = Proxy::start(&cluster.endpoints()[0]).await.unwrap();
    proxy.set(Mode::BlackHole);
    let mut options = Options::new([proxy.endpoint().to_owned(), cluster.endpoints()[0].clone()]);
    options.connect_timeout = Duration::from_millis(500);
    // One after the other they would need twice that.
    options.request_timeout = Duration::from_secs(10);
    let client = Client::new(options).unwrap();
    let mut calls = tokio::task::JoinSet::new();
    for i in 0..40 {
        let client = client.clone();
        calls.spawn(async move { client.txn(put(&i.to_string())).await });
    }
    for outcome in calls.join_all().await {
        outcome.unwrap();
    }
}

#[tokio::test]
async fn with_nobody_there_nothing_was_sent() {
    let client = quick(vec!["http://127.0.0.1:1".to_owned(), "http://127.0.0.1:2".to_owned()]);
    for error in [
        client.txn(put("1")).await.unwrap_err(),
        client.range(RangeRequest::key("k")).await.unwrap_err(),
        client.watch(WatchOptions::default()).await.unwrap_err(),
    ] {
        assert!(matches!(error, Error::NotSent(_)), "{error:?}");
    }
}

#[tokio::test]
async fn a_killed_member_is_left_behind() {
    for version in Version::available() {
        let mut cluster = three(version).await;
        let client = cluster.client().unwrap();
        client.txn(put("1")).await.unwrap();
        let mut watch = watch(&client).await;
        assert_eq!(watch.endpoint(), cluster.endpoints()[0]);
        cluster.member(0).kill().unwrap();
        let end = timeout(SOON, watch.next()).await.unwrap();
        assert!(matches!(end, Err(WatchError::Lost(_))), "{end:?}");
        let written = put_at_last(&client, "2").await;
        assert_eq!(value(&client).await, "2");
        cluster.member(0).restart().unwrap();
        cluster.ready().await.unwrap();
        let endpoint = cluster.endpoints()[0].clone();
        assert!(client.status(&endpoint).await.unwrap().revision >= written.revision);
    }
}

#[tokio::test]
async fn a_new_leader_is_waited_for() {
    for version in Version::available() {
        let mut cluster = three(version).await;
        let client = cluster.client().unwrap();
        client.txn(put("1")).await.unwrap();
        let leader = cluster.leader().await.unwrap();
        cluster.member(leader).kill().unwrap();
        put_at_last(&client, "2").await;
        assert_eq!(value(&client).await, "2");
        assert_ne!(cluster.leader().await.unwrap(), leader);
    }
}

#[tokio::test]
async fn without_a_quorum_calls_end_within_their_time_and_recover_with_it() {
    for version in Version::available() {
        let mut cluster = three(version).await;
        let survivor = vec![cluster.endpoints()[0].clone()];
        let client = quick(survivor);
        client.txn(put("1")).await.unwrap();
        let mut watch = watch(&client).await;
        for member in [1, 2] {
            cluster.member(member).kill().unwrap();
        }
        // Right away a write may have been sent to a leader that is about to step down; then it is surely refused.
        let refused = async {
            loop {
                let error = timeout(SOON, client.txn(put("2"))).await.unwrap().unwrap_err();

                assert!(error.is_transient(), "{error:?}");
                if matches!(&error, Error::Unavailable(text) if text.contains("no leader")) {
                    return;
                }
            }
        };
        timeout(SOON, refused)
            .await
            .expect("never refused for want of a leader");
        let read = client.range(RangeRequest::key("k")).await.unwrap_err();
        assert!(matches!(read, Error::Unavailable(_) | Error::Unknown(_)), "{read:?}");
        let lost = timeout(SOON, watch.next()).await.expect("the watch never heard of it");
        assert!(
            matches!(&lost, Err(WatchError::Lost(text)) if text.contains("no leader")),
            "{lost:?}"
        );
        for member in [1, 2] {
            cluster.member(member).restart().unwrap();
        }
        put_at_last(&client, "3").await;
        assert_eq!(value(&client).await, "3");
    }
}

#[tokio::test]
async fn an_isolated_leader_serves_nobody_and_comes_back_as_a_follower() {
    for version in Version::available() {
        let setup = Setup::new(version).members(3).isolatable();
        let mut cluster = Cluster::start(setup).await.unwrap();
        let leader = cluster.leader().await.unwrap();
        let (alone, all) = (
            quick(vec![cluster.endpoints()[leader].clone()]),
            cluster.client().unwrap(),
        );
        all.txn(put("1")).await.unwrap();
        let mut watch = watch(&alone).await;
        cluster.isolate(leader);
        let lost = timeout(SOON, watch.next()).await.expect("the watch never heard of it");
        assert!(
            matches!(&lost, Err(WatchError::Lost(text)) if text.contains("no leader")),
            "{lost:?}"
        );
        let refused = alone.txn(put("alone")).await.unwrap_err();
        assert!(
            matches!(&refused, Error::Unavailable(text) if text.contains("no leader")),
            "{refused:?}"
        );
        put_at_last(&all, "2").await;
        assert_eq!(value(&all).await, "2");
        cluster.rejoin(leader);
        cluster.ready().await.unwrap();
        assert_eq!(value(&alone).await, "2");
    }
}

#[tokio::test]
async fn a_member_that_is_stopped_costs_time_and_no_more() {
    for version in Version::available() {
        let mut cluster = three(version).await;
        let client = quick(cluster.endpoints());
        client.txn(put("1")).await.unwrap();
        cluster.member(0).stop().unwrap();
        // A read moves on by itself. A write that was sent does not, and says that it may have been carried out.
        assert_eq!(value(&client).await, "1");
        put_at_last(&client, "2").await;
        cluster.member(0).resume().unwrap();
        assert_eq!(value(&client).await, "2");
    }
}

#[tokio::test]
async fn a_write_that_was_sent_into_the_void_may_have_been_carried_out() {
    for version in Version::available() {
        let cluster = Cluster::start(Setup::new(version)).await.unwrap();
        let proxy = Proxy::start(&cluster.endpoints()[0]).await.unwrap();
        let client = quick(vec![proxy.endpoint().to_owned()]);
        client.txn(put("1")).await.unwrap();
        proxy.set(Mode::BlackHole);
        let error = client.txn(put("2")).await.unwrap_err();
        assert!(matches!(error, Error::Unknown(_)), "{error:?}");
        proxy.set(Mode::Open);
        // And here it is, late: what was held goes on.
        let arrived = async {
            while value(&client).await != "2" {
                put_at_last(&client, "2").await;
            }
        };
        timeout(SOON, arrived).await.unwrap();
    }
}

#[tokio::test]
async fn a_write_that_may_have_been_carried_out_is_not_sent_to_another_endpoint() {
    for version in Version::available() {
        let cluster = Cluster::start(Setup::new(version)).await.unwrap();
        let proxy = Proxy::start(&cluster.endpoints()[0]).await.unwrap();
        let client = quick(vec![proxy.endpoint().to_owned(), cluster.endpoints()[0].clone()]);
        client.txn(put("1")).await.unwrap();
        proxy.set(Mode::BlackHole);
        // The connection stands, so that the request is under way before it is cut.
        let (outcome, ()) = tokio::join!(biased; client.txn(put("2")), async { proxy.set(Mode::Cut) });
        assert!(matches!(outcome, Err(Error::Unknown(_))), "{outcome:?}");
        assert_eq!(value(&client).await, "1");
    }
}

#[tokio::test]
async fn a_connection_that_ended_while_idle_is_replaced_without_a_word() {
    for version in Version::available() {
        let mut cluster = Cluster::start(Setup::new(version)).await.unwrap();
        let client = cluster.client().unwrap();
        client.txn(put("1")).await.unwrap();
        cluster.member(0).terminate().unwrap();
        cluster.member(0).restart().unwrap();
        cluster.ready().await.unwrap();
        client.txn(put("2")).await.unwrap();
        assert_eq!(value(&client).await, "2");
    }
}

#[tokio::test]
async fn calls_are_many_on_one_connection() {
    let cluster = Cluster::start(Setup::new(Version::newest())).await.unwrap();
    let client = cluster.client().unwrap();
    let mut calls = tokio::task::JoinSet::new();
    for i in 0..500 {
        let client = client.clone();
        calls.spawn(async move { client.txn(put(&i.to_string())).await.unwrap().revision });
    }
    let mut revisions = calls.join_all().await;
    revisions.sort_unstable();
    revisions.dedup();
    assert_eq!(revisions.len(), 500);
}
