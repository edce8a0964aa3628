//! What several electors of a process share: the way to the server, the clock, and one watch for each namespace.

use std::fmt;
use std::sync::Arc;

use leasehold_clock::{Clock, SystemClock};

use crate::LeaseApi;
use crate::watch::Watches;

/// The leases of one API server. Clones share everything, so make one for all electors of a process: those of one namespace
/// then share a watch.
#[derive(Clone)]
pub struct Leases {
    pub(crate) api: Arc<dyn LeaseApi>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) watches: Watches,
}

impl Leases {
    /// Leases reached through `api`, by the machine's clock.
    pub fn new(api: impl LeaseApi) -> Self {
        Self::with_clock(Arc::new(api), Arc::new(SystemClock))
    }

    /// The same with a clock of the caller's choice.
    #[must_use]
    pub fn with_clock(api: Arc<dyn LeaseApi>, clock: Arc<dyn Clock>) -> Self {
        Self::seeded(api, clock, rand::random())
    }

    /// The same with repeatable jitter too, for simulations.
    #[must_use]
    pub fn seeded(api: Arc<dyn LeaseApi>, clock: Arc<dyn Clock>, seed: u64) -> Self {
        let watches = Watches::new(Arc::clone(&api), Arc::clone(&clock), seed);
        Self { api, clock, watches }
    }

    /// The clock that [`crate::Leadership::valid_until`] is on.
    #[must_use]
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }
}

impl fmt::Debug for Leases {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Leases").finish_non_exhaustive()
    }
}
