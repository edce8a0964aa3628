//! Watches are shared, come back, and are told apart from what they watch.

use std::time::Duration;

use super::world::{World, leader, secs};
use crate::testing::Link;
use crate::{Elector, State};

#[tokio::test]
async fn electors_of_one_namespace_share_a_watch() {
    let world = World::new();
    let (_, leases) = world.process();
    let one = Elector::builder(&leases, "ns", "a").build().unwrap().start();
    world.settle().await;
    assert_eq!(
        world.server.watches(),
        [("ns".to_owned(), Some("a".to_owned()))],
        "its name is all it asks for"
    );
    let two = Elector::builder(&leases, "ns", "b").build().unwrap().start();
    let far = Elector::builder(&leases, "other", "c").build().unwrap().start();
    world.settle().await;
    let both = [("ns".to_owned(), None), ("other".to_owned(), Some("c".to_owned()))];
    assert_eq!(world.server.watches(), both);
    for election in [&one, &two, &far] {
        assert!(leader(&election.state()).is_some());
    }
    drop(one);
    world.settle().await;
    assert!(
        world
            .server
            .watches()
            .contains(&("ns".to_owned(), Some("b".to_owned())))
    );
    drop((two, far));
    world.settle().await;
    assert_eq!(world.server.watches(), []);
}

#[tokio::test]
async fn two_candidates_for_one_lease_in_one_process_share_its_watch() {
    let world = World::new();
    let (_, leases) = world.process();
    let one = Elector::builder(&leases, "ns", "a").build().unwrap().start();
    world.settle().await;
    let two = Elector::builder(&leases, "ns", "a").build().unwrap().start();
    world.settle().await;
    assert_eq!(world.server.watches().len(), 1);
    assert!(leader(&one.state()).is_some() && leader(&two.state()).is_none());
    one.stop().await.unwrap();
    world.settle().await;
    assert!(leader(&two.state()).is_some());
}

#[tokio::test]
async fn a_watch_that_ended_is_begun_again_at_once() {
    let world = World::new();
    let first = world.elector("first").1.build().unwrap().start();
    world.until(secs(1), || leader(&first.state())).await;
    let (client, second) = world.elector("second");
    let second = second.build().unwrap().start();
    world.settle().await;
    world.server.end_watches();
    world.settle().await;
    first.stop().await.unwrap();
    world.settle().await;
    assert!(leader(&second.state()).is_some());
    assert_eq!(client.requests(), ["watch", "watch", "update"]);
}

#[tokio::test]
async fn a_deletion_during_a_broken_watch_is_seen_when_it_is_back() {
    let world = World::new();
    let first = world.elector("first").1.release_on_exit(false).build().unwrap().start();
    world.until(secs(1), || leader(&first.state())).await;
    let (client, second) = world.elector("second");
    let second = second.build().unwrap().start();
    world.settle().await;
    client.set_link(Link::Down);
    world.settle().await;
    first.stop().await.unwrap();
    world.server.delete("ns", "l");
    client.set_link(Link::Up);
    let (_, took) = world.until(secs(10), || leader(&second.state())).await;
    assert!(took < secs(3), "{took:?}");
}

#[tokio::test]
async fn a_forbidden_watch_is_tried_again_now_and_then() {
    let world = World::new();
    let (client, elector) = world.elector("me");
    client.set_link(Link::Forbidden);
    let election = elector.build().unwrap().start();
    world.pass(secs(300)).await;
    assert!(matches!(&*election.state().borrow(), State::Follower { holder: None }));
    let watches = client.requests().iter().filter(|verb| **verb == "watch").count();
    assert!((3..=5).contains(&watches), "{watches}");
    client.set_link(Link::Up);
    world.until(secs(10), || leader(&election.state())).await;
}

#[tokio::test]
async fn a_hanging_watch_delays_nothing_but_the_news() {
    let world = World::new();
    let first = world.elector("first").1.build().unwrap().start();
    world.until(secs(1), || leader(&first.state())).await;
    let (client, second) = world.elector("second");
    let second = second.build().unwrap().start();
    world.pass(secs(5)).await;
    client.set_link(Link::Hanging);
    world.pass(secs(60)).await;
    // It saw no renewal for long, and its write hangs: nothing makes it a leader.
    assert!(leader(&second.state()).is_none());
    client.set_link(Link::Up);
    world.pass(Duration::from_secs(2)).await;
    assert!(leader(&second.state()).is_none() && leader(&first.state()).is_some_and(|first| first.is_valid()));
}
