//! Others who write to the same etcd: a kube-apiserver, another replica, somebody with etcdctl.

use futures_util::FutureExt;
use leasehold_etcd::Op;
use leasehold_store::{Error, Page, Range, Revision, Snapshot, Store};

use crate::harness::{LEASES, World, bounded, brief, changes, lease, read, text};

#[tokio::test]
async fn what_another_writer_does_is_watched_as_what_it_is() {
    let world = World::new().await;
    let store = world.replica().await;
    let mut watch = store.watch(LEASES, store.revision()).unwrap();
    let created = world.put("leases/default/a", "one").await;
    let updated = world.put("leases/default/a", "two").await;
    let deleted = world.delete("leases/default/a").await;
    let again = world.put("leases/default/a", "three").await;
    let seen: Vec<_> = changes(&mut *watch, 4).await.iter().map(brief).collect();
    let a = |at: Revision, value: Option<&str>, before: Option<Revision>| {
        (at.0, "a".to_owned(), value.map(text), before.map(|before| before.0))
    };
    let wanted = [
        a(created, Some("one"), None),
        a(updated, Some("two"), Some(created)),
        a(deleted, None, Some(updated)),
        a(again, Some("three"), None),
    ];
    assert_eq!(seen, wanted);
    assert_eq!(
        store.update(lease("a"), text("x"), updated).await,
        Err(Error::Conflict(again))
    );
    let mine = store.update(lease("a"), text("mine"), again).await.unwrap();
    assert_eq!(world.raw("leases/default/a").await, Some((text("mine"), mine)));
    store.close().await;
}

#[tokio::test]
async fn a_transaction_of_several_keys_is_shown_whole_and_resumed_after_as_one() {
    let world = World::new().await;
    let store = world.replica().await;
    let start = store.revision();
    world.put("leases/default/gone", "one").await;
    let mut watch = store.watch(LEASES, start).unwrap();
    changes(&mut *watch, 1).await;
    let put = |rest: &str| Op::put(world.path(rest), "x");
    let operations = vec![
        put("leases/default/a"),
        put("namespaces/n"),
        put("leases/default/b"),
        Op::delete(world.path("leases/default/gone")),
        put("pods/default/p"),
    ];
    let at = world.txn(operations).await;
    let batch = bounded("the transaction", watch.next()).await.unwrap();
    let mut names: Vec<_> = batch
        .changes
        .iter()
        .map(|change| (change.key.name.to_string(), change.revision))
        .collect();
    names.sort_unstable();
    assert_eq!(names, ["a", "b", "gone"].map(|name| (name.to_owned(), at)));
    assert_eq!(batch.progress, at);

    let later = world.put("leases/default/a", "later").await;
    store.reached(later).await.unwrap();
    let other = world.replica().await;
    for store in [&store, &other] {
        let before = changes(&mut *store.watch(LEASES, Revision(at.0 - 1)).unwrap(), 4).await;
        assert!(before[..3].iter().all(|change| change.revision == at));
        let after = changes(&mut *store.watch(LEASES, at).unwrap(), 1).await;
        assert_eq!(after[0].revision, later);
        let then = store.list(&LEASES, Snapshot::At(at), &Page::default()).await.unwrap();
        assert!(then.entries.iter().all(|entry| entry.revision == at) && then.entries.len() == 2);
    }
    store.close().await;
    other.close().await;
}

#[tokio::test]
async fn many_keys_of_one_transaction_are_never_cut_by_a_batch() {
    let world = World::new().await;
    let store = world.replica().await;
    let start = store.revision();
    let mut last = start;
    for round in 0..10 {
        let puts = (0..100).map(|number| Op::put(world.path(&format!("leases/default/{number}")), format!("{round}")));
        last = world.txn(puts.collect()).await;
    }
    store.reached(last).await.unwrap();
    let mut watch = store.watch(LEASES, start).unwrap();
    let mut count = 0;
    while count < 1000 {
        let batch = watch.next().await.unwrap();
        assert!(
            batch.changes.len().is_multiple_of(100),
            "{} changes up to {}",
            batch.changes.len(),
            batch.progress
        );
        assert_eq!(batch.changes.last().unwrap().revision, batch.progress);
        count += batch.changes.len();
    }
    assert!(watch.next().now_or_never().is_none());
    store.close().await;
}

#[tokio::test]
async fn keys_that_are_not_ours_are_passed_over() {
    let world = World::new().await;
    let foreign = [
        "leases/default/a/b",
        "leases",
        "leases/",
        "leases//x",
        "leasesx/default/a",
        "pods/default/a",
        "lease/d/a",
    ];
    for rest in foreign {
        world.put(rest, "before").await;
    }
    let store = world.replica().await;
    let mut watch = store.watch(LEASES, store.revision()).unwrap();
    for rest in foreign {
        world.put(rest, "after").await;
        world.delete(rest).await;
    }
    let ours = world.put("leases/default/a", "ours").await;
    assert_eq!(changes(&mut *watch, 1).await[0].revision, ours);
    let listed = store.list(&LEASES, Snapshot::Latest, &Page::default()).await.unwrap();
    assert_eq!(listed.entries.len(), 1);
    store.close().await;
}

#[tokio::test]
async fn what_is_not_followed_is_read_written_and_listed_straight_from_etcd() {
    let world = World::new().await;
    let mut options = world.options();
    options.resources = vec!["leases", "leasecandidates"];
    let store = crate::harness::open(options).await;
    let key = crate::harness::key("namespaces", "", "team");
    let other = world.put("namespaces/team", "theirs").await;
    assert_eq!(read(&store, &key).await, Some((text("theirs"), other)));
    assert_eq!(
        store.glance(&key).await.unwrap().map(|entry| entry.revision),
        Some(other)
    );
    let mine = store.update(key.clone(), text("mine"), other).await.unwrap();
    let range = Range::Resource("namespaces");
    for (snapshot, at) in [
        (Snapshot::Any, mine),
        (Snapshot::Latest, mine),
        (Snapshot::At(other), other),
    ] {
        let listed = store.list(&range, snapshot, &Page::default()).await.unwrap();
        assert_eq!(
            listed.entries.iter().map(|entry| entry.revision).collect::<Vec<_>>(),
            [at]
        );
    }
    assert!(matches!(store.watch(range, mine), Err(Error::Unavailable(_))));
    store.close().await;
}

#[tokio::test]
async fn a_list_of_the_latest_has_what_another_has_just_written() {
    let world = World::new().await;
    let store = world.replica().await;
    for number in 0..200 {
        let name = format!("{:03}", number % 20);
        let at = world.put(&format!("leases/default/{name}"), &number.to_string()).await;
        // Between two changes of ours, etcd goes on with somebody else's.
        if number % 3 == 0 {
            world.put("pods/default/p", "x").await;
        }
        let listed = store.list(&LEASES, Snapshot::Latest, &Page::default()).await.unwrap();
        assert!(listed.revision >= at);
        assert!(
            listed.entries.iter().any(|entry| entry.revision == at),
            "{at} of {:?}",
            listed.revision
        );
        assert_eq!(read(&store, &lease(&name)).await.unwrap().1, at);
    }
    store.close().await;
}
