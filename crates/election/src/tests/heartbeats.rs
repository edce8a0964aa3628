//! Heartbeats, as kubelet's.

use leasehold_api::meta::OwnerReference;
use leasehold_clock::Clock;
use tokio_util::sync::CancellationToken;

use super::world::{World, secs};
use crate::testing::Link;
use crate::{ApiFailure, Heartbeat};

#[tokio::test]
async fn a_lease_is_renewed_every_quarter_of_its_duration_without_reading_it() {
    let world = World::new();
    let (client, leases) = world.process();
    let stop = CancellationToken::new();
    let owner = OwnerReference {
        kind: "Node".to_owned(),
        name: "l".to_owned(),
        uid: "u".to_owned(),
        api_version: "v1".to_owned(),
        ..OwnerReference::default()
    };
    let beating = tokio::spawn(
        Heartbeat::new(&leases, "ns", "l")
            .owner(owner.clone())
            .seed(1)
            .run(stop.clone()),
    );
    world.settle().await;
    let lease = world.server.lease("ns", "l").unwrap();
    assert_eq!(
        (lease.spec.holder_identity.as_deref(), lease.spec.lease_duration_seconds),
        (Some("l"), Some(40))
    );
    assert_eq!(lease.metadata.owner_references, [owner]);
    let mut beats = vec![(world.clock.now(), lease.spec.renew_time)];
    while beats.len() < 10 {
        world.pass(std::time::Duration::from_millis(50)).await;
        let renewed = world.record().unwrap().renew_time;
        if renewed != beats[beats.len() - 1].1 {
            beats.push((world.clock.now(), renewed));
        }
    }
    for pair in beats.windows(2) {
        let pause = pair[1].0.since(pair[0].0).as_secs_f64();
        assert!((10.0..=10.5).contains(&pause), "{pause}");
        assert!(pair[0].1 < pair[1].1);
    }
    let mut expected = vec!["get", "create"];
    expected.extend(["update"; 9]);
    assert_eq!(client.requests(), expected);
    stop.cancel();
    beating.await.unwrap();
}

#[tokio::test]
async fn what_others_changed_stays_and_the_holder_comes_back() {
    let world = World::new();
    let (_, leases) = world.process();
    let mut heartbeat = Heartbeat::new(&leases, "ns", "l").holder("me").duration_seconds(8);
    heartbeat.beat().await.unwrap();
    let mut lease = world.server.lease("ns", "l").unwrap();
    lease.metadata.labels.insert("a".to_owned(), "b".to_owned());
    lease.spec.holder_identity = Some("editor".to_owned());
    world.server.put(lease);
    heartbeat.beat().await.unwrap();
    let lease = world.server.lease("ns", "l").unwrap();
    assert_eq!(lease.metadata.labels.get("a").map(String::as_str), Some("b"));
    assert_eq!(
        (lease.spec.holder_identity.as_deref(), lease.spec.lease_duration_seconds),
        (Some("me"), Some(8))
    );
    world.server.delete("ns", "l");
    heartbeat.beat().await.unwrap();
    assert!(world.server.lease("ns", "l").is_some());
}

#[tokio::test]
async fn a_round_is_five_tries_and_a_refusal_is_one() {
    let world = World::new();
    let (client, leases) = world.process();
    let mut heartbeat = Heartbeat::new(&leases, "ns", "l");
    client.set_link(Link::Down);
    assert!(matches!(heartbeat.beat().await, Err(ApiFailure::Unknown(_))));
    assert_eq!(client.requests().len(), 5);
    client.set_link(Link::Forbidden);
    assert!(matches!(heartbeat.beat().await, Err(ApiFailure::Forbidden(_))));
    assert_eq!(client.requests().len(), 6);
}

#[tokio::test]
async fn a_lost_answer_is_no_reason_to_stop() {
    let world = World::new();
    let (client, leases) = world.process();
    let mut heartbeat = Heartbeat::new(&leases, "ns", "l");
    client.set_link(Link::Deaf);
    assert!(heartbeat.beat().await.is_err());
    client.set_link(Link::Up);
    heartbeat.beat().await.unwrap();
}

#[tokio::test]
async fn a_server_that_comes_up_late_finds_a_lease_soon() {
    let world = World::new();
    let (client, leases) = world.process();
    client.set_link(Link::Down);
    let stop = CancellationToken::new();
    let beating = tokio::spawn(Heartbeat::new(&leases, "ns", "l").run(stop.clone()));
    world.pass(secs(60)).await;
    let rounds = client.requests().len() / 5;
    // 0.2, 0.4 … 6.4, then every 7 s.
    assert!((11..=14).contains(&rounds), "{rounds}");
    client.set_link(Link::Up);
    world.until(secs(7), || world.server.lease("ns", "l")).await;
    stop.cancel();
    beating.await.unwrap();
}
