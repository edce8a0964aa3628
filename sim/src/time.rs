//! True time, which only the simulation knows, and what a node's clock makes of it.
//!
//! All arithmetic is in whole nanoseconds and exact: [`Rate::when`] is the first true moment at which the clock shows a
//! reading, so that the end of a validity is known to the nanosecond and not to the granularity of a timer.

use std::time::Duration;

use leasehold_clock::Monotonic;

/// Nanoseconds of true time since the beginning of the world.
pub type Nanos = u64;

/// A second of true time.
pub const SECOND: Nanos = 1_000_000_000;

const MILLION: i64 = 1_000_000;

/// What a clock that counts suspend shows when the world begins: every node has been up for a while.
const START: Duration = Duration::from_secs(1_000_000);

/// How fast a node's clock runs: 1 + ppm / 10^6 seconds in a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Rate {
    /// Parts per million that it is fast, or slow where negative; above -1,000,000.
    pub ppm: i32,
}

impl Rate {
    fn scale(self) -> u128 {
        u128::try_from(MILLION + i64::from(self.ppm)).unwrap_or(1).max(1)
    }

    /// What the clock shows at a moment.
    #[must_use]
    pub fn shows(self, now: Nanos) -> Monotonic {
        let local = u128::from(now) * self.scale() / MILLION.unsigned_abs() as u128;
        Monotonic(START + from_nanos(u64::try_from(local).unwrap_or(u64::MAX)))
    }

    /// The first moment at which the clock shows `reading` or more; zero when it does from the beginning.
    #[must_use]
    pub fn when(self, reading: Monotonic) -> Nanos {
        let local = reading.0.saturating_sub(START).as_nanos();
        let moment = local
            .saturating_mul(MILLION.unsigned_abs() as u128)
            .div_ceil(self.scale());
        u64::try_from(moment).unwrap_or(u64::MAX)
    }
}

/// A duration of so many nanoseconds.
#[must_use]
pub fn from_nanos(nanos: Nanos) -> Duration {
    Duration::from_nanos(nanos)
}

/// The nanoseconds of a duration below 584 years.
#[must_use]
pub fn nanos(duration: Duration) -> Nanos {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reading_is_reached_at_the_moment_told_and_not_a_nanosecond_before() {
        for ppm in [-200_000, -50_000, -1, 0, 7, 50_000] {
            let rate = Rate { ppm };
            for reading in [1, 2, 999_999_999, 15 * SECOND + 1, 86_400 * SECOND] {
                let reading = Monotonic(START + from_nanos(reading));
                let when = rate.when(reading);
                assert!(rate.shows(when) >= reading, "{ppm} ppm, {reading:?}");
                assert!(when == 0 || rate.shows(when - 1) < reading, "{ppm} ppm, {reading:?}");
            }
        }
    }

    #[test]
    fn a_fast_clock_shows_more_and_a_slow_one_less() {
        let second = |ppm| Rate { ppm }.shows(SECOND).since(Rate { ppm }.shows(0));
        assert_eq!(second(0), Duration::from_secs(1));
        assert_eq!(second(50_000), Duration::from_millis(1050));
        assert_eq!(second(-50_000), Duration::from_millis(950));
    }
}
