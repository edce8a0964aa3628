//! When a lease is taken, and when not.

use std::time::Duration;

use super::bench::{Bench, config, conflict, lease, record, stored, unknown};
use crate::machine::{Action, Input, Sight};
use crate::{ServerFault, Token};

#[test]
fn a_missing_lease_is_created_at_once() {
    let mut bench = Bench::new(config());
    bench.see(None);
    let (id, lease) = bench.sent_create();
    assert_eq!((&*lease.metadata.namespace, &*lease.metadata.name), ("ns", "l"));
    assert_eq!(lease.metadata.labels.get("app").map(String::as_str), Some("test"));
    assert_eq!(lease.spec.holder_identity.as_deref(), Some("me"));
    assert_eq!(lease.spec.lease_duration_seconds, Some(15));
    assert_eq!(lease.spec.lease_transitions, Some(0));
    assert!(lease.spec.acquire_time.is_some() && lease.spec.acquire_time == lease.spec.renew_time);
    bench.at = Duration::from_secs(1);
    bench.reply(id, Ok(stored(lease, 5)));
    // From before it was sent, at second 0: 15 · 0.95/1.05 − 0.3.
    let (token, valid_until) = bench.lead();
    assert_eq!(token, Token(5));
    assert!((valid_until - 13.271_428).abs() < 0.001, "{valid_until}");
}

#[test]
fn released_forms_of_all_clients_are_vacancies() {
    let mut absent = lease("", 1, 9);
    absent.spec.holder_identity = None;
    let mut nulls = absent.clone();
    nulls.spec = leasehold_api::coordination::LeaseSpec::default();
    for vacant in [lease("", 1, 9), lease("", 15, 9), absent, nulls] {
        let mut bench = Bench::new(config());
        let transitions = record(&vacant).transitions;
        bench.see(Some(vacant));
        let (_, taken) = bench.sent_update();
        assert_eq!(taken.metadata.resource_version, "9");
        assert_eq!(taken.spec.lease_transitions, Some(transitions + 1));
    }
}

#[test]
fn anothers_lease_is_taken_when_it_was_seen_unchanged_for_the_duration_it_names() {
    let mut bench = Bench::new(config());
    bench.see(Some(lease("other", 40, 9)));
    bench.input(Input::Watching(true));
    bench.until(20.0);
    bench.see(Some(lease("other", 40, 10)));
    bench.until(59.9);
    bench.quiet();
    bench.until(60.0);
    let (_, taken) = bench.sent_update();
    assert_eq!(taken.metadata.resource_version, "10");
    assert_eq!(taken.spec.lease_transitions, Some(8));
}

#[test]
fn another_resource_version_alone_does_not_keep_a_dead_leader_alive() {
    let mut bench = Bench::new(config());
    bench.see(Some(lease("other", 15, 9)));
    bench.input(Input::Watching(true));
    bench.until(10.0);
    let mut labelled = lease("other", 15, 9);
    labelled.metadata.resource_version = "12".to_owned();
    labelled.metadata.labels.insert("a".to_owned(), "b".to_owned());
    bench.see(Some(labelled));
    bench.until(15.0);
    let (_, taken) = bench.sent_update();
    assert_eq!(taken.metadata.resource_version, "12");
    assert_eq!(
        taken.metadata.labels.get("a").map(String::as_str),
        Some("b"),
        "others' labels stay"
    );
}

#[test]
fn a_recreated_lease_is_another_one() {
    let mut bench = Bench::new(config());
    bench.see(Some(lease("other", 15, 9)));
    bench.input(Input::Watching(true));
    bench.until(10.0);
    let mut again = lease("other", 15, 9);
    again.metadata.resource_version = "12".to_owned();
    again.metadata.uid = "u2".to_owned();
    bench.see(Some(again));
    bench.until(24.9);
    bench.quiet();
    bench.until(25.0);
    bench.sent_update();
}

#[test]
fn a_holder_without_a_duration_is_given_ours() {
    let mut bench = Bench::new(config());
    let mut other = lease("other", 1, 9);
    other.spec.lease_duration_seconds = None;
    bench.see(Some(other));
    bench.input(Input::Watching(true));
    bench.until(14.9);
    bench.quiet();
    bench.until(15.0);
    bench.sent_update();
}

