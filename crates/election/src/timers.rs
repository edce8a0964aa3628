//! The durations of an election, and what follows from them.
//!
//! # Why one leader's validity ends before another's can begin
//!
//! Let every clock run at a rate between `1 − ρ` and `1 + ρ` of true time, and let `D` be the lease duration.
//!
//! - The leader sends a write at the true time `s`, and counts its validity by its own clock from just before that:
//!   `V = D·(1 − ρ)/(1 + ρ) − margin`. On the slowest clock allowed this lasts `V/(1 − ρ)` of true time, so it is over by
//!   `s + D/(1 + ρ)`.
//! - The write reaches the server after `s`, and so a follower sees it after `s`. It waits `D`, the record's own duration, by
//!   its own clock, from when it saw the record change. On the fastest clock allowed this lasts `D/(1 + ρ)` of true time,
//!   so it ends after `s + D/(1 + ρ)`.
//! - It then writes with the resourceVersion of what it saw. Had the leader renewed in between, even unseen, that write would
//!   be refused.
//!
//! No offset between clocks matters, nor how long a request or its reply takes, nor whether the watch works. A reply that
//! never comes gives no validity. The *margin* is for the leader's own use: the time from looking at
//! [`crate::Leadership::is_valid`] to the end of what was done because of it.

use std::time::Duration;

/// How much longer than the retry period a waiting candidate may sleep, as client-go's does: ×1 to ×2.2.
pub(crate) const JITTER: f64 = 1.2;
/// The shortest retry period: shorter ones only load the server.
const SHORTEST_RETRY: Duration = Duration::from_millis(10);
/// client-go compares records at whole seconds; below this it may take a lease that was renewed in time.
const SAFE_WITH_CLIENT_GO: Duration = Duration::from_secs(3);

/// The durations of an election. The defaults are client-go's: a lease of 15 s, renewed every 2 s, given up after 10 s.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Timers {
    /// How long others wait after the last renewal they saw; whole seconds, because the lease says so in whole seconds.
    pub lease_duration: Duration,
    /// How long after the last successful renewal was sent the work is told to stop.
    pub renew_deadline: Duration,
    /// The time between two renewals, and the shortest one between two looks at a lease that cannot be watched.
    pub retry_period: Duration,
    /// ρ: how much faster or slower than true time any candidate's clock may run. 0.05 is five per cent.
    pub clock_rate_bound: f64,
    /// By how much validity ends earlier than the proof needs: room for the last side effect to finish.
    pub margin: Duration,
    /// How long one request may take. A shorter one finds a dead connection sooner.
    pub request_timeout: Duration,
}

impl Default for Timers {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self::new(seconds(15), seconds(10), seconds(2))
    }
}

impl Timers {
    /// These three, with the usual ρ of 5 %, a margin of 2 % of the duration, and requests that may take half the deadline.
    #[must_use]
    pub fn new(lease_duration: Duration, renew_deadline: Duration, retry_period: Duration) -> Self {
        Self {
            lease_duration,
            renew_deadline,
            retry_period,
            clock_rate_bound: 0.05,
            margin: lease_duration / 50,
            request_timeout: renew_deadline / 2,
        }
    }

    /// How long a term stays valid after its last successful renewal was sent, by the leader's clock:
    /// `duration·(1 − ρ)/(1 + ρ) − margin`. Nothing when ρ is not a number from 0 to 1.
    #[must_use]
    pub fn validity(&self) -> Duration {
        let rho = self.clock_rate_bound;
        if !(0.0..1.0).contains(&rho) {
            return Duration::ZERO;
        }
        scale(self.lease_duration, (1.0 - rho) / (1.0 + rho)).saturating_sub(self.margin)
    }

    /// What is left of the validity when the work is told to stop because renewals failed.
    #[must_use]
    pub fn time_to_stop(&self) -> Duration {
        self.validity().saturating_sub(self.renew_deadline)
    }

