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
//! * `watches`: a watch told of every change that concerns it, once, in order, for what it was;
//! * `forgetting`: nothing was forgotten that was not old enough;
//! * `coverage`: somebody watched all the time, or nothing of the above could be relied on.
//!
//! Since a server could be wrong about its own revisions, `search` looks at some objects again without them.

mod chain;
mod coverage;
mod forgetting;
mod lists;
mod log;
mod order;
mod search;
mod settle;
#[cfg(test)]
mod tests;
mod watches;

use std::collections::HashMap;
use std::fmt;

use crate::client::Noted;
use crate::history::{History, Operation, Outcome};

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
    /// Something was forgotten before its time.
    ForgottenTooSoon,
    /// Nobody watched for a while, so that the harness has no judgement of what happened.
    Unwatched,
    /// No order of the requests explains what they answered.
    NotLinearizable,
    /// An answer that no request of the harness deserves.
    OddAnswer,
    /// A refusal that has to say when to try again, and does not.
    SaysNotWhen,
    /// The server did not come up, or did not end, as it should.
    Process,
    /// An answer took longer than any answer may.
    Hangs,
    /// A server that could not work said that it could.
    FalseHealth,
    /// An answer that nobody can give at a time when there is no majority.
    FalseSuccess,
    /// Something did not work again, though nothing was in its way any more.
    NoRecovery,
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
    /// Watches and lists that were told that what they need is forgotten, rightly.
    pub forgotten: usize,
    /// Objects searched for an order without revisions.
    pub searched: usize,
    /// Of these, how many searches were given up.
    pub undecided: usize,
}

/// Violations of one rule that are told.
const TOLD: usize = 4;

/// Checks everything.
#[must_use]
pub fn check(history: &History) -> Verdict {
    let mut verdict = Verdict::default();
    let log = Log::build(history, &mut verdict.violations);
    chain::check(history, &log, &mut verdict.violations);
    order::check(history, &log, &mut verdict.violations);
    lists::check(history, &log, &mut verdict);
    forgetting::check(history, &log, &mut verdict);
    coverage::check(history, &mut verdict.violations);
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

/// Refusals that leave their clients in the dark, and errors that nobody has thought of.
#[must_use]
pub fn manners(noted: &[Noted]) -> Vec<Violation> {
    let refusals = noted.iter().filter_map(|noted| {
        let status = noted.status?;
        let rule = match status {
            503 | 504 | 429 if !noted.says_when => Rule::SaysNotWhen,
            503 | 504 | 429 | ..500 => return None,
            _ => Rule::OddAnswer,
        };
        let Operation { action, key, .. } = &noted.operation;
        Some(Violation::new(rule, format!("{status} to {action:?} of {key:?}")))
    });
    refusals.collect()
}

/// The first violations of each rule, a line each: those after them have the same cause as a rule.
#[must_use]
pub fn complaints(violations: &[Violation]) -> Vec<String> {
    let mut told: HashMap<Rule, usize> = HashMap::new();
    let mut is_news = |rule| {
        let count = told.entry(rule).or_default();
        *count += 1;
        *count <= TOLD
    };
    let news = violations.iter().filter(|violation| is_news(violation.rule));
    news.map(ToString::to_string).collect()
}
