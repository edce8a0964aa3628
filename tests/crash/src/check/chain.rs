//! Each change of an object must fit on what was there before it: this is where a compare-and-swap that compares nothing
//! shows, and a write that was lost although somebody built on it.

use super::log::{Entry, Log};
use super::{Rule, Violation};
use crate::history::{Action, Content, History, Operation, WriteKind};

/// Checks every change.
pub(super) fn check(history: &History, log: &Log, violations: &mut Vec<Violation>) {
    for (revision, entry) in &log.entries {
        let by = entry.by.map(|index| &history.operations[index]);
        if let Err(why) = fits(entry, by) {
            let what = format!("{revision} of {}: {why}; before it was {:?}", entry.key, entry.before);
            violations.push(Violation::new(Rule::BrokenChain, what));
        }
    }
}

fn fits(entry: &Entry, by: Option<&Operation>) -> Result<(), &'static str> {
    let Some(after) = &entry.after else {
        return match (&entry.before, &entry.told) {
            (None, _) => Err("it deletes what is not there"),
            (before, told) if before == told => Ok(()),
            _ => Err("it deletes something else than was there"),
        };
    };
    // Without its request it has been reported already.
    let Some(Operation {
        action: Action::Write { kind, .. },
        ..
    }) = by
    else {
        return Ok(());
    };
    match (kind, &entry.before) {
        (WriteKind::Create, None) => Ok(()),
        (WriteKind::Create, Some(_)) => Err("a create, but something is there"),
        (_, None) => Err("a change, but nothing is there"),
        (_, Some(before)) if before.uid != after.uid => Err("a change to another object"),
        (WriteKind::Update(expected), Some(before)) => expects(&expected.content, before),
        (WriteKind::Patch, Some(_)) => Ok(()),
    }
}

fn expects(expected: &Content, before: &Content) -> Result<(), &'static str> {
    if expected == before {
        Ok(())
    } else {
        Err("an update of something else")
    }
}
