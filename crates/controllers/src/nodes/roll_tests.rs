use leasehold_api::meta::ObjectMeta;

use super::*;

const SETTINGS: Settings = Settings {
    period: Duration::from_secs(5),
    grace: Duration::from_secs(50),
    startup_grace: Duration::from_secs(60),
};

fn at(seconds: u64) -> Monotonic {
    Monotonic(Duration::from_secs(seconds))
}

/// Whether a lease that is written with the time as its renewTime is a heartbeat.
fn renewed(roll: &mut Roll, name: &str, now: u64) -> bool {
    let renew_time = MicroTime::new(i64::try_from(now).unwrap(), 0);
    roll.heartbeat(name, renew_time, || None, at(now))
}

/// A node as it stands in the store.
struct Stored {
    name: &'static str,
    uid: &'static str,
    /// The status of Ready and its lastHeartbeatTime.
    ready: Option<(&'static str, i64)>,
    labels: &'static [&'static str],
}

const N1: Stored = Stored {
    name: "n1",
    uid: "u1",
    ready: Some(("True", 7)),
    labels: &[],
};

fn node(stored: &Stored) -> Node {
    let mut node = Node {
        metadata: ObjectMeta {
            name: stored.name.into(),
            uid: stored.uid.into(),
            labels: stored
                .labels
                .iter()
                .map(|key| ((*key).to_owned(), String::new()))
                .collect(),
            ..ObjectMeta::default()
        },
        ..Node::default()
    };
    node.status.conditions = stored
        .ready
        .map(|(status, heartbeat)| condition(status, heartbeat))
        .into_iter()
        .collect();
    node
}

fn condition(status: &str, heartbeat: i64) -> NodeCondition {
    NodeCondition {
        r#type: "Ready".into(),
        status: status.into(),
        last_heartbeat_time: Time::new(heartbeat, 0),
        ..NodeCondition::default()
    }
}

fn say(roll: &mut Roll, stored: &Stored, now: u64) -> (bool, Vec<Told>) {
    let said = roll.node(&stored.name.into(), &node(stored), at(now));
    roll.take_stock(at(now));
    said
}

fn overdue(roll: &mut Roll, now: u64) -> Vec<(String, u64)> {
    let overdue = roll.overdue(at(now), 100);
    overdue
        .iter()
        .map(|overdue| (overdue.name.to_string(), overdue.late.as_secs()))
        .collect()
}

/// A roll with this node, first seen at 1000, and one that is always ready, so that not all are ever silent.
fn with(stored: &Stored) -> Roll {
    let mut roll = Roll::new(SETTINGS);
    let witness = Stored {
        name: "witness",
        uid: "w",
        ..N1
    };
    say(&mut roll, &witness, 900_000);
    say(&mut roll, stored, 1000);
    roll
}

#[test]
fn each_kind_of_node_has_its_grace_from_when_it_was_seen_first() {
    // Ready, and when it is overdue.
    let cases = [
        (Some(("True", 7)), Some(1050)),
        (Some(("False", 7)), Some(1050)),
        (None, Some(1060)),
        (Some(("Unknown", 7)), None),
    ];
    for (ready, due) in cases {
        let mut roll = with(&Stored { ready, ..N1 });
        let early = due.map_or(100_000, |due| due - 1);
        assert_eq!(overdue(&mut roll, early), [], "{ready:?}");
        if let Some(due) = due {
            assert_eq!(overdue(&mut roll, due + 2), [("n1".to_owned(), 2)], "{ready:?}");
            assert_eq!(overdue(&mut roll, due + 1000), [], "dealt with: {ready:?}");
        }
    }
}

#[test]
fn a_lease_that_is_written_with_the_renew_time_it_had_is_no_heartbeat() {
    let (mut roll, stamp, other) = (with(&N1), MicroTime::new(8, 0), MicroTime::new(7, 0));
    assert!(!roll.heartbeat("n1", stamp, || Some(stamp), at(1040)));
    assert!(!roll.heartbeat("n1", stamp, || unreachable!("it is remembered"), at(1040)));
    assert_eq!(overdue(&mut roll, 1050), [("n1".to_owned(), 0)]);
    assert!(roll.heartbeat("n1", other, || unreachable!("it is remembered"), at(1060)));
    assert!(roll.heartbeat("n1", stamp, || unreachable!("only the last one"), at(1060)));
    assert_eq!(overdue(&mut roll, 1109), []);
    let mut roll = with(&N1);
    assert!(
        roll.heartbeat("n1", stamp, || Some(other), at(1040)),
        "the first one heard"
    );
}

#[test]
fn a_heartbeat_is_a_change_whichever_way_it_goes() {
    let mut roll = with(&N1);
    assert!(renewed(&mut roll, "n1", 1040), "of the lease");
    assert!(!renewed(&mut roll, "n2", 1040), "of nobody");
    assert_eq!(overdue(&mut roll, 1089), []);
    for (now, heartbeat) in [(1089, 8), (1130, 3)] {
        let ready = Some(("True", heartbeat));
        assert!(say(&mut roll, &Stored { ready, ..N1 }, now).0, "of the condition");
        assert_eq!(overdue(&mut roll, now + 49), []);
    }
    assert_eq!(overdue(&mut roll, 1180), [("n1".to_owned(), 0)]);
}

