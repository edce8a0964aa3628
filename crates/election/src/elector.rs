//! The elector: campaigns for a lease, runs work while it leads, and gives the lease back after the work has ended.

use std::fmt;
use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::JoinError;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::driver::{Driver, Observers};
use crate::machine::Config;
use crate::work::{self, WorkEnd};
use crate::{ElectorBuilder, Leadership, LeaseName, Leases, ServerFault, State, Token, WorkGuard};

/// A candidate for a lease. Made by [`Elector::builder`]; used once, by [`Elector::run`] or [`Elector::start`].
pub struct Elector {
    leases: Leases,
    config: Config,
    observers: Observers,
}

impl Elector {
    /// Begins to set up an elector for `namespace/name`.
    pub fn builder(leases: &Leases, namespace: impl Into<String>, name: impl Into<String>) -> ElectorBuilder {
        ElectorBuilder::new(leases.clone(), LeaseName::new(namespace, name))
    }

    pub(crate) fn new(leases: Leases, config: Config, observers: Observers) -> Self {
        Self {
            leases,
            config,
            observers,
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
        let clock = Arc::clone(&self.leases.clock);
        let mut election = self.start_until(&stop);
        let mut work = work;
        while let Some((leadership, guard)) = election.next_term().await {
            let work = work(leadership.clone());
            let end = tokio::select! {
                biased;
                end = work::run(&leadership, &*clock, work) => end,
                // It does not end before the work, unless that is stuck.
                result = &mut election.driver => return ended(result).map(|()| Ended::Stopped),
            };
            if let Some(loss) = end.loss() {
                leadership.step_down_because(loss);
            }
            drop(guard);
            if let WorkEnd::Finished(value) = end {
                election.stop().await?;
                return Ok(Ended::Finished(value));
            }
        }
        election.stop().await?;
        Ok(Ended::Stopped)
    }

    /// Begins to campaign in a task of its own, for programs that watch [`Election::state`] themselves. Needs a tokio runtime.
    #[must_use = "the election ends when this is dropped"]
    pub fn start(self) -> Election {
        self.start_until(&CancellationToken::new())
    }

    fn start_until(self, stop: &CancellationToken) -> Election {
        // Ours alone can be cancelled here; the caller's may stop other things too.
        let stop = stop.child_token();
        let driver = Driver::new(self.leases, self.config, self.observers, stop.clone());
        Election {
            state: driver.state(),
            last_term: None,
            stop,
            driver: AbortOnDropHandle::new(tokio::spawn(driver.run())),
        }
    }
}

impl fmt::Debug for Elector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Elector")
            .field("config", &self.config)
            .finish_non_exhaustive()
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
    /// The tokio runtime was shut down under the election.
    #[error("the runtime was shut down under the election")]
    RuntimeGone,
}

/// An election under way. Dropping it ends the validity of a term at once, without releasing the lease.
#[derive(Debug)]
pub struct Election {
    state: watch::Receiver<State>,
    last_term: Option<Token>,
    stop: CancellationToken,
    driver: AbortOnDropHandle<Result<(), RunError>>,
}

impl Election {
    /// Where this candidate stands, now and whenever that changes. States may be skipped when they follow each other
    /// quickly; the last is never.
    #[must_use]
    pub fn state(&self) -> watch::Receiver<State> {
        self.state.clone()
    }

    /// The next term that has not been returned before, with a guard for its work; `None` when the election is over. The
    /// lease is not released before the guard was dropped, within the election's bounds. Cancel safe.
    pub async fn next_term(&mut self) -> Option<(Leadership, WorkGuard)> {
        loop {
            if let Some(leadership) = self.new_term() {
                self.last_term = Some(leadership.token());
                if let Ok(guard) = leadership.guard() {
                    return Some((leadership, guard));
                }
            }
            // The driver is gone, and this was its last word.
            self.state.changed().await.ok()?;
        }
    }

    fn new_term(&mut self) -> Option<Leadership> {
        match &*self.state.borrow_and_update() {
            State::Leader(leadership) if Some(leadership.token()) != self.last_term => Some(leadership.clone()),
            _ => None,
        }
    }

    /// Ends the election: tells guarded work to stop, waits for it within bounds, and releases the lease.
    ///
    /// # Errors
    /// As [`Elector::run`].
    pub async fn stop(mut self) -> Result<(), RunError> {
        self.stop.cancel();
        ended((&mut self.driver).await)
    }
}

/// The driver does the same when it is dropped, but that may be later: when its runtime gets round to it.
impl Drop for Election {
    fn drop(&mut self) {
        if let State::Leader(leadership) = &*self.state.borrow() {
            leadership.revoke();
        }
    }
}

/// What the driver's task came to.
fn ended(result: Result<Result<(), RunError>, JoinError>) -> Result<(), RunError> {
    result.unwrap_or_else(|error| match error.try_into_panic() {
        Ok(panic) => std::panic::resume_unwind(panic),
        // Nobody else has its handle: the runtime shuts down.
        Err(_) => Err(RunError::RuntimeGone),
    })
}
