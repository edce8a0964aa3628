//! Many runs: seeds shared out over threads until there are enough terms, and controls until they are caught.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::controls::Control;
use crate::figures::{Caught, Figures};
use crate::plan::{ElectorKind, Plan, profile_of};
use crate::{Report, simulate};

/// Seeds that a control may use up before it counts as not caught.
const SEEDS_MAX: u64 = 200;
/// How often each control is to be caught, each time from another seed on.
const TRIALS: u64 = 15;
/// Seeds that the control without a flaw has to pass.
const SEEDS_SOUND: u64 = 60;

/// A seed under which a promise was broken.
pub struct Failure {
    /// What was run.
    pub plan: Plan,
    /// The violations, a line each.
    pub told: Vec<String>,
}

/// Runs the shipped elector from seed `first` on, until it has had so many terms or a promise was broken.
///
/// # Panics
/// When a thread cannot be started.
#[must_use]
pub fn shipped(first: u64, terms: u64, threads: usize) -> (Figures, Vec<Failure>) {
    let next = AtomicU64::new(first);
    let enough = AtomicBool::new(false);
    let total = Mutex::new((Figures::default(), Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..threads.max(1) {
            scope.spawn(|| {
                while !enough.load(Ordering::Relaxed) {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    let plan = Plan::new(seed, ElectorKind::Shipped, profile_of(seed));
                    let report = simulate(&plan, false);
                    let mut total = total.lock().expect("no thread panics while it adds up");
                    total.0.add(&plan, &report);
                    total.1.extend(failure(plan, &report));
                    if total.0.terms >= terms || !total.1.is_empty() {
                        enough.store(true, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    total.into_inner().expect("no thread panics while it adds up")
}

/// What a report complains of, if anything.
#[must_use]
pub fn failure(plan: Plan, report: &Report) -> Option<Failure> {
    let told: Vec<String> = report.violations.iter().map(ToString::to_string).collect();
    (!told.is_empty()).then_some(Failure { plan, told })
}

/// Runs a control, again and again from different seeds, and says how soon it is caught. One that must pass is caught when
/// it fails.
#[must_use]
pub fn control(control: &Control) -> Caught {
    let Some(rule) = control.caught_by else {
        let failed = (0..SEEDS_SOUND).find_map(|seed| {
            let plan = Plan::new(seed, control.elector, control.profile);
            failure(plan.clone(), &simulate(&plan, false))
        });
        return Caught::sound(control.name, SEEDS_SOUND, failed.map(|failure| failure.told.join("; ")));
    };
    let mut seeds_to_catch: Vec<Option<u64>> = (0..TRIALS)
        .map(|trial| {
            (0..SEEDS_MAX).find(|seed| {
                let plan = Plan::new(trial * SEEDS_MAX + seed, control.elector, control.profile);
                let report = simulate(&plan, false);
                report.violations.iter().any(|violation| violation.rule == rule)
            })
        })
        .collect();
    // Those that were never caught come last.
    seeds_to_catch.sort_by_key(|seeds| seeds.unwrap_or(u64::MAX));
    Caught::flawed(control.name, rule, &seeds_to_catch)
}