#[test]
fn our_identity_in_a_record_that_we_did_not_write_is_anothers() {
    let mut bench = Bench::new(config());
    bench.see(Some(lease("me", 15, 9)));
    bench.input(Input::Watching(true));
    bench.until(14.9);
    bench.quiet();
    bench.until(15.0);
    let (_, taken) = bench.sent_update();
    assert_eq!(
        taken.spec.lease_transitions,
        Some(7),
        "it does not change hands by name"
    );
}

#[test]
fn a_follower_with_a_watch_is_silent() {
    let mut bench = Bench::new(config());
    bench.see(Some(lease("other", 15, 9)));
    bench.input(Input::Watching(true));
    for renewal in 0..100_u32 {
        bench.until(10.0 * f64::from(renewal));
        bench.see(Some(lease("other", 15, 10 + u64::from(renewal))));
    }
    bench.quiet();
}

#[test]
fn a_follower_without_a_watch_looks_every_one_to_two_point_two_periods() {
    let mut bench = Bench::new(config());
    bench.input(Input::Watching(false));
    let mut last = None;
    for look in 0..50 {
        let id = bench.sent_get();
        if let Some(last) = last {
            let pause = bench.at - last;
            assert!((2.0..=4.4).contains(&pause.as_secs_f64()), "{pause:?}");
        }
        last = Some(bench.at);
        bench.reply(id, Ok(lease("other", 15, 10 + look)));
        bench.quiet();
        let wake = bench.machine.wake_at().expect("it looks again");
        bench.until(super::bench::seconds(wake) + 0.000_001);
    }
}

#[test]
fn a_lost_watch_is_not_an_expired_lease() {
    let mut bench = Bench::new(config());
    bench.see(Some(lease("other", 15, 9)));
    bench.input(Input::Watching(true));
    bench.until(14.0);
    bench.input(Input::Watching(false));
    bench.until(15.0);
    // Whatever we take it for, the write is refused: it was renewed where we could not see it.
    let (id, _) = bench.sent_update();
    bench.reply(id, Err(conflict()));
    let id = bench.sent_get();
    bench.reply(id, Ok(lease("other", 15, 12)));
    bench.actions.clear();
    bench.until(15.5);
    bench.quiet();
}

#[test]
fn failing_watches_do_not_keep_a_follower_from_looking() {
    let mut bench = Bench::new(config());
    bench.see(Some(lease("other", 15, 9)));
    bench.input(Input::Watching(true));
    for half_second in 0..20 {
        bench.until(0.5 * f64::from(half_second));
        bench.input(Input::Watching(false));
    }
    bench.sent_get();
}

#[test]
fn the_loser_of_a_race_sees_who_won_and_waits() {
    let mut bench = Bench::new(config());
    bench.see(Some(lease("", 1, 9)));
    bench.input(Input::Watching(true));
    let (id, _) = bench.sent_update();
    bench.reply(id, Err(conflict()));
    let id = bench.sent_get();
    bench.reply(id, Ok(lease("winner", 15, 10)));
    bench.until(14.9);
    bench.quiet();
}

#[test]
fn a_server_that_refuses_all_writes_is_not_flooded() {
    let mut bench = Bench::new(config());
    bench.see(Some(lease("", 1, 9)));
    bench.input(Input::Watching(true));
    let mut requests = 0;
    while bench.at < Duration::from_secs(100) {
        while let Some(action) = bench.actions.pop_front() {
            match action {
                Action::Send(id, crate::machine::Request::Get) => {
                    requests += 1;
                    bench.reply(id, Ok(lease("", 1, 9)));
                }
                Action::Send(id, _) => {
                    requests += 1;
                    bench.reply(id, Err(conflict()));
                }
                _ => {}
            }
        }
        let at = bench.at.as_secs_f64();
        bench.until(at + 0.1);
    }
    assert!((40..=110).contains(&requests), "{requests}");
}

#[test]
fn a_write_without_an_answer_is_looked_for_and_written_again_when_it_was_done() {
    let mut bench = Bench::new(config());
    bench.see(Some(lease("", 1, 9)));
    bench.input(Input::Watching(true));
    let (id, sent) = bench.sent_update();
    bench.reply(id, Err(unknown()));
    bench.quiet();
    // The watch tells that it was done after all.
    bench.at = Duration::from_secs(1);
    bench.see(Some(stored(sent, 10)));
    bench.until(5.0);
    let look = bench.sent_get();
    let (seen, version) = (bench.machine.view.seen().map(|seen| seen.lease.clone()), 10);
    bench.reply(look, Ok(stored(seen.expect("it is there"), version)));
    let (id, again) = bench.sent_update();
    assert_eq!(again.metadata.resource_version, "10");
    assert_eq!(again.spec.lease_transitions, Some(8), "the first write counted");
    bench.reply(id, Ok(stored(again, 11)));
    assert_eq!(bench.lead().0, Token(11));
}

