//! Controllers that run in one of several replicas at a time: in the one that holds a Lease.
//!
//! Replicas over one store would each act on the same silent node, and write over each other. So every replica campaigns, by
//! the election library and like any other candidate, for the Lease of each [`Duty`], and starts its controllers when it
//! comes to lead. When the term ends they are stopped and waited for before the Lease is given back; they are made anew for
//! the next one, since what they had learnt is old by then. A replica that stops hands over at once, one that falls silent
//! when its Lease has run out.
//!
//! What is left is the time between looking and acting: a process may be paused anywhere. Controllers therefore write
//! through a [`fence`], which lets nothing begin once the term's validity has ended by the clock.

mod fence;
mod leases;
mod standing;

use std::sync::Arc;
use std::time::Duration;

use leasehold_election::{Election, Elector, Leadership, Leases, RunError, SetupError, Timers};
use leasehold_registry::Registry;
use tokio::task::{JoinError, JoinHandle};
use tokio_util::sync::CancellationToken;

use crate::driver::{Controller, Controllers};
use crate::status::Statuses;
use fence::Fenced;
pub use leases::RegistryLeases;
use standing::Watched;
pub use standing::{Standing, Standings};

/// Where the Leases are.
pub const NAMESPACE: &str = "kube-system";
/// The Lease of whoever runs the controllers.
pub const CONTROLLERS: &str = "leasehold-controllers";
/// The Lease of whoever elects among lease candidates: kube-apiserver's, so that it and we never both do.
pub const ELECTIONS: &str = "leader-election-controller";
/// How long controllers may take to end: longer than any of them is given, see [`Controller::finish`].
const STOP_GRACE: Duration = Duration::from_secs(3);
/// When to campaign again after an election could not go on.
const AGAIN: Duration = Duration::from_secs(30);

/// Makes a set of controllers: always of the same names, in the same order.
pub type Crew = Box<dyn Fn() -> Vec<Box<dyn Controller>> + Send + Sync>;

/// Controllers, and the Lease in `kube-system` without which they do not run.
pub struct Duty {
    /// The name of the Lease.
    pub lease: &'static str,
    /// Its controllers.
    pub crew: Crew,
}

/// A duty that this replica does whenever it leads.
pub struct Led {
    statuses: Statuses,
    watched: Arc<Watched>,
    task: JoinHandle<Result<(), JoinError>>,
}

impl Led {
    /// Begins to campaign as `identity`, which must be this process's alone, over `leases`, which all duties of a process
    /// share. Ends when `stop` is cancelled; join it with [`Led::join`]. Needs a tokio runtime.
    ///
    /// # Errors
    /// When the identity is empty.
    pub fn start(
        registry: &Arc<Registry>,
        leases: &Leases,
        identity: &str,
        duty: Duty,
        stop: &CancellationToken,
    ) -> Result<Self, SetupError> {
        let names: Vec<_> = (duty.crew)().iter().map(|controller| controller.name()).collect();
        let statuses = Statuses::of(names.iter().copied());
        let watched = Arc::new(Watched::new(duty.lease, identity, names, registry.clock().clone()));
        let post = Post {
            registry: registry.clone(),
            leases: leases.clone(),
            identity: identity.to_owned(),
            duty,
            statuses: statuses.clone(),
            watched: watched.clone(),
            stop: stop.clone(),
        };
        // Once here, so that what cannot be is told at once.
        let elector = post.elector()?;
        let task = tokio::spawn(post.keep(elector));
        Ok(Self {
            statuses,
            watched,
            task,
        })
    }

    /// What its controllers are doing, here or not.
    #[must_use]
    pub fn statuses(&self) -> Statuses {
        self.statuses.clone()
    }

    /// Who does it.
    #[must_use]
    pub fn standings(&self) -> Standings {
        Standings(vec![self.watched.clone()])
    }

