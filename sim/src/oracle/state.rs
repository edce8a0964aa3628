//! What the oracle remembers, and the rules about terms.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::fence::Fence;
use super::handover::HandOvers;
use super::{Rule, TOLD_LATE_MAX, TermId, Violation};
use crate::term::Term;
use crate::time::Nanos;
use crate::world::{ProcessId, World};

/// Violations that are told of one run: those after them have the same cause.
const TOLD: usize = 20;

/// Everything.
#[derive(Default)]
pub(super) struct State {
    pub(super) identities: BTreeMap<String, ProcessId>,
    /// Changes of the lease's holder, in the order of the server.
    pub(super) acquisitions: Vec<Acquisition>,
    /// Terms of acquisitions before this one were cut short by a third party.
    pub(super) cut: usize,
    /// The lease's holder, if it is a process of ours.
    pub(super) held_by: Option<ProcessId>,
    pub(super) terms: Vec<Held>,
    /// Terms that may still be valid.
    pub(super) live: Vec<(ProcessId, TermId, Arc<dyn Term>)>,
    pub(super) fence: Fence,
    pub(super) handovers: HandOvers,
    pub(super) counts: Counts,
    pub(super) violations: Vec<Violation>,
    /// When somebody was seen to be valid last.
    pub(super) valid_at: Nanos,
    /// The term that was valid last.
    last_valid: Option<TermId>,
}

/// Somebody has become the holder: a process, or a third party.
pub(super) struct Acquisition {
    pub(super) process: Option<ProcessId>,
}

/// A term, as far as it is remembered after its end.
pub(super) struct Held {
    pub(super) process: ProcessId,
    pub(super) token: u64,
    /// Which acquisition it belongs to.
    pub(super) acquisition: usize,
    pub(super) working: bool,
    pub(super) told: bool,
    /// When its validity ends or has ended, in true time.
    pub(super) ended: Option<Nanos>,
    /// Its validity has ended because it was not prolonged, and not because it was given up.
    pub(super) lapsed: bool,
    /// Its lease was released, before or after: others need not have waited.
    pub(super) given_back: bool,
}

/// What happened in a run, so that a pass means something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Terms whose work began.
    pub terms: u64,
    /// Times at which a third party deleted or edited the lease.
    pub cut: u64,
    /// Writes that the fenced resource took.
    pub writes: u64,
    /// Writes that it refused.
    pub refused: u64,
    /// Writes sent by work that had looked at its leadership, then slept, and did not lead any more.
    pub writes_of_frozen: u64,
    /// Nanoseconds from the end of one leader's validity to the beginning of the next one's, at least, where others had to
    /// wait for it.
    pub closest: Option<u64>,
}

impl State {
    pub(super) fn violation(&mut self, at: Nanos, rule: Rule, what: String) {
        if self.violations.len() < TOLD {
            self.violations.push(Violation { rule, at, what });
        }
    }

    pub(super) fn holder(&self) -> Option<ProcessId> {
        self.held_by
    }

    pub(super) fn last_acquisition_of(&self, process: ProcessId) -> Option<usize> {
        self.acquisitions
            .iter()
            .rposition(|acquisition| acquisition.process == Some(process))
    }

    pub(super) fn is_cut(&self, term: TermId) -> bool {
        self.terms[term.0].acquisition < self.cut
    }

    /// A token must be above those of earlier acquisitions and below those of later ones.
    pub(super) fn judge_token(&mut self, now: Nanos, process: ProcessId, token: u64, acquisition: Option<usize>) {
        let Some(acquisition) = acquisition else { return };
        let wrong = self
            .terms
            .iter()
            .find(|other| match other.acquisition.cmp(&acquisition) {
                std::cmp::Ordering::Less => other.token >= token,
                std::cmp::Ordering::Equal => other.token > token,
                std::cmp::Ordering::Greater => other.token <= token,
            });
        if let Some(other) = wrong {
            let what = format!(
                "{process:?} leads with token {token} (acquisition {acquisition}), {:?} had {} (acquisition {})",
                other.process, other.token, other.acquisition
            );
            self.violation(now, Rule::TokenNotHigher, what);
        }
    }

    pub(super) fn overlap(&mut self, now: Nanos, one: TermId, other: TermId) {
        let tell = |held: &Held| {
            let until = held
                .ended
                .map_or_else(|| "ever".to_owned(), |at| format!("{} ns", at - now));
            format!("{:?} with token {} for {until}", held.process, held.token)
        };
        let what = format!("{} and {}", tell(&self.terms[one.0]), tell(&self.terms[other.0]));
        self.violation(now, Rule::Overlap, what);
    }

    /// A term that is not valid: its work must have been told, unless its node slept.
    pub(super) fn look_after_the_end(&mut self, now: Nanos, term: TermId, world: &World) {
        let held = &mut self.terms[term.0];
        held.lapsed |= held.ended.is_some_and(|ended| ended <= now);
        let ended = held.ended.map_or(now, |ended| ended.min(now));
        held.ended = Some(ended);
        if held.told || !held.working {
            return;
        }
        let (awake, woke_at) = {
            let world = world.lock();
            let node = world.node_of(held.process);
            (!world.is_asleep(node), world.nodes[node].woke_at)
        };
        if awake && now > ended.max(woke_at) + TOLD_LATE_MAX {
            let what = format!(
                "the work of {:?}, whose validity ended {} ns ago",
                held.process,
                now - ended
            );
            // Once is enough.
            held.told = true;
            self.violation(now, Rule::LossNotTold, what);
        }
    }

    /// A process releases what it holds.
    pub(super) fn given_back(&mut self, process: ProcessId) {
        let terms = self.terms.iter_mut().rev();
        terms
            .filter(|held| held.process == process)
            .take(1)
            .for_each(|held| held.given_back = true);
    }

    /// How close a term that has just become valid comes to the end of the one before.
    pub(super) fn note_margin(&mut self, now: Nanos, valid: Option<TermId>) {
        let Some(valid) = valid else { return };
        let Some(last) = self.last_valid.replace(valid) else {
            return;
        };
        let (last, next) = (&self.terms[last.0], &self.terms[valid.0]);
        if last.process == next.process || last.acquisition < self.cut || !last.lapsed || last.given_back {
            return;
        }
        if let Some(gap) = last.ended.and_then(|ended| now.checked_sub(ended)) {
            let closest = self.counts.closest.get_or_insert(gap);
            *closest = gap.min(*closest);
        }
    }

    /// Terms that a later one of the same process has replaced are not looked at any more.
    pub(super) fn forget_the_past(&mut self) {
        let live = &self.live;
        let replaced = |at: usize| live[at + 1..].iter().any(|(process, ..)| *process == live[at].0);
        if let Some(at) = (0..live.len()).find(|at| replaced(*at) && !live[*at].2.is_valid()) {
            self.live.remove(at);
        }
    }
}
