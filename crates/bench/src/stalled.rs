//! Watches of everything that are opened and never read: clients that hang.
//!
//! What comes fills the windows of HTTP/2, or the socket over HTTP/1.1, and then nothing moves. The server may well end
//! such a watch; that is not looked at, for what is measured is how others fare beside it.

use std::sync::Arc;

use crate::crew::{Crew, Station};
use crate::pool::{Pool, Stream};
use crate::posts::Watches;
use crate::setup::share;
use crate::watcher::{self, version_now};
use crate::{Error, Run, Setup};

/// Watches that nobody reads, over connections of their own. Dropping it closes them.
pub(crate) struct Stalled {
    _held: Vec<Held>,
}

/// Those of one thread.
struct Held {
    _streams: Vec<Stream>,
    _pool: Pool,
}

impl Stalled {
    /// Opens them all.
    pub(crate) async fn open(crew: &Crew, setup: &Setup, watches: Watches, run: &Run) -> Result<Self, Error> {
        run.meter.begin("opening watches that stall", watches.count.into());
        let threads = crew.threads();
        let opening = crew.all(|station| {
            let own = share(watches.count as usize, threads, station.index);
            let connections = share(watches.connections, threads, station.index);
            hold(station, setup.clone(), own, connections)
        });
        Ok(Self { _held: opening.await? })
    }
}

async fn hold(station: Arc<Station>, setup: Setup, count: usize, connections: usize) -> Result<Held, Error> {
    let pool = Pool::open(&setup.target.with_usual_windows(), connections, setup.timeout).await?;
    let since = version_now(&station).await?;
    let mut streams = Vec::with_capacity(count);
    for _ in 0..count {
        if station.stop.is_cancelled() {
            break;
        }
        streams.push(watcher::open(&station, &pool, &since, "").await?);
        station.meter.done(true);
    }
    Ok(Held {
        _streams: streams,
        _pool: pool,
    })
}
