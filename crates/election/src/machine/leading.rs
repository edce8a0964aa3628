//! A term: renewing it, judging what is seen of the lease, and stopping the work in time.

use leasehold_clock::Monotonic;

use super::{Action, Machine, Now, Pending, Purpose, Role, Whose};
use crate::{ApiFailure, Loss, Timers, Token};

/// A candidate that leads, or whose work has not ended since it led.
#[derive(Debug)]
pub(super) struct Leading {
    token: Token,
    /// When validity ends. Meaningless once `held` is false.
    valid_until: Monotonic,
    /// When the work is told to stop, unless a renewal succeeds before.
    give_up_at: Monotonic,
    /// When the next request is due.
    renew_at: Monotonic,
    /// A renewal met something that is not as we saw it: read before the next.
    stale: bool,
    /// Renewals in a row that did.
    conflicts: u32,
    /// Whether the lease is ours as far as anybody knows: it is renewed only then.
    held: bool,
    stop: Option<Stop>,
}

/// Work was told to stop.
#[derive(Debug)]
struct Stop {
    reason: Loss,
    end_by: Monotonic,
    /// The renew deadline came, before or after.
    hurried: bool,
    /// The time was up, and work still ran.
    overrun: bool,
}

impl Leading {
    pub(super) fn new(token: Token, sent: Monotonic, timers: &Timers) -> Self {
        Self {
            token,
            valid_until: sent + timers.validity(),
            give_up_at: sent + timers.renew_deadline,
            renew_at: sent + timers.retry_period,
            stale: false,
            conflicts: 0,
            held: true,
            stop: None,
        }
    }

    pub(super) fn valid_until(&self) -> Monotonic {
        self.valid_until
    }

    pub(super) fn look_again(&mut self, now: Monotonic) {
        self.stale = true;
        self.renew_at = now;
    }

    fn is_hurried(&self) -> bool {
        self.stop.as_ref().is_some_and(|stop| stop.hurried)
    }

    pub(super) fn wakes(&self, waiting: bool) -> Option<Monotonic> {
        let renew = (self.held && !waiting).then_some(self.renew_at);
        let valid = self.held.then_some(self.valid_until);
        let give_up = (self.held && !self.is_hurried()).then_some(self.give_up_at);
        let end = self.stop.as_ref().filter(|stop| !stop.overrun).map(|stop| stop.end_by);
        [renew, valid, give_up, end].into_iter().flatten().min()
    }
}

impl Machine {
    pub(super) fn lead(&mut self, now: Now) {
        let loss_by = now.mono + self.config.loss_grace;
        let Role::Leading(leading) = &mut self.role else {
            return;
        };
        if leading.held && now.mono >= leading.valid_until {
            self.lose(now.mono, &Loss::Expired);
        } else if leading.held && now.mono >= leading.give_up_at && !leading.is_hurried() {
            self.hurry(loss_by);
        }
        self.check_overrun(now.mono);
        self.renew(now);
    }

    /// Renewals have failed for too long: work has to end before validity does.
    fn hurry(&mut self, end_by: Monotonic) {
        self.stop_work(&Loss::RenewDeadline, end_by);
        if let Role::Leading(Leading { stop: Some(stop), .. }) = &mut self.role {
            stop.hurried = true;
        }
    }

    fn check_overrun(&mut self, now: Monotonic) {
        let Role::Leading(leading) = &mut self.role else {
            return;
        };
        let Some(stop) = leading.stop.as_mut().filter(|stop| !stop.overrun && now >= stop.end_by) else {
            return;
        };
        stop.overrun = true;
        // Others must not wait for ever: the lease expires, and whatever still runs finds itself not valid.
        leading.held = false;
        self.pending = None;
        self.actions.push_back(Action::Overrun);
    }

    fn renew(&mut self, now: Now) {
        let Role::Leading(leading) = &self.role else {
            return;
        };
        if !leading.held || self.pending.is_some() || now.mono < leading.renew_at {
            return;
        }
        let Some(seen) = self.view.seen().filter(|_| !leading.stale) else {
            self.look(now.mono);
            return;
        };
        let stamp = self.stamps.next(now);
        let record = seen.record.renewed(self.config.timers.lease_duration, stamp);
        self.write(now.mono, Purpose::Renew, record);
    }

