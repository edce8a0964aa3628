//! The times that a candidate writes.

use std::time::Duration;

use leasehold_api::MicroTime;
use leasehold_clock::Monotonic;

use crate::machine::Now;

/// Calendar times that only grow, whatever the calendar does: no two writes of a candidate have the same one, so that every
/// renewal changes the record. Others see a renewal by that alone.
#[derive(Debug, Default)]
pub(crate) struct Stamps {
    last: Option<(u64, Monotonic)>,
}

/// Microseconds from 1970 to the year 9000: a calendar beyond is not believed, so that stamps can grow and be written.
const LATEST: u64 = 221_845_392_000_000_000;
/// A second: 0 would be Kubernetes' way to write no time at all.
const EARLIEST: u64 = 1_000_000;

impl Stamps {
    /// The time now, but at least as much above the last as time has passed since, and a microsecond.
    pub(crate) fn next(&mut self, now: Now) -> MicroTime {
        let since_1970 = now.wall.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        let calendar = micros(since_1970).clamp(EARLIEST, LATEST);
        let stamp = match self.last {
            Some((last, at)) => calendar.max(last.saturating_add(micros(now.mono.since(at)).max(1))),
            None => calendar,
        };
        self.last = Some((stamp, now.mono));
        let seconds = i64::try_from(stamp / 1_000_000).unwrap_or(i64::MAX);
        let nanos = i32::try_from(stamp % 1_000_000 * 1000).unwrap_or(0);
        MicroTime::new(seconds, nanos)
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;

    fn at(wall: u64, mono: u64) -> Now {
        Now {
            mono: Monotonic(Duration::from_secs(mono)),
            wall: SystemTime::UNIX_EPOCH + Duration::from_secs(wall),
        }
    }

    #[test]
    fn stamps_follow_the_calendar_forward_and_time_when_it_steps_back() {
        let mut stamps = Stamps::default();
        assert_eq!(stamps.next(at(5000, 10)), MicroTime::new(5000, 0));
        assert_eq!(stamps.next(at(9000, 12)), MicroTime::new(9000, 0));
        assert_eq!(stamps.next(at(5004, 14)), MicroTime::new(9002, 0), "stepped back");
        assert_eq!(stamps.next(at(5004, 14)), MicroTime::new(9002, 1000), "no time passed");
    }

    #[test]
    fn absurd_calendars_give_times_that_can_be_written() {
        let mut stamps = Stamps::default();
        assert!(!stamps.next(at(0, 0)).is_zero());
        let late = stamps.next(at(u64::MAX >> 2, 1));
        let later = stamps.next(at(u64::MAX >> 2, 2));
        assert!(late < later);
        assert!(later.to_string().starts_with("9000-"), "{later}");
    }
}