    /// The largest ρ that this duration, deadline and margin have room for: how far clocks may differ in rate, in either
    /// direction each, before two leaders are possible although each tells its work to stop at the deadline.
    #[must_use]
    pub fn tolerated_clock_rate(&self) -> f64 {
        let busy = (self.renew_deadline + self.margin).as_secs_f64();
        let ratio = busy / self.lease_duration.as_secs_f64();
        if ratio.is_finite() {
            ((1.0 - ratio) / (1.0 + ratio)).max(0.0)
        } else {
            0.0
        }
    }

    /// How long the API may be away without a leader losing its lease, whenever that begins: the deadline less the time
    /// since the last renewal and the time to the next, which are a retry period each.
    #[must_use]
    pub fn tolerated_outage(&self) -> Duration {
        self.renew_deadline.saturating_sub(self.retry_period * 2)
    }

    /// From a leader's death to the next one's write, for a candidate that watches. The request itself is not counted.
    #[must_use]
    pub fn hand_over_after_crash(&self) -> HandOver {
        let slowest = 1.0 / (1.0 - self.clock_rate_bound.clamp(0.0, 0.99));
        HandOver {
            // Death comes at any moment between two renewals.
            mean: self.lease_duration.saturating_sub(self.retry_period / 2),
            worst: scale(self.lease_duration, slowest),
        }
    }

    /// The same for a candidate that cannot watch, and so looks every 1 to 2.2 retry periods.
    #[must_use]
    pub fn hand_over_after_crash_polling(&self) -> HandOver {
        let push = self.hand_over_after_crash();
        let poll = self.hand_over_after_release_polling();
        HandOver {
            mean: push.mean + poll.mean,
            worst: push.worst + poll.worst,
        }
    }

    /// From a release to the next leader's write, for a candidate that cannot watch. One that can needs a round trip.
    #[must_use]
    pub fn hand_over_after_release_polling(&self) -> HandOver {
        // An interval of u retry periods, u even in [1, 2.2]: mean wait E[u²]/2E[u].
        let (low, high) = (1.0, 1.0 + JITTER);
        let mean_square = (high * high + high * low + low * low) / 3.0;
        HandOver {
            mean: scale(self.retry_period, mean_square / (low + high)),
            worst: scale(self.retry_period, high),
        }
    }

    /// Whether an election may run with these.
    ///
    /// # Errors
    /// When it would not be safe, or could not work, whatever the clients are.
    pub fn validate(&self) -> Result<Vec<TimersWarning>, TimersError> {
        self.refuse()?;
        Ok(self.warnings())
    }

    fn refuse(&self) -> Result<(), TimersError> {
        let seconds = self.lease_duration.as_secs();
        if self.lease_duration.subsec_nanos() != 0 || seconds == 0 || i32::try_from(seconds).is_err() {
            return Err(TimersError::Duration(self.lease_duration));
        }
        if !(0.0..0.5).contains(&self.clock_rate_bound) {
            return Err(TimersError::ClockRateBound(self.clock_rate_bound));
        }
        if self.retry_period < SHORTEST_RETRY {
            return Err(TimersError::Retry(self.retry_period));
        }
        if self.renew_deadline <= scale(self.retry_period, JITTER) {
            return Err(TimersError::Deadline {
                deadline: self.renew_deadline,
                retry: self.retry_period,
            });
        }
        if self.renew_deadline >= self.validity() {
            return Err(TimersError::Validity {
                deadline: self.renew_deadline,
                validity: self.validity(),
            });
        }
        if self.request_timeout.is_zero() || self.request_timeout >= self.renew_deadline {
            return Err(TimersError::RequestTimeout {
                timeout: self.request_timeout,
                deadline: self.renew_deadline,
            });
        }
        Ok(())
    }

    fn warnings(&self) -> Vec<TimersWarning> {
        let mut warnings = Vec::new();
        let second = Duration::from_secs(1);
        if self.lease_duration < SAFE_WITH_CLIENT_GO {
            warnings.push(TimersWarning::ShortWithClientGo(self.lease_duration));
        } else if self.retry_period < second && self.lease_duration.saturating_sub(self.validity()) < second {
            warnings.push(TimersWarning::SubSecondWithClientGo(self.retry_period));
        }
        if self.clock_rate_bound < 0.001 {
            warnings.push(TimersWarning::NoRoomForClocks(self.clock_rate_bound));
        }
        if self.margin.is_zero() {
            warnings.push(TimersWarning::NoMargin);
        }
        if self.tolerated_outage() < self.retry_period {
            warnings.push(TimersWarning::OneRetry {
                deadline: self.renew_deadline,
                retry: self.retry_period,
            });
        }
        warnings
    }
}

