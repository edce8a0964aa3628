//! Real time against the order of revisions.
//!
//! When a request begins, the store is known to have reached the highest revision that anyone has been shown until then;
//! when it has been answered, the store is known not to have reached the lowest revision of a write that begins later.
//! Between the two the request must find a revision at which what it was told is true.

use std::collections::HashMap;
use std::sync::Arc;

use super::log::Log;
use super::{Rule, Violation};
use crate::history::{Action, Content, Freshness, History, Nanos, Operation, Outcome, Revision, WriteKind};

/// Checks every operation that was answered, and every write that came true without an answer.
pub(super) fn check(history: &History, log: &Log, violations: &mut Vec<Violation>) {
    let bounds = Bounds::new(history, log);
    let timelines = timelines(log);
    let nothing = [Segment::first()];
    for operation in &history.operations {
        let timeline = timelines.get(&operation.key).map_or(&nothing[..], |all| all);
        let (low, high) = (bounds.reached(operation.called), bounds.not_passed(operation.returned));
        if let Err(why) = explain(operation, log, timeline, low, high) {
            let Operation {
                key, action, outcome, ..
            } = operation;
            let what = format!("{action:?} of {key:?} told {outcome:?} between {low} and {high}: {why}");
            violations.push(Violation::new(Rule::OutOfOrder, what));
        }
    }
    for (&revision, entry) in &log.entries {
        let Some(by) = entry.by.map(|index| &history.operations[index]) else {
            continue;
        };
        let (low, high) = (bounds.reached(by.called), bounds.not_passed(by.returned));
        if matches!(by.outcome, Outcome::Unknown) && (revision <= low || revision > high) {
            let what = format!("{:?} came true at {revision}, not between {low} and {high}", by.action);
            violations.push(Violation::new(Rule::OutOfOrder, what));
        }
    }
}

/// What an object is, from one revision until just before another.
struct Segment<'a> {
    from: Revision,
    until: Revision,
    content: Option<&'a Content>,
}

impl Segment<'_> {
    fn first() -> Self {
        Self {
            from: 0,
            until: Revision::MAX,
            content: None,
        }
    }

    fn overlaps(&self, low: Revision, high: Revision) -> bool {
        self.from <= high && self.until > low
    }
}

fn timelines(log: &Log) -> HashMap<Arc<str>, Vec<Segment<'_>>> {
    let mut all: HashMap<Arc<str>, Vec<Segment<'_>>> = HashMap::new();
    for (&revision, entry) in &log.entries {
        let timeline = all.entry(entry.key.clone()).or_insert_with(|| vec![Segment::first()]);
        if let Some(last) = timeline.last_mut() {
            last.until = revision;
        }
        timeline.push(Segment {
            from: revision,
            until: Revision::MAX,
            content: entry.after.as_ref(),
        });
    }
    all
}

fn explain(
    operation: &Operation,
    log: &Log,
    timeline: &[Segment<'_>],
    low: Revision,
    high: Revision,
) -> Result<(), &'static str> {
    let somewhere = |is: &dyn Fn(&Segment<'_>) -> bool| {
        let first = timeline.partition_point(|segment| segment.until <= low);
        timeline[first..]
            .iter()
            .take_while(|segment| segment.from <= high)
            .any(|segment| segment.overlaps(low, high) && is(segment))
    };
    let written = |revision: Revision| {
        if revision <= low {
            Err("it was acknowledged with a revision that had been passed when it began")
        } else if revision > high {
            Err("a write that began after it has an earlier revision")
        } else {
            Ok(())
        }
    };
    let found = |is: bool| {
        if is {
            Ok(())
        } else {
            Err("that was never so in this time")
        }
    };
    match &operation.outcome {
        Outcome::Stored(version) => written(version.revision),
        // One that nobody saw has been reported as lost.
        Outcome::Deleted(uid) => log.deletions.get(uid).map_or(Ok(()), |revision| written(*revision)),
        Outcome::Found(version) => found(somewhere(&|segment| segment.from == version.revision)),
        Outcome::Absent => found(somewhere(&|segment| segment.content.is_none())),
        Outcome::Exists => found(somewhere(&|segment| segment.content.is_some())),
        Outcome::Conflict => match &operation.action {
            Action::Write {
                kind: WriteKind::Update(expected),
                ..
            } => found(somewhere(&|segment| segment.from != expected.revision)),
            _ => Ok(()),
        },
        Outcome::Listed(revision, _) => found(match operation.action {
            Action::List(Freshness::Exact(asked)) => *revision == asked,
            Action::List(Freshness::NotOlder(asked)) => (asked..=high).contains(revision),
            _ => (low..=high).contains(revision),
        }),
        Outcome::Forgotten(_) | Outcome::Refused | Outcome::Odd(_) | Outcome::Unknown => Ok(()),
    }
}

/// What revisions are possible at what time.
struct Bounds {
    /// By time, the highest revision shown until then.
    shown: Vec<(Nanos, Revision)>,
    /// By time, the lowest revision of a write that begins then or later.
    begun: Vec<(Nanos, Revision)>,
}

impl Bounds {
    fn new(history: &History, log: &Log) -> Self {
        let mut shown = shown(history, log);
        shown.sort_unstable();
        let mut highest = 0;
        for (_, revision) in &mut shown {
            highest = highest.max(*revision);
            *revision = highest;
        }
        let written = log.entries.iter();
        let mut begun: Vec<_> = written
            .filter_map(|(revision, entry)| Some((history.operations[entry.by?].called, *revision)))
            .collect();
        begun.sort_unstable();
        let mut lowest = Revision::MAX;
        for (_, revision) in begun.iter_mut().rev() {
            lowest = lowest.min(*revision);
            *revision = lowest;
        }
        Self { shown, begun }
    }

    /// The revision that the store had surely reached just before this time.
    fn reached(&self, time: Nanos) -> Revision {
        let until = self.shown.partition_point(|(at, _)| *at < time);
        until.checked_sub(1).map_or(0, |last| self.shown[last].1)
    }

    /// The highest revision that the store can have been at until this time.
    fn not_passed(&self, time: Nanos) -> Revision {
        let next = self.begun.partition_point(|(called, _)| *called <= time);
        self.begun.get(next).map_or(Revision::MAX, |(_, lowest)| lowest - 1)
    }
}

fn shown(history: &History, log: &Log) -> Vec<(Nanos, Revision)> {
    let by_operations = history.operations.iter().filter_map(|operation| {
        let revision = match &operation.outcome {
            Outcome::Stored(version) | Outcome::Found(version) => version.revision,
            Outcome::Deleted(uid) => *log.deletions.get(uid)?,
            Outcome::Listed(revision, _) => *revision,
            _ => return None,
        };
        Some((operation.returned, revision))
    });
    let sessions = history.watchers.iter().flat_map(|watcher| &watcher.sessions);
    let by_watches = sessions
        .flat_map(|session| &session.events)
        .map(|event| (event.at, event.revision));
    by_operations.chain(by_watches).collect()
}
