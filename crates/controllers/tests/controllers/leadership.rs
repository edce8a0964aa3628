//! Controllers of several replicas over one store: one set runs at a time, whatever becomes of its replica.

pub(crate) mod cut;
mod world;

use std::collections::BTreeSet;
use std::time::Duration;

use leasehold_api::MicroTime;
use leasehold_api::coordination::Lease;
use leasehold_clock::Clock as _;
use leasehold_controllers::leadership::{CONTROLLERS, ELECTIONS};
use world::{Did, World};

const SECOND: Duration = Duration::from_secs(1);
/// The Lease's duration.
const TERM: Duration = Duration::from_secs(15);

/// Nobody starts while another's controllers are there.
fn assert_one_at_a_time(log: &[(&'static str, Did)]) {
    let mut there = BTreeSet::new();
    for (replica, did) in log {
        match did {
            Did::Started => {
                there.insert(*replica);
            }
            Did::Ended => {
                there.remove(replica);
            }
            Did::Wrote | Did::Failed => assert!(there.contains(replica), "{replica}: {log:?}"),
        }
        assert!(there.len() <= 1, "{there:?} at once: {log:?}");
    }
}

fn holder(world: &World) -> String {
    let lease = world.lease(CONTROLLERS).expect("it is there");
    lease.spec.holder_identity.unwrap_or_default()
}

fn starts(log: &[(&'static str, Did)], replica: &str) -> usize {
    log.iter().filter(|it| **it == (replica, Did::Started)).count()
}

#[test]
fn a_replica_that_stops_hands_over_at_once() {
    let mut world = World::of(&["a", "b", "c"], &[CONTROLLERS]);
    world.pass(30 * SECOND);
    let log = world.log();
    assert_eq!((starts(&log, "a"), starts(&log, "b"), starts(&log, "c")), (1, 0, 0));
    assert!(log.contains(&("a", Did::Wrote)));
    assert_eq!(holder(&world), "a");

    world.stop("a");
    world.pass(SECOND);
    let log = world.log();
    assert_one_at_a_time(&log);
    assert!(log.contains(&("a", Did::Ended)));
    assert_eq!(starts(&log, "b") + starts(&log, "c"), 1, "{log:?}");

    world.stop("b");
    world.stop("c");
    world.pass(SECOND);
    assert_eq!(holder(&world), "", "given back");
    world.end();
}

#[test]
fn a_replica_that_loses_its_store_stops_before_another_begins_and_can_lead_again() {
    let mut world = World::of(&["a", "b"], &[CONTROLLERS]);
    world.cut("a", true);
    let stopped = world.until(TERM, ("a", Did::Ended));
    assert!(
        stopped <= Duration::from_millis(10_200),
        "at the renew deadline: {stopped:?}"
    );
    let status = world.statuses("a").remove(0);
    assert!(!status.is_on && status.why.contains("no renewal"), "{status:?}");
    let begun = stopped + world.until(TERM, ("b", Did::Started));
    assert!(begun >= 13 * SECOND && begun <= 17 * SECOND, "{begun:?}");

    world.cut("a", false);
    world.pass(30 * SECOND);
    world.stop("b");
    world.until(2 * SECOND, ("a", Did::Started));
    world.until(3 * SECOND, ("a", Did::Wrote));
    assert_one_at_a_time(&world.log());
    world.end();
}

#[test]
fn a_replica_that_falls_silent_is_followed_and_writes_nothing_when_it_wakes() {
    let mut world = World::of(&["a", "b"], &[CONTROLLERS]);
    // In the middle of its work: it has looked, and is about to write.
    world.until(3 * SECOND, ("a", Did::Wrote));
    world.pass(SECOND / 2);
    world.forget();
    world.pause("a", true);
    let begun = world.until(TERM + 2 * SECOND, ("b", Did::Started));
    assert!(begun >= TERM - 2 * SECOND, "{begun:?}");
    world.until(2 * SECOND, ("b", Did::Wrote));

    let before = world.written_by("a");
    world.pause("a", false);
    world.pass(5 * SECOND);
    let log = world.log();
    assert_eq!(world.written_by("a"), before, "{log:?}");
    assert!(log.contains(&("a", Did::Ended)), "{log:?}");
    assert_eq!(world.standings("a")[0].holder.as_deref(), Some("b"));
    world.end();
}

#[test]
fn each_replica_says_who_leads_and_why_nothing_runs_in_it() {
    let mut world = World::of(&["a", "b"], &[CONTROLLERS]);
    world.pass(5 * SECOND);
    let (leader, other) = (world.standings("a").remove(0), world.standings("b").remove(0));
    assert!(leader.leads && !other.leads);
    assert_eq!(
        (leader.holder.as_deref(), other.holder.as_deref()),
        (Some("a"), Some("a"))
    );
    assert_eq!(leader.why, "this replica holds kube-system/leasehold-controllers");
    assert_eq!(other.why, "a holds kube-system/leasehold-controllers");
    assert_eq!(other.controllers, [CONTROLLERS]);
    let (runs, does_not) = (world.statuses("a").remove(0), world.statuses("b").remove(0));
    assert!(runs.is_on && runs.activations > 2);
    assert_eq!(
        (does_not.is_on, does_not.running, does_not.activations, does_not.why),
        (false, false, 0, other.why)
    );
    world.stop("a");
    world.pass(3 * SECOND);
    assert!(world.standings("b")[0].leads && world.statuses("b")[0].is_on);
    assert_eq!(world.standings("a")[0].why, "the server is shutting down");
    world.end();
}

/// kube-apiserver's lock, renewed by one.
fn upstream(world: &World, second: i64) -> Lease {
    let mut lease = Lease::default();
    lease.metadata.name = ELECTIONS.to_owned();
    lease.spec.holder_identity = Some("kube-apiserver".to_owned());
    lease.spec.lease_duration_seconds = Some(15);
    lease.spec.renew_time = Some(MicroTime::new(second, 0));
    let before = world.lease(ELECTIONS);
    lease.metadata.resource_version = before.map_or_else(String::new, |it| it.metadata.resource_version);
    lease
}

#[test]
fn elections_are_left_to_a_kube_apiserver_for_as_long_as_it_holds_its_lock() {
    let mut world = World::of(&[], &[]);
    let first = upstream(&world, 0);
    world.write(first);
    world.add("a", &[CONTROLLERS, ELECTIONS]);
    for second in 1..40 {
        world.pass(SECOND);
        let renewed = upstream(&world, second);
        world.write(renewed);
    }
    let on = |world: &World| world.statuses("a").iter().map(|it| it.is_on).collect::<Vec<_>>();
    assert_eq!(on(&world), [true, false]);
    assert_eq!(
        world.standings("a")[1].why,
        "kube-apiserver holds kube-system/leader-election-controller"
    );
    // It is gone, and its lock runs out.
    let died = world.clock.now();
    while on(&world) != [true, true] {
        world.pass(SECOND / 2);
        assert!(world.clock.now().since(died) < TERM + 2 * SECOND);
    }
    assert!(world.clock.now().since(died) >= TERM - SECOND);
    world.end();
}
