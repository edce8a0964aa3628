//! Keeping a lease alive, as kubelet keeps its node's.
//!
//! A heartbeat says "this is alive" and nothing else: nobody takes it over, there is no term and no token. It is written
//! every quarter of the lease's duration, or up to 4 % later, on condition that the lease is as it was seen last; five tries
//! make a round. What a reader makes of it is its own business.

use std::sync::Arc;
use std::time::Duration;

use leasehold_api::coordination::Lease;
use leasehold_api::meta::OwnerReference;
use tokio_util::sync::CancellationToken;

use crate::jitter::Jitter;
use crate::machine::Now;
use crate::requests::{REQUEST_TIMEOUT, within};
use crate::stamps::Stamps;
use crate::{ApiFailure, LeaseName, Leases};

/// Writes in a round, before the next one is waited for.
const TRIES: u32 = 5;
/// The pause after a first round that failed without a lease; it doubles with each.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// The longest such pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(7);
/// How long a kubelet gives its node's lease.
const DURATION_SECONDS: i32 = 40;
/// By how much a pause may be longer than a quarter of the duration.
const SPREAD: f64 = 0.04;

/// Keeps a lease alive. A node's is in the namespace `kube-node-lease`, under the node's name.
#[derive(Debug)]
#[must_use = "a heart beats only while it runs"]
pub struct Heartbeat {
    leases: Leases,
    lease: LeaseName,
    holder: String,
    duration_seconds: i32,
    owner: Option<OwnerReference>,
    jitter: Jitter,
    stamps: Stamps,
    /// The lease as it was seen last.
    known: Option<Lease>,
}

impl Heartbeat {
    /// A heartbeat in this lease, held under the lease's own name, for 40 s at a time: what kubelet does.
    pub fn new(leases: &Leases, namespace: impl Into<String>, name: impl Into<String>) -> Self {
        let lease = LeaseName::new(namespace, name);
        Self {
            leases: leases.clone(),
            holder: lease.name.clone(),
            lease,
            duration_seconds: DURATION_SECONDS,
            owner: None,
            jitter: Jitter(rand::random()),
            stamps: Stamps::default(),
            known: None,
        }
    }

    /// Who is alive; the lease's name by default.
    pub fn holder(mut self, holder: impl Into<String>) -> Self {
        self.holder = holder.into();
        self
    }

    /// How long the lease says that this lasts, in seconds; renewed every quarter of it. At least 1.
    pub fn duration_seconds(mut self, seconds: i32) -> Self {
        self.duration_seconds = seconds.max(1);
        self
    }

    /// Whom the lease goes with: kubelet names its Node, so that the lease is collected when the node is deleted. Added
    /// when the lease has no owner yet.
    pub fn owner(mut self, owner: OwnerReference) -> Self {
        self.owner = Some(owner);
        self
    }

    /// Makes the pauses repeatable, for simulations.
    pub fn seed(mut self, seed: u64) -> Self {
        self.jitter = Jitter(seed);
        self
    }

    /// Beats until told to stop. Failures are logged, and tried again.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut failures = 0;
        loop {
            let round = tokio::select! {
                biased;
                () = stop.cancelled() => return,
                round = self.beat() => round,
            };
            let pause = match round {
                Ok(()) => {
                    failures = 0;
                    self.interval()
                }
                Err(failure) => {
                    tracing::warn!(lease = %self.lease, %failure, "no heartbeat");
                    failures += 1;
                    self.pause_after(failures)
                }
            };
            let clock = Arc::clone(&self.leases.clock);
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                () = clock.sleep_until(clock.now() + pause) => {}
            }
        }
    }

    /// One round: the lease was created or renewed when it returns. For programs that keep their own time.
    ///
    /// # Errors
    /// When no try of this round succeeded: the failure of the last.
    pub async fn beat(&mut self) -> Result<(), ApiFailure> {
        let mut tries = 0;
        loop {
            tries += 1;
            match self.try_once().await {
                Err(ApiFailure::Unknown(_) | ApiFailure::Conflict(_) | ApiFailure::NotFound(_)) if tries < TRIES => {}
                result => return result,
            }
        }
    }

    async fn try_once(&mut self) -> Result<(), ApiFailure> {
        let clock = Arc::clone(&self.leases.clock);
        let api = Arc::clone(&self.leases.api);
        if self.known.is_none() {
            let LeaseName { namespace, name } = &self.lease;
            self.known = within(&*clock, REQUEST_TIMEOUT, api.get(namespace, name)).await?;
        }
        let now = Now::on(&*clock);
        let lease = self.next(now);
        let written = if self.known.is_some() {
            api.update(lease)
        } else {
            api.create(lease)
        };
        let written = within(&*clock, REQUEST_TIMEOUT, written).await;
        if matches!(written, Err(ApiFailure::Conflict(_) | ApiFailure::NotFound(_))) {
            // Somebody changed it, or an earlier write of ours was done after all: read it first.
            self.known = None;
        }
        self.known = Some(written?);
        Ok(())
    }

    /// The lease with a heartbeat of now.
    fn next(&mut self, now: Now) -> Lease {
        let mut lease = self.known.clone().unwrap_or_default();
        lease.metadata.namespace.clone_from(&self.lease.namespace);
        lease.metadata.name.clone_from(&self.lease.name);
        lease.metadata.managed_fields.clear();
        if lease.metadata.owner_references.is_empty() {
            lease.metadata.owner_references.extend(self.owner.clone());
        }
        lease.spec.holder_identity = Some(self.holder.clone());
        lease.spec.lease_duration_seconds = Some(self.duration_seconds);
        lease.spec.renew_time = Some(self.stamps.next(now));
        lease
    }

    fn interval(&mut self) -> Duration {
        let seconds = u64::try_from(self.duration_seconds).unwrap_or(1);
        self.jitter.stretch(Duration::from_secs(seconds) / 4, SPREAD)
    }

    /// Without a lease there is nothing to be late for: it is created as soon as it can be.
    fn pause_after(&mut self, failures: u32) -> Duration {
        if self.known.is_some() {
            return self.interval();
        }
        FIRST_PAUSE
            .saturating_mul(1 << failures.saturating_sub(1).min(16))
            .min(LONGEST_PAUSE)
    }
}
