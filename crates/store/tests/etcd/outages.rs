//! etcd that is killed, stopped, away or not itself.

use std::time::Duration;

use leasehold_clock::SystemClock;
use leasehold_store::etcd::{Etcd, OpenError, Options};
use leasehold_store::{Error, Revision, Store};
use leasehold_test_etcd::{Cluster, Setup, Version};

use crate::harness::{BOUND, LEASES, bounded, changes, lease, open, read, text, until};

async fn cluster(members: usize) -> Cluster {
    Cluster::start(Setup::new(Version::newest()).members(members))
        .await
        .expect("a cluster")
}

fn options(cluster: &Cluster) -> Options {
    let mut options = Options::new(cluster.options(), vec!["leases"]);
    options.compaction_interval = Duration::ZERO;
    // A busy machine takes its time to bring a member back.
    options.watches_wait = BOUND;
    options
}

async fn becomes_ready(store: &Etcd) {
    let ready = until("readiness", async || store.ready(), Result::is_ok).await;
    ready.expect("what was waited for");
}

/// And says why it is not.
async fn becomes_unready(store: &Etcd) -> Error {
    let unready = until("the end of readiness", async || store.ready(), Result::is_err).await;
    unready.expect_err("what was waited for")
}

/// Writes until a write is acknowledged.
async fn put(store: &Etcd, value: &str) -> Revision {
    let writing = async || {
        let held = store.get(&lease("a")).await?;
        match held {
            Some(entry) => store.update(lease("a"), text(value), entry.revision).await,
            None => store.create(lease("a"), text(value)).await,
        }
    };
    until("an acknowledgement", writing, Result::is_ok).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_etcd_that_is_killed_is_told_of_and_nothing_is_lost_when_it_is_back() {
    let mut cluster = cluster(1).await;
    let store = open(options(&cluster)).await;
    let mut watch = store.watch(LEASES, store.revision()).unwrap();
    let first = put(&store, "one").await;
    assert_eq!(store.ready(), Ok(()));
    cluster.member(0).kill().unwrap();

    let refused = tokio::time::timeout(BOUND, store.update(lease("a"), text("two"), first)).await;
    let Ok(Err(Error::Unavailable(why))) = refused else {
        panic!("{refused:?}")
    };
    assert!(!why.is_empty());
    becomes_unready(&store).await;
    assert!(
        store.glance(&lease("a")).await.unwrap().is_some(),
        "what is held is still shown"
    );
    assert!(
        matches!(store.get(&lease("a")).await, Err(Error::Unavailable(_))),
        "and not taken for the latest"
    );

    cluster.member(0).restart().unwrap();
    becomes_ready(&store).await;
    let second = put(&store, "three").await;
    let seen: Vec<_> = changes(&mut *watch, 2)
        .await
        .iter()
        .map(|change| change.revision)
        .collect();
    assert_eq!(seen, [first, second]);
    assert_eq!(store.metrics().relists, 0);
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_to_a_stopped_etcd_ends_with_its_outcome_unknown() {
    let mut cluster = cluster(1).await;
    let mut options = options(&cluster);
    options.etcd.request_timeout = Duration::from_secs(3);
    let store = open(options).await;
    let first = put(&store, "one").await;
    cluster.member(0).stop().unwrap();
    let (answered, unready) = bounded("answers", async {
        let write = store.update(lease("a"), text("two"), first);
        tokio::join!(write, becomes_unready(&store))
    })
    .await;
    assert!(matches!(answered, Err(Error::Unavailable(_))), "{answered:?}");
    assert!(matches!(unready, Error::Unavailable(_)));
    cluster.member(0).resume().unwrap();
    put(&store, "three").await;
    becomes_ready(&store).await;
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes_and_watches_go_on_when_any_one_of_three_members_is_killed_or_stopped() {
    let mut cluster = cluster(3).await;
    let store = open(options(&cluster)).await;
    let mut watch = store.watch(LEASES, store.revision()).unwrap();
    let mut wanted = vec![put(&store, "start").await];
    for index in 0..3 {
        cluster.member(index).kill().unwrap();
        wanted.push(put(&store, &format!("without {index}")).await);
        let seen: Vec<_> = changes(&mut *watch, wanted.len())
            .await
            .iter()
            .map(|change| change.revision)
            .collect();
        assert_eq!(seen, wanted, "without {index}");
        wanted.clear();
        cluster.member(index).restart().unwrap();
        cluster.ready().await.unwrap();

        cluster.member(index).stop().unwrap();
        wanted.push(put(&store, &format!("with {index} stopped")).await);
        let seen: Vec<_> = changes(&mut *watch, wanted.len())
            .await
            .iter()
            .map(|change| change.revision)
            .collect();
        assert_eq!(seen, wanted, "with {index} stopped");
        wanted.clear();
        cluster.member(index).resume().unwrap();
        cluster.ready().await.unwrap();
    }
    assert_eq!(store.metrics().relists, 0);
    becomes_ready(&store).await;
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_majority_nothing_is_acknowledged_and_with_one_again_everything_is() {
    let mut cluster = cluster(3).await;
    let mut options = options(&cluster);
    options.etcd.request_timeout = Duration::from_secs(2);
    let store = open(options).await;
    let first = put(&store, "one").await;
    cluster.member(0).kill().unwrap();
    cluster.member(1).kill().unwrap();
    let refused = bounded("an answer", store.update(lease("a"), text("two"), first)).await;
    assert!(matches!(refused, Err(Error::Unavailable(_))), "{refused:?}");
    let read = bounded("an answer", store.get(&lease("a"))).await;
    assert!(
        matches!(read, Err(Error::Unavailable(_))),
        "a minority's word is not the latest: {read:?}"
    );
    becomes_unready(&store).await;
    cluster.member(0).restart().unwrap();
    put(&store, "three").await;
    becomes_ready(&store).await;
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn data_that_is_older_than_what_was_seen_is_not_taken_for_the_latest() {
    let (mut one, other) = (cluster(1).await, cluster(1).await);
    let mut options = options(&one);
    options.etcd.endpoints.extend(other.endpoints());
    let store = open(options).await;
    for number in 0..10 {
        put(&store, &number.to_string()).await;
    }
    // What answers now is an etcd that has never heard of any of it, as after a restore of an old backup.
    one.member(0).kill().unwrap();
    let why = becomes_unready(&store).await.to_string();
    assert!(why.contains("replaced by older data"), "{why}");
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_open_that_finds_no_etcd_says_so_in_time() {
    let mut cluster = cluster(1).await;
    let mut options = options(&cluster);
    cluster.member(0).kill().unwrap();
    options.open_timeout = Duration::from_secs(1);
    let opened = bounded(
        "an answer",
        Etcd::open(options.clone(), std::sync::Arc::new(SystemClock)),
    )
    .await;
    let Err(OpenError::NotServed { why, .. }) = opened else {
        panic!("there is none")
    };
    assert!(!why.is_empty());
    // With time enough it is waited for.
    options.open_timeout = BOUND;
    cluster.member(0).restart().unwrap();
    let store = open(options).await;
    assert_eq!(read(&store, &lease("a")).await, None);
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn watches_are_not_left_in_silence_while_etcd_is_away() {
    let mut cluster = cluster(1).await;
    let mut options = options(&cluster);
    options.watches_wait = Duration::from_secs(1);
    let store = open(options).await;
    let first = put(&store, "one").await;
    let mut watch = store.watch(LEASES, first).unwrap();
    cluster.member(0).kill().unwrap();
    let ended = bounded("the end of the watch", watch.next()).await.err();
    assert!(matches!(ended, Some(Error::Unavailable(_))), "{ended:?}");
    assert!(matches!(store.watch(LEASES, first), Err(Error::Unavailable(_))));

    cluster.member(0).restart().unwrap();
    let second = put(&store, "two").await;
    until(
        "a watch",
        async || store.watch(LEASES, first).is_ok(),
        |can_watch| *can_watch,
    )
    .await;
    let mut watch = store.watch(LEASES, first).unwrap();
    assert_eq!(changes(&mut *watch, 1).await[0].revision, second);
    store.close().await;
}
