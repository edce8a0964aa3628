//! The proof of leading, for as long as it lasts.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use leasehold_clock::{Clock, Monotonic};
use tokio::sync::{mpsc, watch};

use crate::guards::{Guards, WorkGuard};
use crate::{LeaseName, Loss, Token};

/// One term of one leader. Clones are the same term.
///
/// [`Leadership::is_valid`] needs no task to run: it compares the clock with a number. So it is right, too, when the
/// runtime is starved, the API is away, or the machine comes back from suspend. What it cannot cover is the time between
/// asking and acting; for that there is [`Leadership::token`].
#[derive(Clone)]
pub struct Leadership {
    term: Arc<Term>,
}

/// What the driver and the program share of a term.
struct Term {
    lease: LeaseName,
    identity: Arc<str>,
    token: Token,
    clock: Arc<dyn Clock>,
    lease_uid: String,
    /// Nanoseconds on the clock; 0 once revoked, and never raised from there.
    valid_until: AtomicU64,
    /// When it was revoked, the same way; 0 before.
    revoked_at: AtomicU64,
    phase: watch::Sender<Phase>,
    guards: Guards,
    step_down: mpsc::Sender<(Token, Loss)>,
}

/// What a term begins with.
pub(crate) struct Begin {
    pub(crate) lease: LeaseName,
    pub(crate) lease_uid: String,
    pub(crate) identity: Arc<str>,
    pub(crate) token: Token,
    pub(crate) valid_until: Monotonic,
}

/// How far a term has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Work may run.
    Working,
    /// Work has to end by then.
    Stopping(Loss, Monotonic),
}

/// There is no valid leadership: the side effect must not happen.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not leading: {0}")]
pub struct NotLeading(pub Loss);

impl Leadership {
    pub(crate) fn new(begin: Begin, clock: Arc<dyn Clock>, step_down: mpsc::Sender<(Token, Loss)>) -> Self {
        Self {
            term: Arc::new(Term {
                lease: begin.lease,
                identity: begin.identity,
                token: begin.token,
                lease_uid: begin.lease_uid,
                clock,
                valid_until: AtomicU64::new(nanos(begin.valid_until)),
                revoked_at: AtomicU64::new(0),
                phase: watch::Sender::new(Phase::Working),
                guards: Guards::default(),
                step_down,
            }),
        }
    }

    /// The fencing token of this term: higher than that of every earlier term of this lease.
    #[must_use]
    pub fn token(&self) -> Token {
        self.term.token
    }

    /// Who leads: this candidate's identity.
    #[must_use]
    pub fn identity(&self) -> &str {
        &self.term.identity
    }

    /// The lease.
    #[must_use]
    pub fn lease(&self) -> &LeaseName {
        &self.term.lease
    }

