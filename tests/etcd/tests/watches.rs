//! Watches, against every etcd that is here.

use std::time::Duration;

use leasehold_etcd::{
    Client, Event, EventKind, Op, RangeRequest, Txn, WatchError, WatchOptions, WatchReply, WatchStream, prefix_end,
};
use leasehold_test_etcd::{Cluster, Mode, Proxy, Setup, Version};
use tokio::time::timeout;

/// Bound on waiting for what must come.
const SOON: Duration = Duration::from_secs(30);

async fn one(version: Version) -> (Cluster, Client) {
    let cluster = Cluster::start(Setup::new(version)).await.unwrap();
    let client = cluster.client().unwrap();
    (cluster, client)
}

async fn done(client: &Client, operations: impl IntoIterator<Item = Op>) -> i64 {
    let txn = Txn {
        success: operations.into_iter().collect(),
        ..Txn::default()
    };
    client.txn(txn).await.unwrap().revision
}

async fn watch(client: &Client, prefix: &'static str, revision: i64) -> WatchStream {
    let options = WatchOptions {
        key: prefix.into(),
        range_end: prefix_end(prefix.as_bytes()),
        revision,
        progress: false,
    };
    client.watch(options).await.unwrap()
}

async fn next(watch: &mut WatchStream) -> Result<WatchReply, WatchError> {
    timeout(SOON, watch.next()).await.expect("nothing came")
}

/// The next `count` events, each reply checked: whole revisions in order.
async fn events(watch: &mut WatchStream, count: usize) -> Vec<Event> {
    let mut events: Vec<Event> = Vec::new();
    while events.len() < count {
        let reply = next(watch).await.unwrap();
        assert_eq!(reply.is_progress, reply.events.is_empty());
        if let (Some(last), Some(first)) = (events.last(), reply.events.first()) {
            assert!(last.kv.mod_revision < first.kv.mod_revision, "a revision was split");
        }
        assert!(reply.is_progress || reply.events.last().unwrap().kv.mod_revision == reply.revision);
        events.extend(reply.events);
    }
    assert!(events.is_sorted_by_key(|event| event.kv.mod_revision));
    assert_eq!(events.len(), count);
    events
}

#[tokio::test]
async fn a_watch_tells_the_past_and_what_comes() {
    for version in Version::available() {
        let (_cluster, client) = one(version).await;
        done(&client, [Op::put("a/1", "before")]).await;
        let from = done(
            &client,
            [Op::put("a/1", "x"), Op::put("a/2", "y"), Op::put("b", "not watched")],
        )
        .await;
        done(&client, [Op::delete("a/1")]).await;
        let mut watch = watch(&client, "a/", from).await;
        let past = events(&mut watch, 3).await;
        done(&client, [Op::put("b", "not watched either")]).await;
        done(&client, [Op::put("a/1", "z")]).await;
        let new = events(&mut watch, 1).await;
        let told: Vec<_> = past
            .iter()
            .chain(&new)
            .map(|event| {
                let kv = &event.kv;
                (
                    event.kind,
                    kv.mod_revision - from,
                    &kv.key[..],
                    &kv.value[..],
                    kv.version,
                )
            })
            .collect();
        let wanted: [(_, _, &[u8], &[u8], _); 4] = [
            (EventKind::Put, 0, b"a/1", b"x", 2),
            (EventKind::Put, 0, b"a/2", b"y", 1),
            (EventKind::Delete, 1, b"a/1", b"", 0),
            (EventKind::Put, 3, b"a/1", b"z", 1),
        ];
        assert_eq!(told, wanted);
    }
}

#[tokio::test]
async fn a_watch_of_now_tells_what_comes_after_it_is_confirmed() {
    for version in Version::available() {
        let (_cluster, client) = one(version).await;
        done(&client, [Op::put("k", "before")]).await;
        let mut watch = watch(&client, "k", 0).await;
        let after = done(&client, [Op::put("k", "after")]).await;
        assert_eq!(events(&mut watch, 1).await[0].kv.mod_revision, after);
    }
}

#[tokio::test]
async fn a_watch_of_what_is_compacted_ends_and_says_from_where_it_could_go_on() {
    for version in Version::available() {
        let (_cluster, client) = one(version).await;
        done(&client, [Op::put("k", "1")]).await;
        let kept = done(&client, [Op::put("k", "2")]).await;
        client.compact(kept).await.unwrap();
        let mut old = watch(&client, "k", 1).await;
        let compacted = Err(WatchError::Compacted { revision: kept });
        assert_eq!(next(&mut old).await, compacted);
        assert_eq!(next(&mut old).await, compacted);
        assert_eq!(events(&mut watch(&client, "k", kept).await, 1).await[0].kv.value, "2");
    }
}

#[tokio::test]
async fn progress_comes_when_it_is_asked_for() {
    for version in Version::available() {
        let (_cluster, client) = one(version).await;
        let mut watch = watch(&client, "k", 0).await;
        done(&client, [Op::put("k", "1")]).await;
        let elsewhere = done(&client, [Op::put("elsewhere", "1")]).await;
        events(&mut watch, 1).await;
        let progress = loop {
            watch.request_progress().unwrap();
            // A watch that has just been told something may not answer: then it is asked again.
            if let Ok(reply) = timeout(Duration::from_secs(1), watch.next()).await {
                break reply.unwrap();
            }
        };
        assert!(progress.is_progress && progress.events.is_empty());
        assert_eq!(progress.revision, elsewhere);
    }
}

