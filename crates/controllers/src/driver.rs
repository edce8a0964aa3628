//! Runs controllers: one task each, woken by a change of what it watches, by the time it asked for, or to stop.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, select_all};
use leasehold_api::ApiError;
use leasehold_clock::{Clock, Monotonic};
use leasehold_registry::Registry;
use leasehold_store::{Error, Range, Store, Watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// How long a failed activation waits before the next one, at first and at most.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(30));

/// Something that looks at the store now and then, and sets it right.
pub trait Controller: Send + 'static {
    /// For logs and status.
    fn name(&self) -> &'static str;

    /// A change in any of these wakes it.
    fn watches(&self) -> Vec<Range>;

    /// Looks and acts. It is called at the start, after changes and when the time comes, and is never told which.
    ///
    /// # Errors
    /// What kept it from finishing: it is called again after a while. When everything is to stop, it is dropped where
    /// it is.
    fn activate<'a>(&'a mut self, registry: &'a Registry) -> BoxFuture<'a, Result<Outcome, ApiError>>;
}

/// What an activation did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// For people, such as `deleted 3 events`; empty when there was nothing to do.
    pub did: String,
    /// When to look again even if nothing changes.
    pub again_in: Option<Duration>,
}

/// What is known of a controller.
#[derive(Clone, Debug, Default)]
pub struct Status {
    /// Its name.
    pub name: &'static str,
    /// Whether it is acting right now.
    pub running: bool,
    /// How often it has been activated.
    pub activations: u64,
    /// What the last activation did, or why it failed.
    pub last: Option<Result<String, String>>,
    /// When it looks again, unless a change comes first.
    pub next: Option<Monotonic>,
}

/// The running controllers.
pub struct Controllers {
    tasks: JoinSet<()>,
    statuses: Vec<Arc<Mutex<Status>>>,
}

impl Controllers {
    /// Starts them. They stop when `stop` is cancelled; join them with [`Controllers::join`].
    #[must_use]
    pub fn start(registry: &Arc<Registry>, controllers: Vec<Box<dyn Controller>>, stop: &CancellationToken) -> Self {
        let mut tasks = JoinSet::new();
        let mut statuses = Vec::new();
        for controller in controllers {
            let status = Arc::new(Mutex::new(Status {
                name: controller.name(),
                ..Status::default()
            }));
            statuses.push(status.clone());
            tasks.spawn(run(registry.clone(), controller, status, stop.clone()));
        }
        Self { tasks, statuses }
    }

    /// What each is doing.
    #[must_use]
    pub fn statuses(&self) -> Vec<Status> {
        self.statuses
            .iter()
            .map(|status| status.lock().unwrap_or_else(PoisonError::into_inner).clone())
            .collect()
    }

    /// Waits for all of them to stop.
    ///
    /// # Errors
    /// Names a controller task that panicked.
    pub async fn join(mut self) -> Result<(), tokio::task::JoinError> {
        while let Some(ended) = self.tasks.join_next().await {
            ended?;
        }
        Ok(())
    }
}

async fn run(
    registry: Arc<Registry>,
    mut controller: Box<dyn Controller>,
    status: Arc<Mutex<Status>>,
    stop: CancellationToken,
) {
    let note = |change: &dyn Fn(&mut Status)| change(&mut status.lock().unwrap_or_else(PoisonError::into_inner));
    let mut backoff = BACKOFF.0;
    loop {
        // Opened before looking, so that a change between looking and waiting is not missed.
        let mut watches = open(&**registry.store(), &controller.watches());
        note(&|s| s.running = true);
        // An activation may have a lot to do, and can be left at any point: the next one begins with a look.
        let Some(outcome) = stop.run_until_cancelled(activate(&mut *controller, &registry)).await else {
            note(&|s| s.running = false);
            return;
        };
        let again_in = match &outcome {
            Ok(outcome) => {
                backoff = BACKOFF.0;
                outcome.again_in
            }
            Err(_) => {
                let wait = backoff;
                backoff = (backoff * 2).min(BACKOFF.1);
                Some(wait)
            }
        };
        log(&*controller, &outcome);
        let next = again_in.map(|wait| registry.clock().now() + wait);
        note(&|s| {
            s.running = false;
            s.activations += 1;
            s.last = Some(outcome.as_ref().map(|o| o.did.clone()).map_err(ToString::to_string));
            s.next = next;
        });
        tokio::select! {
            () = stop.cancelled() => return,
            () = changed(&mut watches), if outcome.is_ok() => {}
            () = sleep(&**registry.clock(), next) => {}
        }
    }
}

/// One activation. A panic in it is a failure like others: what only lives in the controller can be rebuilt.
async fn activate(controller: &mut dyn Controller, registry: &Registry) -> Result<Outcome, ApiError> {
    let activation = AssertUnwindSafe(controller.activate(registry)).catch_unwind();
    activation
        .await
        .unwrap_or_else(|_panic| Err(ApiError::internal("it panicked: this is a bug")))
}

fn log(controller: &dyn Controller, outcome: &Result<Outcome, ApiError>) {
    let name = controller.name();
    match outcome {
        Ok(outcome) if outcome.did.is_empty() => {}
        Ok(outcome) => tracing::info!(controller = name, "{}", outcome.did),
        Err(error) => tracing::warn!(controller = name, %error, "will try again"),
    }
}

fn open(store: &dyn Store, ranges: &[Range]) -> Vec<Box<dyn Watch>> {
    ranges
        .iter()
        .filter_map(|range| store.watch(range.clone(), store.revision()).ok())
        .collect()
}

/// Returns when one of the watches has something, or has lost its place and so may have missed something.
async fn changed(watches: &mut [Box<dyn Watch>]) {
    if watches.is_empty() {
        return std::future::pending().await;
    }
    let wake = watches.iter_mut().map(|watch| {
        Box::pin(async move {
            loop {
                match watch.next().await {
                    Ok(batch) if batch.changes.is_empty() => {}
                    // Nothing will change any more; the end of the task is near.
                    Err(Error::Closed) => std::future::pending().await,
                    _ => return,
                }
            }
        })
    });
    select_all(wake).await;
}

async fn sleep(clock: &dyn Clock, until: Option<Monotonic>) {
    match until {
        Some(until) => clock.sleep_until(until).await,
        None => std::future::pending().await,
    }
}
