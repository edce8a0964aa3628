//! A health check, in the manner of client-go's adaptor.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::{Leadership, LeaseName};

/// Finds work that goes on although its term is over: a deadlock, a blocked thread, a starved runtime. Give clones of one to
/// all electors of a process, and let its liveness check ask [`Health::check`]; being restarted is then what helps.
///
/// A candidate that does not lead is healthy, and so is a leader that cannot reach the server and stopped its work in time.
#[derive(Clone, Default)]
pub struct Health {
    terms: Arc<Mutex<BTreeMap<LeaseName, Leadership>>>,
}

/// Guarded work goes on although its term is over.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the term of {lease} has been over for {over:?}, and its work goes on")]
pub struct Unhealthy {
    /// Which lease.
    pub lease: LeaseName,
    /// How long the term has been over.
    pub over: Duration,
}

impl Health {
    /// Whether all work has ended that should have, give or take `tolerance`: client-go's programs allow 20 s.
    ///
    /// # Errors
    /// When some has not: the first such lease by name.
    pub fn check(&self, tolerance: Duration) -> Result<(), Unhealthy> {
        let terms = self.terms.lock().unwrap_or_else(PoisonError::into_inner);
        let stuck = terms.iter().find_map(|(lease, term)| {
            let over = term
                .over_for()
                .filter(|over| *over > tolerance && term.is_worked_on())?;
            Some(Unhealthy {
                lease: lease.clone(),
                over,
            })
        });
        stuck.map_or(Ok(()), Err)
    }

    pub(crate) fn begins(&self, leadership: &Leadership) {
        let mut terms = self.terms.lock().unwrap_or_else(PoisonError::into_inner);
        terms.insert(leadership.lease().clone(), leadership.clone());
    }
}

impl fmt::Debug for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Health").finish_non_exhaustive()
    }
}
