//! Giving a lease back, and what comes after.

use super::bench::{Bench, config, conflict, lease, stored, unknown};
use crate::Loss;
use crate::machine::{Config, Input};

fn stepping_down() -> Bench {
    let mut bench = Bench::leading();
    bench.until(1.0);
    bench.input(Input::StepDown(Loss::SteppedDown));
    assert_eq!(bench.stop_work().0, Loss::SteppedDown);
    bench
}

#[test]
fn the_lease_is_renewed_until_the_work_has_ended_and_only_then_released() {
    let mut bench = stepping_down();
    bench.until(2.0);
    bench.renewal(11);
    bench.until(3.0);
    bench.quiet();
    bench.input(Input::WorkEnded);
    bench.revoked();
    let (id, released) = bench.sent_update();
    assert_eq!(released.metadata.resource_version, "11");
    assert_eq!(released.spec.holder_identity.as_deref(), Some(""));
    assert_eq!(released.spec.lease_duration_seconds, Some(1));
    assert_eq!(released.spec.lease_transitions, Some(0), "kept");
    assert!(released.spec.acquire_time.is_some() && released.spec.renew_time.is_some());
    bench.reply(id, Ok(stored(released, 12)));
    assert_eq!(bench.ended(), (Loss::SteppedDown, true));
}

#[test]
fn after_a_term_others_come_first() {
    let mut bench = stepping_down();
    bench.input(Input::WorkEnded);
    bench.revoked();
    let (id, released) = bench.sent_update();
    bench.reply(id, Ok(stored(released, 12)));
    bench.ended();
    bench.until(2.9);
    bench.quiet();
    bench.until(1.0 + 4.4);
    let (id, again) = bench.sent_update();
    assert_eq!(again.spec.lease_transitions, Some(1));
    bench.reply(id, Ok(stored(again, 13)));
    bench.lead();
}

#[test]
fn a_renewal_under_way_when_the_work_ends_may_land_first() {
    let mut bench = stepping_down();
    bench.until(2.0);
    let (_, renewal) = bench.sent_update();
    bench.input(Input::WorkEnded);
    bench.revoked();
    let (id, _) = bench.sent_update();
    bench.reply(id, Err(conflict()));
    let id = bench.sent_get();
    bench.reply(id, Ok(stored(renewal, 11)));
    let (id, released) = bench.sent_update();
    assert_eq!(released.metadata.resource_version, "11");
    bench.reply(id, Ok(stored(released, 12)));
    assert_eq!(bench.ended(), (Loss::SteppedDown, true));
}

#[test]
fn a_release_never_blanks_anothers_record() {
    let mut bench = stepping_down();
    bench.input(Input::WorkEnded);
    bench.revoked();
    let (id, _) = bench.sent_update();
    bench.reply(id, Err(conflict()));
    let id = bench.sent_get();
    bench.reply(id, Ok(lease("other", 15, 11)));
    assert_eq!(bench.ended(), (Loss::SteppedDown, false));
    bench.input(Input::Watching(true));
    bench.until(10.0);
    bench.quiet();
}

#[test]
fn a_release_without_an_answer_is_looked_after() {
    for done in [true, false] {
        let mut bench = stepping_down();
        let ours = bench.machine.view.seen().expect("the lease").lease.clone();
        bench.input(Input::WorkEnded);
        bench.revoked();
        let (id, released) = bench.sent_update();
        bench.reply(id, Err(unknown()));
        bench.until(3.0);
        let id = bench.sent_get();
        if done {
            bench.reply(id, Ok(stored(released, 11)));
        } else {
            bench.reply(id, Ok(ours));
            let (id, again) = bench.sent_update();
            bench.reply(id, Ok(stored(again, 11)));
        }
        assert_eq!(bench.ended(), (Loss::SteppedDown, true), "done: {done}");
    }
}

#[test]
fn a_release_that_cannot_be_done_is_given_up_and_what_was_ours_is_taken_again() {
    let mut bench = stepping_down();
    bench.input(Input::WorkEnded);
    bench.revoked();
    bench.until(11.0);
    let ended = std::iter::from_fn(|| bench.actions.pop_front()).find_map(|action| match action {
        crate::machine::Action::End { released, .. } => Some(released),
        _ => None,
    });
    assert_eq!(ended, Some(false));
    // The lease is still as we left it. The release may yet land: then this write is refused.
    bench.until(16.0);
    let (id, again) = bench.sent_update();
    assert_eq!(again.metadata.resource_version, "10");
    bench.reply(id, Err(conflict()));
    bench.sent_get();
}

#[test]
fn nothing_is_released_when_that_is_not_wanted() {
    let mut bench = Bench::leading_with(Config {
        release: false,
        ..config()
    });
    bench.input(Input::Stop);
    assert_eq!(bench.stop_work().0, Loss::Stopped);
    bench.input(Input::WorkEnded);
    bench.revoked();
    assert_eq!(bench.ended(), (Loss::Stopped, false));
    bench.finished();
}

#[test]
fn a_stop_during_a_release_ends_the_election_after_it() {
    let mut bench = stepping_down();
    bench.input(Input::WorkEnded);
    bench.revoked();
    let (id, released) = bench.sent_update();
    bench.input(Input::Stop);
    bench.quiet();
    bench.reply(id, Ok(stored(released, 12)));
    bench.ended();
    bench.finished();
}
