//! When to terminate, and when to kill: pure, from the deadline and what has happened.

use std::time::Duration;

use leasehold_clock::Monotonic;

use super::wire::Cause;

/// While something is left that was killed already, how soon to kill again: it may have been starting others.
const KILL_AGAIN: Duration = Duration::from_millis(20);

/// How much time an end may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limits {
    /// From SIGTERM to SIGKILL, when there is time enough.
    pub(crate) kill_after: Duration,
    /// From SIGTERM to SIGKILL when no new deadline has come; at most `kill_after`.
    pub(crate) last_chance: Duration,
    /// From SIGKILL to the deadline: what it takes for processes to be gone.
    pub(crate) reserve: Duration,
}

/// What is due now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    /// Nothing before this moment, unless something happens.
    Nothing(Monotonic),
    /// The last chance begins: SIGTERM.
    Terminate,
    /// SIGKILL, and again at this moment if something is left.
    Kill(Monotonic),
}

/// The deadline, and how far the end has come.
#[derive(Debug)]
pub(super) struct Watchdog {
    limits: Limits,
    valid_until: Monotonic,
    end: Option<End>,
}

#[derive(Debug, Clone, Copy)]
struct End {
    cause: Cause,
    kill_at: Monotonic,
}

impl Watchdog {
    pub(super) fn new(limits: Limits, valid_until: Monotonic) -> Self {
        Self {
            limits,
            valid_until,
            end: None,
        }
    }

    /// A new deadline. It does not call back an end that has begun, but may leave it more time.
    pub(super) fn extend(&mut self, valid_until: Monotonic) {
        self.valid_until = valid_until;
    }

    /// The end begins now; false if it has begun before. Whoever calls this sends the first signal.
    #[must_use]
    pub(super) fn begin_end(&mut self, cause: Cause, now: Monotonic) -> bool {
        if self.end.is_some() {
            return false;
        }
        let kill_at = now + self.limits.kill_after;
        self.end = Some(End { cause, kill_at });
        true
    }

    /// No more time from now on.
    pub(super) fn hurry(&mut self, now: Monotonic) {
        let cause = self.end.map_or(Cause::Asked, |end| end.cause);
        self.end = Some(End { cause, kill_at: now });
    }

    /// Why the end began, if it has.
    pub(super) fn cause(&self) -> Option<Cause> {
        self.end.map(|end| end.cause)
    }

    /// What to do now. [`Due::Terminate`] comes once, and is the beginning of the end.
    pub(super) fn due(&mut self, now: Monotonic) -> Due {
        let last_moment = self.valid_until - self.limits.reserve;
        let Some(end) = self.end else {
            let terminate_at = last_moment - self.limits.last_chance;
            if now < terminate_at {
                return Due::Nothing(terminate_at);
            }
            let _first = self.begin_end(Cause::Expired, now);
            return Due::Terminate;
        };
        let kill_at = end.kill_at.min(last_moment);
        if now < kill_at {
            Due::Nothing(kill_at)
        } else {
            Due::Kill(now + KILL_AGAIN)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits {
        kill_after: Duration::from_secs(10),
        last_chance: Duration::from_secs(3),
        reserve: Duration::from_secs(1),
    };

    fn at(seconds: u64) -> Monotonic {
        Monotonic(Duration::from_secs(seconds))
    }

    fn watchdog() -> Watchdog {
        Watchdog::new(LIMITS, at(100))
    }

    #[test]
    fn without_a_new_deadline_all_is_over_before_it() {
        let mut dog = watchdog();
        assert_eq!(dog.due(at(95)), Due::Nothing(at(96)));
        assert_eq!(dog.due(at(96)), Due::Terminate);
        assert_eq!(dog.cause(), Some(Cause::Expired));
        assert_eq!(dog.due(at(97)), Due::Nothing(at(99)), "not the whole of kill_after");
        assert_eq!(dog.due(at(99)), Due::Kill(at(99) + KILL_AGAIN));
        assert_eq!(
            dog.due(at(120)),
            Due::Kill(at(120) + KILL_AGAIN),
            "for as long as it takes"
        );
    }

    #[test]
    fn a_late_awakening_goes_straight_to_the_kill() {
        let mut dog = watchdog();
        assert_eq!(dog.due(at(1000)), Due::Terminate);
        assert_eq!(dog.due(at(1000)), Due::Kill(at(1000) + KILL_AGAIN));
    }

    #[test]
    fn a_new_deadline_puts_everything_off() {
        let mut dog = watchdog();
        dog.extend(at(200));
        assert_eq!(dog.due(at(99)), Due::Nothing(at(196)));
    }

    #[test]
    fn an_end_that_has_begun_is_not_called_back() {
        let mut dog = watchdog();
        assert_eq!(dog.due(at(96)), Due::Terminate);
        dog.extend(at(200));
        assert_eq!(dog.due(at(100)), Due::Nothing(at(106)), "but it has its time");
        assert_eq!(dog.due(at(106)), Due::Kill(at(106) + KILL_AGAIN));
    }

    #[test]
    fn an_end_that_was_asked_for_has_its_time_but_none_beyond_the_deadline() {
        let mut dog = watchdog();
        assert!(dog.begin_end(Cause::Asked, at(50)));
        assert_eq!(dog.due(at(50)), Due::Nothing(at(60)));
        assert_eq!(dog.due(at(60)), Due::Kill(at(60) + KILL_AGAIN));

        let mut dog = watchdog();
        assert!(dog.begin_end(Cause::Orphaned, at(95)));
        assert_eq!(dog.due(at(95)), Due::Nothing(at(99)));
    }

    #[test]
    fn the_first_cause_counts_and_hurry_ends_all_patience() {
        let mut dog = watchdog();
        assert!(dog.begin_end(Cause::Asked, at(50)));
        assert!(!dog.begin_end(Cause::Orphaned, at(51)));
        dog.hurry(at(52));
        assert_eq!(dog.due(at(52)), Due::Kill(at(52) + KILL_AGAIN));
        assert_eq!(dog.cause(), Some(Cause::Asked));
    }
}
