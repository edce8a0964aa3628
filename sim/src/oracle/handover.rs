//! How long hand-overs take, where nothing else goes wrong.

use crate::time::Nanos;

/// Why a lease has to change hands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// Its holder died.
    Crash,
    /// Its holder gave it back.
    Release,
}

/// Hand-overs, in nanoseconds.
#[derive(Clone, Debug, Default)]
pub struct HandOvers {
    /// From a leader's death to the beginning of the next one's work.
    pub after_crash: Vec<Nanos>,
    /// From the moment a release was sent to the beginning of the next one's work.
    pub after_release: Vec<Nanos>,
    vacant: Option<(Nanos, Cause)>,
}

impl HandOvers {
    pub(super) fn vacant(&mut self, now: Nanos, cause: Cause) {
        // A release that is sent again was sent before; a death comes on top of everything.
        if self.vacant.is_none() || cause == Cause::Crash {
            self.vacant = Some((now, cause));
        }
    }

    pub(super) fn taken(&mut self, now: Nanos) {
        match self.vacant.take() {
            Some((since, Cause::Crash)) => self.after_crash.push(now - since),
            Some((since, Cause::Release)) => self.after_release.push(now - since),
            None => {}
        }
    }
}
