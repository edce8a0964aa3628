//! Watches that electors share.

use std::fmt;
use std::sync::Arc;

use leasehold_clock::Clock;

use crate::LeaseApi;

/// The watches of one [`crate::Leases`].
#[derive(Clone)]
pub(crate) struct Watches {
    api: Arc<dyn LeaseApi>,
    clock: Arc<dyn Clock>,
}

impl Watches {
    pub(crate) fn new(api: Arc<dyn LeaseApi>, clock: Arc<dyn Clock>) -> Self {
        Self { api, clock }
    }
}

impl fmt::Debug for Watches {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watches").finish_non_exhaustive()
    }
}
