//! All watches of a measurement, a part of them on each thread.

use std::sync::Arc;
use std::time::Duration;

use leasehold_clock::{Clock, SystemClock};

use crate::crew::{Crew, Station};
use crate::journal::{Deliveries, Journal};
use crate::latency::Latencies;
use crate::pool::Pool;
use crate::setup::share;
use crate::watcher::{Filter, Ledger, Watcher, version_now};
use crate::{Error, Protocol, Run, Setup};

/// How long events may take to arrive after the last write, before they count as missed.
const SETTLE: Duration = Duration::from_secs(10);
/// How long to go on listening once all have come, for events that come again.
const LINGER: Duration = Duration::from_millis(200);
/// Between two looks whether they have.
const LOOK: Duration = Duration::from_millis(20);

/// How many watches, and over how many connections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Watches {
    /// Watches, all of them open before the first write.
    pub count: u32,
    /// Their connections, over all threads. Writes have connections of their own.
    pub connections: usize,
}

/// Watches that are open.
pub(crate) struct Posts {
    all: Vec<Arc<Post>>,
    journal: Arc<Journal>,
}

/// The watches of one thread, and what they share.
struct Post {
    station: Arc<Station>,
    watchers: Vec<Watcher>,
    ledger: Ledger,
    _pool: Pool,
}

impl Watches {
    /// Whether they can be opened at all.
    pub(crate) fn check(self, protocol: Protocol) -> Result<(), Error> {
        let watches = self.count as usize;
        if self.connections == 0 || self.connections > watches {
            return Err(Error::plan(
                "there is at least one watch, and one for each of their connections",
            ));
        }
        if protocol == Protocol::Http1 && self.connections < watches {
            return Err(Error::plan("over HTTP/1.1 each watch needs a connection of its own"));
        }
        Ok(())
    }
}

impl Posts {
    /// Opens them all; `filter` says what each asks for.
    pub(crate) async fn open(
        crew: &Crew,
        setup: &Setup,
        watches: Watches,
        filter: impl Fn(u32) -> Filter + Clone + Send + 'static,
        run: &Run,
    ) -> Result<Self, Error> {
        run.meter.begin("opening watches", watches.count.into());
        let threads = crew.threads();
        let journal = Arc::new(Journal::default());
        let opening = crew.all(|station| {
            let ledger = Ledger {
                journal: journal.clone(),
                ..Ledger::default()
            };
            let own = (station.index as u32..watches.count)
                .step_by(threads)
                .map(filter.clone());
            let connections = share(watches.connections, threads, station.index);
            post(station, setup.clone(), connections, own, ledger)
        });
        let all = opening.await?;
        Ok(Self { all, journal })
    }

    /// Where writes are noted that they are told of.
    pub(crate) fn journal(&self) -> Arc<Journal> {
        self.journal.clone()
    }

    /// Waits until all were told everything, for as long as is reasonable, and says what they were told.
    pub(crate) async fn settle(self, crew: &Crew) -> Result<Deliveries, Error> {
        let deadline = SystemClock.now() + SETTLE;
        let waiting = crew.all(|station| {
            let own = self
                .all
                .iter()
                .find(|post| post.station.index == station.index)
                .cloned();
            async move {
                let Some(post) = own else { return Ok(()) };
                let is_complete = || {
                    post.watchers
                        .iter()
                        .all(|watcher| watcher.is_complete(&post.ledger.journal))
                };
                while !is_complete() && SystemClock.now() < deadline {
                    tokio::time::sleep(LOOK).await;
                }
                tokio::time::sleep(LINGER).await;
                Ok(())
            }
        });
        waiting.await?;
        Ok(self.count())
    }

    fn count(&self) -> Deliveries {
        let (mut found, mut latencies) = (Deliveries::default(), Latencies::default());
        for post in &self.all {
            latencies.merge(&post.ledger.latencies.lock());
            for watcher in &post.watchers {
                watcher.report(&self.journal, &mut found);
            }
        }
        found.latency_microseconds = latencies.summary();
        found
    }
}

async fn post(
    station: Arc<Station>,
    setup: Setup,
    connections: usize,
    filters: impl Iterator<Item = Filter>,
    ledger: Ledger,
) -> Result<Arc<Post>, Error> {
    // Of few watches, a thread may get none.
    let pool = Pool::open(&setup.target, connections, setup.timeout).await?;
    let since = version_now(&station).await?;
    let mut watchers = Vec::new();
    for filter in filters {
        if station.stop.is_cancelled() {
            break;
        }
        watchers.push(Watcher::open(&station, &pool, &since, filter, ledger.clone()).await?);
        station.meter.done(true);
    }
    Ok(Arc::new(Post {
        station,
        watchers,
        ledger,
        _pool: pool,
    }))
}
