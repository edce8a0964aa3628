//! A server in memory, a clock that the test moves, and electors.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use leasehold_clock::{Clock, SimulatedClock};
use tokio::sync::watch;

use crate::testing::{FakeClient, FakeLeases};
use crate::{Election, Elector, ElectorBuilder, Leadership, Leases, Record, State, WorkGuard};

pub(super) struct World {
    pub(super) server: FakeLeases,
    pub(super) clock: Arc<SimulatedClock>,
}

/// Time passes in steps of this.
const STEP: Duration = Duration::from_millis(50);

impl World {
    pub(super) fn new() -> Self {
        Self {
            server: FakeLeases::new(),
            clock: Arc::new(SimulatedClock::default()),
        }
    }

    /// A process with its own way to the server.
    pub(super) fn process(&self) -> (FakeClient, Leases) {
        let client = self.server.client();
        let leases = Leases::seeded(Arc::new(client.clone()), self.clock.clone(), 1);
        (client, leases)
    }

    pub(super) fn elector(&self, identity: &str) -> (FakeClient, ElectorBuilder) {
        let (client, leases) = self.process();
        let seed = identity.bytes().map(u64::from).sum();
        (
            client,
            Elector::builder(&leases, "ns", "l").identity(identity).seed(seed),
        )
    }

    /// Lets every task go on until all of them wait.
    pub(super) async fn settle(&self) {
        for _ in 0..60 {
            tokio::task::yield_now().await;
        }
    }

    /// Lets time pass.
    pub(super) async fn pass(&self, duration: Duration) {
        let end = self.clock.now() + duration;
        self.settle().await;
        while self.clock.now() < end {
            self.clock.advance(STEP.min(end.since(self.clock.now())));
            self.settle().await;
        }
    }

    /// Lets time pass until something is there, at most `limit`; how long that took.
    pub(super) async fn until<T>(&self, limit: Duration, mut found: impl FnMut() -> Option<T>) -> (T, Duration) {
        let start = self.clock.now();
        loop {
            self.settle().await;
            let passed = self.clock.now().since(start);
            if let Some(found) = found() {
                return (found, passed);
            }
            assert!(passed < limit, "not within {limit:?}");
            self.clock.advance(STEP);
        }
    }

    /// The next term, which is to begin without waiting.
    pub(super) async fn term(&self, election: &mut Election) -> (Leadership, WorkGuard) {
        self.until(secs(5), || election.next_term().now_or_never().flatten())
            .await
            .0
    }

    pub(super) fn record(&self) -> Option<Record> {
        self.server.lease("ns", "l").map(|lease| Record::of(&lease))
    }

    pub(super) fn holder(&self) -> Option<String> {
        self.record().and_then(|record| record.holder)
    }
}

pub(super) fn leader(state: &watch::Receiver<State>) -> Option<Leadership> {
    match &*state.borrow() {
        State::Leader(leadership) => Some(leadership.clone()),
        _ => None,
    }
}

pub(super) fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}
