//! Whether those who watch everything, together, saw everything: what nobody saw cannot be judged.

use super::{Rule, Violation};
use crate::history::{History, Revision};

/// Looks for a gap between all sessions of all of them.
pub(super) fn check(history: &History, violations: &mut Vec<Violation>) {
    let everything = history.watchers.iter().filter(|watcher| watcher.group.is_none());
    let mut seen: Vec<(Revision, Revision)> = everything
        .flat_map(|watcher| &watcher.sessions)
        .filter_map(|session| Some((session.from, session.events.last()?.revision)))
        .collect();
    seen.sort_unstable();
    let Some(&(_, mut until)) = seen.first() else {
        violations.push(Violation::new(Rule::Unwatched, "nobody watched"));
        return;
    };
    for (from, last) in seen {
        if from > until {
            let what = format!("nobody watched from {until} to {from}");
            violations.push(Violation::new(Rule::Unwatched, what));
        }
        until = until.max(last);
    }
}
