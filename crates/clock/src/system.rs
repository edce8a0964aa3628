//! The machine's own clock.

use std::time::{Duration, SystemTime};

use crate::{Clock, Monotonic, Sleep};

/// How long a sleep may go without looking at the clock: tokio's timers stand still while the machine sleeps, so a
/// deadline that passed meanwhile is noticed at most this much after it wakes up.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// The clock of the machine: counts suspend, through `CLOCK_BOOTTIME` on Linux and its equivalent elsewhere.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Monotonic {
        Monotonic(since_boot())
    }

    #[expect(clippy::disallowed_methods, reason = "this is the clock that everyone else asks")]
    fn wall(&self) -> SystemTime {
        SystemTime::now()
    }

    /// Needs a tokio runtime with its timer enabled.
    fn sleep_until(&self, deadline: Monotonic) -> Sleep<'_> {
        Box::pin(async move {
            loop {
                let left = deadline.since(self.now());
                if left.is_zero() {
                    return;
                }
                tokio::time::sleep(left.min(LOOK_AGAIN)).await;
            }
        })
    }
}

#[cfg(unix)]
fn since_boot() -> Duration {
    use rustix::time::{ClockId, clock_gettime};

    // macOS and the BSDs have no clock of that name where their monotonic one already goes on in suspend.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    const CLOCK: ClockId = ClockId::Boottime;
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    const CLOCK: ClockId = ClockId::Monotonic;

    let time = clock_gettime(CLOCK);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let nanoseconds = u32::try_from(time.tv_nsec).unwrap_or(0);
    Duration::new(seconds, nanoseconds)
}

#[cfg(not(unix))]
#[expect(
    clippy::disallowed_methods,
    reason = "the best there is here: the performance counter goes on in suspend"
)]
fn since_boot() -> Duration {
    use std::sync::OnceLock;
    use std::time::Instant;

    static START: OnceLock<Instant> = OnceLock::new();
    // The first reading is not zero, so that a point a little before it can be represented.
    const HEAD_START: Duration = Duration::from_secs(24 * 3600);
    START.get_or_init(Instant::now).elapsed() + HEAD_START
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn now_never_goes_back() {
        let mut before = SystemClock.now();
        assert!(
            before > Monotonic::default(),
            "a running machine has been up for a while"
        );
        for _ in 0..10_000 {
            let now = SystemClock.now();
            assert!(now >= before);
            before = now;
        }
    }

    #[tokio::test]
    async fn sleep_ends_no_earlier_than_the_deadline() {
        let deadline = SystemClock.now() + Duration::from_millis(20);
        SystemClock.sleep_until(deadline).await;
        assert!(SystemClock.now() >= deadline);
    }

    #[tokio::test(start_paused = true)]
    async fn a_long_sleep_looks_at_the_clock_every_second() {
        // Paused timers jump while the machine's clock does not: only a loop that looks again keeps the sleep pending
        // after the first timer fired.
        let clock = SystemClock;
        let mut sleep = clock.sleep_until(clock.now() + Duration::from_secs(3600));
        let over = tokio::time::timeout(Duration::from_secs(1800), &mut sleep).await;
        assert!(over.is_err(), "the sleep trusted the timer instead of the clock");
        let over = tokio::time::timeout(Duration::from_secs(7200), &mut sleep).await;
        assert!(over.is_err(), "the sleep trusted the timer instead of the clock");
    }
}
