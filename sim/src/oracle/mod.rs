//! The judge, who knows true time and sees everything.
//!
//! # When two lead
//!
//! A term is held against every other from the moment at which its work could begin, for as long as its `is_valid()` is true.
//! That is a function of the node's clock and of what the elector has stored, so the oracle asks it at any moment, of every
//! term, also of one whose node sleeps and could not ask itself: stricter than what the node could notice. Two intervals
//! overlap exactly when both are valid at the later one's beginning; nothing begins but by an event; so looking after each
//! event, before time goes on, sees every overlap, however short.
//!
//! A term ends with its process. One that a third party cut short, by deleting or editing the lease, is excluded from then
//! on: no elector can know. That is what the fence is for, and it is judged there as any other.
//!
//! # Order of terms
//!
//! Terms are ordered by what the server has made durable: each change of the lease's holder is an [`Acquisition`], and a term
//! belongs to the last one that names its process. Tokens play no part in it, and can therefore be judged by it.

mod fence;
mod handover;
mod rules;
mod state;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use leasehold_api::coordination::Lease;

pub use handover::HandOvers;
pub use rules::{Rule, Violation};
pub use state::Counts;

use crate::server::Committed;
use crate::term::Term;
use crate::time::Nanos;
use crate::trace::Entry;
use crate::world::{ProcessId, World};
use handover::Cause;
use state::{Acquisition, Held, State};

/// A term, in the order in which their work began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct TermId(pub(crate) usize);

/// How long an elector on a machine that is awake may take to tell its work that validity is over: what a timer may be late
/// after a suspend, and a little.
const TOLD_LATE_MAX: Nanos = 1_100_000_000;

/// See the module.
pub(crate) struct Oracle {
    world: Arc<World>,
    state: Mutex<State>,
}

/// Work that is running; dropping it is its end, whatever the way.
pub(crate) struct Working {
    oracle: Arc<Oracle>,
    pub(crate) term: TermId,
}

impl Drop for Working {
    fn drop(&mut self) {
        let mut state = self.oracle.lock();
        let held = &mut state.terms[self.term.0];
        held.working = false;
        let (process, token) = (held.process, held.token);
        drop(state);
        self.oracle.world.lock().note(Entry::WorkEnds(process, token));
    }
}

impl Oracle {
    pub(crate) fn new(world: Arc<World>) -> Arc<Self> {
        Arc::new(Self {
            world,
            state: Mutex::default(),
        })
    }

    /// A process has come to life under this name.
    pub(crate) fn process_starts(&self, process: ProcessId, identity: &str) {
        self.lock().identities.insert(identity.to_owned(), process);
    }

    /// A process is no more. Whether it held the lease decides whether someone has to take over.
    pub(crate) fn process_ends(&self, process: ProcessId) {
        let now = self.world.now();
        let mut state = self.lock();
        if state.holder() == Some(process) {
            // Also when it was about to release: that may have been refused.
            state.handovers.vacant(now, Cause::Crash);
        }
        state.live.retain(|id| id.0 != process);
    }

    /// A term's work begins.
    pub(crate) fn work_begins(self: &Arc<Self>, process: ProcessId, term: Arc<dyn Term>) -> Working {
        let (now, token) = (self.world.now(), term.token());
        self.world.lock().note(Entry::Leads(process, token));
        let mut state = self.lock();
        let acquisition = state.last_acquisition_of(process);
        if acquisition.is_none() {
            state.violation(now, Rule::LedWithoutHolding, format!("{process:?} with token {token}"));
        }
        let id = TermId(state.terms.len());
        state.judge_token(now, process, token, acquisition);
        state.handovers.taken(now);
        state.terms.push(Held {
            process,
            token,
            acquisition: acquisition.unwrap_or(0),
            working: true,
            told: false,
            ended: None,
            lapsed: false,
            given_back: false,
        });
        state.live.push((process, id, term));
        drop(state);
        Working {
            oracle: Arc::clone(self),
            term: id,
        }
    }

    /// The work was told to stop.
    pub(crate) fn work_told(&self, term: TermId) {
        self.lock().terms[term.0].told = true;
    }

    /// An update leaves a process.
    pub(crate) fn sends(&self, process: ProcessId, lease: &Lease) {
        if holder(Some(lease)).is_some() {
            return;
        }
        let now = self.world.now();
        let mut state = self.lock();
        let working = state.terms.iter().find(|held| held.process == process && held.working);
        if let Some(token) = working.map(|held| held.token) {
            let what = format!("{process:?} while the work of token {token} was running");
            state.violation(now, Rule::ReleasedWhileWorking, what);
        }
        state.given_back(process);
        if state.holder() == Some(process) {
            state.handovers.vacant(now, Cause::Release);
        }
    }

