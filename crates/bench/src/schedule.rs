//! When operations are due, and who carries them out.
//!
//! In a closed loop the next operation is due when one of those in flight has ended. In an open loop operations are due
//! at a rate, whatever the server does, and one that had to wait for its turn counts from when it was *due*: a server that
//! stalls for a second is not asked less, and everyone who would have waited is counted as having waited.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use leasehold_clock::{Clock, Monotonic, SystemClock};
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::Error;
use crate::ticker::Ticker;

/// How operations follow one another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pace {
    /// As soon as another has ended.
    Closed {
        /// Operations at once.
        in_flight: usize,
    },
    /// At a rate.
    Open {
        /// Operations a second.
        rate: f64,
        /// The most operations at once; others wait, and their waiting counts.
        in_flight: usize,
    },
}

impl Pace {
    /// The most operations at once.
    pub(crate) const fn in_flight(self) -> usize {
        match self {
            Self::Closed { in_flight } | Self::Open { in_flight, .. } => in_flight,
        }
    }
}

/// When to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// After this long.
    Elapsed(Duration),
    /// After this many operations.
    Count(u64),
}

/// One thread's part of the operations.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timing {
    /// The first operation is due at this time.
    pub(crate) start: Monotonic,
    /// What is due earlier is carried out but not measured.
    pub(crate) measured_from: Monotonic,
    /// What is due later is left out.
    pub(crate) end: Monotonic,
    /// Operations to measure at the most.
    pub(crate) count: u64,
    /// Between two operations of an open loop.
    pub(crate) interval: Option<Duration>,
    /// Operations at once.
    pub(crate) in_flight: usize,
}

/// An operation that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Arrival {
    /// Since when.
    pub(crate) due: Monotonic,
    /// Whether it is measured.
    pub(crate) measured: bool,
}

#[derive(Debug, PartialEq, Eq)]
enum Next {
    Due(Arrival),
    NotYet,
    Over,
}

struct Schedule {
    timing: Timing,
    /// Operations begun, and those of them that are measured.
    begun: Mutex<(u64, u64)>,
    running: AtomicUsize,
    stop: CancellationToken,
}

/// Carries out operations as they are due, and returns when the last one has ended.
pub(crate) async fn run<F>(
    timing: Timing,
    stop: CancellationToken,
    operation: impl Fn(Arrival) -> F + Send + Sync + 'static,
) -> Result<(), Error>
where
    F: Future<Output = ()> + Send + 'static,
{
    let schedule = Arc::new(Schedule {
        timing,
        begun: Mutex::new((0, 0)),
        running: AtomicUsize::new(0),
        stop: stop.clone(),
    });
    let operation = Arc::new(operation);
    let workers = TaskTracker::new();
    let mut ticker = timing.interval.map(Ticker::every).transpose()?;
    SystemClock.sleep_until(timing.start).await;
    loop {
        let is_over = schedule.start_workers(&workers, &operation);
        match &mut ticker {
            Some(ticker) if !is_over => tokio::select! {
                ticked = ticker.tick() => ticked?,
                () = stop.cancelled() => {}
            },
            _ => break,
        }
    }
    workers.close();
    workers.wait().await;
    Ok(())
}

impl Schedule {
    /// Starts a worker for each operation that is due, as long as there may be more of them; `true` when no more will be
    /// due.
    fn start_workers<F>(
        self: &Arc<Self>,
        workers: &TaskTracker,
        operation: &Arc<impl Fn(Arrival) -> F + Send + Sync + 'static>,
    ) -> bool
    where
        F: Future<Output = ()> + Send + 'static,
    {
        while self.running.load(Ordering::Relaxed) < self.timing.in_flight {
            match self.next(SystemClock.now()) {
                Next::Due(arrival) => {
                    self.running.fetch_add(1, Ordering::Relaxed);
                    workers.spawn(self.clone().work(arrival, operation.clone()));
                }
                Next::NotYet => return false,
                Next::Over => return true,
            }
        }
        false
    }

    /// Carries out one operation, and those that became due meanwhile.
    async fn work<F>(self: Arc<Self>, first: Arrival, operation: Arc<impl Fn(Arrival) -> F + Send + Sync>)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let mut next = Next::Due(first);
        while let Next::Due(arrival) = next {
            operation(arrival).await;
            next = self.next(SystemClock.now());
        }
        self.running.fetch_sub(1, Ordering::Relaxed);
    }

    fn next(&self, now: Monotonic) -> Next {
        if self.stop.is_cancelled() {
            return Next::Over;
        }
        let mut begun = self.begun.lock();
        let next = self.timing.next(*begun, now);
        if let Next::Due(arrival) = &next {
            begun.0 += 1;
            begun.1 += u64::from(arrival.measured);
        }
        next
    }
}

impl Timing {
    /// What comes after `begun` operations, `measured` of them measured.
    fn next(&self, (begun, measured): (u64, u64), now: Monotonic) -> Next {
        let due = self.interval.map_or(now, |interval| {
            self.start + Duration::from_nanos((interval.as_nanos() as f64 * begun as f64) as u64)
        });
        if due >= self.end || measured >= self.count {
            return Next::Over;
        }
        if due > now {
            return Next::NotYet;
        }
        let measured = due >= self.measured_from;
        Next::Due(Arrival { due, measured })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Monotonic {
        Monotonic(Duration::from_millis(ms))
    }

    fn timing(interval_ms: Option<u64>) -> Timing {
        Timing {
            start: at(1_000),
            measured_from: at(1_100),
            end: at(2_000),
            count: 5,
            interval: interval_ms.map(Duration::from_millis),
            in_flight: 2,
        }
    }

    fn due(ms: u64, measured: bool) -> Next {
        Next::Due(Arrival { due: at(ms), measured })
    }

    #[test]
    fn in_an_open_loop_an_operation_is_due_at_its_time_however_late_it_is_taken() {
        let timing = timing(Some(50));
        assert_eq!(timing.next((0, 0), at(1_000)), due(1_000, false));
        assert_eq!(timing.next((1, 0), at(1_049)), Next::NotYet);
        assert_eq!(timing.next((1, 0), at(1_900)), due(1_050, false));
        assert_eq!(timing.next((2, 0), at(9_000)), due(1_100, true), "also after the end");
        assert_eq!(timing.next((20, 0), at(1_999)), Next::Over);
        assert_eq!(timing.next((19, 4), at(1_999)), due(1_950, true));
        assert_eq!(timing.next((19, 5), at(1_999)), Next::Over, "the count is reached");
    }

    #[test]
    fn in_a_closed_loop_an_operation_is_due_when_it_is_taken() {
        let timing = timing(None);
        assert_eq!(timing.next((9, 0), at(1_099)), due(1_099, false));
        assert_eq!(timing.next((9, 4), at(1_100)), due(1_100, true));
        assert_eq!(timing.next((9, 5), at(1_100)), Next::Over);
        assert_eq!(timing.next((9, 0), at(2_000)), Next::Over);
    }
}
