//! Giving the lease back after a term, as long as it is ours.

use leasehold_clock::Monotonic;

use super::{Action, Machine, Now, Pending, Purpose, Role, Whose};
use crate::{ApiFailure, Loss};

/// A candidate whose work has ended, and that gives back what it holds.
#[derive(Debug)]
pub(super) struct Releasing {
    /// Why the term ended; `None` when there was none.
    reason: Option<Loss>,
    /// When to leave the lease to expire.
    until: Monotonic,
    /// When the next request is due.
    next_at: Monotonic,
    /// Read before the next write.
    stale: bool,
    /// Writes in a row that met something else than was seen.
    conflicts: u32,
}

impl Releasing {
    /// Of a write that may have made us the holder although no term began.
    pub(super) fn without_term(until: Monotonic) -> Self {
        Self {
            reason: None,
            until,
            next_at: Monotonic::default(),
            stale: false,
            conflicts: 0,
        }
    }

    pub(super) fn look_again(&mut self, now: Monotonic) {
        self.stale = true;
        self.next_at = now;
    }

    pub(super) fn wakes(&self, waiting: bool) -> Monotonic {
        if waiting {
            self.until
        } else {
            self.until.min(self.next_at)
        }
    }
}

impl Machine {
    pub(super) fn begin_release(&mut self, now: Monotonic, reason: Loss, release: bool) {
        // With no time to try, nothing is tried.
        let until = if release {
            now + self.config.timers.renew_deadline
        } else {
            now
        };
        self.role = Role::Releasing(Releasing {
            reason: Some(reason),
            ..Releasing::without_term(until)
        });
    }

    pub(super) fn give_back(&mut self, now: Now) {
        let Role::Releasing(releasing) = &self.role else {
            return;
        };
        if now.mono >= releasing.until {
            self.end(now.mono, false);
            return;
        }
        if self.pending.is_some() || now.mono < releasing.next_at {
            return;
        }
        if releasing.stale {
            self.look(now.mono);
            return;
        }
        // Read again or not, only what we wrote ourselves is ever blanked.
        let Some(Whose::Ours(_)) = self.whose() else {
            self.end(now.mono, self.is_released());
            return;
        };
        let stamp = self.stamps.next(now);
        if let Some(record) = self.view.seen().map(|seen| seen.record.released(stamp)) {
            self.write(now.mono, Purpose::Release, record);
        }
    }

    /// Whether the lease is as a release of ours left it.
    fn is_released(&self) -> bool {
        let seen = self.view.seen();
        seen.is_some_and(|seen| seen.record.holder.is_none() && self.written.sent(&seen.record).is_some())
    }

    pub(super) fn releaser_answered(&mut self, now: Monotonic, pending: Pending) {
        if pending.purpose == Purpose::Release {
            self.end(now, true);
        } else if let Role::Releasing(releasing) = &mut self.role {
            releasing.stale = false;
        }
    }

    pub(super) fn releaser_failed(&mut self, now: Monotonic, pending: Pending, failure: &ApiFailure) {
        let later = now.max(pending.sent + self.config.timers.retry_period);
        let Role::Releasing(releasing) = &mut self.role else {
            return;
        };
        match failure {
            ApiFailure::Forbidden(_) | ApiFailure::Invalid(_) => {
                self.end(now, false);
                return;
            }
            ApiFailure::Conflict(_) | ApiFailure::NotFound(_) => {
                releasing.conflicts += 1;
                releasing.next_at = if releasing.conflicts == 1 { now } else { later };
            }
            ApiFailure::Unknown(_) => releasing.next_at = later,
        }
        releasing.stale = true;
    }

    fn end(&mut self, now: Monotonic, released: bool) {
        let Role::Releasing(releasing) = &mut self.role else {
            return;
        };
        self.pending = None;
        if let Some(reason) = releasing.reason.take() {
            self.actions.push_back(Action::End { reason, released });
        }
        self.rejoin_or_finish(now);
    }
}
