//! The term of a control.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use leasehold_clock::{Clock, Monotonic};
use tokio_util::sync::CancellationToken;

use crate::clock::NodeClock;
use crate::term::Term;

/// No moment at which validity ends by itself.
const OPEN: u64 = u64::MAX;

/// See the module.
pub(super) struct LoopTerm {
    clock: Arc<NodeClock>,
    token: u64,
    /// Nanoseconds on the clock.
    valid_until: AtomicU64,
    pub(super) lost: CancellationToken,
    pub(super) stepped_down: CancellationToken,
}

impl LoopTerm {
    /// Valid until then; or, without a time, until somebody says otherwise.
    pub(super) fn new(clock: Arc<NodeClock>, token: u64, valid_until: Option<Monotonic>) -> Arc<Self> {
        Arc::new(Self {
            clock,
            token,
            valid_until: AtomicU64::new(valid_until.map_or(OPEN, nanos)),
            lost: CancellationToken::new(),
            stepped_down: CancellationToken::new(),
        })
    }

    pub(super) fn extend(&self, until: Monotonic) {
        self.valid_until.store(nanos(until), Ordering::Relaxed);
    }

    pub(super) fn revoke(&self) {
        self.valid_until.store(0, Ordering::Relaxed);
    }
}

impl Term for LoopTerm {
    fn token(&self) -> u64 {
        self.token
    }

    fn is_valid(&self) -> bool {
        nanos(self.clock.now()) < self.valid_until.load(Ordering::Relaxed)
    }

    fn valid_until(&self) -> Option<Monotonic> {
        let until = self.valid_until.load(Ordering::Relaxed);
        (until != OPEN).then(|| Monotonic(Duration::from_nanos(until)))
    }

    fn lost(&self) -> BoxFuture<'static, ()> {
        self.lost.clone().cancelled_owned().boxed()
    }

    fn step_down(&self) {
        self.stepped_down.cancel();
    }
}

fn nanos(at: Monotonic) -> u64 {
    crate::time::nanos(at.0)
}
