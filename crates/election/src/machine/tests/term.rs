//! A term: renewals, and every way to lose it.

use std::time::Duration;

use super::bench::{Bench, config, conflict, lease, record, stored, unknown};
use crate::machine::{Action, Input, Mode, Sight};
use crate::{ApiFailure, Loss, Token};

#[test]
fn renewals_come_every_retry_period_and_prolong_from_when_they_were_sent() {
    let mut bench = Bench::leading();
    for renewal in 1..10_u32 {
        let due = f64::from(renewal) * 2.0;
        bench.until(due - 0.001);
        bench.quiet();
        bench.until(due);
        let (id, lease) = bench.sent_update();
        assert_eq!(lease.spec.lease_transitions, Some(0));
        bench.at += Duration::from_millis(700);
        bench.reply(id, Ok(stored(lease, 10 + u64::from(renewal))));
        assert!((bench.extended() - (due + 13.271_428)).abs() < 0.001);
    }
}

#[test]
fn the_wall_clock_decides_nothing_and_every_renewal_differs() {
    let mut bench = Bench::leading();
    let mut last = None;
    for renewal in 1..20_u32 {
        bench.wall_ahead = Duration::from_secs(if renewal % 3 == 1 { 3600 } else { 0 });
        bench.until(f64::from(renewal) * 2.0);
        let (id, lease) = bench.sent_update();
        let stamp = record(&lease).renew_time;
        assert!(stamp > last, "{stamp:?} after {last:?}");
        last = stamp;
        bench.reply(id, Ok(stored(lease, 10 + u64::from(renewal))));
        bench.extended();
    }
}

#[test]
fn work_is_told_to_stop_at_the_renew_deadline_while_the_term_is_valid() {
    let mut bench = Bench::leading();
    bench.until(2.0);
    while bench.at < Duration::from_secs(10) {
        let (id, _) = bench.sent_update();
        bench.reply(id, Err(unknown()));
        let next = bench.at.as_secs_f64() + 2.0;
        bench.until(next);
    }
    assert_eq!(bench.stop_work(), (Loss::RenewDeadline, 13.0));
    // It goes on trying, for the sake of the work that has to end.
    let (id, lease) = bench.sent_update();
    bench.reply(id, Ok(stored(lease, 11)));
    assert!((bench.extended() - 23.271_428).abs() < 0.001);
    bench.input(Input::WorkEnded);
    bench.revoked();
    let (id, released) = bench.sent_update();
    bench.reply(id, Ok(stored(released, 12)));
    assert_eq!(bench.ended(), (Loss::RenewDeadline, true));
}

#[test]
fn a_hanging_request_is_given_up_and_sent_again() {
    let mut bench = Bench::leading();
    bench.until(2.0);
    let (first, _) = bench.sent_update();
    bench.until(7.0);
    let (second, lease) = bench.sent_update();
    assert_ne!(first, second);
    // The first answer comes late: it is not waited for any more.
    bench.reply(first, Err(conflict()));
    bench.quiet();
    bench.reply(second, Ok(stored(lease, 11)));
    assert!((bench.extended() - 20.271_428).abs() < 0.001);
}

#[test]
fn after_a_suspend_the_term_is_over() {
    let mut bench = Bench::leading();
    bench.jump(3600.0);
    bench.revoked();
    assert_eq!(bench.stop_work(), (Loss::Expired, 3603.0));
    bench.quiet();
    // Nobody took it meanwhile: it is given back, and waited for like any other.
    bench.input(Input::WorkEnded);
    bench.revoked();
    bench.sent_update();
}

#[test]
fn what_has_ended_is_not_revived_by_a_late_answer() {
    let mut bench = Bench::leading();
    bench.until(2.0);
    let (id, lease) = bench.sent_update();
    bench.at = Duration::from_secs(14);
    bench.reply(id, Ok(stored(lease, 11)));
    bench.revoked();
    assert_eq!(bench.stop_work().0, Loss::Expired);
}

