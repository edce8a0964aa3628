//! A clock that a test or a simulation moves by hand.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::sync::Notify;

use crate::{Clock, Monotonic, Sleep};

/// A clock that stands still until someone moves it. Starts some time after zero, as a machine's does.
#[derive(Debug)]
pub struct SimulatedClock {
    time: Mutex<Time>,
    moved: Notify,
}

#[derive(Debug)]
struct Time {
    now: Monotonic,
    wall: SystemTime,
}

impl SimulatedClock {
    /// A clock whose calendar shows `wall`.
    #[must_use]
    pub fn new(wall: SystemTime) -> Self {
        let now = Monotonic(Duration::from_secs(1_000_000));
        Self {
            time: Mutex::new(Time { now, wall }),
            moved: Notify::new(),
        }
    }

    /// Lets `duration` pass on both clocks and wakes every sleeper whose deadline has come.
    pub fn advance(&self, duration: Duration) {
        {
            let mut time = self.time();
            time.now = time.now + duration;
            time.wall += duration;
        }
        self.moved.notify_waiters();
    }

    /// Sets the calendar alone, as an operator or NTP would: no sleeper notices.
    pub fn set_wall(&self, wall: SystemTime) {
        self.time().wall = wall;
    }

    fn time(&self) -> MutexGuard<'_, Time> {
        self.time.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A clock that shows 2020-01-01T00:00:00Z.
impl Default for SimulatedClock {
    fn default() -> Self {
        Self::new(SystemTime::UNIX_EPOCH + Duration::from_secs(1_577_836_800))
    }
}

impl Clock for SimulatedClock {
    fn now(&self) -> Monotonic {
        self.time().now
    }

    fn wall(&self) -> SystemTime {
        self.time().wall
    }

    fn sleep_until(&self, deadline: Monotonic) -> Sleep<'_> {
        Box::pin(async move {
            loop {
                // Before looking at the time, so that a move in between is not missed.
                let moved = self.moved.notified();
                if self.now() >= deadline {
                    return;
                }
                moved.await;
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[tokio::test]
    async fn sleepers_wake_when_their_deadline_is_reached_and_not_before() {
        let clock = Arc::new(SimulatedClock::default());
        let deadline = clock.now() + Duration::from_secs(10);
        let sleeper = tokio::spawn({
            let clock = Arc::clone(&clock);
            async move {
                clock.sleep_until(deadline).await;
                clock.now()
            }
        });
        tokio::task::yield_now().await;
        clock.advance(Duration::from_secs(9));
        tokio::task::yield_now().await;
        assert!(!sleeper.is_finished());
        clock.advance(Duration::from_secs(1));
        assert_eq!(sleeper.await.unwrap(), deadline);
    }

    #[test]
    fn the_calendar_may_step_without_time_passing() {
        let clock = SimulatedClock::default();
        let before = clock.now();
        clock.set_wall(SystemTime::UNIX_EPOCH);
        assert_eq!(clock.now(), before);
        assert_eq!(clock.wall(), SystemTime::UNIX_EPOCH);
        clock.advance(Duration::from_secs(1));
        assert_eq!(clock.wall(), SystemTime::UNIX_EPOCH + Duration::from_secs(1));
    }
}
