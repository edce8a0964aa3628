//! Judges a [`History`]. Pure: the same history always gets the same verdict.
//!
//! Most of it is guided by revisions. Everything that anyone saw with a revision goes into one [`Log`]: what was stored
//! or deleted at each revision, and by which request. The order of the log is then the order of the writes, and all
//! that is left is to see that nothing contradicts it:
//!
//! * `log`: a revision stands for one change only, and each change was asked for by exactly one request;
//! * `chain`: each change of an object fits on what was there before it;
//! * `order`: what had been answered before a request began, the request has seen; what began after it, it has not;
//! * `lists`: a list is exactly what was there at its revision;
//! * `watches`: a watch told of every change that concerns it, once, in order, for what it was.
//!
//! Since a server could be wrong about its own revisions, `search` looks at some objects again without them.

mod chain;
mod lists;
mod log;
mod order;
mod search;
#[cfg(test)]
mod tests;
mod watches;

use std::fmt;

use crate::history::{History, Outcome};

pub use log::Log;

/// A promise that a history breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Rule {
    /// One revision stands for two changes.
    RevisionReused,
    /// What was seen was never asked for, or had been refused.
    Unexplained,
    /// One request was carried out twice.
    AppliedTwice,
    /// A change does not fit on what was there before it.
    BrokenChain,
    /// Seen too early or too late.
    OutOfOrder,
    /// An acknowledged write is nowhere to be seen.
    Lost,
    /// A list is not what was there at its revision.
    NotASnapshot,
    /// A watch left something out.
    WatchGap,
    /// A watch told something twice or in the wrong order.
    WatchOrder,
    /// A watch told something that was not so.
    WatchWrong,
    /// A watch could not go on though nothing it needs is old.
    WatchRefused,
    /// No order of the requests explains what they answered.
    NotLinearizable,
    /// An answer that no request of the harness deserves.
    OddAnswer,
    /// The server did not come up, or did not end, as it should.
    Process,
}

/// A broken promise, with the evidence in a line.
#[derive(Clone, Debug)]
pub struct Violation {
    /// Which.
    pub rule: Rule,
    /// How.
    pub what: String,
}

impl Violation {
    /// A broken promise.
    pub fn new(rule: Rule, what: impl Into<String>) -> Self {
        let what = what.into();
        Self { rule, what }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.rule, self.what)
    }
}

/// What the check came to.
#[derive(Debug, Default)]
pub struct Verdict {
    /// Every broken promise that was found.
    pub violations: Vec<Violation>,
    /// Events and bookmarks held against the log.
    pub events: usize,
    /// Of these, how many were bookmarks.
    pub bookmarks: usize,
    /// Lists held against the log.
    pub lists: usize,
    /// Objects searched for an order without revisions.
    pub searched: usize,
    /// Of these, how many searches were given up.
    pub undecided: usize,
}

/// Checks everything.
#[must_use]
pub fn check(history: &History) -> Verdict {
    let mut verdict = Verdict::default();
    let log = Log::build(history, &mut verdict.violations);
    chain::check(history, &log, &mut verdict.violations);
    order::check(history, &log, &mut verdict.violations);
    lists::check(history, &log, &mut verdict);
    watches::check(history, &log, &mut verdict);
    search::check(history, &mut verdict);
    odd_answers(history, &mut verdict.violations);
    verdict
}

fn odd_answers(history: &History, violations: &mut Vec<Violation>) {
    for operation in &history.operations {
        if let Outcome::Odd(status) = operation.outcome {
            let what = format!("{status} to {:?} of {:?}", operation.action, operation.key);
            violations.push(Violation::new(Rule::OddAnswer, what));
        }
    }
}
