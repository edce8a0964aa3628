//! Electors against each other.

use std::time::Duration;

use super::world::{World, leader, secs};
use crate::testing::Link;
use crate::{Loss, State};

#[tokio::test]
async fn one_leads_and_the_other_follows_without_a_request() {
    let world = World::new();
    let (_, first) = world.elector("first");
    let first = first.build().unwrap().start();
    let leadership = world.until(secs(1), || leader(&first.state())).await.0;
    let (client, second) = world.elector("second");
    let second = second.build().unwrap().start();
    world.pass(secs(200)).await;
    assert!(leadership.is_valid());
    assert!(matches!(&*second.state().borrow(), State::Follower { holder } if holder.as_deref() == Some("first")));
    assert_eq!(client.requests(), ["watch"]);
}

#[tokio::test]
async fn a_released_lease_is_taken_without_waiting() {
    let world = World::new();
    let first = world.elector("first").1.build().unwrap().start();
    let old = world.until(secs(1), || leader(&first.state())).await.0;
    let second = world.elector("second").1.build().unwrap().start();
    world.pass(secs(5)).await;
    first.stop().await.unwrap();
    let (new, took) = world.until(secs(1), || leader(&second.state())).await;
    assert_eq!(took, Duration::ZERO);
    assert!(!old.is_valid() && new.is_valid() && new.token() > old.token());
    assert_eq!(old.check().unwrap_err().0, Loss::Stopped);
    assert_eq!(world.record().unwrap().transitions, 1);
}

#[tokio::test]
async fn a_cut_off_leader_is_not_valid_when_the_next_one_leads() {
    let world = World::new();
    let (link, first) = world.elector("first");
    let first = first.build().unwrap().start();
    let old = world.until(secs(1), || leader(&first.state())).await.0;
    let second = world.elector("second").1.build().unwrap().start();
    world.pass(secs(5)).await;
    link.set_link(Link::Hanging);
    let overlap = || old.is_valid() && leader(&second.state()).is_some_and(|new| new.is_valid());
    let ((), took) = world
        .until(secs(30), || {
            assert!(!overlap());
            leader(&second.state()).map(|_| ())
        })
        .await;
    assert!((secs(13)..=secs(15)).contains(&took), "{took:?}");
    assert_eq!(old.loss(), Some(Loss::RenewDeadline));
}

#[tokio::test]
async fn the_same_without_any_watch() {
    let world = World::new();
    let (link, first) = world.elector("first");
    let first = first.build().unwrap().start();
    world.until(secs(1), || leader(&first.state())).await;
    let (client, second) = world.elector("second");
    client.set_link(Link::NoWatch);
    let second = second.build().unwrap().start();
    world.pass(secs(60)).await;
    assert_eq!(world.holder().as_deref(), Some("first"), "polling sees renewals");
    link.set_link(Link::Down);
    let (_, took) = world.until(secs(30), || leader(&second.state())).await;
    assert!((secs(13)..=secs(15 + 5)).contains(&took), "{took:?}");
}

#[tokio::test]
async fn a_suspended_leader_is_not_valid_when_it_wakes_up() {
    let world = World::new();
    let first = world.elector("first").1.build().unwrap().start();
    let leadership = world.until(secs(1), || leader(&first.state())).await.0;
    // No task runs while the machine sleeps.
    world.clock.advance(secs(14));
    assert!(!leadership.is_valid());
    assert!(leadership.check().is_err());
    world.settle().await;
    assert_eq!(leadership.loss(), Some(Loss::Expired));
}

