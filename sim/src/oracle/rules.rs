//! What must never happen.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::time::Nanos;

/// A promise that can be broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Rule {
    /// Two electors believed at one moment that they lead.
    Overlap,
    /// A later term has a token that is not higher.
    TokenNotHigher,
    /// The fenced resource took a write of a term after one of a later term.
    StaleAccepted,
    /// The fenced resource refused a write of the latest term.
    FreshRefused,
    /// An elector sent a release while its work was running.
    ReleasedWhileWorking,
    /// An elector released a lease that named another holder.
    BlankedAnother,
    /// An elector led without ever having been the lease's holder.
    LedWithoutHolding,
    /// Validity ended, and the work was not told although its node was awake.
    LossNotTold,
    /// When nothing went wrong any more, nobody led.
    NobodyLeads,
    /// A process went round in a circle instead of waiting.
    Spins,
    /// A hand-over took longer than its bound although nothing else went wrong.
    HandOverLate,
}

/// A broken promise.
#[derive(Clone, Debug)]
pub struct Violation {
    /// Which.
    pub rule: Rule,
    /// When, in true time.
    pub at: Nanos,
    /// By whom, and how.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = std::time::Duration::from_nanos(self.at);
        write!(f, "{:?} at {:.6} s: {}", self.rule, at.as_secs_f64(), self.what)
    }
}
