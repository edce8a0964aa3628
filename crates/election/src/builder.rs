//! How an elector is set up.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::driver::Observers;
use crate::events::Reporter;
use crate::machine::{Config, Mode};
use crate::work::ABORT_WAIT;
use crate::{Elector, EventApi, Health, LeaseName, Leases, Metrics, NoMetrics, Timers, TimersError, unique_identity};

/// Sets up an [`Elector`]. Everything has a default but the lease.
#[must_use = "a builder does nothing until it builds"]
pub struct ElectorBuilder {
    leases: Leases,
    lease: LeaseName,
    identity: Option<String>,
    timers: Timers,
    labels: BTreeMap<String, String>,
    release: bool,
    stop_grace: Duration,
    loss_grace: Option<Duration>,
    coordinated: bool,
    seed: Option<u64>,
    metrics: Arc<dyn Metrics>,
    health: Health,
    events: Option<(Arc<dyn EventApi>, String)>,
}

/// How long work may take to end when it was asked to while the lease is still held and renewed.
const STOP_GRACE: Duration = Duration::from_secs(20);

impl ElectorBuilder {
    pub(crate) fn new(leases: Leases, lease: LeaseName) -> Self {
        Self {
            leases,
            lease,
            identity: None,
            timers: Timers::default(),
            labels: BTreeMap::new(),
            release: true,
            stop_grace: STOP_GRACE,
            loss_grace: None,
            coordinated: false,
            seed: None,
            metrics: Arc::new(NoMetrics),
            health: Health::default(),
            events: None,
        }
    }

    /// Who this candidate is. It must be unique for each start of the process; [`unique_identity`] by default.
    pub fn identity(mut self, identity: impl Into<String>) -> Self {
        self.identity = Some(identity.into());
        self
    }

    /// The durations. They are checked by [`ElectorBuilder::build`], which logs what is doubtful.
    pub fn timers(mut self, timers: Timers) -> Self {
        self.timers = timers;
        self
    }

    /// Labels that the lease gets when this candidate creates or takes it. Others stay.
    pub fn labels<K: Into<String>, V: Into<String>>(mut self, labels: impl IntoIterator<Item = (K, V)>) -> Self {
        self.labels = labels
            .into_iter()
            .map(|(key, value)| (key.into(), value.into()))
            .collect();
        self
    }

    /// Whether the lease is given back when a term ends while it is still ours, so that others need not wait. On by default.
    pub fn release_on_exit(mut self, release: bool) -> Self {
        self.release = release;
        self
    }

    /// How long work may take to end after a stop or a step down; the lease is held and renewed meanwhile. 20 s by default.
    /// [`Elector::run`] aborts it then. Work that is there a second later is reported, and the lease not released.
    pub fn stop_grace(mut self, grace: Duration) -> Self {
        self.stop_grace = grace;
        self
    }

    /// How long work may take to end after the leadership was lost. By default what lies between the renew deadline and the
    /// end of validity ([`Timers::time_to_stop`]), so that aborted work has ended before another candidate can lead.
    pub fn loss_grace(mut self, grace: Duration) -> Self {
        self.loss_grace = Some(grace);
        self
    }

    /// Where figures go.
    pub fn metrics(mut self, metrics: Arc<dyn Metrics>) -> Self {
        self.metrics = metrics;
        self
    }

    /// Lets a health check see work that goes on too long.
    pub fn health(mut self, health: &Health) -> Self {
        self.health = health.clone();
        self
    }

    /// Posts Events on the lease when a term begins and ends, reported by `component`: the program's name.
    pub fn events(mut self, api: Arc<dyn EventApi>, component: impl Into<String>) -> Self {
        self.events = Some((api, component.into()));
        self
    }

    /// Makes jitter repeatable, for simulations.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Never takes a lease: leads when a server that runs coordinated election names this identity as its holder.
    pub(crate) fn coordinated(mut self) -> Self {
        self.coordinated = true;
        self
    }

    /// The elector.
    ///
    /// # Errors
    /// When the timers are not safe, or the identity or the lease's name is empty.
    pub fn build(self) -> Result<Elector, SetupError> {
        for warning in self.timers.validate()? {
            tracing::warn!(lease = %self.lease, "{warning}");
        }
        let identity = self.identity.unwrap_or_else(unique_identity);
        if identity.is_empty() {
            return Err(SetupError::NoIdentity);
        }
        if self.lease.namespace.is_empty() || self.lease.name.is_empty() {
            return Err(SetupError::NoName(self.lease));
        }
        let config = Config {
            lease: self.lease,
            identity: identity.into(),
            labels: self.labels,
            release: self.release,
            stop_grace: self.stop_grace + ABORT_WAIT,
            loss_grace: self.loss_grace.unwrap_or_else(|| self.timers.time_to_stop()) + ABORT_WAIT,
            timers: self.timers,
            mode: if self.coordinated {
                Mode::Coordinated
            } else {
                Mode::Classic
            },
            seed: self.seed.unwrap_or_else(rand::random),
        };
        let clock = &self.leases.clock;
        let reporter = |(api, component)| Reporter::new(api, Arc::clone(clock), component);
        let observers = Observers {
            metrics: self.metrics,
            health: self.health,
            reporter: self.events.map(reporter),
        };
        Ok(Elector::new(self.leases, config, observers))
    }
}

impl fmt::Debug for ElectorBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ElectorBuilder")
            .field("lease", &self.lease)
            .finish_non_exhaustive()
    }
}

/// Why an elector could not be built.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SetupError {
    /// The durations do not fit together.
    #[error(transparent)]
    Timers(#[from] TimersError),
    /// An empty identity means that nobody holds the lease.
    #[error("the identity is empty")]
    NoIdentity,
    /// There is no such lease.
    #[error("the lease needs a namespace and a name: {0}")]
    NoName(LeaseName),
}
