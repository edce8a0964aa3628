//! Pauses that are not all alike.

use std::time::Duration;

use crate::timers::{JITTER, scale};

/// Pauses of uneven length, so that candidates which failed together do not try together again. Repeatable from its seed.
#[derive(Debug)]
pub(crate) struct Jitter(pub(crate) u64);

impl Jitter {
    /// `period` × 1 to 2.2.
    pub(crate) fn pause(&mut self, period: Duration) -> Duration {
        self.stretch(period, JITTER)
    }

    /// `period`, longer by up to this share of it.
    pub(crate) fn stretch(&mut self, period: Duration, share: f64) -> Duration {
        // SplitMix64; the upper 53 bits as a fraction.
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        bits ^= bits >> 31;
        #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
        let fraction = (bits >> 11) as f64 / (1_u64 << 53) as f64;
        scale(period, 1.0 + share * fraction)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_spread_from_one_to_two_point_two_periods() {
        let mut jitter = Jitter(7);
        let period = Duration::from_secs(10);
        let pauses: Vec<f64> = (0..1000).map(|_| jitter.pause(period).as_secs_f64()).collect();
        let (low, high) = (10.0, 22.0);
        assert!(pauses.iter().all(|pause| (low..=high).contains(pause)));
        assert!(pauses.iter().any(|pause| *pause < 10.5) && pauses.iter().any(|pause| *pause > 21.5));
    }
}
