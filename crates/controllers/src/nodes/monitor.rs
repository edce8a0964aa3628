//! The shell around the roll: takes up what has changed, and does what follows.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::{FutureExt as _, StreamExt as _, stream};
use leasehold_api::ApiError;
use leasehold_api::codec::{glance, protobuf};
use leasehold_api::core::Node;
use leasehold_clock::Monotonic;
use leasehold_registry::Registry;
use leasehold_registry::resources::{LEASES, NODES};
use leasehold_store::{Change, ChangeKind, Entry, Range};

use super::acts::{self, COMPONENT, Step};
use super::roll::Roll;
use super::{NodeFigures, Settings};
use crate::driver::{Controller, Outcome};
use crate::follow::{Follower, News};
use crate::recorder::{Notice, record};

/// The namespace of the leases that are heartbeats.
const NAMESPACE: &str = "kube-node-lease";
/// How many nodes are dealt with before changes are taken up again: while they are, nothing is heard.
const BATCH: usize = 256;
/// How many of them at once, so that they share the store's commit groups.
const AT_ONCE: usize = 64;

/// Says which nodes are alive. See the module.
pub struct NodeMonitor {
    settings: Settings,
    nodes: Follower,
    leases: Follower,
    roll: Roll,
    /// When changes were taken up last.
    looked: Option<Monotonic>,
    notices: VecDeque<Notice>,
    /// A round has begun; if it is still so when the next one does, the last one panicked.
    midway: bool,
    figures: Arc<NodeFigures>,
}

