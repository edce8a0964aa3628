//! The rules of an election, without any I/O: what happened goes in, what is to be done comes out.
//!
//! [`Machine`] holds one candidate's view of one lease. It sends at most one request at a time, decides by the monotonic
//! clock alone, and can be driven by hand: feed [`Input`]s to [`Machine::handle`], carry out the [`Action`]s in order, and
//! come back by [`Machine::wake_at`]. It never waits, and knows nothing of tasks.
//!
//! A candidate goes round: `following` until the lease may be taken, `leading` until the term is lost or given up and all
//! work has ended, `releasing` to give back what is still ours. [`crate::timers`] proves that two cannot lead at once; what
//! the proof needs of this module is
//!
//! - that validity is counted from before a write was sent, and only for a write that is known to be in the lease;
//! - that a lease held by another is taken only after its record was seen unchanged for the duration it names, and only by
//!   a write that fails if the lease was touched since;
//! - that every write differs from every other, by its stamp, so that a renewal is always seen as a change;
//! - that a write without an answer is taken neither for done nor for failed (`view`).

mod following;
mod io;
mod leading;
mod releasing;
#[cfg(test)]
mod tests;
mod view;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

pub use io::{Action, Input, Now, Purpose, Request, RequestId, Sight};
use leasehold_api::coordination::Lease;
use leasehold_clock::Monotonic;

use self::following::Following;
use self::leading::Leading;
use self::releasing::Releasing;
use self::view::{View, Whose, Written, version};
use crate::jitter::Jitter;
use crate::stamps::Stamps;
use crate::{ApiFailure, LeaseName, Loss, Record, ServerFault, Timers};

/// What one candidate is set up to do. [`crate::ElectorBuilder`] checks it; used directly, check [`Timers::validate`] first.
#[derive(Clone, Debug)]
pub struct Config {
    /// The lease.
    pub lease: LeaseName,
    /// This candidate; not empty, and unique for each start of the process.
    pub identity: Arc<str>,
    /// The durations.
    pub timers: Timers,
    /// Labels put on the lease with a term's first write.
    pub labels: BTreeMap<String, String>,
    /// Whether the lease is given back at the end of a term.
    pub release: bool,
    /// How long work may take to end while the lease is held.
    pub stop_grace: Duration,
    /// How long work may take to end once renewals have failed or the lease is gone.
    pub loss_grace: Duration,
    /// Who decides who leads.
    pub mode: Mode,
    /// Of the jitter.
    pub seed: u64,
}

/// Who decides who leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The candidates: whoever takes the vacant lease first.
    Classic,
    /// The server, by writing a candidate's identity into the lease.
    Coordinated,
}

/// One candidate's part in the election for one lease.
#[derive(Debug)]
pub struct Machine {
    config: Config,
    stamps: Stamps,
    jitter: Jitter,
    view: View,
    written: Written,
    /// The highest resourceVersion in any answer: a token must be above it.
    highest: u64,
    watching: bool,
    stopping: bool,
    fault: Option<ServerFault>,
    pending: Option<Pending>,
    last_request: RequestId,
    role: Role,
    actions: VecDeque<Action>,
}

/// A request under way.
#[derive(Clone, Copy, Debug)]
struct Pending {
    id: RequestId,
    purpose: Purpose,
    sent: Monotonic,
    /// [`Machine::highest`] when it was sent. The watch may tell of a write before its answer comes.
    highest: u64,
}

#[derive(Debug)]
enum Role {
    Following(Following),
    Leading(Leading),
    Releasing(Releasing),
    Done,
}

