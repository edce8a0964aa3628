//! One server after another.

use std::sync::Arc;

use futures_util::{FutureExt, StreamExt};
use leasehold_api::coordination::Lease;

use super::world::{World, leader, secs};
use crate::testing::{FakeClient, Link};
use crate::{ApiFailure, Elector, LeaseApi, Leases, Replicas};

/// Two ways to one server, which is what two replicas are.
fn two(world: &World) -> (FakeClient, FakeClient, Replicas<FakeClient>) {
    let (one, two) = (world.server.client(), world.server.client());
    let replicas = Replicas::new(one.clone(), [two.clone()]);
    (one, two, replicas)
}

fn lease() -> Lease {
    let mut lease = Lease::default();
    lease.metadata.namespace = "ns".to_owned();
    lease.metadata.name = "l".to_owned();
    lease
}

#[tokio::test]
async fn a_read_is_answered_by_whoever_can() {
    let world = World::new();
    let (one, two, replicas) = two(&world);
    assert_eq!(replicas.get("ns", "l").await, Ok(None));
    one.set_link(Link::Down);
    assert_eq!(replicas.get("ns", "l").await, Ok(None));
    assert_eq!(replicas.get("ns", "l").await, Ok(None), "it stays there");
    assert_eq!((one.requests().len(), two.requests().len()), (2, 2));
    two.set_link(Link::Down);
    assert!(matches!(replicas.get("ns", "l").await, Err(ApiFailure::Unknown(_))));
    assert_eq!((one.requests().len(), two.requests().len()), (3, 3), "each once");
}

#[tokio::test]
async fn a_write_without_an_answer_is_not_repeated_elsewhere_but_the_next_request_goes_there() {
    let world = World::new();
    let (one, two, replicas) = two(&world);
    one.set_link(Link::Deaf);
    assert!(matches!(replicas.create(lease()).await, Err(ApiFailure::Unknown(_))));
    assert_eq!((one.requests(), two.requests()), (vec!["create"], vec![]));
    let done = replicas.get("ns", "l").await.unwrap().expect("it was done");
    assert_eq!(two.requests(), ["get"]);
    two.set_link(Link::Forbidden);
    assert!(matches!(replicas.update(done).await, Err(ApiFailure::Forbidden(_))));
    assert!(
        matches!(replicas.create(lease()).await, Err(ApiFailure::Forbidden(_))),
        "a refusal is an answer, and no other server's business"
    );
}

#[tokio::test]
async fn a_request_that_nobody_waits_for_any_more_was_not_answered() {
    let world = World::new();
    let (one, two, replicas) = two(&world);
    one.set_link(Link::Hanging);
    assert_eq!(replicas.create(lease()).now_or_never(), None);
    assert!(replicas.create(lease()).await.is_ok());
    assert_eq!((one.requests().len(), two.requests().len()), (1, 1));
}

#[tokio::test]
async fn a_watch_is_begun_where_it_can_be() {
    let world = World::new();
    let (one, two, replicas) = two(&world);
    one.set_link(Link::Down);
    let mut events = replicas.watch("ns", None).await.unwrap();
    assert!(events.next().await.unwrap().is_ok());
    assert_eq!((one.requests(), two.requests()), (vec!["watch"], vec!["watch"]));
}

#[tokio::test]
async fn a_leader_outlives_the_loss_of_a_server_and_is_watched_through_another() {
    let world = World::new();
    let (one, _, replicas) = two(&world);
    let leases = Leases::seeded(Arc::new(replicas), world.clock.clone(), 1);
    let election = Elector::builder(&leases, "ns", "l").build().unwrap().start();
    let (leadership, _) = world.until(secs(1), || leader(&election.state())).await;
    for lost in [Link::Down, Link::Up, Link::Hanging] {
        one.set_link(lost);
        world.pass(secs(60)).await;
        assert!(leadership.is_valid(), "the same term");
    }
    let (_, follower) = world.elector("follower");
    let follower = follower.build().unwrap().start();
    world.settle().await;
    election.stop().await.unwrap();
    world.until(secs(1), || leader(&follower.state())).await;
}