impl NodeMonitor {
    /// A monitor that has seen nothing yet.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self::counting(settings, Arc::default())
    }

    /// The same, counting in `figures`.
    #[must_use]
    pub fn counting(settings: Settings, figures: Arc<NodeFigures>) -> Self {
        Self {
            settings,
            nodes: Follower::of(Range::Resource(NODES.storage)),
            leases: Follower::of_changes(Range::Namespace(LEASES.storage, NAMESPACE.into())),
            roll: Roll::new(settings),
            looked: None,
            notices: VecDeque::new(),
            midway: false,
            figures,
        }
    }

    async fn run(&mut self, registry: &Registry) -> Result<Outcome, ApiError> {
        if self.midway {
            *self = Self::counting(self.settings, self.figures.clone());
        }
        self.midway = true;
        let outcome = self.round(registry).await;
        self.midway = false;
        outcome
    }

    async fn round(&mut self, registry: &Registry) -> Result<Outcome, ApiError> {
        self.take_up(registry).await?;
        self.figures.set_nodes(self.roll.counts());
        let silenced = self.silence(registry).await;
        let settled = self.settle(registry).await;
        self.tell(registry).await;
        let (silenced, settled) = (silenced?, settled?);
        Ok(Outcome {
            did: summary(silenced, settled),
            again_in: Some(self.rest(silenced + settled > 0, registry.clock().now())),
        })
    }

    /// How long until the next round.
    fn rest(&self, busy: bool, now: Monotonic) -> Duration {
        let look_every = self.settings.look_every();
        let (deadline, unsettled) = self.roll.next();
        if busy || unsettled || !self.notices.is_empty() {
            return Duration::ZERO;
        }
        deadline.map_or(look_every, |at| at.since(now).min(look_every))
    }

    /// Brings the roll up to what the store says.
    async fn take_up(&mut self, registry: &Registry) -> Result<(), ApiError> {
        let store = &**registry.store();
        let now = registry.clock().now();
        let before = self.looked.replace(now);
        let slept = before.is_some_and(|at| now.since(at) > self.settings.fresh_for());
        if slept || registry.ready().is_err() {
            self.roll.forgive(now);
        }
        match self.nodes.look(store).await? {
            News::Everything(entries) => self.call_the_roll(entries, before.is_none(), now),
            News::Changes(changes) => changes.iter().for_each(|change| self.node_changed(change, now)),
        }
        match self.leases.look(store).await? {
            News::Everything(_) => self.roll.forgive(now),
            News::Changes(changes) => self.leases_changed(&changes, now),
        }
        self.roll.take_stock(now);
        Ok(())
    }

    /// All nodes anew. Those that are there at the very first look are no news to anybody.
    fn call_the_roll(&mut self, entries: Vec<Entry>, first: bool, now: Monotonic) {
        self.roll.forgive(now);
        let there: HashSet<_> = entries.iter().map(|entry| entry.key.name.clone()).collect();
        for name in self.roll.names() {
            if !there.contains(&name) {
                self.notices.extend(self.roll.gone(&name).map(acts::notice_of));
            }
        }
        for Entry { key, value, .. } in entries {
            self.node_is(&key.name, &value, now);
        }
        if first {
            self.notices.clear();
        }
    }

    fn node_changed(&mut self, change: &Change, now: Monotonic) {
        match &change.kind {
            ChangeKind::Put(value) => self.node_is(&change.key.name, value, now),
            ChangeKind::Delete => self
                .notices
                .extend(self.roll.gone(&change.key.name).map(acts::notice_of)),
        }
    }

    fn node_is(&mut self, name: &Arc<str>, value: &Bytes, now: Monotonic) {
        match protobuf::from_stored(&NODES.stored.1, value) {
            Ok(object) => {
                let Some(node) = object.downcast_ref::<Node>() else {
                    return;
                };
                let (heard, told) = self.roll.node(name, node, now);
                self.figures.add_heartbeats(u64::from(heard));
                self.notices.extend(told.into_iter().map(acts::notice_of));
            }
            Err(error) => tracing::warn!(node = %name, %error, "it cannot be read and is not watched over"),
        }
    }

    fn leases_changed(&mut self, changes: &[Arc<Change>], now: Monotonic) {
        let heard = changes.iter().filter(|change| self.lease_changed(change, now)).count();
        self.figures.add_heartbeats(heard as u64);
    }

    /// Whether that was a heartbeat.
    fn lease_changed(&mut self, change: &Change, now: Monotonic) -> bool {
        let ChangeKind::Put(value) = &change.kind else {
            return false;
        };
        let Some(renewed) = glance::renew_time(value) else {
            return false;
        };
        let before = || glance::renew_time(&change.previous.as_ref()?.0);
        self.roll.heartbeat(&change.key.name, renewed, before, now)
    }

    /// Deals with nodes that have been silent for too long, and says with how many. One that cannot be dealt with does not
    /// keep the others.
    async fn silence(&mut self, registry: &Registry) -> Result<usize, ApiError> {
        let overdue = self.roll.overdue(registry.clock().now(), BATCH);
        if let Some(longest) = overdue.iter().map(|overdue| overdue.late).max() {
            self.figures.set_lag(longest);
        }
        let steps = overdue.into_iter().map(async |overdue| {
            let step = acts::silence(registry, &overdue).await;
            (overdue, step)
        });
        let steps: Vec<_> = stream::iter(steps).buffer_unordered(AT_ONCE).collect().await;
        let (mut done, mut failed, now) = (0, None, registry.clock().now());
        for (overdue, step) in steps {
            match step {
                Ok(Step::Moot) => {}
                Ok(Step::Done { was_ready }) => {
                    done += 1;
                    self.figures.add_silence();
                    self.notices
                        .extend(was_ready.then(|| acts::notice_of_silence(&overdue)));
                }
                Ok(Step::Again) => self.roll.try_again(&overdue.name, now),
                Err(error) => {
                    self.roll.try_again(&overdue.name, now);
                    failed = Some(error);
                }
            }
        }
        failed.map_or(Ok(done), Err)
    }

    /// Sees to taints that may have to change, and says how many did.
    async fn settle(&mut self, registry: &Registry) -> Result<usize, ApiError> {
        let all_silent = self.roll.all_silent();
        let steps = self.roll.unsettled(BATCH).into_iter().map(async |name| {
            let step = acts::settle(registry, &name, all_silent).await;
            (name, step)
        });
        let steps: Vec<_> = stream::iter(steps).buffer_unordered(AT_ONCE).collect().await;
        let (mut done, mut failed) = (0, None);
        for (name, step) in steps {
            match step {
                Ok(Step::Moot) => {}
                Ok(Step::Done { .. }) => done += 1,
                Ok(Step::Again) => self.roll.unsettle(name),
                Err(error) => {
                    self.roll.unsettle(name);
                    failed = Some(error);
                }
            }
        }
        failed.map_or(Ok(done), Err)
    }

    /// Writes Events, as many as one round has room for.
    async fn tell(&mut self, registry: &Registry) {
        let notices: Vec<_> = self.notices.drain(..self.notices.len().min(BATCH)).collect();
        let told = notices.into_iter().map(|notice| record(registry, COMPONENT, notice));
        stream::iter(told).buffer_unordered(AT_ONCE).collect::<Vec<()>>().await;
    }
}

impl Controller for NodeMonitor {
    fn name(&self) -> &'static str {
        "node-monitor"
    }

    fn watches(&self) -> Vec<Range> {
        // Changes are taken up at every look: waking for each heartbeat would cost more than all the rest.
        Vec::new()
    }

    fn activate<'a>(&'a mut self, registry: &'a Registry) -> BoxFuture<'a, Result<Outcome, ApiError>> {
        self.run(registry).boxed()
    }

    fn explain(&self) -> String {
        let nodes = self.roll.counts();
        let all_silent = if self.roll.all_silent() {
            "; none is ready, so nothing is evicted"
        } else {
            ""
        };
        format!(
            "{} nodes ready, {} not ready, {} unknown, {} never heard{all_silent}",
            nodes.ready, nodes.not_ready, nodes.unknown, nodes.never_posted
        )
    }
}

fn summary(silenced: usize, settled: usize) -> String {
    let parts = [(silenced, "found silent"), (settled, "given other taints")];
    let parts = parts.iter().filter(|(count, _)| *count > 0);
    let parts: Vec<_> = parts.map(|(count, what)| format!("{count} {what}")).collect();
    if parts.is_empty() {
        return String::new();
    }
    format!("nodes: {}", parts.join(", "))
}
