//! Keeps a lease that says "I am alive", as kubelet keeps its node's.
//!
//! Nobody contends for such a lease. It is created when it is not there and renewed with the resourceVersion seen last,
//! without reading it first. When somebody else's write came between, it is read again. What a round could not do the
//! next one does; that the lease expires meanwhile is the point.
//!
//! It says nothing that a holder could rely on: for that there is [`crate::Elector`].

use std::sync::Arc;
use std::time::Duration;

use leasehold_api::MicroTime;
use leasehold_api::coordination::Lease;
use leasehold_api::meta::{ObjectMeta, OwnerReference};
use leasehold_clock::Clock;

use crate::{ApiFailure, LeaseApi, LeaseName};

/// How often a round tries to renew, as in kubelet.
const ATTEMPTS: u32 = 5;
/// How long to wait before creating is tried again: at first, and at most. Kubelet's.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(7));
/// By how much of the period a pause is longer or shorter at most, so that a thousand agents that were started together do
/// not stay together. Kubelet's.
const JITTER: f64 = 0.04;

/// What the lease says, and how it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeartbeatSettings {
    /// The lease.
    pub lease: LeaseName,
    /// Who is alive.
    pub holder: String,
    /// How long the lease is good for, in whole seconds, 1 at least. 40 s in kubelet.
    pub duration: Duration,
    /// The time between two rounds. A quarter of the duration in kubelet.
    pub period: Duration,
    /// How long a request may take.
    pub request_timeout: Duration,
}

impl HeartbeatSettings {
    /// Kubelet's for a node of this name.
    #[must_use]
    pub fn of_node(name: &str) -> Self {
        Self {
            lease: LeaseName::new("kube-node-lease", name),
            holder: name.to_owned(),
            duration: Duration::from_secs(40),
            period: Duration::from_secs(10),
            request_timeout: Duration::from_secs(10),
        }
    }
}

/// What a round came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beat {
    /// The lease was created.
    Created,
    /// It was renewed.
    Renewed,
    /// There is none, and it may not be created without an owner.
    Ownerless,
}

/// Keeps one lease.
pub struct Heartbeat {
    api: Arc<dyn LeaseApi>,
    clock: Arc<dyn Clock>,
    settings: HeartbeatSettings,
    /// As the server had it last; `None` when that is not known.
    latest: Option<Lease>,
}

impl Heartbeat {
    /// A heartbeat that has yet to begin.
    #[must_use]
    pub fn new(api: Arc<dyn LeaseApi>, clock: Arc<dyn Clock>, settings: HeartbeatSettings) -> Self {
        Self {
            api,
            clock,
            settings,
            latest: None,
        }
    }

    /// One round. `owner` is what the lease shall go with; while it is not known, a lease that is there is renewed, and none
    /// is created. As long as the lease cannot be created or read, the round goes on, with growing pauses. Cancel safe.
    ///
    /// # Errors
    /// What kept the last of its attempts from renewing.
    pub async fn beat(&mut self, owner: Option<&OwnerReference>) -> Result<Beat, ApiFailure> {
        let mut last = None;
        for _ in 0..ATTEMPTS {
            let Some(base) = self.latest.clone() else {
                match self.ensure(owner).await {
                    Some(Beat::Renewed) => continue,
                    Some(done) => return Ok(done),
                    None => return Ok(Beat::Ownerless),
                }
            };
            match self.bounded(self.api.update(self.renewed(base, owner))).await {
                Ok(lease) => {
                    self.latest = Some(lease);
                    return Ok(Beat::Renewed);
                }
                Err(failure) => {
                    // Whatever it is now, it is not what we thought; or the write was done and its answer was lost.
                    if matches!(failure, ApiFailure::Conflict(_) | ApiFailure::NotFound(_)) {
                        self.latest = None;
                    }
                    last = Some(failure);
                }
            }
        }
        Err(last.unwrap_or_else(|| ApiFailure::Conflict("others write to it all the time".to_owned())))
    }

    /// How long to wait after a round.
    #[must_use]
    pub fn pause(&self) -> Duration {
        self.settings.period.mul_f64(1.0 + rand::random_range(-JITTER..=JITTER))
    }

    /// Reads the lease or creates it. `Renewed` means that it was there, and is yet to be renewed.
    async fn ensure(&mut self, owner: Option<&OwnerReference>) -> Option<Beat> {
        let mut wait = BACKOFF.0;
        loop {
            match self.look_or_create(owner).await {
                Ok(done) => return done,
                Err(failure) => {
                    tracing::warn!(lease = %self.settings.lease, %failure, "cannot be created; will try again");
                    self.clock.sleep_until(self.clock.now() + wait).await;
                    wait = (wait * 2).min(BACKOFF.1);
                }
            }
        }
    }

    async fn look_or_create(&mut self, owner: Option<&OwnerReference>) -> Result<Option<Beat>, ApiFailure> {
        let LeaseName { namespace, name } = &self.settings.lease;
        if let Some(found) = self.bounded(self.api.get(namespace, name)).await? {
            self.latest = Some(found);
            return Ok(Some(Beat::Renewed));
        }
        let Some(owner) = owner else { return Ok(None) };
        let new = Lease {
            metadata: ObjectMeta {
                namespace: namespace.clone(),
                name: name.clone(),
                ..ObjectMeta::default()
            },
            ..Lease::default()
        };
        let created = self.bounded(self.api.create(self.renewed(new, Some(owner)))).await?;
        self.latest = Some(created);
        Ok(Some(Beat::Created))
    }

    async fn bounded<T>(&self, request: impl Future<Output = Result<T, ApiFailure>>) -> Result<T, ApiFailure> {
        let deadline = self.clock.now() + self.settings.request_timeout;
        tokio::select! {
            biased;
            reply = request => reply,
            () = self.clock.sleep_until(deadline) => Err(ApiFailure::Unknown("it took too long".to_owned())),
        }
    }

    fn renewed(&self, lease: Lease, owner: Option<&OwnerReference>) -> Lease {
        renewed(lease, &self.settings, owner, MicroTime::from_system(self.clock.wall()))
    }
}

/// The lease with a fresh stamp. A namesake's owner reference is replaced: the owner was deleted and made anew.
fn renewed(mut lease: Lease, settings: &HeartbeatSettings, owner: Option<&OwnerReference>, now: MicroTime) -> Lease {
    lease.spec.holder_identity = Some(settings.holder.clone());
    lease.spec.lease_duration_seconds = Some(i32::try_from(settings.duration.as_secs()).unwrap_or(i32::MAX).max(1));
    lease.spec.renew_time = Some(now);
    if let Some(owner) = owner {
        let owners = &mut lease.metadata.owner_references;
        if !owners.iter().any(|there| there.uid == owner.uid) {
            owners.retain(|there| (&there.kind, &there.name) != (&owner.kind, &owner.name));
            owners.push(owner.clone());
        }
    }
    lease
}

#[cfg(test)]
#[path = "heartbeat_tests.rs"]
mod tests;
