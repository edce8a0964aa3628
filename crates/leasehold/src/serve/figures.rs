//! What others count, for the server's metrics: the store its work, the node monitor nodes, and which features are on.

use std::sync::Arc;

use leasehold_controllers::nodes::NodeFigures;
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

/// Reads what the node monitor counts.
pub(super) fn of_nodes(nodes: Arc<NodeFigures>) -> Figures {
    Box::new(move || nodes_now(&nodes))
}

#[allow(
    clippy::cast_precision_loss,
    reason = "Prometheus has no other numbers, and 2^53 is far away"
)]
fn nodes_now(figures: &NodeFigures) -> Vec<FigureFamily> {
    let single = |name, help, counter, value| FigureFamily {
        name,
        help,
        counter,
        series: vec![Sample { labels: vec![], value }],
    };
    let counts = figures.nodes();
    let states = [
        ("ready", counts.ready),
        ("not-ready", counts.not_ready),
        ("unknown", counts.unknown),
        ("never-posted", counts.never_posted),
    ];
    let states = states.map(|(state, count)| Sample {
        labels: vec![("state", state)],
        value: count as f64,
    });
    vec![
        FigureFamily {
            name: "leasehold_nodes",
            help: "Nodes there are, by what their Ready condition says",
            counter: false,
            series: states.into(),
        },
        single(
            "leasehold_node_heartbeats",
            "Heartbeats of nodes that were seen",
            true,
            figures.heartbeats() as f64,
        ),
        single(
            "leasehold_node_silences",
            "Nodes found to have been silent for longer than their grace period",
            true,
            figures.silences() as f64,
        ),
        single(
            "leasehold_node_monitor_lag_seconds",
            "How late the longest silence was found, at the last look that found one",
            false,
            figures.lag().as_secs_f64(),
        ),
    ]
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
