//! The leases of a measurement: created before, deleted after.

use std::sync::Arc;

use leasehold_api::MicroTime;
use leasehold_clock::{Clock, SystemClock};
use parking_lot::Mutex;
use serde::Deserialize;
use tokio_util::task::TaskTracker;

use crate::connection::Call;
use crate::crew::{Crew, Station};
use crate::pool::Failed;
use crate::{Error, Protocol, Run, Setup, body};

/// Requests at once of a thread while it creates and deletes.
const AT_ONCE: usize = 64;

/// A lease, named after a node that does not exist.
pub(crate) struct Node {
    pub(crate) number: u32,
    pub(crate) name: String,
    /// What the server answered last; empty when that is not known.
    pub(crate) lease: Vec<u8>,
}

/// Who holds a lease of this number and name when it is created.
pub(crate) type Holder = fn(u32, &str) -> String;

/// Now, as a lease says it.
pub(crate) fn now() -> MicroTime {
    MicroTime::from_system(SystemClock.wall())
}

/// The name of a lease.
pub(crate) fn name(prefix: &str, number: u32) -> String {
    format!("{prefix}-{number:07}")
}

/// Creates this many leases, a part on each thread, or takes up those that an earlier run kept.
pub(crate) async fn create(crew: &Crew, setup: &Setup, nodes: u32, holder: Holder) -> Result<(), Error> {
    let threads = crew.threads();
    let prefix: Arc<str> = setup.prefix.as_str().into();
    let at_once = at_once(setup);
    let all = crew.all(move |station| {
        let numbers = (station.index as u32..nodes).step_by(threads);
        let prefix = prefix.clone();
        async move {
            let (shared, stop) = (station.clone(), station.stop.clone());
            let done = for_each(
                numbers,
                at_once(&station),
                move || stop.is_cancelled(),
                move |number| create_one(shared.clone(), number, name(&prefix, number), holder),
            );
            let done = done.await;
            // In order, so that renewals go round as they were created.
            station.idle.lock().make_contiguous().sort_by_key(|node| node.number);
            done
        }
    });
    all.await.map(drop)
}

/// Deletes them, unless they are to be kept; how many could not be.
pub(crate) async fn clean_up(crew: &Crew, setup: &Setup, nodes: u32, keep: bool, run: &Run) -> Result<u64, Error> {
    if keep {
        return Ok(0);
    }
    run.meter.begin("deleting leases", nodes.into());
    delete(crew, setup).await
}

async fn delete(crew: &Crew, setup: &Setup) -> Result<u64, Error> {
    let at_once = at_once(setup);
    let left = crew.all(move |station| async move {
        let nodes = std::mem::take(&mut *station.idle.lock());
        let left = Arc::new(Mutex::new(0_u64));
        let (shared, counted) = (station.clone(), left.clone());
        let deleting = for_each(
            nodes.into_iter(),
            at_once(&station),
            || false,
            move |node| {
                let (station, left) = (shared.clone(), counted.clone());
                async move {
                    let is_gone = delete_one(&station, &node).await;
                    station.meter.done(is_gone);
                    *left.lock() += u64::from(!is_gone);
                    Ok(())
                }
            },
        );
        deleting.await?;
        let left = *left.lock();
        Ok(left)
    });
    Ok(left.await?.into_iter().sum())
}

/// What the server has of a lease now, in place of what was known.
pub(crate) async fn get(station: &Station, node: &mut Node) -> Result<u16, Failed> {
    let got = station
        .pool
        .exchange(station.api.get(&node.name), &mut node.lease)
        .await;
    if !matches!(got, Ok(http::StatusCode::OK)) {
        node.lease.clear();
    }
    got.map(|status| status.as_u16())
}

/// Sends a write; what the server answered takes the place of what was known, unless it refused.
pub(crate) async fn send(station: &Station, node: &mut Node, write: Call) -> Result<u16, Failed> {
    let sent = station.pool.exchange(write, &mut node.lease).await;
    if !sent.as_ref().is_ok_and(http::StatusCode::is_success) {
        node.lease.clear();
    }
    sent.map(|status| status.as_u16())
}

async fn create_one(station: Arc<Station>, number: u32, name: String, holder: Holder) -> Result<(), Error> {
    let body = body::create(
        station.encoding,
        &station.namespace,
        &name,
        &holder(number, &name),
        now(),
    );
    let mut lease = Vec::new();
    let what = || format!("creating lease {}/{name}", station.namespace);
    let sent = station.pool.exchange(station.api.create(body), &mut lease).await;
    let status = sent.map_err(|failed| refused(what(), 0, failed.to_string()))?.as_u16();
    let mut node = Node {
        number,
        name: name.clone(),
        lease,
    };
    match status {
        201 => {}
        409 => {
            let got = get(&station, &mut node).await;
            if got != Ok(200) || !body::is_ours(&node.lease) {
                return Err(refused(
                    what(),
                    409,
                    "it exists and is not of 'leasehold bench'".to_owned(),
                ));
            }
        }
        _ => return Err(refused(what(), status, message(&node.lease))),
    }
    station.meter.done(true);
    station.idle.lock().push_back(node);
    Ok(())
}

async fn delete_one(station: &Station, node: &Node) -> bool {
    let mut reply = Vec::new();
    let sent = station.pool.exchange(station.api.delete(&node.name), &mut reply).await;
    matches!(sent.map(|status| status.as_u16()), Ok(200 | 202 | 404))
}

/// How many requests of a thread may be sent at once.
fn at_once(setup: &Setup) -> impl Fn(&Station) -> usize + Copy + Send + 'static {
    let is_shared = setup.target.protocol == Protocol::H2;
    move |station| if is_shared { AT_ONCE } else { station.connections }
}

pub(crate) fn refused(what: String, status: u16, message: String) -> Error {
    Error::Refused { what, status, message }
}

/// What a Status in JSON says; in protobuf the text is not looked for.
pub(crate) fn message(body: &[u8]) -> String {
    #[derive(Deserialize)]
    struct Status {
        message: String,
    }
    serde_json::from_slice(body).map_or_else(|_| "no explanation".to_owned(), |status: Status| status.message)
}

/// Does something with each item, so many at once, until there are no more, `is_over`, or one fails. What has begun is never
/// cut short, for it has a connection in hand.
async fn for_each<T, F>(
    items: impl Iterator<Item = T> + Send + 'static,
    at_once: usize,
    is_over: impl Fn() -> bool + Send + Sync + 'static,
    with: impl Fn(T) -> F + Send + Sync + 'static,
) -> Result<(), Error>
where
    T: Send + 'static,
    F: Future<Output = Result<(), Error>> + Send,
{
    let (items, over_and_with) = (Arc::new(Mutex::new(items)), Arc::new((is_over, with)));
    let failure = Arc::new(Mutex::new(None));
    let workers = TaskTracker::new();
    for _ in 0..at_once {
        let (items, both, failure) = (items.clone(), over_and_with.clone(), failure.clone());
        workers.spawn(async move {
            while !both.0() && failure.lock().is_none() {
                let Some(item) = items.lock().next() else { break };
                if let Err(error) = both.1(item).await {
                    *failure.lock() = Some(error);
                }
            }
        });
    }
    workers.close();
    workers.wait().await;
    let failed = failure.lock().take();
    failed.map_or(Ok(()), Err)
}
