//! The agent: registers the node, posts its status and renews its lease until it is told to stop.

use std::sync::Arc;
use std::time::Duration;

use leasehold_api::Time;
use leasehold_api::core::Node;
use leasehold_api::meta::OwnerReference;
use leasehold_clock::{Clock, Monotonic};
use leasehold_election::{ApiFailure, Heartbeat, Leases};
use tokio::sync::watch;

use super::api::Server;
use super::facts::Facts;
use super::report::{self, Finding};
use super::{health, pressure};
use crate::cli::HeartbeatSettings;
use crate::failure::{Failure, Kind};

/// The namespace of the leases that are heartbeats.
const NAMESPACE: &str = "kube-node-lease";
/// How long to wait before registering, or making the lease, is tried again: at first, and at most. Kubelet's.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(7));

/// By how much of a period a pause is longer or shorter at most, so that agents that were started together do not stay
/// together. Kubelet's.
const JITTER: f64 = 0.04;

/// See the module.
pub(super) struct Agent {
    settings: HeartbeatSettings,
    server: Server,
    clock: Arc<dyn Clock>,
    /// When the status was posted last.
    posted: Option<Monotonic>,
}

impl Agent {
    pub(super) fn new(settings: &HeartbeatSettings, server: Server, clock: Arc<dyn Clock>) -> Self {
        Self {
            settings: settings.clone(),
            server,
            clock,
            posted: None,
        }
    }

    /// Runs until dropped, or until the server will have nothing to do with this node.
    pub(super) async fn run(&mut self) -> Failure {
        let node = match self.register().await {
            Ok(node) => node,
            Err(failure) => return failure,
        };
        tracing::info!(node = self.settings.node, uid = node.metadata.uid, "registered");
        // The lease goes with the node while there is one.
        let (owner, is_owned_by) = watch::channel(Some(owner_of(&node)));
        let Self {
            settings,
            server,
            clock,
            posted,
        } = self;
        let lease = Lease {
            settings,
            leases: server.leases(),
            clock: &**clock,
        };
        let mut status = Status {
            settings,
            server,
            clock: &**clock,
            posted,
        };
        tokio::select! {
            never = lease.keep(is_owned_by) => match never {},
            never = status.keep(&owner) => match never {},
        }
    }

    /// Says that the node is not ready any more.
    pub(super) async fn farewell(&mut self) {
        let Some(_) = self.posted else { return };
        let mut status = Status {
            settings: &self.settings,
            server: &self.server,
            clock: &*self.clock,
            posted: &mut self.posted,
        };
        match status.server.node(&self.settings.node).await {
            Ok(Some(node)) => match status.post(&node, health::stopped()).await {
                Ok(()) => tracing::info!("the node is marked as not ready"),
                Err(failure) => tracing::warn!(%failure, "the node could not be marked as not ready"),
            },
            Ok(None) => {}
            Err(failure) => tracing::warn!(%failure, "the node could not be marked as not ready"),
        }
    }

    /// Creates the Node, or finds it and brings its labels up to date.
    async fn register(&mut self) -> Result<Node, Failure> {
        let mut wait = BACKOFF.0;
        loop {
            match self.try_to_register().await {
                Ok(node) => return Ok(node),
                Err(failure @ (ApiFailure::Forbidden(_) | ApiFailure::Invalid(_))) => {
                    return Err(self.refused(&failure));
                }
                Err(failure) => {
                    tracing::warn!(%failure, "cannot register; will try again");
                    self.clock.sleep_until(self.clock.now() + wait).await;
                    wait = (wait * 2).min(BACKOFF.1);
                }
            }
        }
    }

    async fn try_to_register(&mut self) -> Result<Node, ApiFailure> {
        let Self { settings, server, .. } = self;
        let facts = Facts::gather(server.address.as_ref()).await;
        if let Some(node) = server.node(&settings.node).await? {
            return match report::missing_labels(&node, &settings.labels, &facts) {
                Some(patch) => server.patch_node(&settings.node, patch).await,
                None => Ok(node),
            };
        }
        let findings = findings(health::check(settings.health_command.as_deref(), settings.health_timeout).await);
        let now = Time::from_system(self.clock.wall());
        let node = report::new_node(&settings.node, &settings.labels, &facts, &findings, now);
        let node = server.register(&node).await?;
        self.posted = Some(self.clock.now());
        Ok(node)
    }

    fn refused(&self, failure: &ApiFailure) -> Failure {
        let node = &self.settings.node;
        Failure::new(
            Kind::Certificates,
            format!("the server does not take node '{node}': {failure}"),
        )
        .hint(format!(
            "'leasehold kubeconfig --node {node}' makes credentials that may register it"
        ))
    }
}