    /// A change of the lease has become durable; `by` is nobody for a third party.
    pub(crate) fn committed(&self, change: &Committed, by: Option<ProcessId>) {
        let now = self.world.now();
        let (before, after) = (holder(change.before.as_ref()), holder(change.after.as_ref()));
        let mut state = self.lock();
        let former = before.and_then(|identity| state.identities.get(identity).copied());
        if let (Some(by), Some(former), None) = (by, former, after)
            && by != former
        {
            let what = format!("{by:?} released the lease of {former:?}");
            state.violation(now, Rule::BlankedAnother, what);
        }
        if by.is_none() && cuts_short(change) {
            state.cut = state.acquisitions.len();
            state.counts.cut += 1;
        }
        if let Some(identity) = after
            && before != after
        {
            let process = state.identities.get(identity).copied();
            state.acquisitions.push(Acquisition { process });
            if process.is_some_and(|process| !self.world.lock().is_alive(process)) {
                // A write that outlived its sender.
                state.handovers.vacant(now, Cause::Crash);
            }
        }
        state.held_by = after.and_then(|identity| state.identities.get(identity).copied());
    }

    /// A write of a term reaches the fenced resource.
    pub(crate) fn writes(&self, term: TermId) {
        let now = self.world.now();
        let mut state = self.lock();
        let (process, token) = (state.terms[term.0].process, state.terms[term.0].token);
        let accepted = state.write(now, term);
        drop(state);
        self.world.lock().note(Entry::Writes(process, token, accepted));
    }

    /// A write leaves for the fenced resource: of work that had looked, and may have slept since.
    pub(crate) fn write_leaves(&self, term: TermId) {
        let mut state = self.lock();
        let valid = state.live.iter().any(|(_, id, held)| *id == term && held.is_valid());
        state.counts.writes_of_frozen += u64::from(!valid);
    }

    /// Looks at everything, at a moment at which nothing can run before time goes on.
    pub(crate) fn look(&self) {
        let now = self.world.now();
        let mut state = self.lock();
        let state = &mut *state;
        let mut valid: Option<TermId> = None;
        for index in 0..state.live.len() {
            let (process, id, term) = &state.live[index];
            let (process, id) = (*process, *id);
            if !term.is_valid() {
                state.look_after_the_end(now, id, &self.world);
                continue;
            }
            state.valid_at = now;
            let until = term.valid_until();
            let rate = {
                let world = self.world.lock();
                world.nodes[world.node_of(process)].rate
            };
            state.terms[id.0].ended = until.map(|until| rate.when(until));
            if state.is_cut(id) {
                continue;
            }
            match valid {
                Some(other) => state.overlap(now, other, id),
                None => valid = Some(id),
            }
        }
        state.note_margin(now, valid);
        state.forget_the_past();
    }

    /// Who leads now: whose term is valid, or else who is the lease's holder.
    pub(crate) fn leader(&self) -> Option<ProcessId> {
        let state = self.lock();
        let valid = state.live.iter().find(|(_, _, term)| term.is_valid());
        valid.map(|(process, ..)| *process).or(state.held_by)
    }

    /// The end: in this much time before it, somebody must have led.
    pub(crate) fn somebody_led(&self, within: Nanos) {
        let now = self.world.now();
        let mut state = self.lock();
        if state.valid_at + within < now {
            let what = format!(
                "nobody had led since {} ns, when nothing went wrong any more",
                state.valid_at
            );
            state.violation(now, Rule::NobodyLeads, what);
        }
    }

    /// A promise was broken that only the simulation can see.
    pub(crate) fn complain(&self, rule: Rule, what: String) {
        let now = self.world.now();
        self.lock().violation(now, rule, what);
    }

    /// What was found.
    pub(crate) fn verdict(&self) -> (Vec<Violation>, Counts, HandOvers) {
        let state = self.lock();
        let mut counts = state.counts;
        counts.terms = state.terms.len() as u64;
        (state.violations.clone(), counts, state.handovers.clone())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Who holds a lease, if anybody.
fn holder(lease: Option<&Lease>) -> Option<&str> {
    let holder = lease?.spec.holder_identity.as_deref()?;
    (!holder.is_empty()).then_some(holder)
}

/// Whether a third party has changed what an election is about, and not only a label.
fn cuts_short(change: &Committed) -> bool {
    let spec = |lease: &Option<Lease>| lease.as_ref().map(|lease| lease.spec.clone());
    spec(&change.before) != spec(&change.after)
}