    /// Whether no other candidate can be leading now, under the assumptions of the crate's documentation. False from the
    /// instant validity ends, and never true again afterwards.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        nanos(self.term.clock.now()) < self.term.valid_until.load(Ordering::Acquire)
    }

    /// When validity ends unless it is prolonged, on the clock of this process; `None` once it was revoked.
    #[must_use]
    pub fn valid_until(&self) -> Option<Monotonic> {
        let nanos = self.term.valid_until.load(Ordering::Acquire);
        (nanos > 0).then(|| Monotonic(Duration::from_nanos(nanos)))
    }

    /// How long the term stays valid without another renewal; nothing once it is over.
    #[must_use]
    pub fn time_left(&self) -> Duration {
        self.valid_until()
            .map_or(Duration::ZERO, |until| until.since(self.term.clock.now()))
    }

    /// [`Leadership::is_valid`] as a result, for use with `?` right before a side effect.
    ///
    /// # Errors
    /// When the term is not valid any more.
    pub fn check(&self) -> Result<(), NotLeading> {
        if self.is_valid() {
            return Ok(());
        }
        Err(NotLeading(self.loss().unwrap_or(Loss::Expired)))
    }

    /// Why guarded work has to stop, if it has to.
    #[must_use]
    pub fn loss(&self) -> Option<Loss> {
        match &*self.term.phase.borrow() {
            Phase::Working => None,
            Phase::Stopping(loss, _) => Some(loss.clone()),
        }
    }

    /// Returns when guarded work has to stop, at once if it has to already. The term may still be valid then, so that the
    /// work has time to end cleanly. Cancel safe.
    pub async fn lost(&self) -> Loss {
        let mut phase = self.term.phase.subscribe();
        loop {
            if let Phase::Stopping(loss, _) = &*phase.borrow_and_update() {
                return loss.clone();
            }
            if phase.changed().await.is_err() {
                return Loss::Stopped;
            }
        }
    }

    /// Asks for the end of this term: work is stopped, then the lease is released, then the election goes on. Does nothing
    /// once the term has ended.
    pub fn step_down(&self) {
        self.step_down_because(Loss::SteppedDown);
    }

    pub(crate) fn step_down_because(&self, reason: Loss) {
        // Full: the driver has such a request already. Closed: there is no driver, and so no term.
        let _ = self.term.step_down.try_send((self.term.token, reason));
    }

    /// Keeps the lease from being released while this guard lives, within the election's bounds. Take one for each piece of
    /// work that [`crate::Elector::run`] does not run itself.
    ///
    /// # Errors
    /// When work has to stop already: there is no time to begin any.
    pub fn guard(&self) -> Result<WorkGuard, NotLeading> {
        let refused = || NotLeading(self.loss().unwrap_or(Loss::Expired));
        self.term.guards.take().ok_or_else(refused)
    }

    pub(crate) fn extend(&self, valid_until: Monotonic) {
        let until = nanos(valid_until);
        // Not from 0: a revoked term stays revoked.
        let _ = self
            .term
            .valid_until
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |now| {
                (now > 0).then_some(now.max(until))
            });
    }

    pub(crate) fn revoke(&self) {
        let until = self.term.valid_until.swap(0, Ordering::AcqRel);
        if until > 0 {
            let over = until.min(nanos(self.term.clock.now()));
            self.term.revoked_at.store(over, Ordering::Release);
        }
    }

    /// How long the term has been over, if it is.
    pub(crate) fn over_for(&self) -> Option<Duration> {
        let since = match self.term.valid_until.load(Ordering::Acquire) {
            0 => self.term.revoked_at.load(Ordering::Acquire),
            until => until,
        };
        let now = nanos(self.term.clock.now());
        now.checked_sub(since).map(Duration::from_nanos)
    }

    /// Whether a guard of it is left.
    pub(crate) fn is_worked_on(&self) -> bool {
        self.term.guards.any()
    }

    pub(crate) fn lease_uid(&self) -> &str {
        &self.term.lease_uid
    }

    /// Tells work to stop, and lets none begin.
    pub(crate) fn stop_work(&self, reason: Loss, end_by: Monotonic) {
        self.term.guards.close();
        self.term.phase.send_replace(Phase::Stopping(reason, end_by));
    }

    pub(crate) fn phase(&self) -> watch::Receiver<Phase> {
        self.term.phase.subscribe()
    }

    /// Returns when work was told to stop and no guard is left.
    pub(crate) async fn work_ended(&self) {
        self.term.guards.gone().await;
    }
}

impl fmt::Debug for Leadership {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Leadership")
            .field("lease", &self.term.lease)
            .field("identity", &self.term.identity)
            .field("token", &self.term.token)
            .field("valid", &self.is_valid())
            .finish_non_exhaustive()
    }
}

/// Nanoseconds of a point in time; 584 years fit.
fn nanos(at: Monotonic) -> u64 {
    u64::try_from(at.0.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use leasehold_clock::SimulatedClock;

    use super::*;

    #[test]
    fn a_term_ends_by_the_clock_alone_and_a_revoked_one_stays_revoked() {
        let clock = Arc::new(SimulatedClock::default());
        let after = |seconds| clock.now() + Duration::from_secs(seconds);
        let begin = Begin {
            lease: LeaseName::new("ns", "l"),
            lease_uid: "u".to_owned(),
            identity: "me".into(),
            token: Token(1),
            valid_until: after(10),
        };
        let leadership = Leadership::new(begin, clock.clone(), mpsc::channel(1).0);
        clock.advance(Duration::from_secs(9));
        assert!(leadership.is_valid());
        leadership.extend(after(2));
        leadership.extend(after(1));
        assert_eq!(
            leadership.time_left(),
            Duration::from_secs(2),
            "an earlier end shortens nothing"
        );
        clock.advance(Duration::from_secs(2));
        assert!(!leadership.is_valid(), "its last moment is not part of it");
        assert_eq!(leadership.check(), Err(NotLeading(Loss::Expired)));
        leadership.revoke();
        leadership.extend(after(10));
        assert!(!leadership.is_valid() && leadership.valid_until().is_none());
        clock.advance(Duration::from_secs(5));
        assert_eq!(leadership.over_for(), Some(Duration::from_secs(5)));
    }
}