/// The part of the agent that keeps the lease.
struct Lease<'a> {
    settings: &'a HeartbeatSettings,
    leases: Leases,
    clock: &'a dyn Clock,
}

impl Lease<'_> {
    /// Renews the lease for as long as there is a node that it goes with.
    async fn keep(&self, mut owner: watch::Receiver<Option<OwnerReference>>) -> std::convert::Infallible {
        loop {
            let now = owner.borrow_and_update().clone();
            match now {
                Some(node) => tokio::select! {
                    never = self.renew(self.heartbeat(node)) => match never {},
                    _ = owner.changed() => {}
                },
                // The status is kept for as long as this is, and knows when there is a node again.
                None => drop(owner.changed().await),
            }
        }
    }

    fn heartbeat(&self, owner: OwnerReference) -> Heartbeat {
        let seconds = i32::try_from(self.settings.duration.as_secs()).unwrap_or(i32::MAX);
        Heartbeat::new(&self.leases, NAMESPACE, &self.settings.node)
            .duration_seconds(seconds)
            .owner(owner)
    }

    async fn renew(&self, mut heartbeat: Heartbeat) -> std::convert::Infallible {
        let (mut begun, mut wait) = (false, BACKOFF.0);
        loop {
            match heartbeat.beat().await {
                Ok(()) => {
                    begun = true;
                    tracing::debug!("the lease is renewed");
                }
                Err(failure) => tracing::warn!(%failure, "the lease is not renewed; will try again"),
            }
            let pause = if begun { self.pause() } else { wait };
            wait = (wait * 2).min(BACKOFF.1);
            self.clock.sleep_until(self.clock.now() + pause).await;
        }
    }

    fn pause(&self) -> Duration {
        let factor = 1.0 + rand::random_range(-JITTER..=JITTER);
        self.settings.period.mul_f64(factor)
    }
}

/// The part of the agent that keeps the status.
struct Status<'a> {
    settings: &'a HeartbeatSettings,
    server: &'a Server,
    clock: &'a dyn Clock,
    posted: &'a mut Option<Monotonic>,
}

impl Status<'_> {
    async fn keep(&mut self, owner: &watch::Sender<Option<OwnerReference>>) -> std::convert::Infallible {
        loop {
            match self.look(owner).await {
                Ok(()) => {}
                Err(failure) => tracing::warn!(%failure, "the status is not posted; will try again"),
            }
            self.clock.sleep_until(self.clock.now() + self.settings.period).await;
        }
    }

    async fn look(&mut self, owner: &watch::Sender<Option<OwnerReference>>) -> Result<(), ApiFailure> {
        let node = self.server.node(&self.settings.node).await?;
        let is_owner = node.as_ref().map(owner_of);
        let changed = owner.send_if_modified(|before| std::mem::replace(before, is_owner.clone()) != is_owner);
        let Some(node) = node else {
            if changed {
                tracing::warn!(
                    node = self.settings.node,
                    "it was deleted; start again to register it anew"
                );
            }
            return Ok(());
        };
        let (command, timeout) = (self.settings.health_command.as_deref(), self.settings.health_timeout);
        let ready = health::check(command, timeout).await;
        self.post_if_due(&node, ready).await
    }

    async fn post_if_due(&mut self, node: &Node, ready: Finding) -> Result<(), ApiFailure> {
        let wanted = self.wanted(node, ready).await;
        let since = self
            .posted
            .map_or(Duration::MAX, |posted| self.clock.now().since(posted));
        if report::is_due(&node.status, &wanted, since, self.settings.status_period) {
            self.send(&wanted).await?;
        }
        Ok(())
    }

    async fn post(&mut self, node: &Node, ready: Finding) -> Result<(), ApiFailure> {
        let wanted = self.wanted(node, ready).await;
        self.send(&wanted).await
    }

    async fn wanted(&self, node: &Node, ready: Finding) -> leasehold_api::core::NodeStatus {
        let facts = Facts::gather(self.server.address.as_ref()).await;
        let now = Time::from_system(self.clock.wall());
        report::status(&node.status, &facts, &findings(ready), now)
    }

    async fn send(&mut self, wanted: &leasehold_api::core::NodeStatus) -> Result<(), ApiFailure> {
        self.server
            .patch_status(&self.settings.node, report::post(wanted))
            .await?;
        *self.posted = Some(self.clock.now());
        tracing::debug!("the status is posted");
        Ok(())
    }
}

fn findings(ready: Finding) -> Vec<Finding> {
    pressure::look().into_iter().chain([ready]).collect()
}

fn owner_of(node: &Node) -> OwnerReference {
    OwnerReference {
        api_version: "v1".to_owned(),
        kind: "Node".to_owned(),
        name: node.metadata.name.clone(),
        uid: node.metadata.uid.clone(),
        ..OwnerReference::default()
    }
}
