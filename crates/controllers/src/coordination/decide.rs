//! What a lease and its candidates need next. Pure: one step at a time, and what it comes to is seen at the next look.

use leasehold_api::coordination::Lease;
use leasehold_clock::Monotonic;

use super::candidate::{Candidate, Standing};
use super::rank::{Conflict, compare, strategy};
use super::term::{Seen, Term};
use super::{ANSWER, OLDEST_EMULATION_VERSION};

/// A lease and those who would hold it.
pub(super) struct Group<'a> {
    pub(super) candidates: Vec<&'a Candidate>,
    pub(super) lease: Option<&'a Lease>,
    pub(super) seen: &'a Seen,
}

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Rest,
    /// Ask these whether they are there.
    Ping(Vec<String>),
    /// Make the lease, for a holder if the strategy is ours.
    Create {
        strategy: String,
        holder: Option<String>,
    },
    /// Give the lease to this candidate.
    Give {
        strategy: String,
        holder: String,
    },
    /// Set right the fields that say how the lease is to be held, and leave its holder alone.
    Correct {
        strategy: String,
        preferred: Option<String>,
    },
}

/// A step, and what there is to know about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) step: Step,
    /// When to look again though nothing changes.
    pub(super) wake: Option<Monotonic>,
    /// When the election that is under way now began.
    pub(super) round: Option<Monotonic>,
    /// For people.
    pub(super) why: String,
    /// The election came to nothing, and why.
    pub(super) failed: Option<Failed>,
}

/// Why an election came to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failed {
    Unanswered,
    Conflict,
}

impl Verdict {
    fn rest(why: impl Into<String>, wake: Option<Monotonic>) -> Self {
        Self {
            step: Step::Rest,
            wake,
            round: None,
            why: why.into(),
            failed: None,
        }
    }

    fn step(step: Step, why: impl Into<String>) -> Self {
        Self {
            step,
            ..Self::rest(why, None)
        }
    }

    /// In the election that began then.
    fn within(self, round: Monotonic) -> Self {
        Self {
            round: Some(round),
            ..self
        }
    }

    fn failed(self, failed: Failed) -> Self {
        Self {
            failed: Some(failed),
            ..self
        }
    }
}

/// What the group needs next.
pub(super) fn decide(now: Monotonic, group: &Group<'_>) -> Verdict {
    let mut valid = group.candidates.clone();
    valid.retain(|candidate| candidate.is_valid(now));
    if valid.is_empty() {
        return Verdict::rest("no candidate has been heard from for long", None);
    }
    match group.seen.term(now) {
        Term::Held(holder, until) => held(now, group, &valid, holder, until),
        Term::Missing | Term::Vacant | Term::Expired => open(now, group, &valid),
    }
}

/// Somebody leads. A better candidate is told to it, and until then it is left alone.
fn held(now: Monotonic, group: &Group<'_>, valid: &[&Candidate], holder: &str, until: Monotonic) -> Verdict {
    let began = group.seen.round.unwrap_or(now);
    let present = present(valid, now, began);
    let strategy = match strategy(&present) {
        Ok(Some(strategy)) => strategy,
        Ok(None) => return Verdict::rest(format!("{holder} leads; no candidate answers"), wake(now, valid, until)),
        Err(conflict) => return at_odds(&conflict, wake(now, valid, until)),
    };
    if strategy != OLDEST_EMULATION_VERSION {
        return leave_to_others(now, group, strategy, until);
    }
    let current = valid.iter().copied().find(|candidate| candidate.name() == holder);
    let is_better = |candidate: &&Candidate| {
        candidate.versions.is_some()
            && candidate.name() != holder
            && !group.seen.is_passed_over(candidate.name(), now)
            && current.is_none_or(|current| compare(candidate, current).is_lt())
    };
    let mut better: Vec<_> = present.iter().copied().filter(is_better).collect();
    better.sort_by(|a, b| compare(a, b));
    if let Some(best) = better.first()
        && says(group.lease, strategy, Some(best.name()))
    {
        let why = format!("{holder} leads and has been asked to make room for {}", best.name());
        return Verdict::rest(why, Some(until));
    }
    if !better.is_empty() && now < group.seen.correctable() {
        let wait = group.seen.correctable().min(until);
        return Verdict::rest(format!("{holder} leads and does not make room"), Some(wait));
    }
    match first(&better, now, began) {
        First::There(best) => {
            let why = format!("{holder} leads, but {} is better", best.name());
            correct(now, group, strategy, Some(best.name()), until, why)
        }
        First::Ask(names) => ask(names, now, began),
        First::Wait(at) => Verdict::rest("waits for answers", Some(at.min(until))).within(began),
        First::Nobody => settled(now, group, valid, strategy, holder, until),
    }
}

