//! How long hand-overs may take where nothing else goes wrong.

use crate::plan::{Plan, RHO_PPM};
use crate::time::{Nanos, SECOND};

/// The longest times that a hand-over may take where nothing else goes wrong, in nanoseconds.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// From a leader's death to the next one's work: the duration by the slowest clock allowed, a retry period, and two
    /// round trips.
    pub after_crash: Nanos,
    /// From sending a release to the next one's work: two round trips; or, where all others have only just led themselves and
    /// pause, at most 2.2 retry periods more by the slowest clock.
    pub after_release: Nanos,
}

impl Bounds {
    /// Those of a plan.
    #[must_use]
    pub fn of(plan: &Plan) -> Self {
        let million = 1_000_000;
        let rho = Nanos::from(RHO_PPM.unsigned_abs());
        let slowest = |span: Nanos| span * million / (million - rho);
        let round_trips = 4 * plan.weather.delay_max;
        let retry = Nanos::from(plan.timing.retry) * (SECOND / 1000);
        Self {
            after_crash: slowest(plan.timing.duration()) + retry + round_trips,
            after_release: slowest(retry * 22 / 10) + round_trips,
        }
    }
}
