//! What goes wrong.

use leasehold_api::coordination::Lease;
use serde::{Deserialize, Serialize};

use crate::request::Call;
use crate::time::Nanos;

/// Whom a fault strikes.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub enum Target {
    /// Whoever leads at that moment, or is the lease's holder.
    Leader,
    /// This node.
    Node(usize),
}

/// A fault. Durations are in nanoseconds of true time.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub enum Fault {
    /// The process is killed, and another one is started later.
    Kill {
        /// Where.
        who: Target,
        /// How much later.
        back_after: Nanos,
    },
    /// The process is told to end in order, and another one is started after it has.
    Stop {
        /// Where.
        who: Target,
        /// How long after.
        back_after: Nanos,
    },
    /// The process stands still (SIGSTOP), while its node's clock goes on. What arrives waits.
    Pause {
        /// Where.
        who: Target,
        /// How long.
        length: Nanos,
    },
    /// The same, between the moment at which the next work looks at its leadership and that at which it acts.
    PauseAtUse {
        /// Where.
        who: Target,
        /// How long.
        length: Nanos,
    },
    /// The machine is suspended: the same, and its timers are late to notice.
    Suspend {
        /// Which.
        who: Target,
        /// How long.
        length: Nanos,
    },
    /// Nothing gets through, in one direction or both.
    Cut {
        /// Between this node and the server.
        who: Target,
        /// Requests.
        to: bool,
        /// Replies and watches.
        from: bool,
        /// How long.
        length: Nanos,
    },
    /// The node's watches end.
    BreakWatches {
        /// Whose.
        who: Target,
    },
    /// The server loses power, and starts again on what its disk has kept.
    CrashServer {
        /// How long it is away.
        down_for: Nanos,
        /// At the next write, in the middle of its commit; or at once.
        in_commit: bool,
    },
    /// The calendar of a node is set.
    StepWall {
        /// Whose.
        who: Target,
        /// How far from true time it is from now on.
        seconds: i64,
    },
    /// A third party writes to the lease.
    Meddle(Meddling),
}

/// What a third party does to the lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Meddling {
    /// Deletes it.
    Delete,
    /// Empties the holder.
    Blank,
    /// Writes its own name into it.
    Take,
    /// Makes the duration one second.
    Shorten,
    /// Changes a label, which is nobody's business.
    Label,
}

impl Meddling {
    /// The write to be made of what is there; nothing where the lease is to be deleted, or is not there.
    pub(crate) fn write(self, lease: Option<Lease>, round: usize) -> Option<Call> {
        let mut lease = lease?;
        match self {
            Self::Delete => return None,
            Self::Blank => lease.spec.holder_identity = Some(String::new()),
            Self::Take => lease.spec.holder_identity = Some("a third party".to_owned()),
            Self::Shorten => lease.spec.lease_duration_seconds = Some(1),
            Self::Label => {
                let labels = &mut lease.metadata.labels;
                labels.insert("round".to_owned(), round.to_string());
            }
        }
        Some(Call::Update(lease))
    }
}
