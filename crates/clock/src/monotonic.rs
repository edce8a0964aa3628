//! A point in time of this process.

use std::ops::{Add, Sub};
use std::time::Duration;

/// Time since a fixed but arbitrary moment, usually the machine's start. Points of different processes or different
/// clocks must not be compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Monotonic(pub Duration);

impl Monotonic {
    /// How long ago `earlier` was; zero when it is not earlier.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

/// The point `duration` later, or the last representable one.
impl Add<Duration> for Monotonic {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(duration))
    }
}

/// The point `duration` earlier, or the first representable one.
impl Sub<Duration> for Monotonic {
    type Output = Self;

    fn sub(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(duration))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_saturates_at_both_ends() {
        let point = Monotonic(Duration::from_secs(5));
        assert_eq!(point - Duration::from_secs(9), Monotonic::default());
        assert_eq!(
            Monotonic(Duration::MAX) + Duration::from_secs(1),
            Monotonic(Duration::MAX)
        );
        assert_eq!(point.since(point + Duration::from_secs(1)), Duration::ZERO);
        assert_eq!((point + Duration::from_secs(2)).since(point), Duration::from_secs(2));
    }
}
