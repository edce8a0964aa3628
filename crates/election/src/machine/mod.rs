//! The rules of an election, without any I/O: what happened goes in, what is to be done comes out.
//!
//! [`Machine`] holds one candidate's view of one lease. It sends at most one request at a time, decides by the monotonic
//! clock alone, and can be driven by hand: feed [`Input`]s to [`Machine::handle`], carry out the [`Action`]s in order, and
//! come back by [`Machine::wake_at`]. It never waits, and knows nothing of tasks.

mod io;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

pub use io::{Action, Input, Now, Purpose, Request, RequestId};
use leasehold_clock::Monotonic;

use crate::{LeaseName, Timers};

/// What one candidate is set up to do. [`crate::ElectorBuilder`] checks it; used directly, check [`Timers::validate`] first.
#[derive(Clone, Debug)]
pub struct Config {
    /// The lease.
    pub lease: LeaseName,
    /// This candidate; not empty, and unique for each start of the process.
    pub identity: Arc<str>,
    /// The durations.
    pub timers: Timers,
    /// Labels put on the lease with a term's first write.
    pub labels: BTreeMap<String, String>,
    /// Whether the lease is given back at the end of a term.
    pub release: bool,
    /// How long work may take to end while the lease is held.
    pub stop_grace: Duration,
    /// How long work may take to end once renewals have failed or the lease is gone.
    pub loss_grace: Duration,
    /// Who decides who leads.
    pub mode: Mode,
    /// Of the jitter.
    pub seed: u64,
}

/// Who decides who leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The candidates: whoever takes the vacant lease first.
    Classic,
    /// The server, by writing a candidate's identity into the lease.
    Coordinated,
}

/// One candidate's part in the election for one lease.
#[derive(Debug)]
pub struct Machine {
    config: Config,
    actions: VecDeque<Action>,
}

impl Machine {
    /// A candidate that knows nothing yet.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self {
            config,
            actions: VecDeque::new(),
        }
    }

    /// Takes in what happened; what is to be done about it waits in [`Machine::next_action`].
    pub fn handle(&mut self, now: Now, input: Input) {
        let _ = (now, input);
    }

    /// The next thing to be done.
    pub fn next_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// When [`Input::Wake`] is due, if nothing happens before.
    #[must_use]
    pub fn wake_at(&self) -> Option<Monotonic> {
        None
    }
}
