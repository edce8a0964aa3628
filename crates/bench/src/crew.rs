//! Threads, each with a runtime, connections and leases of its own, that do one thing after the other together.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::runtime::{Builder, Runtime};
use tokio_util::sync::CancellationToken;

use crate::api::LeaseApi;
use crate::fleet::Node;
use crate::pool::Pool;
use crate::setup::share;
use crate::{Encoding, Error, Meter, Run, Setup};

/// What one thread works with.
pub(crate) struct Station {
    pub(crate) index: usize,
    pub(crate) api: LeaseApi,
    pub(crate) encoding: Encoding,
    pub(crate) namespace: String,
    pub(crate) pool: Pool,
    /// Its connections.
    pub(crate) connections: usize,
    /// Leases that no operation has in hand, the one renewed longest ago first.
    pub(crate) idle: Mutex<VecDeque<Node>>,
    pub(crate) meter: Arc<Meter>,
    pub(crate) stop: CancellationToken,
}

/// All threads.
pub(crate) struct Crew {
    hands: Vec<Hand>,
}

struct Hand {
    station: Arc<Station>,
    /// Only while a job runs do its connections move.
    runtime: Option<Arc<Runtime>>,
}

impl Crew {
    /// Starts the threads and opens their connections.
    pub(crate) async fn gather(setup: &Setup, run: &Run, threads: usize) -> Result<Self, Error> {
        run.meter.begin("connecting", 0);
        let mut hands = Vec::with_capacity(threads);
        for index in 0..threads {
            let runtime = Arc::new(Builder::new_current_thread().enable_all().build()?);
            let opened = on(runtime.clone(), station(setup.clone(), run.clone(), index, threads));
            let (station, runtime) = (opened.await.map(Arc::new), Some(runtime));
            match station {
                Ok(station) => hands.push(Hand { station, runtime }),
                Err(error) => {
                    end(runtime);
                    return Err(error);
                }
            }
        }
        Ok(Self { hands })
    }

    /// Does the same on every thread at once, and waits for all of them; the first failure counts.
    pub(crate) async fn all<T, F>(&self, job: impl Fn(Arc<Station>) -> F) -> Result<Vec<T>, Error>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Error>> + Send + 'static,
    {
        let begun: Vec<_> = self
            .hands
            .iter()
            .filter_map(|hand| Some(tokio::spawn(on(hand.runtime.clone()?, job(hand.station.clone())))))
            .collect();
        let mut results = Vec::with_capacity(begun.len());
        for job in begun {
            results.push(job.await.map_err(std::io::Error::from)?);
        }
        results.into_iter().collect()
    }

    pub(crate) fn threads(&self) -> usize {
        self.hands.len()
    }
}

impl Drop for Hand {
    fn drop(&mut self) {
        end(self.runtime.take());
    }
}

/// A runtime must not be dropped on another's thread: it would wait.
fn end(runtime: Option<Arc<Runtime>>) {
    if let Some(runtime) = runtime.and_then(Arc::into_inner) {
        runtime.shutdown_background();
    }
}

async fn on<T: Send + 'static>(
    runtime: Arc<Runtime>,
    job: impl Future<Output = Result<T, Error>> + Send + 'static,
) -> Result<T, Error> {
    let done = tokio::task::spawn_blocking(move || {
        let done = runtime.block_on(job);
        end(Some(runtime));
        done
    });
    done.await.map_err(std::io::Error::from)?
}

async fn station(setup: Setup, run: Run, index: usize, threads: usize) -> Result<Station, Error> {
    let connections = share(setup.connections, threads, index);
    Ok(Station {
        index,
        api: LeaseApi::new(&setup.target, &setup.namespace, setup.encoding),
        encoding: setup.encoding,
        pool: Pool::open(&setup.target, connections, setup.timeout).await?,
        namespace: setup.namespace,
        connections,
        idle: Mutex::default(),
        meter: run.meter,
        stop: run.stop,
    })
}