    /// What the lease as it is now means for the term.
    pub(super) fn judge(&mut self, now: Monotonic) {
        match self.whose() {
            None => self.lose(now, &Loss::Deleted),
            Some(Whose::Nobody) => self.lose(now, &Loss::Blanked),
            Some(Whose::Other(holder)) => self.lose(now, &Loss::Taken(holder)),
            Some(Whose::Twin) => self.lose(now, &Loss::SameIdentity(self.config.identity.to_string())),
            Some(Whose::Ours(sent)) => {
                self.prolong(now, sent);
                if let Some(loss) = self.preferred_loss() {
                    self.give_up(now, &loss);
                }
            }
        }
    }

    /// A write of ours that was sent then is in the lease.
    fn prolong(&mut self, now: Monotonic, sent: Monotonic) {
        let timers = &self.config.timers;
        let valid_until = sent + timers.validity();
        let Role::Leading(leading) = &mut self.role else {
            return;
        };
        // What has ended is not revived: somebody may have seen that it had.
        if !leading.held || now >= leading.valid_until || valid_until <= leading.valid_until {
            return;
        }
        let left = leading.valid_until.since(now);
        leading.valid_until = valid_until;
        leading.give_up_at = sent + timers.renew_deadline;
        leading.renew_at = sent + timers.retry_period;
        leading.conflicts = 0;
        self.actions.push_back(Action::Extend {
            valid_until,
            latency: now.since(sent),
            left,
        });
    }

    pub(super) fn leader_answered(&mut self, pending: Pending) {
        let next = pending.sent + self.config.timers.retry_period;
        if let Role::Leading(leading) = &mut self.role {
            leading.stale = false;
            if pending.purpose == Purpose::Renew {
                leading.renew_at = next;
            }
        }
    }

    pub(super) fn leader_failed(&mut self, now: Monotonic, pending: Pending, failure: &ApiFailure) {
        let later = now.max(pending.sent + self.config.timers.retry_period);
        let Role::Leading(leading) = &mut self.role else {
            return;
        };
        leading.renew_at = later;
        let met_another = matches!(failure, ApiFailure::Conflict(_) | ApiFailure::NotFound(_));
        if pending.purpose == Purpose::Renew && met_another {
            leading.stale = true;
            leading.conflicts += 1;
            // Once at once: it may be a write of ours whose answer was lost, or somebody's label.
            if leading.conflicts == 1 {
                leading.renew_at = now;
            }
        }
    }

    /// The term is to end while the lease is ours.
    pub(super) fn give_up(&mut self, now: Monotonic, reason: &Loss) {
        let end_by = now + self.config.stop_grace;
        if matches!(&self.role, Role::Leading(leading) if leading.stop.is_none()) {
            self.stop_work(reason, end_by);
        }
    }

    /// The lease is not ours any more.
    fn lose(&mut self, now: Monotonic, reason: &Loss) {
        let end_by = now + self.config.loss_grace;
        let Role::Leading(leading) = &mut self.role else {
            return;
        };
        if leading.held {
            leading.held = false;
            self.pending = None;
            self.actions.push_back(Action::Revoke);
            self.stop_work(reason, end_by);
        }
    }

    /// Tells work to stop, or that there is less time than it was told.
    fn stop_work(&mut self, reason: &Loss, end_by: Monotonic) {
        let Role::Leading(leading) = &mut self.role else {
            return;
        };
        let stop = leading.stop.get_or_insert_with(|| Stop {
            reason: reason.clone(),
            end_by: Monotonic(std::time::Duration::MAX),
            hurried: false,
            overrun: false,
        });
        if end_by < stop.end_by {
            stop.end_by = end_by;
            let reason = stop.reason.clone();
            self.actions.push_back(Action::StopWork { reason, end_by });
        }
    }

    /// No work runs any more: what is ours is given back.
    pub(super) fn work_ended(&mut self, now: Now) {
        let Role::Leading(leading) = &mut self.role else {
            return;
        };
        let Some(stop) = leading.stop.take() else {
            return;
        };
        tracing::debug!(token = %leading.token, "the work has ended");
        self.actions.push_back(Action::Revoke);
        // An unanswered renewal may land before or after the release: the release is refused then, and sent again.
        self.pending = None;
        self.begin_release(now.mono, stop.reason, self.config.release && !stop.overrun);
    }
}
