//! Watches: opened, read for as long as they go on, and asked what they were told.

use std::sync::Arc;

use bytes::BytesMut;
use leasehold_clock::{Clock, SystemClock};
use parking_lot::Mutex;
use serde::Deserialize;
use tokio_util::task::AbortOnDropHandle;

use crate::Error;
use crate::crew::Station;
use crate::events::Events;
use crate::fleet::refused;
use crate::journal::{Deliveries, Journal};
use crate::latency::Latencies;
use crate::pool::{Pool, Stream};

/// Seconds that the server is asked to keep a watch: longer than any measurement.
const TIMEOUT: u32 = 24 * 3600;

/// What a watch asks for.
#[derive(Clone, Debug)]
pub(crate) enum Filter {
    /// All leases of the namespace.
    All,
    /// One lease, by number and name.
    One(u32, String),
}

/// An open watch. Dropping it closes the watch.
pub(crate) struct Watcher {
    filter: Filter,
    heard: Arc<Mutex<Heard>>,
    _reading: AbortOnDropHandle<()>,
}

#[derive(Default)]
struct Heard {
    told: Vec<u32>,
    has_ended: bool,
}

/// What is shared by the watchers of one thread.
#[derive(Clone, Default)]
pub(crate) struct Ledger {
    pub(crate) journal: Arc<Journal>,
    pub(crate) latencies: Arc<Mutex<Latencies>>,
}

impl Watcher {
    /// Opens a watch from this resourceVersion on, and returns when the server has accepted it.
    pub(crate) async fn open(
        station: &Station,
        pool: &Pool,
        since: &str,
        filter: Filter,
        ledger: Ledger,
    ) -> Result<Self, Error> {
        let selector = match &filter {
            Filter::All => String::new(),
            Filter::One(_, name) => format!("&fieldSelector=metadata.name%3D{name}"),
        };
        let stream = open(station, pool, since, &selector).await?;
        let heard = Arc::new(Mutex::new(Heard::default()));
        let events = Events::new(station.encoding, BytesMut::new());
        let reading = tokio::spawn(read(stream, events, heard.clone(), ledger));
        Ok(Self {
            filter,
            heard,
            _reading: AbortOnDropHandle::new(reading),
        })
    }

    /// Whether it was told everything that it has to be, or never will.
    pub(crate) fn is_complete(&self, journal: &Journal) -> bool {
        let heard = self.heard.lock();
        heard.has_ended || journal.is_complete(self.lease(), &heard.told)
    }

    /// Adds what it was told.
    pub(crate) fn report(&self, journal: &Journal, into: &mut Deliveries) {
        let mut heard = self.heard.lock();
        let told = std::mem::take(&mut heard.told);
        journal.compare(self.lease(), told, heard.has_ended, into);
    }

    const fn lease(&self) -> Option<u32> {
        match &self.filter {
            Filter::All => None,
            Filter::One(number, _) => Some(*number),
        }
    }
}

/// Opens a watch from this resourceVersion on, of all leases or of those that the selector, a part of a query, asks for.
pub(crate) async fn open(station: &Station, pool: &Pool, since: &str, selector: &str) -> Result<Stream, Error> {
    let query = format!("resourceVersion={since}&timeoutSeconds={TIMEOUT}{selector}");
    let opened = pool.stream(station.api.watch(&query)).await;
    let what = || format!("watching leases in {}", station.namespace);
    let stream = opened.map_err(|failed| refused(what(), 0, failed.to_string()))?;
    match stream.reply.status.as_u16() {
        200 => Ok(stream),
        status => Err(refused(what(), status, "no watch".to_owned())),
    }
}

async fn read(mut stream: Stream, mut events: Events, heard: Arc<Mutex<Heard>>, ledger: Ledger) {
    while let Ok(Some(piece)) = stream.reply.piece().await {
        let now = SystemClock.now();
        let mut heard = heard.lock();
        events.take(&piece, |number| {
            heard.told.push(number);
            if let Some(sent) = ledger.journal.sent(number) {
                ledger.latencies.lock().record(now.since(sent));
            }
        });
    }
    heard.lock().has_ended = true;
}

/// The resourceVersion of the namespace's leases now, from which a watch tells all that follows.
pub(crate) async fn version_now(station: &Station) -> Result<String, Error> {
    #[derive(Deserialize)]
    struct List {
        metadata: Metadata,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Metadata {
        resource_version: String,
    }
    let what = || format!("listing leases in {}", station.namespace);
    let mut body = Vec::new();
    let listed = station
        .pool
        .exchange(station.api.list_as_json("limit=1"), &mut body)
        .await;
    let status = listed
        .map_err(|failed| refused(what(), 0, failed.to_string()))?
        .as_u16();
    let list: Result<List, _> = serde_json::from_slice(&body);
    match (status, list) {
        (200, Ok(list)) => Ok(list.metadata.resource_version),
        _ => Err(refused(what(), status, crate::fleet::message(&body))),
    }
}
