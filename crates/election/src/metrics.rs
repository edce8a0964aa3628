//! Where an election's figures go.

use std::fmt;
use std::time::Duration;

use crate::machine::Purpose;
use crate::{LeaseName, Loss};

/// Receives the figures of elections; forward them to whatever collects yours. Every method does nothing by default, is
/// called from the election's own task, and must return at once.
pub trait Metrics: fmt::Debug + Send + Sync + 'static {
    /// A gauge for each lease: whether this process leads.
    fn leading(&self, lease: &LeaseName, leading: bool) {
        let _ = (lease, leading);
    }

    /// A counter for each lease and [`Loss::label`]: a term ended.
    fn term_ended(&self, lease: &LeaseName, reason: &Loss) {
        let _ = (lease, reason);
    }

    /// A renewal succeeded: how long it took, and what was left of the validity before it. A shrinking rest is the early
    /// sign of trouble.
    fn renewed(&self, lease: &LeaseName, latency: Duration, left: Duration) {
        let _ = (lease, latency, left);
    }

    /// A counter for each lease and purpose: a request failed.
    fn request_failed(&self, lease: &LeaseName, purpose: Purpose) {
        let _ = (lease, purpose);
    }

    /// A counter for each lease: work did not end in time, and the lease was not released.
    fn work_overran(&self, lease: &LeaseName) {
        let _ = lease;
    }
}

/// Figures go nowhere.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoMetrics;

impl Metrics for NoMetrics {}