#[test]
fn another_holder_ends_the_term_at_once() {
    for (holder, loss) in [
        ("other", Loss::Taken("other".to_owned())),
        ("", Loss::Blanked),
        ("me", Loss::SameIdentity("me".to_owned())),
    ] {
        let mut bench = Bench::leading();
        bench.until(1.0);
        bench.see(Some(lease(holder, 15, 11)));
        bench.revoked();
        assert_eq!(bench.stop_work(), (loss.clone(), 4.0));
        bench.input(Input::WorkEnded);
        bench.revoked();
        assert_eq!(bench.ended(), (loss, false), "another's record is never blanked");
    }
}

#[test]
fn a_deleted_lease_ends_the_term() {
    let mut bench = Bench::leading();
    let mut deleted = lease("me", 15, 11);
    bench.input(Input::Seen(Sight::Deleted(Box::new(deleted.clone()))));
    bench.revoked();
    assert_eq!(bench.stop_work().0, Loss::Deleted);

    // Not when the deletion is older than the lease that is there now.
    let mut bench = Bench::leading();
    deleted.metadata.resource_version = "9".to_owned();
    bench.input(Input::Seen(Sight::Deleted(Box::new(deleted))));
    bench.quiet();
}

#[test]
fn a_watch_that_begins_without_the_lease_is_asked_about_first() {
    let mut bench = Bench::leading();
    bench.until(1.0);
    bench.see(None);
    let id = bench.sent_get();
    bench.reply_none(id);
    bench.revoked();
    assert_eq!(bench.stop_work().0, Loss::Deleted);
}

#[test]
fn an_old_sight_of_the_lease_is_no_news() {
    let mut bench = Bench::leading();
    bench.see(Some(lease("other", 15, 9)));
    bench.quiet();
}

#[test]
fn a_conflict_is_read_again_once_and_ours_is_renewed_at_once() {
    let mut bench = Bench::leading();
    bench.until(2.0);
    let (id, first) = bench.sent_update();
    bench.reply(id, Err(unknown()));
    bench.until(4.0);
    let (id, _) = bench.sent_update();
    bench.reply(id, Err(conflict()));
    let id = bench.sent_get();
    // The first renewal had been done: valid from its sending, and renewed again now.
    bench.reply(id, Ok(stored(first, 11)));
    assert!((bench.extended() - 15.271_428).abs() < 0.001);
    bench.until(4.0);
    let (id, again) = bench.sent_update();
    assert_eq!(again.metadata.resource_version, "11");
    bench.reply(id, Ok(stored(again, 12)));
    assert!((bench.extended() - 17.271_428).abs() < 0.001);
}

#[test]
fn a_conflict_that_was_a_new_label_is_overcome() {
    let mut bench = Bench::leading();
    bench.until(2.0);
    let (id, sent) = bench.sent_update();
    let mut labelled = bench.machine.view.seen().expect("the lease").lease.clone();
    labelled.metadata.labels.insert("a".to_owned(), "b".to_owned());
    bench.reply(id, Err(conflict()));
    let id = bench.sent_get();
    bench.reply(id, Ok(stored(labelled, 11)));
    let (id, again) = bench.sent_update();
    assert_eq!(again.metadata.labels.get("a").map(String::as_str), Some("b"));
    assert_ne!(record(&again), record(&sent));
    bench.reply(id, Ok(stored(again, 12)));
    bench.extended();
}

#[test]
fn a_conflict_with_another_holder_is_a_loss() {
    let mut bench = Bench::leading();
    bench.until(2.0);
    let (id, _) = bench.sent_update();
    bench.reply(id, Err(conflict()));
    let id = bench.sent_get();
    bench.reply(id, Ok(lease("other", 15, 11)));
    bench.revoked();
    assert_eq!(bench.stop_work().0, Loss::Taken("other".to_owned()));
}

#[test]
fn conflicts_in_a_row_do_not_become_a_flood() {
    let mut bench = Bench::leading();
    let ours = bench.machine.view.seen().expect("the lease").lease.clone();
    let mut requests = 0;
    while bench.at < Duration::from_millis(9900) {
        while let Some(action) = bench.actions.pop_front() {
            let Action::Send(id, request) = action else { continue };
            requests += 1;
            match request {
                crate::machine::Request::Get => bench.reply(id, Ok(ours.clone())),
                _ => bench.reply(id, Err(conflict())),
            }
        }
        let at = bench.at.as_secs_f64();
        bench.until(at + 0.1);
    }
    assert!((6..=14).contains(&requests), "{requests}");
}

