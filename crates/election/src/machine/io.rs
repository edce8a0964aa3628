//! What goes into the state machine and what comes out of it.

use std::time::{Duration, SystemTime};

use leasehold_api::coordination::Lease;
use leasehold_clock::{Clock, Monotonic};

use crate::{ApiFailure, Loss, ServerFault, Token};

/// The present moment, on both clocks.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    /// What decisions are made with.
    pub mono: Monotonic,
    /// What is written into the lease for people to read.
    pub wall: SystemTime,
}

impl Now {
    /// What a clock says.
    #[must_use]
    pub fn on(clock: &dyn Clock) -> Self {
        Self {
            mono: clock.now(),
            wall: clock.wall(),
        }
    }
}

/// Something that happened.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "never kept: made for one call")]
pub enum Input {
    /// Time has passed: [`super::Machine::wake_at`] may have come.
    Wake,
    /// A request was answered. The reply to any but the last request is ignored.
    Reply {
        /// Which request.
        request: RequestId,
        /// The lease as the server has it now (`None`: there is none), or why there is no answer.
        reply: Result<Option<Lease>, ApiFailure>,
    },
    /// The watch told something of the lease.
    Seen(Sight),
    /// The watch began to work or ceased to. That says nothing about the lease.
    Watching(bool),
    /// The term should end: work is to be stopped, then the lease released, then the election goes on.
    StepDown(Loss),
    /// The same, and the election ends.
    Stop,
    /// After [`Action::StopWork`]: no work is running any more, and none will.
    WorkEnded,
}

/// What a watch tells of a lease. It may lag behind the replies to requests.
#[derive(Clone, Debug)]
pub enum Sight {
    /// The lease is this now.
    Present(Box<Lease>),
    /// It was deleted; its resourceVersion is the deletion's.
    Deleted(Box<Lease>),
    /// When the watch began, there was none.
    Absent,
}

/// Names a request of one machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub u64);

/// Something to be done, in this order.
#[derive(Clone, Debug)]
pub enum Action {
    /// Send this, and forget whatever request is still under way.
    Send(RequestId, Request),
    /// This candidate follows: the lease has this holder, as far as it knows.
    Follow {
        /// The holder; `None` when nobody holds it, or nothing is known yet.
        holder: Option<String>,
    },
    /// A term begins.
    Lead {
        /// Its fencing token.
        token: Token,
        /// The lease's uid.
        uid: String,
        /// When it ends unless it is renewed.
        valid_until: Monotonic,
    },
    /// The term was renewed.
    Extend {
        /// When it ends unless it is renewed again.
        valid_until: Monotonic,
        /// From sending the renewal to knowing that it was done.
        latency: Duration,
        /// What was left of the validity just before.
        left: Duration,
    },
    /// The term's validity is over from now on, whatever was said before.
    Revoke,
    /// Guarded work has to end. Comes once in a term, and again when it turns out that there is less time.
    StopWork {
        /// Why.
        reason: Loss,
        /// When work that has not ended is given up on: no renewal after this, and no release.
        end_by: Monotonic,
    },
    /// Work did not end in time. The term stays as it is, not renewed, until [`Input::WorkEnded`].
    Overrun,
    /// The term is over, and no work is running.
    End {
        /// Why it ended.
        reason: Loss,
        /// Whether the lease was given back, so that others need not wait.
        released: bool,
    },
    /// A request did not do what it was for. For the log and the metrics; the machine knows what to do.
    Failed {
        /// What it was for.
        purpose: Purpose,
        /// Why it failed.
        failure: ApiFailure,
    },
    /// The election is over: it was told to stop, or the server cannot be used.
    Finish(Result<(), ServerFault>),
}

/// A request.
#[derive(Clone, Debug)]
pub enum Request {
    /// Read the lease.
    Get,
    /// Create it.
    Create(Box<Lease>),
    /// Replace it, if its resourceVersion is still this one.
    Update(Box<Lease>),
}

/// What a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To see the lease.
    Look,
    /// To begin a term.
    Acquire,
    /// To prolong it.
    Renew,
    /// To give the lease back.
    Release,
}
