//! When a connection is closed for doing nothing. Pure: told the counts now and then, says what to do.

use std::time::Duration;

use super::Limits;
use super::activity::Activity;

/// Looks at a connection from time to time.
#[derive(Debug)]
pub(super) struct Watchdog {
    phase: Phase,
    /// How many requests there had been, and whether none was in progress, at the last look.
    begun: u64,
    was_quiet: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    New,
    Open,
    Closing,
}

/// What to do with a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Keep,
    /// Take no new request, let the ones in progress end, then close.
    Close,
    /// Close now.
    Cut,
}

impl Watchdog {
    pub(super) fn new() -> Self {
        Self {
            phase: Phase::New,
            begun: 0,
            was_quiet: false,
        }
    }

    /// How long until the next look.
    pub(super) fn pause(&self, limits: &Limits) -> Duration {
        match self.phase {
            Phase::New => limits.first_request,
            Phase::Open => limits.idle,
            Phase::Closing => limits.close,
        }
    }

    /// Looks. Between two looks that find no request in progress, and none begun, the connection was idle.
    pub(super) fn look(&mut self, activity: &Activity) -> Verdict {
        let quiet = activity.is_quiet();
        let begun = activity.begun();
        let idle = quiet && self.was_quiet && begun == self.begun;
        self.begun = begun;
        self.was_quiet = quiet;
        match self.phase {
            Phase::New if begun == 0 => Verdict::Cut,
            Phase::New => {
                self.phase = Phase::Open;
                Verdict::Keep
            }
            Phase::Open if idle => {
                self.closing();
                Verdict::Close
            }
            Phase::Closing if idle => Verdict::Cut,
            Phase::Open | Phase::Closing => Verdict::Keep,
        }
    }

    /// The connection is being closed, for whatever reason.
    pub(super) fn closing(&mut self) {
        self.phase = Phase::Closing;
    }

    pub(super) fn is_closing(&self) -> bool {
        self.phase == Phase::Closing
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::activity::InProgress;
    use super::*;

    #[test]
    fn a_connection_that_asks_for_nothing_is_cut_at_the_first_look() {
        assert_eq!(Watchdog::new().look(&Activity::default()), Verdict::Cut);
    }

    #[test]
    fn an_idle_connection_is_closed_and_then_cut() {
        let activity = Arc::new(Activity::default());
        let mut watchdog = Watchdog::new();
        drop(InProgress::begin(&activity));
        assert_eq!(watchdog.look(&activity), Verdict::Keep);
        drop(InProgress::begin(&activity));
        assert_eq!(watchdog.look(&activity), Verdict::Keep, "one since");
        assert_eq!(watchdog.look(&activity), Verdict::Close);
        assert!(watchdog.is_closing());
        assert_eq!(watchdog.look(&activity), Verdict::Cut);
    }

    #[test]
    fn a_long_watch_keeps_its_connection_even_when_that_is_closing() {
        let activity = Arc::new(Activity::default());
        let mut watchdog = Watchdog::new();
        let watch = InProgress::begin(&activity);
        for _ in 0..5 {
            assert_eq!(watchdog.look(&activity), Verdict::Keep);
        }
        watchdog.closing();
        for _ in 0..5 {
            assert_eq!(watchdog.look(&activity), Verdict::Keep);
        }
        drop(watch);
        assert_eq!(watchdog.look(&activity), Verdict::Keep, "its last bytes");
        assert_eq!(watchdog.look(&activity), Verdict::Cut);
    }
}
