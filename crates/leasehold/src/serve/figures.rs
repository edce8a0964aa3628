//! What others count, for the server's metrics: the store its work, and which features are on.

use std::sync::Arc;

use leasehold_registry::Features;
use leasehold_server::{Figure, FigureFamily, Figures, Sample, StoreFigures};
use leasehold_store::embedded::{Embedded, Metrics};

/// Reads the figures of this store.
pub(super) fn of(store: Arc<Embedded>) -> StoreFigures {
    Box::new(move || read(&store.metrics()))
}

/// Which features are on, under Kubernetes' name.
pub(super) fn of_features(features: Features) -> Figures {
    let series: Vec<_> = features
        .all()
        .map(|(gate, on)| Sample {
            labels: vec![("name", gate.name), ("stage", gate.stage.name())],
            value: f64::from(u8::from(on)),
        })
        .collect();
    Box::new(move || {
        vec![FigureFamily {
            name: "kubernetes_feature_enabled",
            help: "Whether a feature is on, and its stage",
            counter: false,
            series: series.clone(),
        }]
    })
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
