//! Runs the work of a term, and makes it end with the term.

use std::time::Duration;

use leasehold_clock::{Clock, Monotonic};
use tokio_util::task::AbortOnDropHandle;

use crate::leadership::Phase;
use crate::{Leadership, Loss};

/// How long aborted work may take to notice: it does at its next `await`. After that it counts as stuck.
pub(crate) const ABORT_WAIT: Duration = Duration::from_secs(1);

/// How work came to its end.
#[derive(Debug)]
pub(crate) enum WorkEnd<T> {
    /// It returned without having been told to stop.
    Finished(T),
    /// It returned, or was aborted, after it was told to stop.
    Stopped,
    /// It panicked.
    Panicked,
}

/// Runs `work` in a task of its own, tells it to stop through the leadership alone, and aborts it when its time is up. Does
/// not return before the work has ended.
pub(crate) async fn run<T: Send + 'static>(
    leadership: &Leadership,
    clock: &dyn Clock,
    work: impl Future<Output = T> + Send + 'static,
) -> WorkEnd<T> {
    let mut task = AbortOnDropHandle::new(tokio::spawn(work));
    let result = tokio::select! {
        biased;
        result = &mut task => result,
        () = time_is_up(leadership, clock) => {
            tracing::warn!(lease = %leadership.lease(), "the work is aborted: it did not stop when it was told to");
            task.abort();
            task.await
        }
    };
    match result {
        Ok(_) if leadership.loss().is_some() => WorkEnd::Stopped,
        Ok(value) => WorkEnd::Finished(value),
        Err(error) if error.is_panic() => WorkEnd::Panicked,
        Err(_) => WorkEnd::Stopped,
    }
}

impl<T> WorkEnd<T> {
    /// Why the term ends because of it, if it does.
    pub(crate) fn loss(&self) -> Option<Loss> {
        match self {
            Self::Finished(_) => Some(Loss::WorkFinished),
            Self::Panicked => Some(Loss::WorkPanicked),
            Self::Stopped => None,
        }
    }
}

/// Returns when work that was told to stop should have ended, with enough time left to abort it.
async fn time_is_up(leadership: &Leadership, clock: &dyn Clock) {
    let mut phase = leadership.phase();
    loop {
        let end_by = match &*phase.borrow_and_update() {
            Phase::Working => None,
            Phase::Stopping(_, end_by) => Some(*end_by - ABORT_WAIT),
        };
        tokio::select! {
            biased;
            () = sleep_until(clock, end_by) => return,
            changed = phase.changed() => if changed.is_err() { return },
        }
    }
}

async fn sleep_until(clock: &dyn Clock, at: Option<Monotonic>) {
    match at {
        Some(at) => clock.sleep_until(at).await,
        None => std::future::pending().await,
    }
}
