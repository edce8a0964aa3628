use leasehold_clock::SimulatedClock;

use super::*;
use crate::testing::{FakeClient, FakeLeases, Link};

struct Setup {
    server: FakeLeases,
    client: FakeClient,
    clock: Arc<SimulatedClock>,
    heartbeat: Heartbeat,
}

fn setup() -> Setup {
    let server = FakeLeases::new();
    let client = server.client();
    let clock = Arc::new(SimulatedClock::default());
    let settings = HeartbeatSettings::of_node("n1");
    let heartbeat = Heartbeat::new(Arc::new(client.clone()), clock.clone(), settings);
    Setup {
        server,
        client,
        clock,
        heartbeat,
    }
}

fn node(uid: &str) -> OwnerReference {
    OwnerReference {
        api_version: "v1".into(),
        kind: "Node".into(),
        name: "n1".into(),
        uid: uid.into(),
        ..OwnerReference::default()
    }
}

impl Setup {
    fn lease(&self) -> Lease {
        self.server.lease("kube-node-lease", "n1").expect("a lease")
    }
}

#[tokio::test]
async fn it_is_created_once_and_then_renewed_without_being_read() {
    let mut s = setup();
    let owner = node("u1");
    assert_eq!(s.heartbeat.beat(Some(&owner)).await, Ok(Beat::Created));
    let created = s.lease();
    assert_eq!(created.spec.holder_identity.as_deref(), Some("n1"));
    assert_eq!(created.spec.lease_duration_seconds, Some(40));
    assert_eq!(created.metadata.owner_references, std::slice::from_ref(&owner));

    let before = s.client.requests().len();
    s.clock.advance(Duration::from_secs(10));
    assert_eq!(s.heartbeat.beat(Some(&owner)).await, Ok(Beat::Renewed));
    assert_eq!(s.client.requests()[before..], ["update"]);
    assert!(s.lease().spec.renew_time > created.spec.renew_time);
}

#[tokio::test]
async fn what_others_wrote_is_kept_and_written_over_only_where_it_is_ours() {
    let mut s = setup();
    s.heartbeat.beat(Some(&node("u1"))).await.expect("created");
    let mut changed = s.lease();
    changed.metadata.labels.insert("a".into(), "b".into());
    changed.spec.lease_duration_seconds = Some(1);
    s.server.put(changed);
    assert_eq!(s.heartbeat.beat(Some(&node("u1"))).await, Ok(Beat::Renewed));
    let lease = s.lease();
    assert_eq!(lease.metadata.labels.get("a").map(String::as_str), Some("b"));
    assert_eq!(lease.spec.lease_duration_seconds, Some(40));
}

#[tokio::test]
async fn it_goes_with_the_node_that_there_is() {
    let mut s = setup();
    assert_eq!(s.heartbeat.beat(None).await, Ok(Beat::Ownerless));
    assert_eq!(s.server.lease("kube-node-lease", "n1"), None);
    s.heartbeat.beat(Some(&node("u1"))).await.expect("created");
    s.heartbeat.beat(None).await.expect("renewed");
    assert_eq!(s.lease().metadata.owner_references, [node("u1")]);
    s.heartbeat.beat(Some(&node("u2"))).await.expect("renewed");
    assert_eq!(s.lease().metadata.owner_references, [node("u2")]);
    s.server.delete("kube-node-lease", "n1");
    assert_eq!(s.heartbeat.beat(Some(&node("u2"))).await, Ok(Beat::Created));
}

#[tokio::test]
async fn a_round_ends_after_five_attempts() {
    let mut s = setup();
    s.heartbeat.beat(Some(&node("u1"))).await.expect("created");
    s.client.set_link(Link::Down);
    let before = s.client.requests().len();
    assert!(matches!(s.heartbeat.beat(None).await, Err(ApiFailure::Unknown(_))));
    assert_eq!(s.client.requests().len() - before, 5);
    s.client.set_link(Link::Up);
    assert_eq!(s.heartbeat.beat(None).await, Ok(Beat::Renewed));
}

#[tokio::test]
async fn an_answer_that_is_lost_is_made_up_for_in_the_next_round() {
    let mut s = setup();
    s.heartbeat.beat(Some(&node("u1"))).await.expect("created");
    s.client.set_link(Link::Deaf);
    assert!(s.heartbeat.beat(None).await.is_err());
    s.client.set_link(Link::Up);
    assert_eq!(s.heartbeat.beat(None).await, Ok(Beat::Renewed));
}

#[tokio::test]
async fn creating_is_tried_again_with_growing_pauses() {
    let mut s = setup();
    s.client.set_link(Link::Down);
    let owner = node("u1");
    let (clock, client) = (s.clock.clone(), s.client.clone());
    let mut beat = std::pin::pin!(s.heartbeat.beat(Some(&owner)));
    // Pauses of 200, 400, 800, 1600, 3200, 6400, 7000 and 7000 ms: after each of these moments one more look.
    for (pass_ms, looks) in [
        (0, 1),
        (199, 1),
        (1, 2),
        (400, 3),
        (800, 4),
        (1600, 5),
        (3200, 6),
        (6400, 7),
        (7000, 8),
        (6999, 8),
        (1, 9),
    ] {
        clock.advance(Duration::from_millis(pass_ms));
        for _ in 0..10 {
            tokio::select! {
                biased;
                done = &mut beat => panic!("{done:?}"),
                () = tokio::task::yield_now() => {}
            }
        }
        assert_eq!(client.requests().len(), looks, "after {pass_ms} ms more");
    }
    client.set_link(Link::Up);
    clock.advance(Duration::from_secs(7));
    assert_eq!(beat.await, Ok(Beat::Created));
}

#[tokio::test]
async fn a_request_that_hangs_is_given_up() {
    let mut s = setup();
    s.heartbeat.beat(Some(&node("u1"))).await.expect("created");
    s.client.set_link(Link::Hanging);
    let (clock, client) = (s.clock.clone(), s.client.clone());
    let mut beat = std::pin::pin!(s.heartbeat.beat(None));
    for attempts in 1..=5 {
        for _ in 0..10 {
            tokio::select! {
                biased;
                done = &mut beat => panic!("{done:?}"),
                () = tokio::task::yield_now() => {}
            }
        }
        assert_eq!(client.requests().len(), 2 + attempts);
        clock.advance(Duration::from_secs(10));
    }
    assert!(matches!(beat.await, Err(ApiFailure::Unknown(_))));
}

#[test]
fn pauses_are_uneven_within_bounds() {
    let s = setup();
    let pauses: Vec<_> = (0..1000).map(|_| s.heartbeat.pause().as_secs_f64()).collect();
    assert!(pauses.iter().all(|pause| (9.6..=10.4).contains(pause)));
    assert!(pauses.iter().any(|pause| *pause < 9.8) && pauses.iter().any(|pause| *pause > 10.2));
}