#[tokio::test]
async fn a_leader_that_loses_the_lease_to_an_editor_stops_at_once_and_joins_again() {
    let world = World::new();
    let (_, first) = world.elector("first");
    let first = first.build().unwrap().start();
    let old = world.until(secs(1), || leader(&first.state())).await.0;
    let mut lease = world.server.lease("ns", "l").unwrap();
    lease.spec.holder_identity = Some("editor".to_owned());
    world.server.put(lease);
    world.settle().await;
    assert!(!old.is_valid());
    assert_eq!(old.loss(), Some(Loss::Taken("editor".to_owned())));
    let again = |leadership: &crate::Leadership| leadership.token() > old.token();
    world.until(secs(25), || leader(&first.state()).filter(again)).await;
    assert!(!old.is_valid());
}

#[tokio::test]
async fn a_deleted_lease_makes_a_term_with_a_higher_token() {
    let world = World::new();
    let first = world.elector("first").1.build().unwrap().start();
    let old = world.until(secs(1), || leader(&first.state())).await.0;
    world.server.delete("ns", "l");
    world.settle().await;
    assert_eq!(old.loss(), Some(Loss::Deleted));
    let new = world
        .until(secs(10), || {
            leader(&first.state()).filter(|new| new.token() != old.token())
        })
        .await
        .0;
    assert!(new.token() > old.token());
    assert_eq!(world.record().unwrap().transitions, 0, "it starts anew");
}

#[tokio::test]
async fn two_with_one_identity_do_not_both_lead() {
    let world = World::new();
    let first = world.elector("same").1.build().unwrap().start();
    let old = world.until(secs(1), || leader(&first.state())).await.0;
    let second = world.elector("same").1.build().unwrap().start();
    world.pass(secs(60)).await;
    assert!(old.is_valid());
    assert!(leader(&second.state()).is_none());
}

#[tokio::test]
async fn writes_whose_answers_are_lost_do_not_make_two_leaders() {
    let world = World::new();
    let (link, first) = world.elector("first");
    link.set_link(Link::Deaf);
    let first = first.build().unwrap().start();
    world.pass(secs(10)).await;
    assert_eq!(world.holder().as_deref(), Some("first"), "it was done");
    assert!(leader(&first.state()).is_none(), "and nobody knows");
    link.set_link(Link::Up);
    world.until(secs(10), || leader(&first.state())).await;
}

#[tokio::test]
async fn a_leader_whose_answers_are_lost_for_a_while_stays_by_what_the_watch_tells() {
    let world = World::new();
    let (link, first) = world.elector("first");
    let first = first.build().unwrap().start();
    let leadership = world.until(secs(1), || leader(&first.state())).await.0;
    link.set_link(Link::Deaf);
    world.pass(secs(60)).await;
    assert!(leadership.is_valid());
}

#[tokio::test]
async fn a_dropped_election_ends_validity_and_does_not_release() {
    let world = World::new();
    let first = world.elector("first").1.build().unwrap().start();
    let leadership = world.until(secs(1), || leader(&first.state())).await.0;
    drop(first);
    assert!(!leadership.is_valid());
    world.pass(secs(1)).await;
    assert_eq!(world.holder().as_deref(), Some("first"));
    assert!(leadership.lost().await == Loss::Stopped);
}

#[tokio::test]
async fn five_take_turns_and_tokens_only_grow() {
    let world = World::new();
    let elections: Vec<_> = ["a", "b", "c", "d", "e"]
        .map(|name| world.elector(name).1.build().unwrap().start())
        .into();
    let mut last = crate::Token(0);
    for _ in 0..20 {
        let find = || {
            elections
                .iter()
                .find_map(|election| leader(&election.state()).filter(crate::Leadership::is_valid))
        };
        let (leadership, took) = world.until(secs(10), find).await;
        assert!(took < secs(1), "handed over without waiting: {took:?}");
        assert!(leadership.token() > last);
        last = leadership.token();
        let valid = elections
            .iter()
            .filter(|election| leader(&election.state()).is_some_and(|l| l.is_valid()))
            .count();
        assert_eq!(valid, 1);
        // Long enough for the last leader to be back in the race.
        world.pass(secs(5)).await;
        assert!(leadership.is_valid());
        leadership.step_down();
        world.settle().await;
    }
}
