//! A sound history is found sound, and each way to spoil it is found by the rule that it breaks.

use std::sync::Arc;

use super::{Rule, check};
use crate::history::{
    Action, Content, Event, EventKind, Freshness, History, Nanos, Operation, Outcome, Revision, Session, Version,
    Watcher, WriteKind,
};

fn content(uid: &str, token: &str, group: &str) -> Content {
    Content {
        uid: uid.into(),
        token: token.into(),
        group: group.into(),
    }
}

fn version(revision: Revision, uid: &str, token: &str, group: &str) -> Version {
    let content = content(uid, token, group);
    Version { revision, content }
}

fn operation(key: &str, at: (Nanos, Nanos), action: Action, outcome: Outcome) -> Operation {
    let (called, returned) = at;
    Operation {
        key: key.into(),
        called,
        returned,
        action,
        outcome,
    }
}

/// A write that was acknowledged as asked for.
fn stored(key: &str, at: (Nanos, Nanos), kind: WriteKind, version: Version) -> Operation {
    let action = Action::Write {
        kind,
        token: version.content.token.clone(),
        group: version.content.group.clone(),
    };
    operation(key, at, action, Outcome::Stored(version))
}

fn event(at: Nanos, kind: EventKind, key: &str, version: Version) -> Event {
    Event {
        at,
        kind,
        revision: version.revision,
        object: Some((key.into(), version.content)),
    }
}

fn bookmark(at: Nanos, revision: Revision) -> Event {
    Event {
        at,
        kind: EventKind::Bookmark,
        revision,
        object: None,
    }
}

fn session(from: Revision, events: Vec<Event>) -> Session {
    Session {
        from,
        events,
        forgotten: None,
        error: None,
    }
}

fn watcher(group: Option<&str>, sessions: Vec<Session>) -> Watcher {
    Watcher {
        name: "watcher".to_owned(),
        group: group.map(Arc::from),
        sessions,
    }
}

/// Object `a` is created, updated out of the group, patched into it by a request that got no answer, deleted and made
/// anew; `b` is there beside it.
fn sound() -> History {
    let (a1, a2) = (version(11, "u1", "t1", "in"), version(13, "u1", "t2", "out"));
    let (a3, a4) = (version(14, "u1", "t3", "in"), version(16, "u2", "t4", "in"));
    let b1 = version(12, "u3", "t5", "out");
    let gone = Version {
        revision: 15,
        content: a3.content.clone(),
    };
    let patch = Action::Write {
        kind: WriteKind::Patch,
        token: "t3".into(),
        group: "in".into(),
    };
    let late = Action::Write {
        kind: WriteKind::Update(a1.clone()),
        token: "t6".into(),
        group: "in".into(),
    };
    let items = vec![("a".into(), a2.clone()), ("b".into(), b1.clone())];
    let operations = vec![
        operation("a", (0, 5), Action::Get, Outcome::Absent),
        stored("a", (10, 20), WriteKind::Create, a1.clone()),
        stored("b", (12, 25), WriteKind::Create, b1.clone()),
        stored("a", (30, 40), WriteKind::Update(a1.clone()), a2.clone()),
        operation(
            "",
            (41, 42),
            Action::List(Freshness::Latest),
            Outcome::Listed(13, items),
        ),
        operation("a", (43, 45), late, Outcome::Conflict),
        operation("a", (50, 65), patch, Outcome::Unknown),
        operation("a", (70, 75), Action::Get, Outcome::Found(a3.clone())),
        operation("a", (80, 90), Action::Delete, Outcome::Deleted("u1".into())),
        stored("a", (100, 110), WriteKind::Create, a4.clone()),
    ];
    use EventKind::{Added, Deleted, Modified};
    let all = vec![
        session(
            10,
            vec![
                event(21, Added, "a", a1.clone()),
                event(26, Added, "b", b1),
                bookmark(27, 12),
                event(41, Modified, "a", a2.clone()),
            ],
        ),
        session(
            13,
            vec![
                event(66, Modified, "a", a3.clone()),
                event(91, Deleted, "a", gone.clone()),
                event(111, Added, "a", a4.clone()),
            ],
        ),
    ];
    let left = Version {
        revision: 13,
        content: a1.content.clone(),
    };
    let group = vec![session(
        10,
        vec![
            event(21, Added, "a", a1),
            event(41, Deleted, "a", left),
            event(66, Added, "a", a3),
            event(91, Deleted, "a", gone),
            event(111, Added, "a", a4),
            bookmark(112, 16),
        ],
    )];
    History {
        operations,
        watchers: vec![watcher(None, all), watcher(Some("in"), group)],
        forgets_after: None,
    }
}

