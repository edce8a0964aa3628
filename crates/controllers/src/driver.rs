//! Runs controllers: one task each, woken by a change of what it watches, by the time it asked for, or to stop.
//!
//! What a controller watches may depend on what it finds: it is asked again after every activation, and when the answer is
//! another one it is activated once more, over the new watches, so that nothing falls between.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, select_all};
use leasehold_api::ApiError;
use leasehold_clock::{Clock, Monotonic};
use leasehold_registry::Registry;
use leasehold_store::{Error, Range, Store, Watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::status::{Cause, Slot, Status, Statuses};

/// How long a failed activation waits before the next one, at first and at most.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(30));

/// How long a controller may take to take its leave.
const FAREWELL: Duration = Duration::from_secs(2);

/// Something that looks at the store now and then, and sets it right.
pub trait Controller: Send + 'static {
    /// For logs and status.
    fn name(&self) -> &'static str;

    /// A change in any of these wakes it. Asked before and after every activation, since it may follow from what was found.
    fn watches(&self) -> Vec<Range>;

    /// How long a change may wait: this much time at least lies between an activation and the next one that a change calls
    /// for. For those whose watched objects may change thousands of times a second.
    fn rest(&self) -> Duration {
        Duration::ZERO
    }

    /// Looks and acts. It is called at the start, after changes and when the time comes, and is never told which.
    ///
    /// # Errors
    /// What kept it from finishing: it is called again after a while. When everything is to stop, it is dropped where
    /// it is.
    fn activate<'a>(&'a mut self, registry: &'a Registry) -> BoxFuture<'a, Result<Outcome, ApiError>>;

    /// What it knows and waits for, for people; shown in its status after every activation.
    fn explain(&self) -> String {
        String::new()
    }

    /// Puts away what must not outlive this process. Called once, after the last activation, and given up after two
    /// seconds.
    ///
    /// # Errors
    /// What kept it from doing so; that is logged.
    fn finish<'a>(&'a mut self, _registry: &'a Registry) -> BoxFuture<'a, Result<(), ApiError>> {
        async { Ok(()) }.boxed()
    }
}

/// What an activation did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// For people, such as `deleted 3 events`; empty when there was nothing to do.
    pub did: String,
    /// When to look again even if nothing changes.
    pub again_in: Option<Duration>,
}

/// The running controllers.
pub struct Controllers {
    tasks: JoinSet<()>,
    statuses: Statuses,
}

impl Controllers {
    /// Starts them. They stop when `stop` is cancelled; join them with [`Controllers::join`].
    #[must_use]
    pub fn start(registry: &Arc<Registry>, controllers: Vec<Box<dyn Controller>>, stop: &CancellationToken) -> Self {
        let statuses = Statuses::of(controllers.iter().map(|controller| controller.name()));
        Self::continuing(registry, controllers, statuses, stop)
    }

    /// The same, telling what they do where others, of the same names and in the same order, have told it before.
    pub(crate) fn continuing(
        registry: &Arc<Registry>,
        controllers: Vec<Box<dyn Controller>>,
        statuses: Statuses,
        stop: &CancellationToken,
    ) -> Self {
        let mut tasks = JoinSet::new();
        for (controller, status) in controllers.into_iter().zip(statuses.slots()) {
            status.note(|status| {
                status.is_on = true;
                status.why.clear();
            });
            let task = Task {
                registry: registry.clone(),
                controller,
                status: status.clone(),
                stop: stop.clone(),
            };
            tasks.spawn(task.run());
        }
        Self { tasks, statuses }
    }

    /// What each is doing.
    #[must_use]
    pub fn statuses(&self) -> Vec<Status> {
        self.statuses.read()
    }

