//! What each engine counts, for the server's metrics.

use std::sync::Arc;

use leasehold_server::{Figure, FigureFamily, Figures, Sample, StoreFigures};
use leasehold_store::embedded::{self, Embedded};
use leasehold_store::etcd::{self, Etcd, RequestKind, RequestOutcome};

/// Reads the figures of this store.
pub(super) fn of_embedded(store: Arc<Embedded>) -> StoreFigures {
    Box::new(move || embedded(&store.metrics()))
}

/// Reads the figures of this store.
pub(super) fn of_etcd(store: Arc<Etcd>) -> StoreFigures {
    Box::new(move || etcd(&store.metrics()))
}

/// How requests to etcd ended.
pub(super) fn of_requests(store: Arc<Etcd>) -> Figures {
    Box::new(move || {
        let metrics = store.metrics();
        let kinds = RequestKind::ALL.into_iter();
        let series = kinds.flat_map(|kind| RequestOutcome::ALL.map(|outcome| request(&metrics, kind, outcome)));
        vec![FigureFamily {
            name: "leasehold_etcd_requests",
            help: "Requests to etcd by kind and by how they ended",
            counter: true,
            series: series.collect(),
        }]
    })
}

fn request(metrics: &etcd::Metrics, kind: RequestKind, outcome: RequestOutcome) -> Sample {
    Sample {
        labels: vec![("kind", kind.name()), ("outcome", outcome.name())],
        value: exact(metrics.requests(kind, outcome)),
    }
}

fn embedded(metrics: &embedded::Metrics) -> Vec<Figure> {
    vec![
        counter("commits", "Writes made durable", metrics.commits),
        counter("groups", "Groups that writes were made durable in", metrics.groups),
        counter("written_bytes", "Bytes appended to the log", metrics.written_bytes),
        counter("syncs", "Syncs of the log", metrics.syncs),
        Figure {
            name: "sync_seconds",
            help: "Seconds spent in syncs of the log",
            value: metrics.sync_time.as_secs_f64(),
            counter: true,
        },
        counter("snapshots", "Snapshots written", metrics.snapshots),
        gauge("objects", OBJECTS, metrics.live_objects),
        gauge("live_bytes", LIVE_BYTES, metrics.live_bytes),
        gauge("log_bytes", "Bytes in the log", metrics.log_bytes),
        gauge("watchers", WATCHERS, metrics.watchers),
    ]
}

fn etcd(metrics: &etcd::Metrics) -> Vec<Figure> {
    let behind = metrics.etcd_revision.saturating_sub(metrics.seen_revision);
    vec![
        counter("commits", "Writes acknowledged", metrics.commits),
        gauge(
            "seen_revision",
            "The last revision that has been seen of etcd's watch",
            metrics.seen_revision,
        ),
        gauge(
            "lag_revisions",
            "Revisions that etcd is known to have and that have not been seen yet, of other keys too",
            behind,
        ),
        Figure {
            name: "silence_seconds",
            help: "How long ago etcd's watch told anything",
            value: metrics.silence.as_secs_f64(),
            counter: false,
        },
        counter(
            "reconnects",
            "How often the watch was opened again after it was lost",
            metrics.reconnects,
        ),
        counter(
            "relists",
            "How often everything was read anew because changes were missed",
            metrics.relists,
        ),
        counter("compactions", "Compactions of etcd by this server", metrics.compactions),
        gauge("objects", OBJECTS, metrics.live_objects),
        gauge("live_bytes", LIVE_BYTES, metrics.live_bytes),
        gauge("watchers", WATCHERS, metrics.watchers),
    ]
}

const OBJECTS: &str = "Objects there are";
const LIVE_BYTES: &str = "Bytes of the objects' names and values";
const WATCHERS: &str = "Watches there are";

fn counter(name: &'static str, help: &'static str, value: u64) -> Figure {
    let counter = true;
    let value = exact(value);
    Figure {
        name,
        help,
        value,
        counter,
    }
}

fn gauge(name: &'static str, help: &'static str, value: u64) -> Figure {
    Figure {
        counter: false,
        ..counter(name, help, value)
    }
}

#[allow(
    clippy::cast_precision_loss,
    reason = "Prometheus has no other numbers, and 2^53 is far away"
)]
fn exact(value: u64) -> f64 {
    value as f64
}
