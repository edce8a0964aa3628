//! A list is exactly what was there at its revision.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::log::Log;
use super::{Rule, Verdict, Violation};
use crate::history::{History, Outcome, Revision, Version};

type Items = [(Arc<str>, Version)];

/// Plays the log from its beginning and stops at the revision of each list.
pub(super) fn check(history: &History, log: &Log, verdict: &mut Verdict) {
    let mut lists: Vec<(Revision, &Items)> = history
        .operations
        .iter()
        .filter_map(|operation| match &operation.outcome {
            Outcome::Listed(revision, items) => Some((*revision, &**items)),
            _ => None,
        })
        .collect();
    lists.sort_by_key(|(revision, _)| *revision);
    verdict.lists = lists.len();
    let mut state: BTreeMap<Arc<str>, Version> = BTreeMap::new();
    let mut changes = log.entries.iter().peekable();
    for (revision, items) in lists {
        while let Some((at, entry)) = changes.next_if(|(at, _)| **at <= revision) {
            match &entry.after {
                Some(content) => state.insert(
                    entry.key.clone(),
                    Version {
                        revision: *at,
                        content: content.clone(),
                    },
                ),
                None => state.remove(&entry.key),
            };
        }
        if let Some(what) = difference(&state, items) {
            let what = format!("the list at {revision}: {what}");
            verdict.violations.push(Violation::new(Rule::NotASnapshot, what));
        }
    }
}

/// The first thing that a list has and the log has not, or the other way round.
fn difference(state: &BTreeMap<Arc<str>, Version>, items: &Items) -> Option<String> {
    let mut wanted = state.iter();
    for (key, version) in items {
        match wanted.next() {
            Some((name, held)) if name == key && held == version => {}
            other => return Some(format!("it has {key} {version:?} where the log has {other:?}")),
        }
    }
    wanted.next().map(|missing| format!("it lacks {missing:?}"))
}
