//! A table of situations, and what each needs next.

use std::time::Duration;

use leasehold_api::coordination::LeaseCandidate;
use leasehold_api::{MicroTime, Time};

use super::*;

const NOW: u64 = 10_000;
const OURS: &str = OLDEST_EMULATION_VERSION;
const THEIRS: &str = "x.io/theirs";

fn at(seconds: u64) -> Monotonic {
    Monotonic(Duration::from_secs(seconds))
}

/// Heard from so many seconds ago.
fn heard(name: &str, version: &str, ago: u64) -> Candidate {
    with_strategy(name, version, OURS, ago)
}

fn with_strategy(name: &str, version: &str, strategy: &str, ago: u64) -> Candidate {
    let mut object = LeaseCandidate::default();
    object.metadata.name = name.to_owned();
    object.metadata.creation_timestamp = Time::new(1, 0);
    object.spec.renew_time = Some(MicroTime::new(1, 0));
    object.spec.emulation_version = version.to_owned();
    object.spec.binary_version = version.to_owned();
    object.spec.strategy = strategy.to_owned();
    Candidate::new(object, true, at(NOW - ago))
}

/// Asked so many seconds ago, long after it was heard from.
fn asked(name: &str, version: &str, ago: u64) -> Candidate {
    let mut candidate = heard(name, version, 60);
    candidate.note_ping(at(NOW - ago));
    candidate
}

fn lease(holder: Option<&str>, strategy: Option<&str>, preferred: Option<&str>) -> Lease {
    let mut lease = Lease::default();
    lease.spec.holder_identity = holder.map(str::to_owned);
    lease.spec.strategy = strategy.map(str::to_owned);
    lease.spec.preferred_holder = preferred.map(str::to_owned);
    lease.spec.lease_duration_seconds = Some(15);
    lease
}

/// Held by `a`, renewed a second ago, with the fields that belong there.
fn held_by_a() -> Lease {
    lease(Some("a"), Some(OURS), None)
}

fn verdict(lease: Option<&Lease>, candidates: &[Candidate], prepare: impl FnOnce(&mut Seen)) -> Verdict {
    let mut seen = Seen::new(lease, at(NOW - 1));
    prepare(&mut seen);
    let group = Group {
        candidates: candidates.iter().collect(),
        lease,
        seen: &seen,
    };
    decide(at(NOW), &group)
}

fn step(lease: Option<&Lease>, candidates: &[Candidate]) -> Step {
    verdict(lease, candidates, |_| {}).step
}

fn ping(names: &[&str]) -> Step {
    Step::Ping(names.iter().map(|name| (*name).to_owned()).collect())
}

fn create(holder: &str) -> Step {
    Step::Create {
        strategy: OURS.to_owned(),
        holder: Some(holder.to_owned()),
    }
}

fn give(holder: &str) -> Step {
    Step::Give {
        strategy: OURS.to_owned(),
        holder: holder.to_owned(),
    }
}

fn correct(strategy: &str, preferred: Option<&str>) -> Step {
    Step::Correct {
        strategy: strategy.to_owned(),
        preferred: preferred.map(str::to_owned),
    }
}

#[test]
fn a_lease_that_nobody_holds() {
    let (old, new) = ("1.35.0", "1.36.0");
    for (case, candidates, wanted) in [
        ("nobody wants it", vec![], Step::Rest),
        (
            "nobody was heard from for half an hour",
            vec![heard("a", old, 1800)],
            Step::Rest,
        ),
        ("one who is there", vec![heard("a", old, 1)], create("a")),
        ("one who may be there", vec![heard("a", old, 6)], ping(&["a"])),
        (
            "the best and another one",
            vec![heard("b", new, 1), heard("a", old, 1)],
            create("a"),
        ),
        (
            "the best is there: nobody else is asked",
            vec![heard("a", old, 1), heard("b", new, 60)],
            create("a"),
        ),
        (
            "the best may be there",
            vec![heard("a", old, 60), heard("b", new, 1)],
            ping(&["a"]),
        ),
        (
            "the best was asked",
            vec![asked("a", old, 1), heard("b", new, 1)],
            Step::Rest,
        ),
        (
            "the best did not answer",
            vec![asked("a", old, 5), heard("b", new, 1)],
            create("b"),
        ),
        (
            "nobody answered",
            vec![asked("a", old, 5), asked("b", new, 5)],
            Step::Rest,
        ),
        (
            "all may be there",
            vec![heard("a", old, 60), heard("b", new, 60)],
            ping(&["a", "b"]),
        ),
        (
            "one was left in peace for long enough",
            vec![asked("a", old, 10)],
            ping(&["a"]),
        ),
        ("no version can be read", vec![heard("a", "old", 1)], Step::Rest),
    ] {
        assert_eq!(step(None, &candidates), wanted, "{case}");
    }
    for empty in [None, Some("")] {
        let lease = lease(empty, Some(OURS), Some("z"));
        assert_eq!(step(Some(&lease), &[heard("a", old, 1)]), give("a"), "{empty:?}");
    }
}

