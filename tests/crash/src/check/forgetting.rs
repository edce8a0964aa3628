//! A store may forget what is old, and only that: who is told so too early has lost history for nothing.
//!
//! A revision is no older than any write up to it was when it was asked for.

use super::log::Log;
use super::{Rule, Verdict, Violation};
use crate::history::{History, Nanos, Outcome, Revision};

/// Checks whoever was told that what it needs is forgotten.
pub(super) fn check(history: &History, log: &Log, verdict: &mut Verdict) {
    let by_watches = history.watchers.iter().flat_map(|watcher| &watcher.sessions);
    let by_watches = by_watches.filter_map(|session| {
        let last = session.events.last().map_or(session.from, |event| event.revision);
        Some((last, session.forgotten?, true))
    });
    let by_lists = history
        .operations
        .iter()
        .filter_map(|operation| match operation.outcome {
            Outcome::Forgotten(revision) => Some((revision, operation.returned, false)),
            _ => None,
        });
    let youngest = Youngest::new(history, log);
    for (revision, told, is_watch) in by_watches.chain(by_lists) {
        let since = youngest.no_older_than(revision);
        match history.forgets_after {
            None if is_watch => {
                let what = format!("ended with 410 at {revision}, though nothing is old");
                verdict.violations.push(Violation::new(Rule::WatchRefused, what));
            }
            Some(age) if told < since.saturating_add(age) => {
                let what = format!("{revision}, which did not exist before {since}, was forgotten at {told}");
                verdict.violations.push(Violation::new(Rule::ForgottenTooSoon, what));
            }
            _ => verdict.forgotten += 1,
        }
    }
}

/// By revision, when the youngest write up to it was asked for.
struct Youngest(Vec<(Revision, Nanos)>);

impl Youngest {
    fn new(history: &History, log: &Log) -> Self {
        let mut youngest = 0;
        let asked = log.entries.iter().filter_map(|(revision, entry)| {
            youngest = youngest.max(history.operations[entry.by?].called);
            Some((*revision, youngest))
        });
        Self(asked.collect())
    }

    fn no_older_than(&self, revision: Revision) -> Nanos {
        let until = self.0.partition_point(|(at, _)| *at <= revision);
        until.checked_sub(1).map_or(0, |last| self.0[last].1)
    }
}
