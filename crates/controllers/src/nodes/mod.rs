//! The node monitor: says which machines are alive.
//!
//! A node lives as long as its heartbeats change: `spec.renewTime` of its lease in `kube-node-lease`, or
//! `lastHeartbeatTime` of its Ready condition. Which way they change, and what they say, does not matter: they are
//! another machine's clock, and what counts is when *we* saw them change. A change of anything else in the lease is no
//! heartbeat: a label must not keep a dead node alive. After the grace period without one, the node's conditions become
//! `Unknown` ([`conditions`]) and its taints follow ([`taints`]); when the node posts that it is ready, they go again.
//!
//! # How
//!
//! The [`roll`] knows when each node was heard last. Every node has one deadline in an ordered set. A heartbeat only
//! notes the time; the deadline is looked at when it comes due, and set anew if the node was heard meanwhile. So ten
//! thousand heartbeats a second cost a glance and a lookup each, and nobody walks through all nodes. Changes are not
//! waited for but taken up at every look, [`Settings::look_every`] apart: late by that much, and never too early.
//!
//! # When nothing is judged
//!
//! Without a fresh view, silence means nothing. Every node has its full grace period again when the monitor starts, when
//! its place in the history is lost, when it did not get to look for a quarter of the grace period (the machine slept, or
//! was overwhelmed), while the store takes no writes, and, as in Kubernetes, when the first node is ready again after none
//! was.

mod acts;
mod conditions;
mod figures;
mod monitor;
mod roll;
mod taints;

use std::time::Duration;

pub use figures::{NodeCounts, NodeFigures};
pub use monitor::NodeMonitor;

/// How patient the monitor is. The defaults are those of kube-controller-manager.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// A node's silence is acted on at most this long after its grace period ends. 5 s.
    pub period: Duration,
    /// How long a node may be silent. 50 s.
    pub grace: Duration,
    /// The same for a node that has never posted whether it is ready. 60 s.
    pub startup_grace: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            period: Duration::from_secs(5),
            grace: Duration::from_secs(50),
            startup_grace: Duration::from_secs(60),
        }
    }
}

impl Settings {
    /// How often changes are taken up. What is left of the period is for acting on them.
    fn look_every(&self) -> Duration {
        (self.period / 5).clamp(Duration::from_millis(10), Duration::from_secs(1))
    }

    /// How long the monitor may go without looking and still trust what it sees.
    fn fresh_for(&self) -> Duration {
        self.grace.min(self.startup_grace) / 4
    }
}
