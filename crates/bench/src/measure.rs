//! The measured part of a run: operations on all threads, and a look at the processes before and after.

use std::sync::Arc;
use std::time::Duration;

use leasehold_clock::{Clock, Monotonic, SystemClock};
use parking_lot::Mutex;
use tokio::sync::Barrier;

use crate::crew::{Crew, Station};
use crate::process::{Watched, own_cpu};
use crate::report::Measured;
use crate::schedule::{self, Arrival, Pace, Timing, Until};
use crate::setup::share;
use crate::tally::{Outcome, Tally};
use crate::{Error, Run};

/// Until the first operation, for all threads to be there.
const HEAD_START: Duration = Duration::from_millis(20);

/// When to do what.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Load {
    /// How operations follow one another.
    pub pace: Pace,
    /// When to end.
    pub until: Until,
    /// For so long at first, operations are not measured.
    pub warm_up: Duration,
}

impl Load {
    pub(crate) fn check(&self) -> Result<(), Error> {
        match self.pace {
            Pace::Open { rate, .. } if !(rate > 0.0 && rate <= 1e7) => {
                Err(Error::plan("a rate is more than 0 a second"))
            }
            _ => Ok(()),
        }
    }

    /// The part of one thread.
    fn timing(&self, start: Monotonic, threads: usize, index: usize) -> Timing {
        let (interval, offset) = match self.pace {
            Pace::Closed { .. } => (None, Duration::ZERO),
            Pace::Open { rate, .. } => {
                let between = Duration::from_secs_f64(1.0 / rate);
                (Some(between * threads as u32), between * index as u32)
            }
        };
        let measured_from = start + self.warm_up;
        let (end, count) = match self.until {
            Until::Elapsed(duration) => (measured_from + duration, u64::MAX),
            Until::Count(count) => (Monotonic(Duration::MAX), share(count as usize, threads, index) as u64),
        };
        Timing {
            start: start + offset,
            measured_from,
            end,
            count,
            interval,
            in_flight: share(self.pace.in_flight(), threads, index),
        }
    }
}

/// Carries out operations on all threads.
pub(crate) async fn measure<F>(
    crew: &Crew,
    run: &Run,
    pids: &[u32],
    load: Load,
    operation: impl Fn(Arc<Station>, Arrival) -> F + Clone + Send + Sync + 'static,
) -> Result<Measured, Error>
where
    F: Future<Output = Outcome> + Send + 'static,
{
    let start = SystemClock.now() + HEAD_START;
    let measured_from = start + load.warm_up;
    let threads = crew.threads();
    // Nobody goes home before the last one is done: watches are read only while their thread works.
    let done = Arc::new(Barrier::new(threads));
    let working = crew.all(|station| {
        let timing = load.timing(start, threads, station.index);
        let (work, done) = (on_one(timing, station, operation.clone()), done.clone());
        async move {
            let tally = work.await;
            done.wait().await;
            tally
        }
    });
    let looking = async {
        tokio::select! {
            () = SystemClock.sleep_until(measured_from) => {}
            () = run.stop.cancelled() => {}
        }
        Ok::<_, Error>((Watched::since_now(pids)?, own_cpu()))
    };
    let (tallies, before) = tokio::join!(working, looking);
    let (watched, own_before) = before?;
    let seconds = SystemClock.now().since(measured_from).as_secs_f64();
    let mut tally = Tally::default();
    for part in tallies? {
        tally.merge(&part);
    }
    Ok(Measured {
        seconds,
        own_cpu: own_cpu().saturating_sub(own_before),
        processes: watched.until_now(tally.operations)?,
        tally,
    })
}

async fn on_one<F>(
    timing: Timing,
    station: Arc<Station>,
    operation: impl Fn(Arc<Station>, Arrival) -> F + Send + Sync + 'static,
) -> Result<Tally, Error>
where
    F: Future<Output = Outcome> + Send + 'static,
{
    let tally = Arc::new(Mutex::new(Tally::default()));
    let (counted, stop) = (tally.clone(), station.stop.clone());
    let one = move |arrival: Arrival| {
        let (tally, station) = (counted.clone(), station.clone());
        let operation = operation(station.clone(), arrival);
        async move {
            let outcome = operation.await;
            station.meter.done(outcome.is_fine());
            Tally::record(&tally, arrival, SystemClock.now(), outcome);
        }
    };
    schedule::run(timing, stop, one).await?;
    let tally = tally.lock().clone();
    Ok(tally)
}
