//! Waking up at a time of the clock that counts suspend.
//!
//! On Linux a timerfd of that clock, which fires as soon as the machine is awake again. Elsewhere the clock's own sleep,
//! which looks again every second.

use std::io;

use leasehold_clock::Monotonic;

/// tokio has no safe name for a timerfd. What it calls a pipe's reading end is a descriptor that becomes readable and is
/// read with read(2), and a timerfd is that.
#[cfg(target_os = "linux")]
pub(super) struct Alarm(tokio::net::unix::pipe::Receiver);

#[cfg(target_os = "linux")]
impl Alarm {
    /// Needs a tokio runtime with I/O enabled.
    pub(super) fn new() -> io::Result<Self> {
        use rustix::time::{TimerfdClockId, TimerfdFlags, timerfd_create};
        let flags = TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK;
        let timer = timerfd_create(TimerfdClockId::Boottime, flags)?;
        tokio::net::unix::pipe::Receiver::from_owned_fd_unchecked(timer).map(Self)
    }

    /// Returns at this time, or at once if it is over. Cancel safe.
    pub(super) async fn at(&self, time: Monotonic) -> io::Result<()> {
        use rustix::time::{Itimerspec, TimerfdTimerFlags, Timespec, timerfd_settime};
        let value = Timespec {
            tv_sec: i64::try_from(time.0.as_secs()).unwrap_or(i64::MAX),
            // A time of zero would disarm it.
            tv_nsec: i64::from(time.0.subsec_nanos().max(1)),
        };
        let once = Itimerspec {
            it_interval: Timespec { tv_sec: 0, tv_nsec: 0 },
            it_value: value,
        };
        // Setting it also takes back a firing that nobody waited for.
        timerfd_settime(&self.0, TimerfdTimerFlags::ABSTIME, &once)?;
        loop {
            self.0.readable().await?;
            match self.0.try_read(&mut [0; 8]) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                result => return result.map(drop),
            }
        }
    }
}

#[cfg(not(target_os = "linux"))]
pub(super) struct Alarm;

#[cfg(not(target_os = "linux"))]
impl Alarm {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self)
    }

    /// Returns at this time, or at once if it is over. Cancel safe.
    pub(super) async fn at(&self, time: Monotonic) -> io::Result<()> {
        use leasehold_clock::{Clock, SystemClock};
        SystemClock.sleep_until(time).await;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use leasehold_clock::{Clock, SystemClock};

    use super::*;

    #[tokio::test]
    async fn it_fires_no_earlier_and_as_often_as_it_is_set() {
        let alarm = Alarm::new().unwrap();
        for _ in 0..3 {
            let time = SystemClock.now() + Duration::from_millis(5);
            alarm.at(time).await.unwrap();
            assert!(SystemClock.now() >= time);
        }
        alarm.at(Monotonic::default()).await.unwrap();
    }

    #[tokio::test]
    async fn a_firing_that_nobody_waited_for_is_forgotten() {
        let alarm = Alarm::new().unwrap();
        let soon = SystemClock.now() + Duration::from_millis(1);
        let never = std::future::ready(());
        tokio::select! {
            biased;
            () = never => {}
            _ = alarm.at(soon) => {}
        }
        SystemClock.sleep_until(soon + Duration::from_millis(1)).await;
        let later = SystemClock.now() + Duration::from_millis(5);
        alarm.at(later).await.unwrap();
        assert!(SystemClock.now() >= later);
    }
}
