//! What others count, for the server's metrics: connections, controllers, who leads, and which features are on.

use leasehold_controllers::nodes::NodeFigures;
use leasehold_controllers::{ElectionFigures, ElectionOutcome, Standings};
use leasehold_registry::Features;
use leasehold_server::net::Connections;
use leasehold_server::{FigureFamily, Figures, Sample};

use super::controllers::Counted;

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

/// The connections of a server.
pub(super) fn of_connections(connections: Connections) -> Figures {
    Box::new(move || {
        let counts = connections.counts();
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

/// What controllers count, where they run: figures of a term that is over would be wrong by now.
pub(super) fn of_controllers(counted: Counted, standings: Standings) -> Figures {
    Box::new(move || {
        let (mut families, standings) = (Vec::new(), standings.read());
        let is_here = |name| standings.iter().all(|it| it.leads || !it.controllers.contains(&name));
        if let Some(figures) = counted.nodes.as_ref().filter(|_| is_here("node-monitor")) {
            families.extend(of_nodes(figures));
        }
        if let Some(figures) = counted.identities.as_ref().filter(|_| is_here("identity-expiry")) {
            families.push(plain(
                "leasehold_identity_leases",
                "Identity leases of servers there are",
                false,
                figures.leases(),
            ));
        }
        if let Some(figures) = counted
            .elections
            .as_ref()
            .filter(|_| is_here("leader-election-controller"))
        {
            families.extend(of_elections(figures));
        }
        families
    })
}

/// Whether this server leads, for each Lease that it campaigns for; under client-go's name.
pub(super) fn of_leadership(standings: Standings) -> Figures {
    Box::new(move || {
        let standings = standings.read();
        if standings.is_empty() {
            return Vec::new();
        }
        let series = standings.iter().map(|standing| Sample {
            labels: vec![("name", standing.lease)],
            value: f64::from(u8::from(standing.leads)),
        });
        vec![FigureFamily {
            name: "leader_election_master_status",
            help: "Whether this server runs the controllers of a Lease",
            counter: false,
            series: series.collect(),
        }]
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

#[allow(
    clippy::cast_precision_loss,
    reason = "Prometheus has no other numbers, and 2^53 is far away"
)]
fn exact(value: u64) -> f64 {
    value as f64
}
