//! Several replicas over one etcd: what was begun at one goes on at another.

use std::collections::BTreeMap;

use futures_util::FutureExt;
use futures_util::future::join_all;
use leasehold_store::etcd::Etcd;
use leasehold_store::{Error, Page, Range, Revision, Snapshot, Store};

use crate::harness::{Brief, LEASES, World, bounded, brief, changes, lease, open, read, text};

/// Writes of all kinds, and what a watch has to tell of them.
async fn history(store: &Etcd, steps: usize) -> Vec<Brief> {
    let mut held: BTreeMap<String, Revision> = BTreeMap::new();
    let mut told = Vec::new();
    for step in 0..steps {
        let name = format!("n{}", step * 7 % 5);
        let (key, value) = (lease(&name), text(&step.to_string()));
        let before = held.get(&name).copied();
        let (at, value) = match before {
            None => (store.create(key, value.clone()).await, Some(value)),
            Some(revision) if step % 4 == 3 => (store.delete(key, revision).await, None),
            Some(revision) => (store.update(key, value.clone(), revision).await, Some(value)),
        };
        let at = at.expect("nobody else writes");
        match value {
            Some(_) => held.insert(name.clone(), at),
            None => held.remove(&name),
        };
        told.push((at.0, name, value, before.map(|before| before.0)));
    }
    told
}

#[tokio::test]
async fn a_watch_resumes_at_another_replica_after_every_revision_with_exactly_what_comes_next() {
    let world = World::new().await;
    let (one, early) = (world.replica().await, world.replica().await);
    let start = one.revision();
    let told = history(&one, 60).await;
    // One that has followed, and one that begins now and is told what happened before.
    let late = world.replica().await;
    let last = Revision(told.last().unwrap().0);
    for replica in [&early, &late] {
        bounded("the replica", replica.reached(last)).await.unwrap();
        let mut after = start;
        for next in 0..=told.len() {
            let mut watch = replica.watch(LEASES, after).unwrap();
            let seen: Vec<_> = changes(&mut *watch, told.len() - next)
                .await
                .iter()
                .map(brief)
                .collect();
            assert_eq!(seen, told[next..], "after {after}");
            assert!(watch.next().now_or_never().is_none());
            after = told.get(next).map_or(after, |(at, ..)| Revision(*at));
        }
    }
    for store in [one, early, late] {
        store.close().await;
    }
}

#[tokio::test]
async fn a_list_at_any_revision_of_the_recent_past_is_the_same_everywhere() {
    let world = World::new().await;
    let one = world.replica().await;
    let mut snapshots = vec![(one.revision(), Vec::new())];
    for _ in 0..4 {
        history(&one, 3).await;
        let now = one.list(&LEASES, Snapshot::Latest, &Page::default()).await.unwrap();
        snapshots.push((now.revision, now.entries));
        for entry in one
            .list(&LEASES, Snapshot::Latest, &Page::default())
            .await
            .unwrap()
            .entries
        {
            one.delete(entry.key, entry.revision).await.unwrap();
        }
    }
    // One that holds the past, and one that holds nothing of it and asks etcd.
    let holding = world.replica().await;
    let mut options = world.options();
    options.history_revisions = 0;
    let asking = open(options).await;
    for replica in [&one, &holding, &asking] {
        for (revision, entries) in &snapshots {
            let then = replica
                .list(&LEASES, Snapshot::At(*revision), &Page::default())
                .await
                .unwrap();
            assert_eq!((then.revision, &then.entries), (*revision, entries));
        }
    }
    assert!(matches!(
        asking.watch(LEASES, snapshots[0].0),
        Err(Error::Compacted { .. })
    ));
    for store in [one, holding, asking] {
        store.close().await;
    }
}

#[tokio::test]
async fn what_one_acknowledged_another_reads() {
    let world = World::new().await;
    let (one, other) = (world.replica().await, world.replica().await);
    let mut held = one.create(lease("a"), text("0")).await.unwrap();
    for number in 1..100 {
        let (writer, reader) = if number % 2 == 0 {
            (&one, &other)
        } else {
            (&other, &one)
        };
        held = writer
            .update(lease("a"), text(&number.to_string()), held)
            .await
            .unwrap();
        assert_eq!(read(reader, &lease("a")).await, Some((text(&number.to_string()), held)));
        let listed = reader
            .list(&Range::Name(lease("a")), Snapshot::Latest, &Page::default())
            .await
            .unwrap();
        assert_eq!(listed.entries[0].revision, held);
        assert!(listed.revision >= held);
    }
    one.close().await;
    other.close().await;
}

#[tokio::test]
async fn of_many_writers_at_many_replicas_exactly_one_wins_each_revision() {
    let world = World::new().await;
    let replicas = [world.replica().await, world.replica().await, world.replica().await];
    let mut held = replicas[0].create(lease("a"), text("start")).await.unwrap();
    for round in 0..20 {
        let writes = (0..12).map(|writer| {
            let value = text(&format!("{round}/{writer}"));
            replicas[writer % 3].update(lease("a"), value, held)
        });
        let results = bounded("the writers", join_all(writes)).await;
        let won: Vec<_> = results.iter().filter_map(|result| result.as_ref().ok()).collect();
        assert_eq!(won.len(), 1, "{results:?}");
        held = *won[0];
        let refused = results.iter().filter(|result| **result == Err(Error::Conflict(held)));
        assert_eq!(refused.count(), 11, "{results:?}");
    }
    for store in replicas {
        store.close().await;
    }
}

#[tokio::test]
async fn a_closing_replica_ends_its_watches_and_the_others_go_on() {
    let world = World::new().await;
    let (one, other) = (world.replica().await, world.replica().await);
    let mut ends = one.watch(LEASES, one.revision()).unwrap();
    let mut goes_on = other.watch(LEASES, other.revision()).unwrap();
    let (ended, ()) = bounded("the end", async { tokio::join!(ends.next(), one.close()) }).await;
    assert_eq!(ended.err(), Some(Error::Closed));
    assert_eq!(one.create(lease("a"), text("x")).await, Err(Error::Closed));
    assert_eq!(one.ready(), Err(Error::Closed));
    assert_eq!(one.reached(Revision(u64::MAX)).await, Err(Error::Closed));
    let created = other.create(lease("a"), text("x")).await.unwrap();
    assert_eq!(changes(&mut *goes_on, 1).await[0].revision, created);
    other.close().await;
}

#[tokio::test]
async fn a_secret_is_the_same_at_every_replica() {
    let world = World::new().await;
    let (one, other) = (world.replica().await, world.replica().await);
    let made = one.shared_secret("tokens", || text("first")).await.unwrap();
    assert_eq!(made, text("first"));
    assert_eq!(other.shared_secret("tokens", || text("second")).await.unwrap(), made);
    assert_eq!(
        other.shared_secret("another", || text("second")).await.unwrap(),
        text("second")
    );
    one.close().await;
    other.close().await;
}