/// Replies of several megabytes are sent in fragments, cut anywhere.
#[tokio::test]
async fn revisions_stay_whole_in_responses_that_do_not() {
    const REVISIONS: usize = 12;
    const EVENTS: usize = 7;
    for version in Version::available() {
        let (_cluster, client) = one(version).await;
        let mut first = 0;
        for revision in 0..REVISIONS {
            let puts = (0..EVENTS).map(|i| Op::put(format!("k{i}"), vec![u8::try_from(revision).unwrap(); 150_000]));
            let at = done(&client, puts).await;
            first = if first == 0 { at } else { first };
        }
        let mut watch = watch(&client, "k", first).await;
        let opening = next(&mut watch).await.unwrap();
        let sent_at_once = opening.events.len();
        assert!(sent_at_once < REVISIONS * EVENTS, "nothing was sent in fragments");
        assert_eq!(sent_at_once % EVENTS, 0);
        let rest = events(&mut watch, REVISIONS * EVENTS - sent_at_once).await;
        let all: Vec<_> = opening.events.into_iter().chain(rest).collect();
        for (index, event) in all.iter().enumerate() {
            let revision = index / EVENTS;
            assert_eq!(event.kv.mod_revision, first + i64::try_from(revision).unwrap());
            assert!(
                event.kv.value.len() == 150_000 && event.kv.value.iter().all(|byte| usize::from(*byte) == revision)
            );
        }
    }
}

#[tokio::test]
async fn dropping_the_wait_loses_nothing() {
    const CHANGES: usize = 300;
    let (_cluster, client) = one(Version::newest()).await;
    let mut watch = watch(&client, "k", 0).await;
    let writer = tokio::spawn(async move {
        for i in 0..CHANGES {
            done(&client, [Op::put("k", i.to_string())]).await;
        }
    });
    let mut told: Vec<Event> = Vec::new();
    while told.len() < CHANGES {
        tokio::select! {
            biased;
            () = tokio::task::yield_now() => {}
            reply = watch.next() => told.extend(reply.unwrap().events),
        }
        // What was begun above and dropped must not be missed here.
        if let Ok(reply) = timeout(Duration::from_millis(1), watch.next()).await {
            told.extend(reply.unwrap().events);
        }
    }
    writer.await.unwrap();
    let values: Vec<_> = told.iter().map(|event| event.kv.value.to_vec()).collect();
    assert_eq!(
        values,
        (0..CHANGES).map(|i| i.to_string().into_bytes()).collect::<Vec<_>>()
    );
}

#[tokio::test]
async fn a_slow_reader_of_a_watch_does_not_hold_up_calls() {
    let (_cluster, client) = one(Version::newest()).await;
    let mut watch = watch(&client, "k", 0).await;
    // More than a stream may hold of what is not read.
    for i in 0..40 {
        done(&client, [Op::put("k", vec![i; 400_000])]).await;
    }
    client.range(RangeRequest::key("k")).await.unwrap();
    assert_eq!(events(&mut watch, 40).await.len(), 40);
}

#[tokio::test]
async fn a_watch_whose_connection_breaks_is_lost_and_another_goes_on_where_it_was() {
    for version in Version::available() {
        let cluster = Cluster::start(Setup::new(version)).await.unwrap();
        let direct = cluster.client().unwrap();
        let proxy = Proxy::start(&cluster.endpoints()[0]).await.unwrap();
        let mut options = cluster.options();
        options.endpoints = vec![proxy.endpoint().to_owned()];
        let client = Client::new(options).unwrap();
        let seen = done(&client, [Op::put("k", "1")]).await;
        let mut first = watch(&client, "k", seen).await;
        events(&mut first, 1).await;
        proxy.set(Mode::Cut);
        assert!(matches!(next(&mut first).await, Err(WatchError::Lost(_))));
        let missed = done(&direct, [Op::put("k", "2")]).await;
        proxy.set(Mode::Open);
        let mut second = watch(&client, "k", seen + 1).await;
        assert_eq!(events(&mut second, 1).await[0].kv.mod_revision, missed);
    }
}

#[tokio::test]
async fn a_watch_that_nothing_gets_through_to_is_found_out() {
    for version in Version::available() {
        let cluster = Cluster::start(Setup::new(version)).await.unwrap();
        let proxy = Proxy::start(&cluster.endpoints()[0]).await.unwrap();
        let mut options = cluster.options();
        options.endpoints = vec![proxy.endpoint().to_owned()];
        options.keep_alive = Duration::from_millis(500);
        let client = Client::new(options).unwrap();
        let mut watch = watch(&client, "k", 0).await;
        done(&client, [Op::put("k", "1")]).await;
        events(&mut watch, 1).await;
        proxy.set(Mode::BlackHole);
        let end = next(&mut watch).await;
        assert!(
            matches!(&end, Err(WatchError::Lost(text)) if text.contains(proxy.endpoint())),
            "{end:?}"
        );
    }
}

/// etcd ends connections whose client pings more than it likes.
#[tokio::test]
async fn a_quiet_watch_is_left_alone() {
    for version in Version::available() {
        let cluster = Cluster::start(Setup::new(version)).await.unwrap();
        let mut options = cluster.options();
        // As many pings as the keep-alive ever makes: it must keep to etcd's bounds by itself.
        options.keep_alive = Duration::from_millis(200);
        let client = Client::new(options).unwrap();
        let mut watch = watch(&client, "k", 0).await;
        for quiet in [1, 2, 8] {
            let waited = timeout(Duration::from_secs(quiet), watch.next()).await;
            assert!(waited.is_err(), "{waited:?}");
            done(&client, [Op::put("k", "1")]).await;
            events(&mut watch, 1).await;
        }
    }
}