#[test]
fn an_answer_after_the_renew_deadline_begins_nothing() {
    let mut bench = Bench::new(config());
    bench.see(None);
    let (id, sent) = bench.sent_create();
    bench.at = Duration::from_secs(11);
    bench.reply(id, Ok(stored(sent, 10)));
    let (id, again) = bench.sent_update();
    bench.reply(id, Ok(stored(again, 11)));
    let (token, valid_until) = bench.lead();
    assert_eq!(token, Token(11));
    assert!(valid_until > 24.0);
}

#[test]
fn the_watch_may_tell_of_our_write_before_its_answer_comes() {
    let mut bench = Bench::new(config());
    bench.see(None);
    let (id, sent) = bench.sent_create();
    bench.see(Some(stored(sent.clone(), 10)));
    bench.quiet();
    bench.reply(id, Ok(stored(sent, 10)));
    assert_eq!(bench.lead().0, Token(10));
}

#[test]
fn an_answer_that_the_watch_has_overtaken_is_not_believed() {
    let mut bench = Bench::new(config());
    bench.input(Input::Watching(false));
    let id = bench.sent_get();
    bench.see(Some(lease("", 1, 11)));
    bench.quiet();
    bench.reply(id, Ok(lease("other", 15, 10)));
    // Released since: not waited for.
    let (_, taken) = bench.sent_update();
    assert_eq!(taken.metadata.resource_version, "11");
}

#[test]
fn a_server_that_was_restored_is_believed() {
    let mut bench = Bench::new(config());
    bench.see(Some(lease("other", 15, 100)));
    bench.until(1.0);
    bench.input(Input::Watching(false));
    bench.until(6.0);
    let id = bench.sent_get();
    bench.reply(id, Ok(lease("", 1, 50)));
    let (_, taken) = bench.sent_update();
    assert_eq!(taken.metadata.resource_version, "50");
}

#[test]
fn a_server_that_stores_something_else_makes_no_leader() {
    let mut bench = Bench::new(config());
    bench.see(None);
    let (id, mut sent) = bench.sent_create();
    sent.spec.lease_duration_seconds = Some(5);
    bench.reply(id, Ok(stored(sent, 10)));
    bench.quiet();
}

#[test]
fn a_token_must_be_a_number() {
    let mut bench = Bench::new(config());
    bench.see(None);
    let (id, mut sent) = bench.sent_create();
    sent.metadata.uid = "u1".to_owned();
    sent.metadata.resource_version = "v7".to_owned();
    bench.reply(id, Ok(sent.clone()));
    let (id, released) = bench.sent_update();
    assert_eq!(released.spec.holder_identity.as_deref(), Some(""));
    bench.reply(id, Ok(released));
    match bench.next() {
        Action::Finish(Err(ServerFault::NotANumber(version))) => assert_eq!(version, "v7"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_token_must_be_above_all_that_was_seen() {
    let mut bench = Bench::new(config());
    bench.see(Some(lease("other", 15, 100)));
    bench.input(Input::Seen(Sight::Deleted(Box::new(lease("other", 15, 101)))));
    let (id, sent) = bench.sent_create();
    bench.reply(id, Ok(stored(sent, 50)));
    bench.sent_update();
    bench.until(10.0);
    match bench.actions.pop_back() {
        Some(Action::Finish(Err(ServerFault::WentBack {
            seen: 101,
            token: Token(50),
        }))) => {}
        other => panic!("{other:?}"),
    }
}

#[test]
fn told_to_stop_while_a_write_is_under_way_it_waits_and_gives_back() {
    let mut bench = Bench::new(config());
    bench.see(None);
    let (id, sent) = bench.sent_create();
    bench.input(Input::Stop);
    bench.quiet();
    bench.reply(id, Ok(stored(sent, 10)));
    let (id, released) = bench.sent_update();
    assert_eq!(released.spec.holder_identity.as_deref(), Some(""));
    bench.reply(id, Ok(stored(released, 11)));
    bench.finished();
}

#[test]
fn told_to_stop_while_following_it_stops() {
    let mut bench = Bench::new(config());
    bench.see(Some(lease("other", 15, 9)));
    bench.input(Input::Stop);
    bench.finished();
    assert_eq!(bench.machine.wake_at(), None);
}
