//! Candidates of a coordinated election: the server chooses who leads.
//!
//! A candidate keeps a LeaseCandidate, by which the server knows of it (`keeper`), and an elector that never takes a lease:
//! it leads when the server has written the candidate's name into the lease, and renews it from there as any elector does.
//! When the server would rather have another, it says so in the lease (`preferredHolder`): the work is stopped, and the
//! lease released at once, so that nobody waits for it to expire.

mod api;
mod keeper;

use std::sync::Arc;
use std::time::Duration;

pub use api::{CandidateApi, CandidateSights};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use self::keeper::Keeper;
use crate::identity::host_name;
use crate::{Elector, ElectorBuilder, Ended, Leadership, LeaseName, Leases, Metrics, RunError, SetupError, Timers};

/// The one strategy that Kubernetes itself defines: the lowest emulation version leads, so that nobody uses what others do
/// not know yet.
pub const OLDEST_EMULATION_VERSION: &str = "OldestEmulationVersion";

/// A candidate for a lease that the server gives away. Made by [`Candidate::builder`].
#[derive(Debug)]
pub struct Candidate {
    elector: Elector,
    keeper: Keeper,
}

/// Sets up a [`Candidate`].
#[must_use = "a builder does nothing until it builds"]
pub struct CandidateBuilder {
    leases: Leases,
    api: Arc<dyn CandidateApi>,
    lease: LeaseName,
    name: Option<String>,
    binary_version: String,
    emulation_version: String,
    strategy: String,
    timers: Timers,
    stop_grace: Option<Duration>,
    metrics: Option<Arc<dyn Metrics>>,
    seed: Option<u64>,
}

impl Candidate {
    /// Begins to set up a candidate for `namespace/lease_name`, whose program has this version, such as `1.36.0`.
    pub fn builder(
        leases: &Leases,
        api: Arc<dyn CandidateApi>,
        namespace: impl Into<String>,
        lease_name: impl Into<String>,
        binary_version: impl Into<String>,
    ) -> CandidateBuilder {
        let binary_version = binary_version.into();
        CandidateBuilder {
            leases: leases.clone(),
            api,
            lease: LeaseName::new(namespace, lease_name),
            name: None,
            emulation_version: binary_version.clone(),
            binary_version,
            strategy: OLDEST_EMULATION_VERSION.to_owned(),
            timers: Timers::default(),
            stop_grace: None,
            metrics: None,
            seed: None,
        }
    }

    /// The candidate's name: that of its LeaseCandidate, and its identity in the lease.
    #[must_use]
    pub fn name(&self) -> &str {
        self.elector.identity()
    }

    /// Stands for election until told to stop, and runs `work` whenever elected; as [`Elector::run`] in everything else.
    ///
    /// In the end the LeaseCandidate is deleted first, so that this candidate is not elected again, and the lease released
    /// after.
    ///
    /// # Errors
    /// As [`Elector::run`].
    pub async fn run<F, W, T>(self, stop: CancellationToken, work: F) -> Result<Ended<T>, RunError>
    where
        F: FnMut(Leadership) -> W,
        W: Future<Output = T> + Send + 'static,
        T: Send + 'static,
    {
        let (standing, leading) = (stop.child_token(), CancellationToken::new());
        let mut keeper = AbortOnDropHandle::new(tokio::spawn(self.keeper.keep(standing.clone())));
        let run = self.elector.run(leading.clone(), work);
        tokio::pin!(run);
        tokio::select! {
            biased;
            result = &mut run => {
                standing.cancel();
                joined(keeper.await);
                result
            }
            kept = &mut keeper => {
                joined(kept);
                leading.cancel();
                run.await
            }
        }
    }
}

fn joined(kept: Result<(), tokio::task::JoinError>) {
    if let Err(error) = kept
        && let Ok(panic) = error.try_into_panic()
    {
        std::panic::resume_unwind(panic);
    }
}

impl CandidateBuilder {
    /// The candidate's name, unique for each start of the process: `host-pid-random` by default, as a name has to be written.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// The version that the program behaves as; its binary version by default.
    pub fn emulation_version(mut self, version: impl Into<String>) -> Self {
        self.emulation_version = version.into();
        self
    }

    /// How the server is to choose; [`OLDEST_EMULATION_VERSION`] by default.
    pub fn strategy(mut self, strategy: impl Into<String>) -> Self {
        self.strategy = strategy.into();
        self
    }

    /// The durations, as for any elector.
    pub fn timers(mut self, timers: Timers) -> Self {
        self.timers = timers;
        self
    }

    /// As [`ElectorBuilder::stop_grace`].
    pub fn stop_grace(mut self, grace: Duration) -> Self {
        self.stop_grace = Some(grace);
        self
    }

    /// Where figures go.
    pub fn metrics(mut self, metrics: Arc<dyn Metrics>) -> Self {
        self.metrics = Some(metrics);
        self
    }

    /// Makes jitter repeatable, for simulations.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// The candidate.
    ///
    /// # Errors
    /// As [`ElectorBuilder::build`].
    pub fn build(self) -> Result<Candidate, SetupError> {
        let name = self.name.unwrap_or_else(unique_name);
        let mut elector = ElectorBuilder::new(self.leases.clone(), self.lease.clone())
            .identity(&name)
            .timers(self.timers)
            .coordinated();
        if let Some(grace) = self.stop_grace {
            elector = elector.stop_grace(grace);
        }
        if let Some(metrics) = self.metrics {
            elector = elector.metrics(metrics);
        }
        let seed = self.seed.unwrap_or_else(rand::random);
        let keeper = Keeper::new(
            self.api,
            Arc::clone(&self.leases.clock),
            keeper::Facts {
                name: LeaseName::new(self.lease.namespace, name),
                lease_name: self.lease.name,
                binary_version: self.binary_version,
                emulation_version: self.emulation_version,
                strategy: self.strategy,
            },
            seed,
        );
        let elector = elector.seed(seed).build()?;
        Ok(Candidate { elector, keeper })
    }
}

impl std::fmt::Debug for CandidateBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CandidateBuilder")
            .field("lease", &self.lease)
            .finish_non_exhaustive()
    }
}

/// As [`crate::unique_identity`], in the letters that an object's name may have.
fn unique_name() -> String {
    let host: String = host_name()
        .to_lowercase()
        .chars()
        .map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '-' })
        .take(60)
        .collect();
    let host = host.trim_matches('-');
    let host = if host.is_empty() { "unknown" } else { host };
    format!("{host}-{}-{:016x}", std::process::id(), rand::random::<u64>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_name_is_a_valid_one() {
        let name = unique_name();
        assert!(
            leasehold_api::validation::name_is_dns_subdomain(&name, false).is_empty(),
            "{name}"
        );
        assert_ne!(name, unique_name());
    }
}
