//! Another live server under our own name: two on one host, without names of their own.
//!
//! A process that starts takes its Lease from the one before, which is dead as a rule. Where it is not, both would take it
//! from each other for ever. So the one that loses a Lease that it had gives way, for as long as the other renews it.

use std::time::Duration;

use leasehold_clock::Monotonic;

/// How many periods the other may be silent before it counts as gone.
const SILENT_PERIODS: u32 = 3;

/// Who has taken the Lease from us, if somebody has.
#[derive(Debug, Default)]
pub(super) struct Rival {
    /// The version of the Lease that was seen last, and when it was seen first.
    seen: Option<(String, Monotonic)>,
}

impl Rival {
    /// Whether to give way to another's Lease at this version, which is looked at every `period`.
    pub(super) fn is_alive(&mut self, version: &str, now: Monotonic, period: Duration) -> bool {
        match &self.seen {
            Some((seen, since)) if seen == version => now.since(*since) < period * SILENT_PERIODS,
            _ => {
                self.seen = Some((version.to_owned(), now));
                true
            }
        }
    }

    /// The Lease is ours.
    pub(super) fn forget(&mut self) {
        self.seen = None;
    }

    pub(super) fn is_known(&self) -> bool {
        self.seen.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_is_alive_while_its_lease_changes_and_gone_after_three_silent_periods() {
        let (mut rival, period) = (Rival::default(), Duration::from_secs(10));
        let at = |seconds| Monotonic(Duration::from_secs(seconds));
        for (second, version, alive) in [(0, "1", true), (10, "2", true), (39, "2", true), (40, "2", false)] {
            assert_eq!(rival.is_alive(version, at(second), period), alive, "{second}");
        }
        rival.forget();
        assert!(!rival.is_known() && rival.is_alive("2", at(41), period));
    }
}