#[test]
fn an_election_waits_as_long_as_an_answer_may_take_and_no_longer() {
    let candidates = [asked("a", "1.35.0", 2), heard("b", "1.36.0", 9)];
    let answer = verdict(None, &candidates, |seen| seen.round = Some(at(NOW - 5)));
    assert_eq!(
        (answer.step, answer.wake, answer.round),
        (Step::Rest, Some(at(NOW + 3)), Some(at(NOW - 5)))
    );
    // Whoever was heard from at its beginning needs no second ping at its end.
    let candidates = [asked("a", "1.35.0", 5), heard("b", "1.36.0", 9)];
    let over = verdict(None, &candidates, |seen| seen.round = Some(at(NOW - 5)));
    assert_eq!((over.step, over.round), (create("b"), None));
    let nobody = verdict(None, &[asked("a", "1.35.0", 6)], |seen| seen.round = Some(at(NOW - 6)));
    assert_eq!(
        (nobody.failed, nobody.wake),
        (Some(Failed::Unanswered), Some(at(NOW + 4)))
    );
    assert_eq!(nobody.round, None);
}

#[test]
fn a_lease_whose_holder_is_silent_goes_to_whoever_answers() {
    let expired = held_by_a();
    let late = |candidates: &[Candidate]| {
        let mut seen = Seen::new(Some(&expired), at(NOW - 15));
        seen.round = Some(at(NOW));
        let group = Group {
            candidates: candidates.iter().collect(),
            lease: Some(&expired),
            seen: &seen,
        };
        decide(at(NOW), &group).step
    };
    assert_eq!(late(&[asked("a", "1.35.0", 5), heard("b", "1.36.0", 1)]), give("b"));
    assert_eq!(
        late(&[heard("a", "1.35.0", 1), heard("b", "1.36.0", 1)]),
        give("a"),
        "the same one, if it is there"
    );
    assert_eq!(
        late(&[heard("a", "1.35.0", 60), heard("b", "1.36.0", 1)]),
        give("b"),
        "nobody waits for it"
    );
    assert_eq!(
        late(&[heard("a", "1.35.0", 60)]),
        ping(&["a"]),
        "unless there is nobody else"
    );
}

#[test]
fn nobody_waits_for_who_has_stepped_down() {
    let empty = lease(Some(""), Some(OURS), None);
    let after = |candidates: &[Candidate]| {
        let mut seen = Seen::new(Some(&held_by_a()), at(NOW - 20));
        seen.look(Some(&empty), at(NOW));
        let group = Group {
            candidates: candidates.iter().collect(),
            lease: Some(&empty),
            seen: &seen,
        };
        decide(at(NOW), &group).step
    };
    assert_eq!(after(&[heard("a", "1.35.0", 60), heard("b", "1.35.0", 1)]), give("b"));
    assert_eq!(
        after(&[heard("a", "1.35.0", 60), heard("b", "1.35.0", 60)]),
        ping(&["b", "a"])
    );
    assert_eq!(after(&[heard("a", "1.35.0", 60)]), ping(&["a"]), "there is nobody else");
}

#[test]
fn a_lease_that_is_held() {
    let (old, new) = ("1.35.0", "1.36.0");
    let told = lease(Some("a"), Some(OURS), Some("b"));
    let wiped = lease(Some("a"), None, None);
    let foreign = lease(Some("who"), None, None);
    for (case, lease, candidates, wanted) in [
        (
            "the best leads",
            held_by_a(),
            vec![heard("a", old, 60), heard("b", new, 60)],
            Step::Rest,
        ),
        (
            "of two alike, the first leads",
            held_by_a(),
            vec![heard("a", new, 60), heard("b", new, 1)],
            Step::Rest,
        ),
        (
            "a better one is there",
            held_by_a(),
            vec![heard("a", new, 60), heard("b", old, 1)],
            correct(OURS, Some("b")),
        ),
        (
            "a better one may be there",
            held_by_a(),
            vec![heard("a", new, 60), heard("b", old, 60)],
            ping(&["b"]),
        ),
        (
            "a better one did not answer",
            held_by_a(),
            vec![heard("a", new, 60), asked("b", old, 6)],
            Step::Rest,
        ),
        (
            "it was told",
            told.clone(),
            vec![heard("a", new, 60), heard("b", old, 60)],
            Step::Rest,
        ),
        (
            "it was told, but of one that is gone",
            told.clone(),
            vec![heard("a", new, 60)],
            correct(OURS, None),
        ),
        (
            "it was told, but an even better one came",
            told.clone(),
            vec![heard("a", new, 60), heard("b", old, 60), heard("c", "1.34.0", 1)],
            correct(OURS, Some("c")),
        ),
        (
            "it was told of itself",
            lease_told_of_itself(),
            vec![heard("a", new, 60)],
            correct(OURS, None),
        ),
        (
            "what we wrote was wiped",
            wiped.clone(),
            vec![heard("a", old, 60)],
            correct(OURS, None),
        ),
        (
            "its holder is no candidate",
            foreign.clone(),
            vec![heard("a", old, 1)],
            correct(OURS, Some("a")),
        ),
        (
            "its holder was silent as a candidate",
            held_by_a(),
            vec![asked("a", old, 6)],
            Step::Rest,
        ),
        (
            "some were quiet",
            held_by_a(),
            vec![heard("a", old, 60), heard("b", new, 900)],
            ping(&["b"]),
        ),
        (
            "the quiet were asked",
            held_by_a(),
            vec![heard("a", old, 60), asked("b", new, 1)],
            Step::Rest,
        ),
    ] {
        assert_eq!(step(Some(&lease), &candidates), wanted, "{case}");
    }
}

