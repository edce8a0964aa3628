//! What others count, for the server's metrics: the store its work, controllers theirs, and which features are on.

use std::sync::{Arc, OnceLock};

use leasehold_controllers::nodes::NodeFigures;
use leasehold_controllers::{ElectionFigures, ElectionOutcome};
use leasehold_registry::Features;
use leasehold_server::net::Connections;
use leasehold_server::{Figure, FigureFamily, Figures, Sample, StoreFigures};
use leasehold_store::embedded::{Embedded, Metrics};

use super::controllers::Counted;

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

/// The connections of a server that is yet to be made.
pub(super) fn of_connections(connections: Arc<OnceLock<Connections>>) -> Figures {
    Box::new(move || {
        let Some(counts) = connections.get().map(Connections::counts) else {
            return Vec::new();
        };
        let open = u64::try_from(counts.open).unwrap_or(u64::MAX);
        vec![
            plain("leasehold_connections", "Connections open", false, open),
            plain(
                "leasehold_connections_accepted",
                "Connections accepted",
                true,
                counts.accepted,
            ),
            plain(
                "leasehold_connections_refused",
                "Connections closed at once, being too many",
                true,
                counts.refused,
            ),
            plain(
                "leasehold_failed_handshakes",
                "Connections that ended before their TLS handshake had",
                true,
                counts.failed_handshakes,
            ),
        ]
    })
}

/// What controllers count.
pub(super) fn of_controllers(counted: Counted) -> Figures {
    Box::new(move || {
        let mut families = Vec::new();
        if let Some(figures) = &counted.nodes {
            families.extend(of_nodes(figures));
        }
        if let Some(figures) = &counted.identities {
            families.push(plain(
                "leasehold_identity_leases",
                "Identity leases of servers there are",
                false,
                figures.leases(),
            ));
        }
        if let Some(figures) = &counted.elections {
            families.extend(of_elections(figures));
        }
        families
    })
}

fn of_nodes(figures: &NodeFigures) -> [FigureFamily; 4] {
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
        value: exact(count),
    });
    [
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
            exact(figures.heartbeats()),
        ),
        single(
            "leasehold_node_silences",
            "Nodes found to have been silent for longer than their grace period",
            true,
            exact(figures.silences()),
        ),
        single(
            "leasehold_node_monitor_lag_seconds",
            "How late the longest silence was found, at the last look that found one",
            false,
            figures.lag().as_secs_f64(),
        ),
    ]
}

fn of_elections(figures: &ElectionFigures) -> [FigureFamily; 4] {
    let by_outcome = ElectionOutcome::ALL.map(|outcome| Sample {
        labels: vec![("outcome", outcome.name())],
        value: exact(figures.outcomes(outcome)),
    });
    [
        FigureFamily {
            name: "leasehold_elections",
            help: "Coordinated elections by how they ended",
            counter: true,
            series: by_outcome.to_vec(),
        },
        plain(
            "leasehold_election_candidates",
            "Lease candidates there are",
            false,
            figures.candidates(),
        ),
        plain(
            "leasehold_election_leases",
            "Leases that have candidates",
            false,
            figures.leases(),
        ),
        plain(
            "leasehold_election_writes",
            "Writes that coordinated elections took",
            true,
            figures.writes(),
        ),
    ]
}

fn plain(name: &'static str, help: &'static str, counter: bool, value: u64) -> FigureFamily {
    let value = exact(value);
    FigureFamily {
        name,
        help,
        counter,
        series: vec![Sample {
            labels: Vec::new(),
            value,
        }],
    }
}

#[allow(clippy::cast_precision_loss, reason = "as below")]
fn exact(value: u64) -> f64 {
    value as f64
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