/// Spoils a sound history and expects this rule to find it.
fn spoilt(rule: Rule, spoil: impl FnOnce(&mut History)) {
    let mut history = sound();
    spoil(&mut history);
    let found: Vec<_> = check(&history).violations;
    assert!(
        found.iter().any(|violation| violation.rule == rule),
        "{rule:?} not in {found:?}"
    );
}

fn events(history: &mut History, watcher: usize, session: usize) -> &mut Vec<Event> {
    &mut history.watchers[watcher].sessions[session].events
}

#[test]
fn a_sound_history_is_found_sound() {
    let verdict = check(&sound());
    assert!(verdict.violations.is_empty(), "{:?}", verdict.violations);
    assert_eq!(
        (verdict.events, verdict.lists, verdict.searched, verdict.undecided),
        (13, 1, 2, 0)
    );
}

#[test]
fn a_request_without_an_answer_may_never_have_been_carried_out() {
    let mut history = sound();
    history
        .operations
        .push(operation("b", (50, 65), Action::Delete, Outcome::Unknown));
    let verdict = check(&history);
    assert!(verdict.violations.is_empty(), "{:?}", verdict.violations);
}

#[test]
fn a_revision_stands_for_one_change() {
    spoilt(Rule::RevisionReused, |history| {
        let other = stored("c", (120, 130), WriteKind::Create, version(13, "u9", "t9", "in"));
        history.operations.push(other);
    });
    spoilt(Rule::RevisionReused, |history| {
        history.operations[7].outcome = Outcome::Found(version(14, "u1", "other", "in"));
    });
}

#[test]
fn what_is_seen_was_asked_for_once() {
    let another = || event(120, EventKind::Modified, "a", version(17, "u2", "who", "in"));
    spoilt(Rule::Unexplained, |history| events(history, 0, 1).push(another()));
    // Refused, and still it happened.
    spoilt(Rule::Unexplained, |history| {
        let refused = event(120, EventKind::Modified, "a", version(17, "u2", "t6", "in"));
        events(history, 0, 1).push(refused);
    });
    spoilt(Rule::AppliedTwice, |history| {
        let again = event(120, EventKind::Modified, "a", version(17, "u2", "t4", "in"));
        events(history, 0, 1).push(again);
    });
    spoilt(Rule::AppliedTwice, |history| {
        let again = operation("a", (80, 90), Action::Delete, Outcome::Deleted("u1".into()));
        history.operations.push(again);
    });
    spoilt(Rule::Unexplained, |history| {
        let gone = event(120, EventKind::Deleted, "b", version(17, "u3", "t5", "out"));
        events(history, 0, 1).push(gone);
    });
}

#[test]
fn each_change_fits_on_the_one_before() {
    // Somebody else's write came between: compare-and-swap did not compare.
    spoilt(Rule::BrokenChain, |history| {
        let stale = WriteKind::Update(version(11, "u1", "t1", "in"));
        let late = stored("a", (120, 130), stale, version(17, "u2", "t9", "in"));
        history.operations.push(late);
    });
    spoilt(Rule::BrokenChain, |history| {
        let twice = stored("b", (120, 130), WriteKind::Create, version(17, "u8", "t9", "in"));
        history.operations.push(twice);
    });
    spoilt(Rule::BrokenChain, |history| {
        let nothing = stored("c", (120, 130), WriteKind::Patch, version(17, "u8", "t9", "in"));
        history.operations.push(nothing);
    });
    spoilt(Rule::BrokenChain, |history| {
        events(history, 0, 1)[1].object = Some(("a".into(), content("u1", "t2", "out")));
        events(history, 1, 0)[3].object = Some(("a".into(), content("u1", "t2", "out")));
    });
}

#[test]
fn an_acknowledged_write_is_not_lost() {
    spoilt(Rule::OutOfOrder, |history| {
        history
            .operations
            .push(operation("b", (120, 130), Action::Get, Outcome::Absent));
    });
    spoilt(Rule::OutOfOrder, |history| {
        let stale = Outcome::Found(version(14, "u1", "t3", "in"));
        history.operations.push(operation("a", (120, 130), Action::Get, stale));
    });
    spoilt(Rule::Lost, |history| {
        let nobody_saw = operation("b", (120, 130), Action::Delete, Outcome::Deleted("u3".into()));
        history.operations.push(nobody_saw);
    });
    spoilt(Rule::NotASnapshot, |history| {
        let items = vec![("a".into(), version(16, "u2", "t4", "in"))];
        let list = operation(
            "",
            (120, 130),
            Action::List(Freshness::Latest),
            Outcome::Listed(16, items),
        );
        history.operations.push(list);
    });
}

