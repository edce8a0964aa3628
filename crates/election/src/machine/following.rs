//! Waiting for the lease to become free, and taking it.

use leasehold_clock::Monotonic;

use super::leading::Leading;
use super::releasing::Releasing;
use super::{Action, Machine, Mode, Now, Pending, Purpose, Role, View, Whose, version};
use crate::{ApiFailure, Loss, Record, ServerFault, Token};

/// A candidate that does not lead.
#[derive(Debug, Default)]
pub(super) struct Following {
    /// After a term, others come first: nothing is tried before this.
    pub(super) not_before: Monotonic,
    /// After a failure, no write before this.
    write_after: Monotonic,
    /// When to read the lease, unless the watch tells it; `None` before the first moment of this candidate.
    look_at: Option<Monotonic>,
    /// A write met something that is not as we saw it, or its outcome is unknown: read before the next.
    stale: bool,
    /// The holder that was told last; `None` before anything was.
    told: Option<Option<String>>,
}

impl Following {
    /// After a term: not again before then.
    pub(super) fn after_term(not_before: Monotonic) -> Self {
        Self {
            not_before,
            look_at: Some(not_before),
            ..Self::default()
        }
    }

    /// There is something new to try, so that an earlier failure does not matter.
    pub(super) fn lease_changed(&mut self, now: Monotonic) {
        self.write_after = now;
    }

    pub(super) fn look_by(&mut self, at: Monotonic) {
        self.look_at = Some(at);
    }
}

impl Machine {
    pub(super) fn follow(&mut self, now: Now) {
        if self.stopping {
            self.leave(now);
            return;
        }
        self.tell_holder();
        let first_look = now.mono + self.config.timers.retry_period;
        let Role::Following(following) = &mut self.role else {
            return;
        };
        // A watch usually tells the first state sooner than this.
        let look_at = *following.look_at.get_or_insert(first_look);
        let (stale, may_write) = (following.stale, now.mono >= following.write_after);
        if self.pending.is_some() || now.mono < following.not_before {
            return;
        }
        let unknown = stale || matches!(self.view, View::Unknown);
        let free = self.free_at().is_some_and(|at| now.mono >= at);
        if !unknown && free && may_write {
            self.acquire(now);
        } else if (unknown || !self.watching) && now.mono >= look_at {
            self.look(now.mono);
        }
    }

    pub(super) fn following_wakes(&self, following: &Following) -> Option<Monotonic> {
        if self.pending.is_some() {
            return None;
        }
        let unknown = following.stale || matches!(self.view, View::Unknown);
        let look = following.look_at.filter(|_| unknown || !self.watching);
        let write = self
            .free_at()
            .filter(|_| !unknown)
            .map(|at| at.max(following.write_after));
        look.into_iter()
            .chain(write)
            .min()
            .map(|at| at.max(following.not_before))
    }

    /// From when on this candidate may take the lease as it is; `None` when it may not.
    fn free_at(&self) -> Option<Monotonic> {
        let at_once = Some(Monotonic::default());
        let Some(seen) = self.view.seen() else {
            return at_once.filter(|_| self.config.mode == Mode::Classic && matches!(self.view, View::Absent));
        };
        if self.config.mode == Mode::Coordinated {
            return at_once.filter(|_| self.is_elected());
        }
        match self.whose()? {
            // Nobody else can hold what we wrote ourselves, and no work of ours runs.
            Whose::Nobody | Whose::Ours(_) => at_once,
            // A record that names no duration is given ours.
            Whose::Twin | Whose::Other(_) => {
                Some(seen.changed_at + seen.record.duration.unwrap_or(self.config.timers.lease_duration))
            }
        }
    }

    /// Whether the server's coordinated election chose this candidate, and still does.
    fn is_elected(&self) -> bool {
        let holds = |record: &Record| record.holder.as_deref() == Some(&*self.config.identity);
        self.view.seen().is_some_and(|seen| holds(&seen.record)) && self.preferred().is_none()
    }

    fn acquire(&mut self, now: Now) {
        let stamp = self.stamps.next(now);
        let (identity, duration) = (&self.config.identity, self.config.timers.lease_duration);
        let record = match self.view.seen() {
            Some(seen) => seen.record.taken_by(identity, duration, stamp),
            None => Record::first(identity, duration, stamp),
        };
        self.write(now.mono, Purpose::Acquire, record);
    }