    /// The same, for whoever wants to look later.
    #[must_use]
    pub fn watch_statuses(&self) -> Statuses {
        self.statuses.clone()
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

/// One controller and what it needs to run.
struct Task {
    registry: Arc<Registry>,
    controller: Box<dyn Controller>,
    status: Slot,
    stop: CancellationToken,
}

impl Task {
    async fn run(mut self) {
        let mut cause = Some(Cause::Start);
        let mut backoff = BACKOFF.0;
        while let Some(why) = cause {
            cause = self.round(why, &mut backoff).await;
        }
        self.note(|status| status.running = false);
        self.farewell().await;
    }

    /// One activation and the wait after it. Why there is another one, unless everything is to stop.
    async fn round(&mut self, cause: Cause, backoff: &mut Duration) -> Option<Cause> {
        // Opened before looking, so that a change between looking and waiting is not missed.
        let watched = self.controller.watches();
        let opened = open(&**self.registry.store(), &watched);
        self.note(|status| {
            status.running = true;
            status.cause = cause;
        });
        // An activation may have a lot to do, and can be left at any point: the next one begins with a look.
        let (mut watches, outcome) = match opened {
            Ok(watches) => {
                let activation = activate(&mut *self.controller, &self.registry);
                (watches, self.stop.run_until_cancelled(activation).await?)
            }
            // Without them it would sleep through changes.
            Err(error) => (Vec::new(), Err(ApiError::unavailable(error.to_string(), 1))),
        };
        log(&*self.controller, &outcome);
        let next = next(&outcome, backoff).map(|wait| self.registry.clock().now() + wait);
        self.note_outcome(&outcome, next);
        if outcome.is_ok() && self.controller.watches() != watched {
            return Some(Cause::Watches);
        }
        let rested = self.registry.clock().now() + self.controller.rest();
        tokio::select! {
            () = self.stop.cancelled() => None,
            () = changed_after(rested, &**self.registry.clock(), &mut watches), if outcome.is_ok() => Some(Cause::Change),
            () = sleep(&**self.registry.clock(), next) => Some(if outcome.is_ok() { Cause::Time } else { Cause::Retry }),
        }
    }

    fn note(&self, change: impl FnOnce(&mut Status)) {
        self.status.note(change);
    }

    fn note_outcome(&self, outcome: &Result<Outcome, ApiError>, next: Option<Monotonic>) {
        let why = self.controller.explain();
        let ended = self.registry.clock().now();
        self.note(|status| {
            status.running = false;
            status.activations += 1;
            status.last = Some(outcome.as_ref().map(|o| o.did.clone()).map_err(ToString::to_string));
            status.ended = Some(ended);
            status.next = next;
            status.why = why;
        });
    }

    async fn farewell(&mut self) {
        let name = self.controller.name();
        let finish = AssertUnwindSafe(self.controller.finish(&self.registry)).catch_unwind();
        match tokio::time::timeout(FAREWELL, finish).await {
            Ok(Ok(Ok(()))) => {}
            Ok(Ok(Err(error))) => tracing::warn!(controller = name, %error, "left something behind"),
            Ok(Err(_panic)) => tracing::error!(controller = name, "it panicked at its end: this is a bug"),
            Err(_elapsed) => tracing::warn!(controller = name, "took too long to end and was left"),
        }
    }
}

/// How long to wait after an activation that ended like this, unless a change comes first.
fn next(outcome: &Result<Outcome, ApiError>, backoff: &mut Duration) -> Option<Duration> {
    match outcome {
        Ok(outcome) => {
            *backoff = BACKOFF.0;
            outcome.again_in
        }
        Err(_) => {
            let wait = *backoff;
            *backoff = (*backoff * 2).min(BACKOFF.1);
            Some(wait)
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

fn open(store: &dyn Store, ranges: &[Range]) -> Result<Vec<Box<dyn Watch>>, Error> {
    let open = |range: &Range| store.watch(range.clone(), store.revision());
    ranges.iter().map(open).collect()
}

/// Returns when one of the watches has something, but not before `rested`.
async fn changed_after(rested: Monotonic, clock: &dyn Clock, watches: &mut [Box<dyn Watch>]) {
    clock.sleep_until(rested).await;
    changed(watches).await;
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