/// The best candidate leads. What was wiped is restored, and who has long been quiet is asked.
fn settled(
    now: Monotonic,
    group: &Group<'_>,
    valid: &[&Candidate],
    strategy: &str,
    holder: &str,
    until: Monotonic,
) -> Verdict {
    let quiet: Vec<_> = valid
        .iter()
        .filter(|candidate| candidate.is_quiet(now) && candidate.standing(now, now) == Standing::Unknown)
        .map(|candidate| candidate.name().to_owned())
        .collect();
    if !quiet.is_empty() {
        return Verdict::step(Step::Ping(quiet), "asks candidates that have long been quiet");
    }
    if !says(group.lease, strategy, None) {
        let why = format!("{holder} leads; what clients wiped is restored");
        return correct(now, group, strategy, None, until, why);
    }
    Verdict::rest(format!("{holder} leads"), wake(now, valid, until))
}

/// Nobody leads. Those who may win are asked, and the best of those who answer gets the lease.
fn open(now: Monotonic, group: &Group<'_>, valid: &[&Candidate]) -> Verdict {
    let began = group.seen.round.unwrap_or(now);
    let present = present(valid, now, began);
    if present.is_empty() {
        let again = valid
            .iter()
            .filter_map(|candidate| match candidate.standing(now, began) {
                Standing::Silent(again) => Some(again),
                _ => None,
            });
        return Verdict::rest("nobody leads, and no candidate answers", again.min()).failed(Failed::Unanswered);
    }
    let agreed = present
        .windows(2)
        .all(|pair| pair[0].object.spec.strategy == pair[1].object.spec.strategy);
    let strategy = match strategy(&present) {
        Ok(Some(strategy)) if agreed => strategy,
        // Who is not there has no say: it takes everybody's answer.
        _ => match first_of_all(&present, now, began) {
            First::Ask(names) => return ask(names, now, began),
            First::Wait(at) => return Verdict::rest("waits for answers", Some(at)).within(began),
            First::There(_) | First::Nobody => match strategy(&present) {
                Ok(strategy) => strategy.unwrap_or_default(),
                Err(conflict) => return at_odds(&conflict, None).failed(Failed::Conflict),
            },
        },
    };
    if strategy != OLDEST_EMULATION_VERSION && group.lease.is_some() {
        return leave_to_others(now, group, strategy, began + ANSWER);
    }
    let mut ranked: Vec<_> = present.iter().copied().filter(|it| it.versions.is_some()).collect();
    let last = |it: &Candidate| group.seen.comes_last(it.name(), it.heard, now);
    ranked.sort_by(|a, b| last(a).cmp(&last(b)).then_with(|| compare(a, b)));
    if strategy != OLDEST_EMULATION_VERSION {
        ranked.clone_from(&present);
    }
    match first(&ranked, now, began) {
        First::There(best) => give(group, strategy, best),
        First::Ask(names) => ask(names, now, began),
        First::Wait(at) => Verdict::rest("nobody leads; waits for answers", Some(at)).within(began),
        First::Nobody => Verdict::rest("nobody leads, and no candidate has versions that can be read", None),
    }
}

fn give(group: &Group<'_>, strategy: &str, best: &Candidate) -> Verdict {
    let strategy = strategy.to_owned();
    let holder = best.name().to_owned();
    let is_ours = strategy == OLDEST_EMULATION_VERSION;
    let why = format!("gives the lease to {holder}");
    match group.lease {
        Some(_) => Verdict::step(Step::Give { strategy, holder }, why),
        None if is_ours => Verdict::step(
            Step::Create {
                strategy,
                holder: Some(holder),
            },
            why,
        ),
        None => {
            let why = format!("makes the lease for {strategy} to fill");
            Verdict::step(Step::Create { strategy, holder: None }, why)
        }
    }
}