fn lease_told_of_itself() -> Lease {
    lease(Some("a"), Some(OURS), Some("a"))
}

#[test]
fn one_who_leaves_leases_lying_is_not_preferred() {
    let candidates = [heard("a", "1.36.0", 60), heard("b", "1.35.0", 1)];
    let mut seen = Seen::new(None, at(NOW - 90));
    for ago in [50, 30, 10] {
        seen.give(&lease(Some("b"), None, None), at(NOW - ago));
    }
    let held = held_by_a();
    seen.look(Some(&held), at(NOW));
    let group = Group {
        candidates: candidates.iter().collect(),
        lease: Some(&held),
        seen: &seen,
    };
    assert_eq!(decide(at(NOW), &group).step, Step::Rest);
}

#[test]
fn at_rest_it_looks_again_when_something_can_be_due() {
    let candidates = [heard("a", "1.35.0", 60), heard("b", "1.36.0", 890)];
    let rest = verdict(Some(&held_by_a()), &candidates, |_| {});
    assert_eq!(
        (rest.step, rest.wake),
        (Step::Rest, Some(at(NOW + 10))),
        "when b has been quiet for long"
    );
    let rest = verdict(Some(&held_by_a()), &candidates[..1], |_| {});
    assert_eq!(rest.wake, Some(at(NOW + 14)), "when the lease ends");
}

#[test]
fn a_holder_that_does_not_listen_is_left_alone_for_longer_and_longer() {
    let stubborn = lease(Some("who"), None, None);
    let candidates = [heard("a", "1.35.0", 60)];
    let answer = verdict(Some(&stubborn), &candidates, |seen| seen.note_correction(at(NOW - 4)));
    assert_eq!(
        (answer.step, answer.wake),
        (Step::Rest, Some(at(NOW + 1))),
        "not even asked"
    );
    let again = verdict(Some(&stubborn), &candidates, |seen| seen.note_correction(at(NOW - 5)));
    assert_eq!(again.step, ping(&["a"]));
}

#[test]
fn a_strategy_of_others_is_theirs_to_carry_out() {
    let theirs = |ago| vec![with_strategy("a", "1.36.0", THEIRS, ago)];
    let made = Step::Create {
        strategy: THEIRS.to_owned(),
        holder: None,
    };
    let says = |holder, strategy, preferred| Some(lease(holder, strategy, preferred));
    for (case, lease, candidates, wanted) in [
        ("no lease", None, theirs(1), made),
        ("no lease, and nobody to be sure of", None, theirs(60), ping(&["a"])),
        (
            "nobody holds it",
            says(None, Some(THEIRS), None),
            theirs(60),
            Step::Rest,
        ),
        (
            "it is held",
            says(Some("x"), Some(THEIRS), Some("y")),
            theirs(60),
            Step::Rest,
        ),
        (
            "it does not say so",
            says(None, None, None),
            theirs(60),
            correct(THEIRS, None),
        ),
        (
            "it says ours",
            says(Some("x"), Some(OURS), Some("y")),
            theirs(60),
            correct(THEIRS, Some("y")),
        ),
    ] {
        assert_eq!(step(lease.as_ref(), &candidates), wanted, "{case}");
    }
}

#[test]
fn the_newest_who_is_there_says_how_to_choose() {
    let newest = |ago| with_strategy("n", "1.37.0", THEIRS, ago);
    assert_eq!(
        step(None, &[heard("a", "1.36.0", 1), newest(60)]),
        ping(&["n"]),
        "its word counts if it is there"
    );
    let made = Step::Create {
        strategy: THEIRS.to_owned(),
        holder: None,
    };
    assert_eq!(step(None, &[heard("a", "1.36.0", 1), newest(1)]), made);
    let mut gone = newest(60);
    gone.note_ping(at(NOW - 6));
    assert_eq!(step(None, &[heard("a", "1.36.0", 1), gone]), create("a"));
}

#[test]
fn two_of_the_newest_at_odds_stop_an_election_but_no_leader() {
    let a = heard("a", "1.36.0", 1);
    let b = with_strategy("b", "1.36.0", THEIRS, 1);
    let candidates = [a, b];
    let open = verdict(None, &candidates, |_| {});
    assert_eq!((open.step, open.failed), (Step::Rest, Some(Failed::Conflict)));
    assert_eq!(
        open.why,
        "candidates a and b have the same version and want different strategies"
    );
    let held = verdict(Some(&held_by_a()), &candidates, |_| {});
    assert_eq!((held.step, held.wake), (Step::Rest, Some(at(NOW + 14))));
}
