//! Looks for an order of one object's requests that explains every answer, without looking at revisions.
//!
//! The search of Wing and Gong, with a memory of what has been tried: take any request that could be next, because none
//! that is still to be placed was answered before it began, apply it to a plain model, and go on; go back when stuck. A
//! request without an answer may be placed or left out. It stays possible until its server was dead, or until somebody saw what it
//! had done, and no longer, which keeps the search short.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use super::settle::Sightings;
use super::{Rule, Verdict, Violation};
use crate::history::{Action, History, Nanos, Operation, Outcome, WriteKind};

/// How many objects are searched: those with most requests.
const SAMPLE: usize = 6;
/// Steps after which a search is given up.
const STEPS_MAX: usize = 400_000;

/// What the object holds: the token of the write that it comes from.
type Token = Arc<str>;

/// Searches the busiest objects.
pub(super) fn check(history: &History, verdict: &mut Verdict) {
    let sightings = Sightings::new(history);
    let mut by_key: BTreeMap<Arc<str>, Vec<Operation>> = BTreeMap::new();
    for operation in history.operations.iter().filter(|operation| !operation.key.is_empty()) {
        let settled = sightings.settle(operation);
        by_key.entry(operation.key.clone()).or_default().extend(settled);
    }
    let mut keys: Vec<_> = by_key.into_iter().collect();
    keys.sort_by_key(|(_, operations)| std::cmp::Reverse(operations.len()));
    for (key, mut operations) in keys.into_iter().take(SAMPLE) {
        operations.sort_by_key(|operation| operation.called);
        verdict.searched += 1;
        match search(&operations) {
            Found::Order => {}
            Found::TooLong => verdict.undecided += 1,
            Found::Nothing(furthest) => {
                let at = operations.get(furthest);
                let what = format!("{key}: no order of its requests goes further than {at:?}");
                verdict.violations.push(Violation::new(Rule::NotLinearizable, what));
            }
        }
    }
}

enum Found {
    Order,
    /// How many requests could be placed at most, without a gap.
    Nothing(usize),
    TooLong,
}

/// How far a search has come.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Place {
    /// Everything before this request has been placed,
    base: usize,
    /// and these after it.
    beyond: Vec<usize>,
    held: Option<Token>,
}

impl Place {
    fn with(&self, index: usize, held: Option<Token>) -> Self {
        let (mut base, mut beyond) = (self.base, self.beyond.clone());
        beyond.push(index);
        beyond.sort_unstable();
        while beyond.first() == Some(&base) {
            beyond.remove(0);
            base += 1;
        }
        Self { base, beyond, held }
    }
}

fn search(operations: &[Operation]) -> Found {
    let start = Place {
        base: 0,
        beyond: Vec::new(),
        held: None,
    };
    let mut tried = HashSet::from([start.clone()]);
    let (mut stack, mut furthest) = (vec![start], 0);
    while let Some(place) = stack.pop() {
        if place.base == operations.len() {
            return Found::Order;
        }
        if tried.len() > STEPS_MAX {
            return Found::TooLong;
        }
        furthest = furthest.max(place.base);
        for index in candidates(operations, &place) {
            for held in outcomes(&operations[index], place.held.as_ref()) {
                let next = place.with(index, held);
                if tried.insert(next.clone()) {
                    stack.push(next);
                }
            }
        }
    }
    Found::Nothing(furthest)
}

/// The requests that may come next, the earliest last.
fn candidates(operations: &[Operation], place: &Place) -> Vec<usize> {
    let (mut found, mut limit) = (Vec::new(), Nanos::MAX);
    for (index, operation) in operations.iter().enumerate().skip(place.base) {
        if operation.called > limit {
            break;
        }
        if place.beyond.binary_search(&index).is_err() {
            found.push(index);
            limit = limit.min(operation.returned);
        }
    }
    found.reverse();
    found
}

/// What the object may hold after a request that was answered so: nothing at all if it cannot have been.
fn outcomes(operation: &Operation, held: Option<&Token>) -> Vec<Option<Token>> {
    let unchanged = |is: bool| if is { vec![held.cloned()] } else { Vec::new() };
    match (&operation.action, &operation.outcome) {
        (action, Outcome::Stored(_)) | (action @ Action::Delete, Outcome::Deleted(_)) => {
            effect(action, held).into_iter().collect()
        }
        (action, Outcome::Unknown) => {
            let mut possible = unchanged(true);
            possible.extend(effect(action, held));
            possible
        }
        (_, Outcome::Found(version)) => unchanged(held == Some(&version.content.token)),
        (_, Outcome::Absent) => unchanged(held.is_none()),
        (_, Outcome::Exists) => unchanged(held.is_some()),
        (
            Action::Write {
                kind: WriteKind::Update(expected),
                ..
            },
            Outcome::Conflict,
        ) => unchanged(held != Some(&expected.content.token)),
        _ => unchanged(true),
    }
}

/// What the object holds once this has been carried out, if it can be.
fn effect(action: &Action, held: Option<&Token>) -> Option<Option<Token>> {
    match action {
        Action::Write { kind, token, .. } => {
            let fits = match kind {
                WriteKind::Create => held.is_none(),
                WriteKind::Update(expected) => held == Some(&expected.content.token),
                WriteKind::Patch => held.is_some(),
            };
            fits.then(|| Some(token.clone()))
        }
        Action::Delete => held.map(|_| None),
        Action::Get | Action::List(_) => None,
    }
}
