//! A tick that comes often: an open loop at 1,000 a second is not to be sent in bursts of a millisecond.

use std::io;
use std::time::Duration;

/// Ticks more often than this are no use: what is due by then is sent together.
const SHORTEST: Duration = Duration::from_micros(50);

/// Ticks with a period, on a timer of the kernel. Ticks that come while nobody waits are one.
#[cfg(target_os = "linux")]
pub(crate) struct Ticker(tokio::io::unix::AsyncFd<std::os::fd::OwnedFd>);

#[cfg(target_os = "linux")]
impl Ticker {
    pub(crate) fn every(period: Duration) -> io::Result<Self> {
        use rustix::time::{
            Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
        };
        let period = period.max(SHORTEST);
        let spec = Timespec {
            tv_sec: period.as_secs().cast_signed(),
            tv_nsec: period.subsec_nanos().into(),
        };
        let timer = timerfd_create(
            TimerfdClockId::Monotonic,
            TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC,
        )?;
        let every = Itimerspec {
            it_interval: spec,
            it_value: spec,
        };
        timerfd_settime(&timer, TimerfdTimerFlags::empty(), &every)?;
        Ok(Self(watched(timer)?))
    }

    /// Waits for the next one.
    pub(crate) async fn tick(&mut self) -> io::Result<()> {
        loop {
            let mut ready = self.0.readable().await?;
            let read = ready.try_io(|timer| Ok(rustix::io::read(timer, &mut [0_u8; 8])?));
            if let Ok(read) = read {
                return read.map(drop);
            }
        }
    }
}

/// The descriptor, for the runtime to wait on.
#[cfg(target_os = "linux")]
#[expect(
    deprecated,
    reason = "what is unsound with other types is not with one that owns its descriptor; its successor is unsafe"
)]
fn watched(timer: std::os::fd::OwnedFd) -> io::Result<tokio::io::unix::AsyncFd<std::os::fd::OwnedFd>> {
    tokio::io::unix::AsyncFd::with_interest(timer, tokio::io::Interest::READABLE)
}

/// Ticks with a period, on the runtime's timer of a millisecond.
#[cfg(not(target_os = "linux"))]
pub(crate) struct Ticker(tokio::time::Interval);

#[cfg(not(target_os = "linux"))]
impl Ticker {
    pub(crate) fn every(period: Duration) -> io::Result<Self> {
        let mut interval = tokio::time::interval(period.max(SHORTEST));
        interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        Ok(Self(interval))
    }

    /// Waits for the next one.
    pub(crate) async fn tick(&mut self) -> io::Result<()> {
        self.0.tick().await;
        Ok(())
    }
}
