//! What can happen.

use std::cmp::Ordering;

use crate::oracle::TermId;
use crate::request::Request;
use crate::time::Nanos;
use crate::world::{NodeId, ProcessId, Wakeup};

/// Something that is going to happen.
pub(crate) enum Event {
    /// Something reaches a process.
    Wake(ProcessId, Wakeup),
    /// A node's sleep is over, unless it was made longer.
    NodeWakes(NodeId),
    /// A request reaches the server.
    Arrives(Box<Request>),
    /// A write of a leader's work reaches the fenced resource.
    Writes(TermId),
    /// The plan's fault with this number strikes.
    Fault(usize),
    /// A process is started on a node that has none.
    Starts(NodeId),
    /// A process has come to its end by itself.
    Exits(ProcessId),
    /// What was cut between a node and the server is mended, unless it was cut again.
    Mends(NodeId),
    /// The server starts.
    ServerStarts,
    /// From here on nothing goes wrong any more.
    Quiet,
    /// The end.
    Over,
}

/// An event with its time. Those of one moment come in the order in which they were scheduled.
pub(crate) struct Scheduled {
    pub(crate) at: Nanos,
    pub(crate) order: u64,
    pub(crate) event: Event,
}

impl PartialEq for Scheduled {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Scheduled {}

impl PartialOrd for Scheduled {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Scheduled {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.at, self.order).cmp(&(other.at, other.order))
    }
}