#[test]
fn real_time_is_kept() {
    // Acknowledged below a revision that had been shown when it began.
    spoilt(Rule::OutOfOrder, |history| history.operations[1].called = 95);
    spoilt(Rule::OutOfOrder, |history| {
        history.operations[1].called = 113;
        history.operations[1].returned = 114;
    });
    // A list of a time long past.
    spoilt(Rule::OutOfOrder, |history| {
        (history.operations[4].called, history.operations[4].returned) = (120, 130);
    });
    // Seen before it was asked for.
    spoilt(Rule::OutOfOrder, |history| {
        (history.operations[7].called, history.operations[7].returned) = (44, 46);
    });
    // Came true although the server that got it had been dead when the next one was asked.
    spoilt(Rule::OutOfOrder, |history| {
        let action = Action::Write {
            kind: WriteKind::Patch,
            token: "t9".into(),
            group: "in".into(),
        };
        let unanswered = operation("b", (50, 60), action, Outcome::Unknown);
        history.operations.push(unanswered);
        let late = event(120, EventKind::Modified, "b", version(17, "u3", "t9", "in"));
        events(history, 0, 1).push(late);
    });
    // Refused for a conflict that there was not.
    spoilt(Rule::OutOfOrder, |history| {
        let expected = version(16, "u2", "t4", "in");
        let action = Action::Write {
            kind: WriteKind::Update(expected),
            token: "t9".into(),
            group: "in".into(),
        };
        history
            .operations
            .push(operation("a", (120, 130), action, Outcome::Conflict));
    });
}

#[test]
fn a_list_is_what_was_there() {
    let spoil = |change: fn(&mut Vec<(Arc<str>, Version)>)| {
        spoilt(Rule::NotASnapshot, |history| {
            if let Outcome::Listed(_, items) = &mut history.operations[4].outcome {
                change(items);
            }
        });
    };
    spoil(|items| drop(items.pop()));
    spoil(|items| drop(items.remove(0)));
    spoil(|items| items.reverse());
    spoil(|items| items[0].1 = version(11, "u1", "t1", "in"));
    spoil(|items| items[0].1 = version(14, "u1", "t3", "in"));
}

#[test]
fn a_watch_leaves_nothing_out() {
    for (watcher, session, index) in [(0, 0, 0), (0, 0, 1), (0, 1, 0), (1, 0, 1), (1, 0, 2), (1, 0, 4)] {
        spoilt(Rule::WatchGap, |history| {
            drop(events(history, watcher, session).remove(index));
        });
    }
    // Resumed too late.
    spoilt(Rule::WatchGap, |history| {
        history.watchers[0].sessions[1].from = 12;
    });
    // A bookmark that promises more than was told.
    spoilt(Rule::WatchGap, |history| events(history, 0, 0)[2].revision = 13);
    spoilt(Rule::WatchRefused, |history| {
        history.watchers[0].sessions[1].error = Some("ERROR 410".to_owned());
    });
}

#[test]
fn a_watch_tells_nothing_twice_and_keeps_the_order() {
    spoilt(Rule::WatchOrder, |history| {
        let twice = events(history, 0, 0)[0].clone();
        events(history, 0, 0).insert(1, twice);
    });
    spoilt(Rule::WatchOrder, |history| events(history, 0, 1).swap(0, 1));
    // What it resumed from is told again.
    spoilt(Rule::WatchOrder, |history| {
        let again = events(history, 0, 0)[3].clone();
        events(history, 0, 1).insert(0, again);
    });
    spoilt(Rule::WatchOrder, |history| events(history, 1, 0)[5].revision = 15);
}

#[test]
fn a_watch_tells_changes_for_what_they_are() {
    spoilt(Rule::WatchWrong, |history| {
        events(history, 0, 0)[0].kind = EventKind::Modified;
    });
    spoilt(Rule::WatchWrong, |history| {
        events(history, 0, 0)[3].kind = EventKind::Added;
    });
    // Out of the group it is told as it was before.
    spoilt(Rule::WatchWrong, |history| {
        events(history, 1, 0)[1].object = Some(("a".into(), content("u1", "t2", "out")));
    });
    spoilt(Rule::WatchWrong, |history| {
        let hidden = event(26, EventKind::Added, "b", version(12, "u3", "t5", "out"));
        events(history, 1, 0).insert(1, hidden);
    });
    // A deletion that carries the revision of the last write.
    spoilt(Rule::WatchOrder, |history| events(history, 1, 0)[3].revision = 14);
}

