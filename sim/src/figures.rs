//! The figures of a run.

use std::fmt;

use serde::Serialize;

use crate::plan::Plan;
use crate::{Bounds, Counts, Report, Rule};

/// What was simulated, and what was found.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Figures {
    /// Runs, each of a seed of its own.
    pub seeds: u64,
    /// Terms whose work began.
    pub terms: u64,
    /// Requests that the server got.
    pub requests: u64,
    /// Pairs of terms that were valid at one moment.
    pub overlaps: u64,
    /// Broken promises, overlaps included.
    pub violations: u64,
    /// Times at which a third party deleted or edited the lease.
    pub cut_short: u64,
    /// Writes of terms that were not valid any more, by work that had looked while they were.
    pub frozen_writes: u64,
    /// Writes that the fence refused.
    pub refused_writes: u64,
    /// Writes that it took.
    pub accepted_writes: u64,
    /// Milliseconds from the end of one leader's validity to the beginning of the next one's, at least, where others had to wait for it.
    pub closest_ms: Option<f64>,
    /// From a leader's death to the next one's work.
    pub after_crash: HandOver,
    /// From sending a release to the next one's work.
    pub after_release: HandOver,
    /// Electors that are wrong on purpose.
    pub controls: Vec<Caught>,
    /// How long all this took.
    pub seconds: u64,
}

/// How long hand-overs took: shares of their bound, in percent.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HandOver {
    /// How many were measured.
    pub count: usize,
    /// Half of them took at most this.
    pub p50_percent: f64,
    /// All but one of a hundred did.
    pub p99_percent: f64,
    /// All of them did.
    pub max_percent: f64,
    #[serde(skip)]
    shares: Vec<f64>,
}

/// A control, and how soon it was caught.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Caught {
    /// The control.
    pub name: &'static str,
    /// The rule that must catch it; none where it must pass.
    pub rule: Option<Rule>,
    /// Whether everything was as it must be.
    pub as_expected: bool,
    /// Seeds until it was caught, in the median; or seeds that it passed.
    pub seeds: u64,
    /// What went wrong.
    pub told: Option<String>,
}

impl Figures {
    /// Adds a run.
    pub fn add(&mut self, plan: &Plan, report: &Report) {
        let Counts {
            terms,
            cut,
            writes,
            refused,
            writes_of_frozen,
            closest,
        } = report.counts;
        self.seeds += 1;
        self.terms += terms;
        self.requests += report.requests;
        self.cut_short += cut;
        self.accepted_writes += writes;
        self.refused_writes += refused;
        self.frozen_writes += writes_of_frozen;
        self.violations += report.violations.len() as u64;
        self.overlaps += report
            .violations
            .iter()
            .filter(|found| found.rule == Rule::Overlap)
            .count() as u64;
        let closest = closest.map(milliseconds);
        self.closest_ms = [self.closest_ms, closest].into_iter().flatten().reduce(f64::min);
        let bounds = Bounds::of(plan);
        self.after_crash.add(&report.hand_overs.after_crash, bounds.after_crash);
        self.after_release
            .add(&report.hand_overs.after_release, bounds.after_release);
    }

    /// Works out what needs all runs.
    pub fn finish(&mut self) {
        self.after_crash.finish();
        self.after_release.finish();
    }

    /// Whether nothing is as it must not be.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.violations == 0 && self.controls.iter().all(|control| control.as_expected)
    }
}

impl HandOver {
    fn add(&mut self, took: &[u64], bound: u64) {
        self.shares.extend(
            took.iter()
                .map(|took| 100.0 * milliseconds(*took) / milliseconds(bound)),
        );
    }

    fn finish(&mut self) {
        self.shares.sort_by(f64::total_cmp);
        let at = |share: usize| {
            let index = (self.shares.len().saturating_sub(1)) * share / 100;
            self.shares
                .get(index)
                .map_or(0.0, |share| (share * 10.0).round() / 10.0)
        };
        (self.p50_percent, self.p99_percent, self.max_percent) = (at(50), at(99), at(100));
        self.count = self.shares.len();
    }
}

impl Caught {
    /// A control that has to pass, and what it failed by.
    #[must_use]
    pub fn sound(name: &'static str, seeds: u64, failed: Option<String>) -> Self {
        Self {
            name,
            rule: None,
            as_expected: failed.is_none(),
            seeds,
            told: failed,
        }
    }

    /// A control that has to be caught: for each trial, how many seeds passed before; sorted, what was not caught last.
    #[must_use]
    pub fn flawed(name: &'static str, rule: Rule, seeds_to_catch: &[Option<u64>]) -> Self {
        let missed = seeds_to_catch.iter().filter(|seeds| seeds.is_none()).count();
        let median = seeds_to_catch.get(seeds_to_catch.len() / 2).copied().flatten();
        Self {
            name,
            rule: Some(rule),
            as_expected: missed == 0,
            seeds: median.map_or(0, |seeds| seeds + 1),
            told: (missed > 0).then(|| format!("not caught in {missed} of {} trials", seeds_to_catch.len())),
        }
    }
}

impl fmt::Display for Caught {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, seeds, .. } = self;
        match (&self.told, self.rule) {
            (Some(told), _) => write!(f, "WRONG   {name}: {told}"),
            (None, Some(rule)) => write!(f, "caught  {name}: {rule:?}, median {seeds} seeds"),
            (None, None) => write!(f, "passes  {name}: {seeds} seeds"),
        }
    }
}

impl fmt::Display for HandOver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            count,
            p50_percent,
            p99_percent,
            max_percent,
            ..
        } = self;
        write!(
            f,
            "{count}, p50 {p50_percent} %, p99 {p99_percent} %, max {max_percent} % of the bound"
        )
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let caught = self.controls.iter().filter(|control| control.as_expected).count();
        write!(
            f,
            "sim: {} terms, {} seeds, {} requests in {} s; {} overlaps, {} violations; closest {:.1} ms; {} cut short; {} \
             writes accepted, {} refused, {} of the frozen; controls {caught}/{} as they must be\n     hand-over after a \
             death: {}\n     hand-over after a release: {}",
            self.terms,
            self.seeds,
            self.requests,
            self.seconds,
            self.overlaps,
            self.violations,
            self.closest_ms.unwrap_or(f64::INFINITY),
            self.cut_short,
            self.accepted_writes,
            self.refused_writes,
            self.frozen_writes,
            self.controls.len(),
            self.after_crash,
            self.after_release,
        )
    }
}

#[expect(clippy::cast_precision_loss, reason = "a figure for people, of times below 2^52 ns")]
fn milliseconds(nanos: u64) -> f64 {
    nanos as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_trial_that_was_not_caught_is_one_too_many() {
        let caught = |trials: &[Option<u64>]| Caught::flawed("x", Rule::Overlap, trials);
        assert!(caught(&[Some(0), Some(2), Some(9)]).as_expected);
        assert_eq!(caught(&[Some(0), Some(2), Some(9)]).seeds, 3);
        assert!(!caught(&[Some(0), Some(2), None]).as_expected);
    }
}
