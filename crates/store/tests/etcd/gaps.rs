//! A replica that was cut off from etcd: it misses nothing, or says that it did.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use leasehold_etcd::Op;
use leasehold_store::etcd::{Etcd, Options};
use leasehold_store::{Error, Page, Revision, Snapshot, Store};
use leasehold_test_etcd::{Mode, Proxy, Version};

use crate::harness::{Brief, LEASES, World, bounded, brief, changes, lease, open, read, text, until};

/// A replica whose way to etcd can be cut.
struct CutOff {
    store: Etcd,
    proxy: Proxy,
}

impl CutOff {
    async fn new(world: &World) -> Self {
        let mut options: Options = world.options();
        let proxy = Proxy::start(&options.etcd.endpoints[0]).await.expect("a port");
        options.etcd.endpoints = vec![proxy.endpoint().to_owned()];
        Self {
            store: open(options).await,
            proxy,
        }
    }

    fn cut(&self) {
        self.proxy.set(Mode::Cut);
    }

    fn join(&self) {
        self.proxy.set(Mode::Open);
    }
}

async fn compact(world: &World, at: Revision) {
    world
        .client
        .compact(at.0.try_into().unwrap())
        .await
        .expect("etcd serves");
}

#[tokio::test]
async fn who_was_cut_off_for_a_while_misses_nothing() {
    let world = World::new().await;
    let away = CutOff::new(&world).await;
    let mut watch = away.store.watch(LEASES, away.store.revision()).unwrap();
    let mut wanted = Vec::new();
    for round in 0..5 {
        let put = |name: &str| Op::put(world.path(&format!("leases/default/{name}")), round.to_string());
        wanted.push(world.put("leases/default/a", &round.to_string()).await);
        away.cut();
        wanted.push(world.put("leases/default/a", "while it was away").await);
        let both = world.txn(vec![put("b"), put("c")]).await;
        wanted.extend([both, both]);
        away.join();
    }
    let seen: Vec<_> = changes(&mut *watch, wanted.len())
        .await
        .iter()
        .map(|change| change.revision)
        .collect();
    assert_eq!(seen, wanted);
    assert_eq!(away.store.metrics().relists, 0);
    assert!(away.store.metrics().reconnects > 0);
    away.store.close().await;
}

#[tokio::test]
async fn who_was_cut_off_while_its_place_was_compacted_is_told() {
    let world = World::new().await;
    let away = CutOff::new(&world).await;
    world.put("leases/default/gone", "one").await;
    let last = world.put("leases/default/kept", "one").await;
    away.store.reached(last).await.unwrap();
    let mut idle = away.store.watch(LEASES, last).unwrap();
    away.cut();
    world.delete("leases/default/gone").await;
    let kept = world.put("leases/default/kept", "two").await;
    compact(&world, kept).await;
    away.join();

    let told = bounded("the end of the watch", idle.next()).await.err();
    let Some(Error::Compacted { oldest }) = told.clone() else {
        panic!("{told:?}")
    };
    assert!(oldest >= kept, "it can be watched from {oldest} though {kept} is gone");
    assert_eq!(bounded("the same", idle.next()).await.err(), told, "it is final");
    assert!(matches!(away.store.watch(LEASES, last), Err(Error::Compacted { .. })));
    for snapshot in [Snapshot::Any, Snapshot::Latest] {
        let listed = away.store.list(&LEASES, snapshot, &Page::default()).await.unwrap();
        let names: Vec<_> = listed
            .entries
            .iter()
            .map(|entry| (&*entry.key.name, entry.revision))
            .collect();
        assert_eq!(names, [("kept", kept)]);
    }
    let mut again = away.store.watch(LEASES, oldest).unwrap();
    let deleted = world.delete("leases/default/kept").await;
    let seen: Vec<Brief> = changes(&mut *again, 1).await.iter().map(brief).collect();
    assert_eq!(seen, [(deleted.0, "kept".to_owned(), None, Some(kept.0))]);
    assert_eq!(away.store.metrics().relists, 1);
    away.store.close().await;
}

#[tokio::test]
async fn a_deletion_at_the_revision_of_a_compaction_is_not_passed_over_of_3_6() {
    deletions_at_compactions(Version::V3_6).await;
}

#[tokio::test]
async fn a_deletion_at_the_revision_of_a_compaction_is_not_passed_over_of_3_4() {
    deletions_at_compactions(Version::V3_4).await;
}