impl Machine {
    /// A candidate that knows nothing yet. Give it [`Input::Wake`] to begin.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self {
            stamps: Stamps::default(),
            jitter: Jitter(config.seed),
            config,
            view: View::default(),
            written: Written::default(),
            highest: 0,
            watching: false,
            stopping: false,
            fault: None,
            pending: None,
            last_request: RequestId(0),
            role: Role::Following(Following::default()),
            actions: VecDeque::new(),
        }
    }

    /// Takes in what happened; what is to be done about it waits in [`Machine::next_action`].
    pub fn handle(&mut self, now: Now, input: Input) {
        match input {
            Input::Wake => {}
            Input::Reply { request, reply } => self.answered(now.mono, request, reply),
            Input::Seen(sight) => self.saw(now.mono, sight),
            Input::Watching(watching) => self.watching_changed(now.mono, watching),
            Input::StepDown(reason) => self.give_up(now.mono, &reason),
            Input::Stop => {
                self.stopping = true;
                self.give_up(now.mono, &Loss::Stopped);
            }
            Input::WorkEnded => self.work_ended(now),
        }
        self.time_out(now.mono);
        self.advance(now);
    }

    /// The next thing to be done.
    pub fn next_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// When [`Input::Wake`] is due, if nothing happens before.
    #[must_use]
    pub fn wake_at(&self) -> Option<Monotonic> {
        let timeout = self
            .pending
            .map(|pending| pending.sent + self.config.timers.request_timeout);
        let role = match &self.role {
            Role::Following(following) => self.following_wakes(following),
            Role::Leading(leading) => leading.wakes(self.pending.is_some()),
            Role::Releasing(releasing) => Some(releasing.wakes(self.pending.is_some())),
            Role::Done => return None,
        };
        timeout.into_iter().chain(role).min()
    }

    /// Does what the present moment calls for.
    fn advance(&mut self, now: Now) {
        match self.role {
            Role::Following(_) => self.follow(now),
            Role::Leading(_) => self.lead(now),
            Role::Releasing(_) => self.give_back(now),
            Role::Done => {}
        }
    }

    fn time_out(&mut self, now: Monotonic) {
        let timeout = self.config.timers.request_timeout;
        if let Some(pending) = self.pending.filter(|pending| now >= pending.sent + timeout) {
            let failure = ApiFailure::Unknown(format!("no reply within {timeout:?}"));
            self.answered(now, pending.id, Err(failure));
        }
    }

    fn answered(&mut self, now: Monotonic, id: RequestId, reply: Result<Option<Lease>, ApiFailure>) {
        let Some(pending) = self.pending.take_if(|pending| pending.id == id) else {
            return;
        };
        let reply = match reply {
            Ok(None) if pending.purpose != Purpose::Look => {
                Err(ApiFailure::Unknown("the reply to a write has no lease".to_owned()))
            }
            reply => reply,
        };
        match reply {
            Ok(lease) => {
                if !self.is_overtaken(pending, lease.as_ref()) {
                    self.learn(now, lease);
                }
                self.succeeded(now, pending);
            }
            Err(failure) => self.failed(now, pending, failure),
        }
    }

    /// Whether the watch told of something newer while this answer was on its way. An answer that is merely lower than what
    /// was known before it was asked for comes from a server that was restored, and is the truth.
    fn is_overtaken(&self, pending: Pending, answer: Option<&Lease>) -> bool {
        let answered = answer.and_then(version);
        self.highest > pending.highest && answered.is_some_and(|answered| answered < self.highest)
    }

    fn succeeded(&mut self, now: Monotonic, pending: Pending) {
        match self.role {
            Role::Following(_) => self.follower_answered(now, pending),
            Role::Leading(_) => self.leader_answered(pending),
            Role::Releasing(_) => self.releaser_answered(now, pending),
            Role::Done => {}
        }
    }

    fn failed(&mut self, now: Monotonic, pending: Pending, failure: ApiFailure) {
        match self.role {
            Role::Following(_) => self.follower_failed(now, pending, &failure),
            Role::Leading(_) => self.leader_failed(now, pending, &failure),
            Role::Releasing(_) => self.releaser_failed(now, pending, &failure),
            Role::Done => {}
        }
        let purpose = pending.purpose;
        self.actions.push_back(Action::Failed { purpose, failure });
    }

    fn saw(&mut self, now: Monotonic, sight: Sight) {
        if let Sight::Deleted(lease) = &sight {
            self.note_version(lease);
        }
        if !self.view.is_news(&sight) {
            return;
        }
        match sight {
            Sight::Present(lease) => self.learn(now, Some(*lease)),
            Sight::Deleted(_) => self.learn(now, None),
            // A watch that begins may begin a little in the past: enough to try a create by, not to end a term by.
            Sight::Absent if matches!(self.role, Role::Following(_)) => self.learn(now, None),
            Sight::Absent => self.look_again(now),
        }
    }

    /// Takes in what the lease is now, and what follows for a term.
    fn learn(&mut self, now: Monotonic, lease: Option<Lease>) {
        if let Some(lease) = &lease {
            self.note_version(lease);
        }
        let changed = self.view.learn(now, lease);
        match &mut self.role {
            Role::Following(following) if changed => following.lease_changed(now),
            Role::Leading(_) => self.judge(now),
            _ => {}
        }
    }

    fn note_version(&mut self, lease: &Lease) {
        self.highest = self.highest.max(version(lease).unwrap_or(0));
    }

    fn watching_changed(&mut self, now: Monotonic, watching: bool) {
        let lost = std::mem::replace(&mut self.watching, watching) && !watching;
        // A first watch that fails leaves nothing to wait for; what was known when a later one fails is known still.
        let never = !watching && self.last_request == RequestId(0) && matches!(self.view, View::Unknown);
        let pause = self.jitter.pause(self.config.timers.retry_period);
        if let Role::Following(following) = &mut self.role
            && (lost || never)
        {
            following.look_by(if never { now } else { now + pause });
        }
    }

    fn look_again(&mut self, now: Monotonic) {
        match &mut self.role {
            Role::Leading(leading) => leading.look_again(now),
            Role::Releasing(releasing) => releasing.look_again(now),
            Role::Following(_) | Role::Done => {}
        }
    }

    /// Whose doing the lease's record is; `None` when there is no lease.
    fn whose(&self) -> Option<Whose> {
        let seen = self.view.seen()?;
        Some(self.written.whose(&seen.record, &self.config.identity))
    }

    fn send(&mut self, now: Monotonic, purpose: Purpose, request: Request) {
        let id = RequestId(self.last_request.0 + 1);
        self.last_request = id;
        self.pending = Some(Pending {
            id,
            purpose,
            sent: now,
            highest: self.highest,
        });
        self.actions.push_back(Action::Send(id, request));
    }

    fn look(&mut self, now: Monotonic) {
        self.send(now, Purpose::Look, Request::Get);
    }

    /// Sends `record` as the lease's new content, on condition that the lease is still as it was seen.
    fn write(&mut self, now: Monotonic, purpose: Purpose, record: Record) {
        let mut lease = self.view.seen().map(|seen| seen.lease.clone());
        let exists = lease.is_some();
        let lease = lease.get_or_insert_with(|| self.new_lease());
        // The server knows who owns which field, and keeps that when we say nothing of it.
        lease.metadata.managed_fields.clear();
        if purpose == Purpose::Acquire {
            lease.metadata.labels.extend(self.config.labels.clone());
        }
        record.write_to(&mut lease.spec);
        let lease = Box::new(std::mem::take(lease));
        self.written.push(record, now);
        let request = if exists {
            Request::Update(lease)
        } else {
            Request::Create(lease)
        };
        self.send(now, purpose, request);
    }

    fn new_lease(&self) -> Lease {
        let mut lease = Lease::default();
        lease.metadata.namespace.clone_from(&self.config.lease.namespace);
        lease.metadata.name.clone_from(&self.config.lease.name);
        lease
    }

    fn finish(&mut self) {
        self.role = Role::Done;
        self.pending = None;
        let result = self.fault.take().map_or(Ok(()), Err);
        self.actions.push_back(Action::Finish(result));
    }
}
