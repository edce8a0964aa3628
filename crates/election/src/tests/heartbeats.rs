//! A heartbeat that runs by itself. Rounds one by one are in `heartbeat_tests.rs`.

use std::sync::Arc;
use std::time::Duration;

use leasehold_api::meta::OwnerReference;
use leasehold_clock::Clock;
use tokio_util::sync::CancellationToken;

use super::world::{World, secs};
use crate::testing::{FakeClient, Link};
use crate::{Heartbeat, HeartbeatSettings, LeaseName};

fn start(world: &World) -> (FakeClient, CancellationToken, tokio::task::JoinHandle<()>) {
    let client = world.server.client();
    let settings = HeartbeatSettings {
        lease: LeaseName::new("ns", "l"),
        ..HeartbeatSettings::of_node("n1")
    };
    let heartbeat = Heartbeat::new(Arc::new(client.clone()), world.clock.clone(), settings);
    let stop = CancellationToken::new();
    let beating = tokio::spawn(heartbeat.run(Some(OwnerReference::default()), stop.clone()));
    (client, stop, beating)
}

#[tokio::test]
async fn a_lease_is_renewed_every_period_without_reading_it() {
    let world = World::new();
    let (client, stop, beating) = start(&world);
    world.settle().await;
    let mut beats = vec![(world.clock.now(), world.record().unwrap().renew_time)];
    while beats.len() < 10 {
        world.pass(Duration::from_millis(50)).await;
        let renewed = world.record().unwrap().renew_time;
        if renewed != beats[beats.len() - 1].1 {
            beats.push((world.clock.now(), renewed));
        }
    }
    for pair in beats.windows(2) {
        let pause = pair[1].0.since(pair[0].0).as_secs_f64();
        assert!((9.6..=10.5).contains(&pause), "{pause}");
        assert!(pair[0].1 < pair[1].1);
    }
    let mut expected = vec!["get", "create"];
    expected.extend(["update"; 9]);
    assert_eq!(client.requests(), expected);
    stop.cancel();
    beating.await.unwrap();
}

#[tokio::test]
async fn stamps_grow_when_the_calendar_steps_back() {
    let world = World::new();
    let (_, stop, beating) = start(&world);
    world.settle().await;
    let before = world.record().unwrap().renew_time;
    world.clock.set_wall(std::time::UNIX_EPOCH);
    world.pass(secs(11)).await;
    assert!(world.record().unwrap().renew_time > before);
    stop.cancel();
    beating.await.unwrap();
}

#[tokio::test]
async fn a_server_that_comes_up_late_finds_a_lease_soon() {
    let world = World::new();
    let (client, stop, beating) = start(&world);
    client.set_link(Link::Down);
    world.pass(secs(60)).await;
    client.set_link(Link::Up);
    world.until(secs(8), || world.server.lease("ns", "l")).await;
    stop.cancel();
    beating.await.unwrap();
}