/// How long a hand-over takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HandOver {
    /// On average.
    pub mean: Duration,
    /// At most, for clocks within ρ.
    pub worst: Duration,
}

/// Why an election cannot run with some [`Timers`].
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TimersError {
    /// Not a number of seconds that a lease can say.
    #[error("a lease duration of {0:?} does not fit: a Lease gives it in whole seconds, from 1 to 2147483647")]
    Duration(Duration),
    /// ρ is out of bounds.
    #[error("a clock rate bound of {0} does not fit: it is a share, from 0 up to but not including 0.5")]
    ClockRateBound(f64),
    /// Renewals would come too often.
    #[error("a retry period of {0:?} is too short: at least 10 ms")]
    Retry(Duration),
    /// No time for a second try.
    #[error(
        "a renew deadline of {deadline:?} leaves no second try: it must be longer than 1.2 × the retry period of {retry:?}"
    )]
    Deadline {
        /// The deadline.
        deadline: Duration,
        /// The retry period.
        retry: Duration,
    },
    /// The work would be told to stop when others may already lead.
    #[error(
        "a renew deadline of {deadline:?} is not safe: validity ends {validity:?} after a renewal was sent \
         (lease duration × (1 − ρ)/(1 + ρ) − margin), and the work must be told to stop before that"
    )]
    Validity {
        /// The deadline.
        deadline: Duration,
        /// [`Timers::validity`].
        validity: Duration,
    },
    /// A request could take all the time there is.
    #[error(
        "a request timeout of {timeout:?} does not fit: it must be above zero and below the renew deadline of {deadline:?}"
    )]
    RequestTimeout {
        /// The timeout.
        timeout: Duration,
        /// The deadline.
        deadline: Duration,
    },
}

/// What is doubtful about some [`Timers`].
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TimersWarning {
    /// Beside client-go, too short.
    #[error(
        "a lease duration of {0:?} is not safe beside client-go candidates: they compare records at whole seconds (3 s or more is)"
    )]
    ShortWithClientGo(Duration),
    /// Beside client-go, renewals are seen up to a second early.
    #[error(
        "with a retry period of {0:?}, client-go candidates may miss the last renewal of a second and count up to one \
         second less; the lease duration leaves less than that beyond validity"
    )]
    SubSecondWithClientGo(Duration),
    /// ρ is below what machines' clocks do.
    #[error("a clock rate bound of {0} trusts every machine's clock to run within 0.1 % of true time")]
    NoRoomForClocks(f64),
    /// No time for the last effect.
    #[error("without a margin, an effect that began while the leadership was valid may end when it is not")]
    NoMargin,
    /// One lost request is nearly the end.
    #[error(
        "a renew deadline of {deadline:?} is less than three retry periods of {retry:?}: one failed renewal may end the term"
    )]
    OneRetry {
        /// The deadline.
        deadline: Duration,
        /// The retry period.
        retry: Duration,
    },
}