#[test]
fn what_is_no_heartbeat_puts_nothing_off() {
    let mut roll = with(&N1);
    let labelled = Stored { labels: &["a"], ..N1 };
    let not_ready = Stored {
        ready: Some(("False", 7)),
        ..N1
    };
    for change in [labelled, not_ready] {
        assert_eq!(say(&mut roll, &change, 1049), (false, vec![]));
    }
    assert_eq!(overdue(&mut roll, 1050), [("n1".to_owned(), 0)]);
}

#[test]
fn our_own_writing_is_no_heartbeat() {
    let mut roll = with(&Stored { ready: None, ..N1 });
    let mut silenced = node(&Stored {
        ready: Some(("Unknown", 0)),
        ..N1
    });
    silenced.status.conditions[0].reason = "NodeStatusNeverUpdated".into();
    assert_eq!(roll.node(&"n1".into(), &silenced, at(1061)), (false, vec![]));
}

#[test]
fn a_silent_node_is_awaited_again_once_it_is_heard() {
    let unknown = Stored {
        ready: Some(("Unknown", 7)),
        ..N1
    };
    let mut roll = with(&N1);
    assert_eq!(overdue(&mut roll, 1050).len(), 1);
    say(&mut roll, &unknown, 1050);
    renewed(&mut roll, "n1", 2000);
    assert_eq!(overdue(&mut roll, 2049), []);
    assert_eq!(overdue(&mut roll, 2050), [("n1".to_owned(), 0)]);
    // Somebody says that it is ready, and the node itself is as silent as before.
    say(&mut roll, &N1, 2060);
    assert_eq!(overdue(&mut roll, 2060), [("n1".to_owned(), 10)]);
}

#[test]
fn forgiveness_gives_everyone_a_full_grace_period() {
    let mut roll = with(&N1);
    roll.forgive(at(1049));
    assert_eq!(overdue(&mut roll, 1098), []);
    assert_eq!(overdue(&mut roll, 1099), [("n1".to_owned(), 0)]);
    roll.try_again(&"n1".into(), at(1099));
    assert_eq!(
        overdue(&mut roll, 1100),
        [("n1".to_owned(), 1)],
        "it could not be dealt with"
    );
}

#[test]
fn coming_and_going_are_told() {
    let registered = |uid: &str| Told::Registered {
        name: "n1".into(),
        uid: uid.into(),
    };
    let removed = |uid: &str| Told::Removed {
        name: "n1".into(),
        uid: uid.into(),
    };
    let mut roll = Roll::new(SETTINGS);
    assert_eq!(say(&mut roll, &N1, 1000), (false, vec![registered("u1")]));
    let namesake = Stored { uid: "u2", ..N1 };
    assert_eq!(
        say(&mut roll, &namesake, 1030),
        (false, vec![removed("u1"), registered("u2")])
    );
    assert_eq!(
        overdue(&mut roll, 1079),
        [],
        "the old one's deadline is not the new one's"
    );
    assert_eq!(overdue(&mut roll, 1080).len(), 1, "and it has one of its own");
    assert_eq!(roll.gone(&"n1".into()), Some(removed("u2")));
    assert_eq!(roll.gone(&"n1".into()), None);
    assert_eq!(roll.counts(), NodeCounts::default());
}

#[test]
fn nodes_are_counted_by_what_they_say() {
    let mut roll = Roll::new(SETTINGS);
    for (name, ready) in [
        ("a", None),
        ("b", Some("True")),
        ("c", Some("True")),
        ("d", Some("False")),
        ("e", Some("Unknown")),
        ("c", Some("False")),
    ] {
        let ready = ready.map(|status| (status, 7));
        say(&mut roll, &Stored { name, ready, ..N1 }, 1000);
    }
    let counts = NodeCounts {
        ready: 1,
        not_ready: 2,
        unknown: 1,
        never_posted: 1,
    };
    assert_eq!(roll.counts(), counts);
}

#[test]
fn when_the_last_one_falls_silent_and_when_the_first_comes_back_all_taints_are_looked_at() {
    let ready = |name, status| Stored {
        name,
        ready: Some((status, 7)),
        ..N1
    };
    let excluded = Stored {
        labels: &["node.kubernetes.io/exclude-disruption"],
        ..ready("x", "True")
    };
    let mut roll = Roll::new(SETTINGS);
    roll.take_stock(at(999));
    assert!(!roll.all_silent(), "there is nobody");
    for stored in [excluded, ready("a", "True"), ready("b", "True")] {
        say(&mut roll, &stored, 1000);
    }
    assert_eq!(roll.unsettled(10), []);
    say(&mut roll, &ready("a", "Unknown"), 1001);
    assert!(!roll.all_silent());
    assert_eq!(roll.unsettled(10), ["a".into()]);
    say(&mut roll, &ready("b", "Unknown"), 1010);
    assert!(roll.all_silent(), "whatever x says");
    assert_eq!(roll.unsettled(10), ["a".into(), "b".into()]);

    renewed(&mut roll, "b", 1011);
    say(&mut roll, &ready("a", "True"), 1030);
    assert!(!roll.all_silent());
    assert_eq!(roll.unsettled(10), ["b".into()]);
    // Everyone has a full grace period from 1030 on.
    assert_eq!(overdue(&mut roll, 1079), []);
    assert_eq!(overdue(&mut roll, 1080).len(), 3);
}