    pub(super) fn follower_answered(&mut self, now: Monotonic, pending: Pending) {
        let pause = self.jitter.pause(self.config.timers.retry_period);
        if let Role::Following(following) = &mut self.role {
            following.stale = false;
            following.look_at = Some(now + pause);
        }
        if pending.purpose != Purpose::Acquire || self.stopping {
            return;
        }
        if self.whose() == Some(Whose::Ours(pending.sent)) {
            self.begin_term(now, pending);
        } else {
            let failure = ApiFailure::Invalid("the server stored something else than it was sent".to_owned());
            self.follower_failed(now, pending, &failure);
        }
    }

    fn begin_term(&mut self, now: Monotonic, pending: Pending) {
        if now >= pending.sent + self.config.timers.renew_deadline {
            // Too late to begin anything with it. It is ours, and so written again at once.
            return;
        }
        let token = match self.token(pending.highest) {
            Ok(token) => token,
            Err(fault) => {
                self.fault = Some(fault);
                self.role = Role::Releasing(Releasing::without_term(now + self.config.timers.renew_deadline));
                return;
            }
        };
        let leading = Leading::new(token, pending.sent, &self.config.timers);
        let valid_until = leading.valid_until();
        self.role = Role::Leading(leading);
        let uid = self
            .view
            .seen()
            .map(|seen| seen.lease.metadata.uid.clone())
            .unwrap_or_default();
        self.actions.push_back(Action::Lead {
            token,
            uid,
            valid_until,
        });
    }

    /// The resourceVersion of the write that made us the holder.
    fn token(&self, highest_before: u64) -> Result<Token, ServerFault> {
        let lease = self.view.seen().map(|seen| &seen.lease);
        let text = || {
            lease
                .map(|lease| lease.metadata.resource_version.clone())
                .unwrap_or_default()
        };
        let token = Token(lease.and_then(version).ok_or_else(|| ServerFault::NotANumber(text()))?);
        if token.0 <= highest_before {
            let seen = highest_before;
            return Err(ServerFault::WentBack { seen, token });
        }
        Ok(token)
    }

    pub(super) fn follower_failed(&mut self, now: Monotonic, pending: Pending, failure: &ApiFailure) {
        let later = now + self.jitter.pause(self.config.timers.retry_period);
        let Role::Following(following) = &mut self.role else {
            return;
        };
        following.write_after = later;
        following.look_at = Some(later);
        if pending.purpose == Purpose::Acquire {
            match failure {
                // Someone was faster: see who, now.
                ApiFailure::Conflict(_) => {
                    following.stale = true;
                    following.look_at = Some(now);
                }
                // It may have been done: see, when the server answers again. Or the lease is gone.
                ApiFailure::Unknown(_) | ApiFailure::NotFound(_) => following.stale = true,
                ApiFailure::Forbidden(_) | ApiFailure::Invalid(_) => {}
            }
        }
    }

    fn tell_holder(&mut self) {
        let holder = self.view.seen().and_then(|seen| seen.record.holder.clone());
        let Role::Following(following) = &mut self.role else {
            return;
        };
        if following.told.as_ref() != Some(&holder) {
            following.told = Some(holder.clone());
            self.actions.push_back(Action::Follow { holder });
        }
    }

    /// Told to stop while not leading: only a write that may have been done keeps us.
    fn leave(&mut self, now: Now) {
        let Role::Following(following) = &self.role else {
            return;
        };
        if self.pending.is_some_and(|pending| pending.purpose == Purpose::Acquire) {
            return;
        }
        let ours = matches!(self.whose(), Some(Whose::Ours(_)));
        if self.config.release && (ours || following.stale) {
            let until = now.mono + self.config.timers.renew_deadline;
            let mut releasing = Releasing::without_term(until);
            if following.stale {
                releasing.look_again(now.mono);
            }
            self.pending = None;
            self.role = Role::Releasing(releasing);
            self.give_back(now);
        } else {
            self.finish();
        }
    }

    /// What follows the end of a term, or of the way out.
    pub(super) fn rejoin_or_finish(&mut self, now: Monotonic) {
        if self.stopping || self.fault.is_some() {
            self.finish();
            return;
        }
        let pause = self.jitter.pause(self.config.timers.retry_period);
        self.role = Role::Following(Following::after_term(now + pause));
        self.tell_holder();
    }

    /// Whom a coordinated election prefers to this candidate.
    pub(super) fn preferred(&self) -> Option<&str> {
        let preferred = self.view.seen()?.lease.spec.preferred_holder.as_deref()?;
        let other = !preferred.is_empty() && *preferred != *self.config.identity;
        Some(preferred).filter(|_| other && self.config.mode == Mode::Coordinated)
    }

    pub(super) fn preferred_loss(&self) -> Option<Loss> {
        self.preferred().map(|preferred| Loss::Preferred(preferred.to_owned()))
    }
}