/// A strategy that is somebody else's to carry out: the lease says so, and that is all.
fn leave_to_others(now: Monotonic, group: &Group<'_>, strategy: &str, until: Monotonic) -> Verdict {
    let why = format!("{strategy} chooses");
    let spec = group.lease.map(|lease| &lease.spec);
    if spec.is_some_and(|spec| spec.strategy.as_deref() == Some(strategy)) {
        return Verdict::rest(why, None);
    }
    let preferred = spec.and_then(|spec| spec.preferred_holder.as_deref());
    correct(now, group, strategy, preferred, until, why)
}

/// Sets fields of ours right, unless that has just been done in vain.
fn correct(
    now: Monotonic,
    group: &Group<'_>,
    strategy: &str,
    preferred: Option<&str>,
    until: Monotonic,
    why: String,
) -> Verdict {
    let from = group.seen.correctable();
    if now < from {
        return Verdict::rest(why, Some(from.min(until).max(now + ANSWER)));
    }
    let step = Step::Correct {
        strategy: strategy.to_owned(),
        preferred: preferred.map(str::to_owned),
    };
    Verdict::step(step, why)
}

/// Two of the newest candidates differ. Nothing is done until one of them goes or changes.
fn at_odds(conflict: &Conflict, wake: Option<Monotonic>) -> Verdict {
    let [a, b] = &conflict.candidates;
    Verdict::rest(
        format!("candidates {a} and {b} have the same version and want different strategies"),
        wake,
    )
}

fn ask(names: Vec<String>, now: Monotonic, began: Monotonic) -> Verdict {
    let why = format!("asks {} candidates whether they are there", names.len());
    Verdict {
        wake: Some(now + ANSWER),
        ..Verdict::step(Step::Ping(names), why).within(began)
    }
}

/// Whether the lease says this about how it is to be held.
fn says(lease: Option<&Lease>, strategy: &str, preferred: Option<&str>) -> bool {
    lease.is_some_and(|lease| {
        let told = lease.spec.preferred_holder.as_deref().filter(|told| !told.is_empty());
        lease.spec.strategy.as_deref() == Some(strategy) && told == preferred
    })
}

/// All but those that were asked and did not answer.
fn present<'a>(valid: &[&'a Candidate], now: Monotonic, began: Monotonic) -> Vec<&'a Candidate> {
    let silent = |it: &&Candidate| matches!(it.standing(now, began), Standing::Silent(_));
    valid.iter().copied().filter(|candidate| !silent(candidate)).collect()
}

/// When something is due though nothing changes, while somebody leads.
fn wake(now: Monotonic, valid: &[&Candidate], until: Monotonic) -> Option<Monotonic> {
    valid.iter().map(|candidate| candidate.due(now)).chain([until]).min()
}

/// How the search for the first that is there has come out.
enum First<'a> {
    There(&'a Candidate),
    /// That depends on these.
    Ask(Vec<String>),
    Wait(Monotonic),
    Nobody,
}

/// The first that is there, where it is known of all before it that they are not.
fn first<'a>(ranked: &[&'a Candidate], now: Monotonic, began: Monotonic) -> First<'a> {
    let there = |it: &Candidate| it.standing(now, began) == Standing::Answered;
    let end = ranked.iter().position(|candidate| there(candidate));
    match first_of_all(&ranked[..end.unwrap_or(ranked.len())], now, began) {
        First::Nobody => end.map_or(First::Nobody, |end| First::There(ranked[end])),
        undecided => undecided,
    }
}

/// Whether it is known of all of these whether they are there.
fn first_of_all<'a>(candidates: &[&'a Candidate], now: Monotonic, began: Monotonic) -> First<'a> {
    let mut unknown = Vec::new();
    let mut until = None;
    for candidate in candidates {
        match candidate.standing(now, began) {
            Standing::Unknown => unknown.push(candidate.name().to_owned()),
            Standing::Asked(at) => until = until.max(Some(at)),
            Standing::Answered | Standing::Silent(_) => {}
        }
    }
    match until {
        _ if !unknown.is_empty() => First::Ask(unknown),
        Some(at) => First::Wait(at),
        None => First::Nobody,
    }
}

#[cfg(test)]
#[path = "decide_tests.rs"]
mod tests;