#[test]
fn a_renewal_that_the_watch_tells_of_counts() {
    let mut bench = Bench::leading();
    bench.until(2.0);
    let (id, sent) = bench.sent_update();
    bench.reply(id, Err(unknown()));
    bench.see(Some(stored(sent, 11)));
    assert!((bench.extended() - 15.271_428).abs() < 0.001);
    bench.until(4.0);
    let (_, next) = bench.sent_update();
    assert_eq!(next.metadata.resource_version, "11", "no conflict to come");
}

#[test]
fn credentials_that_fail_do_not_end_a_term_before_its_time() {
    let mut bench = Bench::leading();
    bench.until(2.0);
    let (id, _) = bench.sent_update();
    bench.reply(id, Err(ApiFailure::Forbidden("no".to_owned())));
    bench.until(4.0);
    bench.renewal(11);
}

#[test]
fn leaders_stop_for_whom_a_coordinated_election_prefers() {
    let coordinated = || super::super::Config {
        mode: Mode::Coordinated,
        ..config()
    };
    let mut bench = Bench::new(coordinated());
    bench.see(None);
    bench.see(Some(lease("", 5, 8)));
    bench.see(Some(lease("other", 5, 9)));
    bench.input(Input::Watching(true));
    bench.until(60.0);
    bench.quiet();
    // The server chose us, in a record that it wrote.
    bench.see(Some(lease("me", 5, 10)));
    let (id, accepted) = bench.sent_update();
    assert_eq!(accepted.spec.lease_transitions, Some(7));
    bench.reply(id, Ok(stored(accepted.clone(), 11)));
    assert_eq!(bench.lead().0, Token(11));
    bench.until(61.0);
    let mut preferred = stored(accepted, 12);
    preferred.spec.strategy = Some("OldestEmulationVersion".to_owned());
    preferred.spec.preferred_holder = Some("better".to_owned());
    bench.see(Some(preferred));
    assert_eq!(bench.stop_work().0, Loss::Preferred("better".to_owned()));
    bench.input(Input::WorkEnded);
    bench.revoked();
    let (id, released) = bench.sent_update();
    assert_eq!(released.spec.holder_identity.as_deref(), Some(""));
    assert_eq!(released.spec.preferred_holder.as_deref(), Some("better"));
    bench.reply(id, Ok(stored(released, 13)));
    assert_eq!(bench.ended(), (Loss::Preferred("better".to_owned()), true));
    bench.until(100.0);
    bench.quiet();
}

#[test]
fn a_term_that_was_expected_to_end_has_its_time_shortened_when_renewals_fail() {
    let mut bench = Bench::leading();
    bench.until(1.0);
    bench.input(Input::StepDown(Loss::SteppedDown));
    assert_eq!(bench.stop_work(), (Loss::SteppedDown, 21.0));
    bench.until(10.0);
    let shortened = std::iter::from_fn(|| bench.actions.pop_front()).find_map(|action| match action {
        Action::StopWork { reason, end_by } => Some((reason, super::bench::seconds(end_by))),
        _ => None,
    });
    assert_eq!(shortened, Some((Loss::SteppedDown, 13.0)));
}

#[test]
fn work_that_does_not_end_leaves_the_lease_to_expire() {
    let mut bench = Bench::leading();
    bench.until(1.0);
    bench.input(Input::StepDown(Loss::SteppedDown));
    bench.stop_work();
    let mut version = 10;
    let mut overrun_at = None;
    while bench.at < Duration::from_secs(60) {
        while let Some(action) = bench.actions.pop_front() {
            match action {
                Action::Send(id, crate::machine::Request::Update(lease)) => {
                    assert_eq!(overrun_at, None, "not renewed any more");
                    version += 1;
                    bench.reply(id, Ok(stored(*lease, version)));
                }
                Action::Overrun => overrun_at = Some(bench.at.as_secs()),
                _ => {}
            }
        }
        let at = bench.at.as_secs_f64();
        bench.until(at + 0.5);
    }
    assert_eq!(overrun_at, Some(21));
    bench.input(Input::WorkEnded);
    bench.revoked();
    assert_eq!(bench.ended(), (Loss::SteppedDown, false));
}
