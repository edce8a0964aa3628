//! A process that takes part in the election.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use leasehold_election::{Elector, Ended, Leases, Timers};
use tokio_util::sync::CancellationToken;

use crate::api::{NAMESPACE, NodeApi};
use crate::clock::NodeClock;
use crate::controls;
use crate::plan::{ElectorKind, Timing};
use crate::work::Workshop;

/// The lease that everybody is after.
pub(crate) const LEASE: &str = "lease";

/// What a process has to campaign with.
pub(crate) struct Seat {
    pub(crate) api: Arc<NodeApi>,
    pub(crate) clock: Arc<NodeClock>,
    pub(crate) identity: String,
    pub(crate) timing: Timing,
    /// Of the elector's own dice.
    pub(crate) seed: u64,
    pub(crate) stop: CancellationToken,
    pub(crate) workshop: Workshop,
}

/// The life of the process, until it is told to stop or fails.
pub(crate) fn campaign(kind: ElectorKind, seat: Seat) -> BoxFuture<'static, ()> {
    match kind {
        ElectorKind::Shipped => Box::pin(shipped(seat)),
        ElectorKind::Control(flaw) => Box::pin(controls::campaign(flaw, seat)),
    }
}

/// The durations that an elector is given.
pub(crate) fn timers(timing: Timing) -> Timers {
    let milliseconds = |number: u32| Duration::from_millis(number.into());
    Timers::new(
        Duration::from_secs(timing.lease.into()),
        milliseconds(timing.deadline),
        milliseconds(timing.retry),
    )
}

/// The elector that is shipped. When the work has finished by itself, the process campaigns again.
async fn shipped(seat: Seat) {
    let leases = Leases::seeded(seat.api, seat.clock, seat.seed);
    for round in 0.. {
        let elector = Elector::builder(&leases, NAMESPACE, LEASE)
            .identity(&seat.identity)
            .timers(timers(seat.timing))
            .seed(seat.seed.wrapping_add(round))
            .build()
            .expect("the durations of a plan are safe");
        let workshop = seat.workshop.clone();
        let ended = elector
            .run(seat.stop.clone(), move |leadership| workshop.work(Arc::new(leadership)))
            .await;
        if !matches!(ended, Ok(Ended::Finished(()))) {
            return;
        }
    }
}