#[test]
fn the_search_without_revisions_finds_what_has_no_order() {
    // The revisions are made to fit, so that only the search can tell.
    let lost = |history: &mut History| {
        history
            .operations
            .push(operation("b", (120, 130), Action::Get, Outcome::Absent));
    };
    spoilt(Rule::NotLinearizable, lost);
    spoilt(Rule::NotLinearizable, |history| {
        let late = stored("b", (120, 130), WriteKind::Create, version(17, "u8", "t9", "in"));
        history.operations.push(late);
    });
    spoilt(Rule::NotLinearizable, |history| {
        // A request that was dead before it is seen to take effect.
        let action = Action::Write {
            kind: WriteKind::Patch,
            token: "t9".into(),
            group: "in".into(),
        };
        history
            .operations
            .push(operation("b", (50, 60), action, Outcome::Unknown));
        let before = Outcome::Found(version(12, "u3", "t5", "out"));
        history.operations.push(operation("b", (70, 80), Action::Get, before));
        let after = Outcome::Found(version(17, "u3", "t9", "in"));
        history.operations.push(operation("b", (90, 95), Action::Get, after));
    });
}

#[test]
fn a_request_without_an_answer_may_come_true_until_it_is_seen_and_no_later() {
    // Nobody knows when it ended, but a watch has seen it.
    let with = |after: &'static str| {
        let mut history = sound();
        history.operations[6].returned = Nanos::MAX;
        let found = match after {
            "t2" => version(13, "u1", "t2", "out"),
            _ => version(14, "u1", "t3", "in"),
        };
        let operation = operation("a", (67, 69), Action::Get, Outcome::Found(found));
        history.operations.push(operation);
        let unordered = check(&history).violations;
        unordered
            .iter()
            .any(|violation| violation.rule == Rule::NotLinearizable)
    };
    assert!(!with("t3"));
    assert!(with("t2"), "the watch had been told of it at 66");
    // A deletion whose answer was lost, or another of the same object that was never carried out.
    let mut history = sound();
    history.operations[8].outcome = Outcome::Unknown;
    history.operations[8].returned = Nanos::MAX;
    let never = operation("a", (60, Nanos::MAX), Action::Delete, Outcome::Unknown);
    history.operations.push(never);
    let verdict = check(&history);
    assert!(verdict.violations.is_empty(), "{:?}", verdict.violations);
    history.operations.push(operation(
        "a",
        (92, 95),
        Action::Get,
        Outcome::Found(version(14, "u1", "t3", "in")),
    ));
    let found = check(&history).violations;
    assert!(found.iter().any(|violation| violation.rule == Rule::NotLinearizable));
}

#[test]
fn only_what_is_old_is_forgotten() {
    let forgotten = |at: Nanos, age: Option<Nanos>| {
        let mut history = sound();
        history.forgets_after = age;
        let told = Session {
            forgotten: Some(at),
            ..session(14, Vec::new())
        };
        history.watchers[0].sessions.push(told);
        let verdict = check(&history);
        let rules: Vec<_> = verdict.violations.iter().map(|violation| violation.rule).collect();
        (rules, verdict.forgotten)
    };
    // The write at 14 was asked for at 50.
    assert_eq!(forgotten(150, Some(100)), (vec![], 1));
    assert_eq!(forgotten(149, Some(100)), (vec![Rule::ForgottenTooSoon], 0));
    assert_eq!(forgotten(150, None), (vec![Rule::WatchRefused], 0));
    spoilt(Rule::ForgottenTooSoon, |history| {
        history.forgets_after = Some(100);
        let action = Action::List(Freshness::Exact(13));
        let list = operation("", (100, 120), action, Outcome::Forgotten(13));
        history.operations.push(list);
    });
}

#[test]
fn a_list_is_as_fresh_as_was_asked_for() {
    let items = vec![
        ("a".into(), version(13, "u1", "t2", "out")),
        ("b".into(), version(12, "u3", "t5", "out")),
    ];
    let list = |freshness, late| {
        let mut history = sound();
        let outcome = Outcome::Listed(13, items.clone());
        let at = if late { (120, 130) } else { (42, 43) };
        history
            .operations
            .push(operation("", at, Action::List(freshness), outcome));
        check(&history).violations.is_empty()
    };
    assert!(list(Freshness::Latest, false) && !list(Freshness::Latest, true));
    assert!(list(Freshness::NotOlder(12), true) && !list(Freshness::NotOlder(14), true));
    assert!(list(Freshness::Exact(13), true) && !list(Freshness::Exact(12), true));
}

#[test]
fn what_nobody_watched_is_not_judged_in_silence() {
    spoilt(Rule::Unwatched, |history| history.watchers[0].sessions[1].from = 14);
    spoilt(Rule::Unwatched, |history| drop(history.watchers.remove(0)));
}

#[test]
fn an_odd_answer_is_told() {
    spoilt(Rule::OddAnswer, |history| {
        history.operations[0].outcome = Outcome::Odd(422);
    });
}
