//! The store's counters, for the server's metrics.

use std::sync::Arc;

use leasehold_server::{Figure, StoreFigures};
use leasehold_store::embedded::{Embedded, Metrics};

/// Reads the figures of this store.
pub(super) fn of(store: Arc<Embedded>) -> StoreFigures {
    Box::new(move || read(&store.metrics()))
}

#[allow(
    clippy::cast_precision_loss,
    reason = "Prometheus has no other numbers, and 2^53 is far away"
)]
fn read(metrics: &Metrics) -> Vec<Figure> {
    let counter = |name, help, value: u64| Figure {
        name,
        help,
        value: value as f64,
        counter: true,
    };
    let gauge = |name, help, value: u64| Figure {
        name,
        help,
        value: value as f64,
        counter: false,
    };
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
        gauge("objects", "Objects there are", metrics.live_objects),
        gauge(
            "live_bytes",
            "Bytes of the objects' names and values",
            metrics.live_bytes,
        ),
        gauge("log_bytes", "Bytes in the log", metrics.log_bytes),
        gauge("watchers", "Watches there are", metrics.watchers),
    ]
}