/// `duration × factor`, for a factor that is finite and not negative; at most the longest there is.
pub(crate) fn scale(duration: Duration, factor: f64) -> Duration {
    Duration::try_from_secs_f64(duration.as_secs_f64() * factor).unwrap_or(Duration::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secs(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    fn close(duration: Duration, seconds: f64) -> bool {
        (duration.as_secs_f64() - seconds).abs() < 0.001
    }

    #[test]
    fn the_defaults_are_client_go_s_and_leave_time_to_stop() {
        let timers = Timers::default();
        assert_eq!(timers.validate(), Ok(vec![]));
        // 15 · 0.95/1.05 − 0.3.
        assert!(close(timers.validity(), 13.271));
        assert!(close(timers.time_to_stop(), 3.271));
        // (15 − 10.3)/(15 + 10.3).
        assert!((timers.tolerated_clock_rate() - 0.1858).abs() < 0.0001);
        assert!(close(timers.tolerated_outage(), 6.0));
        let crash = timers.hand_over_after_crash();
        assert!(close(crash.mean, 14.0) && close(crash.worst, 15.789), "{crash:?}");
        let release = timers.hand_over_after_release_polling();
        assert!(close(release.mean, 1.675) && close(release.worst, 4.4), "{release:?}");
        let polling = timers.hand_over_after_crash_polling();
        assert!(
            close(polling.mean, 15.675) && close(polling.worst, 20.189),
            "{polling:?}"
        );
    }

    #[test]
    fn validity_ends_before_any_rival_can_begin() {
        for rho in [0.0, 0.01, 0.05, 0.2, 0.49] {
            let timers = Timers {
                clock_rate_bound: rho,
                margin: Duration::ZERO,
                ..Timers::default()
            };
            let on_the_slowest_clock = timers.validity().as_secs_f64() / (1.0 - rho);
            let on_the_fastest_clock = 15.0 / (1.0 + rho);
            assert!(on_the_slowest_clock <= on_the_fastest_clock + 1e-8, "{rho}");
        }
    }

    #[test]
    fn the_tolerated_rate_is_the_largest_that_is_accepted() {
        let mut timers = Timers::default();
        let tolerated = timers.tolerated_clock_rate();
        timers.clock_rate_bound = tolerated - 1e-6;
        assert!(timers.validate().is_ok());
        timers.clock_rate_bound = tolerated + 1e-6;
        assert!(matches!(timers.validate(), Err(TimersError::Validity { .. })));
    }

    #[test]
    fn unsafe_sets_are_refused_with_the_reason() {
        let change = |change: fn(&mut Timers)| {
            let mut timers = Timers::default();
            change(&mut timers);
            timers.validate().expect_err("refused").to_string()
        };
        for (told, expected) in [
            (
                change(|t| t.lease_duration = secs(1.5)),
                "a lease duration of 1.5s does not fit",
            ),
            (change(|t| t.lease_duration = secs(0.0)), "a lease duration of 0ns"),
            (
                change(|t| t.lease_duration = secs(3e9)),
                "a lease duration of 3000000000s",
            ),
            (change(|t| t.clock_rate_bound = 0.5), "a clock rate bound of 0.5"),
            (change(|t| t.clock_rate_bound = -0.1), "a clock rate bound of -0.1"),
            (change(|t| t.clock_rate_bound = f64::NAN), "a clock rate bound of NaN"),
            (
                change(|t| t.retry_period = secs(0.001)),
                "a retry period of 1ms is too short",
            ),
            (
                change(|t| t.retry_period = secs(9.0)),
                "a renew deadline of 10s leaves no second try",
            ),
            (
                change(|t| t.renew_deadline = secs(14.0)),
                "a renew deadline of 14s is not safe: validity ends 13.271",
            ),
            (change(|t| t.margin = secs(4.0)), "a renew deadline of 10s is not safe"),
            (
                change(|t| t.request_timeout = secs(10.0)),
                "a request timeout of 10s does not fit",
            ),
            (change(|t| t.request_timeout = secs(0.0)), "a request timeout of 0ns"),
        ] {
            assert!(told.starts_with(expected), "{told}");
        }
    }

    #[test]
    fn doubtful_sets_are_warned_of() {
        let (duration, deadline, retry) = (secs(2.0), secs(1.0), secs(0.25));
        let warnings = Timers::new(duration, deadline, retry).validate().unwrap();
        assert_eq!(warnings, [TimersWarning::ShortWithClientGo(duration)]);
        let warnings = Timers::new(secs(5.0), secs(3.0), secs(0.5)).validate().unwrap();
        assert_eq!(warnings, [TimersWarning::SubSecondWithClientGo(secs(0.5))]);
        assert_eq!(Timers::new(secs(15.0), secs(10.0), secs(0.5)).validate().unwrap(), []);
        let mut timers = Timers::new(secs(15.0), secs(5.0), secs(2.0));
        timers.margin = Duration::ZERO;
        timers.clock_rate_bound = 0.0;
        let warnings = timers.validate().unwrap();
        assert_eq!(warnings.len(), 3, "{warnings:?}");
    }
}