    /// Waits for the controllers to stop and the Lease to be given back.
    ///
    /// # Errors
    /// Names a controller task that panicked.
    pub async fn join(self) -> Result<(), JoinError> {
        self.task.await?
    }
}

/// What doing a duty takes.
struct Post {
    registry: Arc<Registry>,
    leases: Leases,
    identity: String,
    duty: Duty,
    statuses: Statuses,
    watched: Arc<Watched>,
    stop: CancellationToken,
}

/// What kept a replica from going on with an election.
#[derive(Debug, thiserror::Error)]
enum Broken {
    #[error(transparent)]
    Election(#[from] RunError),
    #[error("a controller ended with a panic")]
    Controller(#[source] JoinError),
}

impl Post {
    fn elector(&self) -> Result<Elector, SetupError> {
        Elector::builder(&self.leases, NAMESPACE, self.duty.lease)
            .identity(&self.identity)
            // As kube-apiserver and client-go's candidates have them: 15 s, 10 s and 2 s.
            .timers(Timers::default())
            .stop_grace(STOP_GRACE)
            .build()
    }

    /// Campaigns until told to stop. An election that cannot go on, because the store went back in time for example, is
    /// begun anew after a while.
    async fn keep(self, mut elector: Elector) -> Result<(), JoinError> {
        loop {
            match self.campaign(elector.start()).await {
                Ok(()) => break,
                Err(Broken::Controller(panic)) => return Err(panic),
                Err(Broken::Election(error)) => {
                    tracing::error!(lease = self.duty.lease, %error, "cannot go on with the election");
                    self.off_duty(&format!("{error}; a new election begins in {AGAIN:?}"));
                }
            }
            let clock = self.registry.clock();
            if self
                .stop
                .run_until_cancelled(clock.sleep_until(clock.now() + AGAIN))
                .await
                .is_none()
            {
                break;
            }
            elector = self.elector().expect("it could be built before, from the same");
        }
        self.off_duty("the server is shutting down");
        Ok(())
    }

    async fn campaign(&self, mut election: Election) -> Result<(), Broken> {
        let mut state = election.state();
        loop {
            self.watched.note(state.borrow_and_update().clone());
            self.statuses.set_off(&self.watched.read().why);
            tokio::select! {
                biased;
                () = self.stop.cancelled() => return Ok(election.stop().await?),
                term = election.next_term() => match term {
                    Some((leadership, guard)) => {
                        self.watched.note(state.borrow_and_update().clone());
                        let worked = self.work(&leadership).await;
                        // Not before the controllers have ended: only then is the Lease given back.
                        drop(guard);
                        worked.map_err(Broken::Controller)?;
                    }
                    None => return Ok(election.stop().await?),
                },
                changed = state.changed() => drop(changed),
            }
        }
    }

    /// Runs the controllers for as long as the term lasts, and until they have ended.
    async fn work(&self, leadership: &Leadership) -> Result<(), JoinError> {
        let (registry, end) = (Arc::new(self.fenced(leadership)), CancellationToken::new());
        let crew = Controllers::continuing(&registry, (self.duty.crew)(), self.statuses.clone(), &end);
        tokio::select! {
            loss = leadership.lost() => tracing::debug!(lease = self.duty.lease, %loss, "the controllers are to stop"),
            () = self.stop.cancelled() => {}
        }
        end.cancel();
        let joined = crew.join().await;
        self.statuses.set_off("the term has just ended");
        joined
    }

    /// The registry, for as long as this replica leads.
    fn fenced(&self, leadership: &Leadership) -> Registry {
        let store = Fenced::new(self.registry.store().clone(), leadership.clone());
        let served = self.registry.served();
        Registry::new(Arc::new(store), self.registry.clock().clone())
            .with_features(served.features)
            .with_scope(served.scope)
    }

    fn off_duty(&self, why: &str) {
        self.watched.note_broken(why);
        self.statuses.set_off(why);
    }
}