/// An older etcd tells nothing to a watch that begins at the very revision of a compaction, though a deletion there is gone.
async fn deletions_at_compactions(version: Version) {
    let world = World::of(version, 1).await;
    let away = CutOff::new(&world).await;
    for round in 0..10 {
        let put = world.put("leases/default/a", &round.to_string()).await;
        until("the put", async || away.store.revision(), |seen| *seen >= put).await;
        let mut watch = away.store.watch(LEASES, put).unwrap();
        away.cut();
        let deleted = world.delete("leases/default/a").await;
        assert_eq!(deleted.0, put.0 + 1);
        compact(&world, deleted).await;
        away.join();
        match bounded("the deletion, or that there is a gap", watch.next()).await {
            Ok(batch) => assert_eq!(batch.changes[0].revision, deleted),
            Err(error) => assert!(matches!(error, Error::Compacted { .. }), "{error}"),
        }
        let glance = async || {
            away.store
                .glance(&lease("a"))
                .await
                .unwrap()
                .map(|entry| entry.revision)
        };
        until("the deletion", glance, Option::is_none).await;
    }
    away.store.close().await;
}

/// What there was to tell after a revision, of one key.
type Log = BTreeMap<Revision, Option<Bytes>>;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn under_compactions_and_cuts_a_watch_tells_all_or_that_there_is_a_gap() {
    const WRITES: usize = 1500;
    let world = World::new().await;
    let away = CutOff::new(&world).await;
    let start = away.store.revision();
    let writer = async {
        let mut log = Log::new();
        for number in 0..WRITES {
            let value = (number % 5 != 4).then(|| number.to_string());
            let at = match &value {
                Some(value) => world.put("leases/default/a", value).await,
                None => world.delete("leases/default/a").await,
            };
            log.insert(at, value.map(Bytes::from));
            match number % 50 {
                10 => away.cut(),
                17 => compact(&world, at).await,
                20 => away.join(),
                _ => {}
            }
        }
        let end = world.put("leases/default/a", "end").await;
        away.join();
        log.insert(end, Some(text("end")));
        log
    };
    let (log, (told, gaps)) = bounded("writer and watcher", async {
        tokio::join!(writer, follow(&away.store, start))
    })
    .await;
    for (after, seen) in &told {
        let wanted = log.range(Revision(after.0 + 1)..).take(seen.len());
        let wanted: Vec<_> = wanted.map(|(at, value)| (*at, value.clone())).collect();
        assert_eq!(*seen, wanted, "after {after}");
    }
    assert!(gaps > 0, "nothing was ever lost, so nothing was tested");
    assert_eq!(read(&away.store, &lease("a")).await.unwrap().0, text("end"));
    away.store.close().await;
}

/// What was told after each revision that a watch began at, and how often history was lost.
async fn follow(store: &Etcd, start: Revision) -> (Vec<(Revision, Vec<(Revision, Option<Bytes>)>)>, usize) {
    let (mut told, mut gaps, mut after) = (Vec::new(), 0, start);
    loop {
        let mut seen = Vec::new();
        let mut watch = match store.watch(LEASES, after) {
            Ok(watch) => watch,
            Err(Error::Compacted { .. }) => {
                after = anew(store).await;
                continue;
            }
            Err(error) => panic!("{error}"),
        };
        loop {
            match watch.next().await {
                Ok(batch) => seen.extend(batch.changes.iter().map(|change| {
                    let (.., value, _) = brief(change);
                    (change.revision, value)
                })),
                Err(Error::Compacted { .. }) => break,
                Err(error) => panic!("{error}"),
            }
            if seen.last().is_some_and(|(_, value)| *value == Some(text("end"))) {
                told.push((after, seen));
                return (told, gaps);
            }
        }
        gaps += 1;
        told.push((after, seen));
        after = anew(store).await;
        if store
            .glance(&lease("a"))
            .await
            .unwrap()
            .is_some_and(|entry| entry.value == text("end"))
        {
            return (told, gaps);
        }
    }
}

/// A new beginning, as a client has it that was told of a gap.
async fn anew(store: &Etcd) -> Revision {
    loop {
        match store.list(&LEASES, Snapshot::Any, &Page::default()).await {
            Ok(listing) => return listing.revision,
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
}
