//! Compaction, shared with whoever keeps to Kubernetes' protocol.

use std::time::Duration;

use leasehold_etcd::{Error as EtcdError, KeyValue, RangeRequest};
use leasehold_store::etcd::{Etcd, Options};
use leasehold_store::{Revision, Store};

use crate::harness::{LEASES, World, bounded, changes, open, until};

const KEY: &str = "compact_rev_key";

/// A replica that compacts as often as is bearable.
async fn replica(world: &World) -> Etcd {
    let mut options: Options = world.options();
    options.compaction_interval = Duration::from_millis(300);
    open(options).await
}

async fn turn(world: &World) -> Option<KeyValue> {
    world
        .client
        .range(RangeRequest::key(KEY))
        .await
        .expect("etcd serves")
        .kvs
        .pop()
}

async fn version(world: &World) -> i64 {
    turn(world).await.map_or(0, |kv| kv.version)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_take_turns_and_no_watch_misses_anything() {
    let world = World::new().await;
    let replicas = [replica(&world).await, replica(&world).await];
    let start = version(&world).await;
    let mut watches: Vec<_> = replicas
        .iter()
        .map(|one| one.watch(LEASES, one.revision()).unwrap())
        .collect();
    let mut written = Vec::new();
    while version(&world).await < start + 6 {
        written.push(world.put("leases/default/a", "x").await);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    for watch in &mut watches {
        let seen: Vec<_> = changes(&mut **watch, written.len())
            .await
            .iter()
            .map(|change| change.revision)
            .collect();
        assert_eq!(seen, written);
    }
    let compactions: u64 = replicas.iter().map(|one| one.metrics().compactions).sum();
    let turns = u64::try_from(version(&world).await - start).unwrap();
    assert!(
        (1..=turns).contains(&compactions),
        "{compactions} compactions in {turns} turns"
    );
    let past = world
        .client
        .range(RangeRequest::key(KEY).at(written[0].0.try_into().unwrap()))
        .await;
    assert_eq!(past.err(), Some(EtcdError::Compacted));
    assert!(replicas.iter().all(|one| one.metrics().relists == 0));

    let noted: u64 = std::str::from_utf8(&turn(&world).await.unwrap().value)
        .unwrap()
        .parse()
        .unwrap();
    assert!(Revision(noted) <= *written.last().unwrap(), "what is noted has been");
    // Who begins after a compaction begins there.
    let late = bounded("a late replica", world.replica()).await;
    assert!(late.revision() >= *written.last().unwrap());
    late.close().await;
    for one in replicas {
        one.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whose_turn_it_is_not_compacts_nothing() {
    let world = World::new().await;
    let idle = world.replica().await;
    let before = version(&world).await;
    let quick = replica(&world).await;
    until("two turns", async || version(&world).await, |now| *now >= before + 2).await;
    assert_eq!(idle.metrics().compactions, 0);
    idle.close().await;
    quick.close().await;
}
