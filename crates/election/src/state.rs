//! What an election tells its program.

use crate::{Leadership, Token};

/// Where a candidate stands.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum State {
    /// Someone else leads, or nobody, or it is not known yet who.
    Follower {
        /// The holder as last seen. Another's validity may be over long since: this is for people to read.
        holder: Option<String>,
    },
    /// This candidate leads.
    Leader(Leadership),
    /// The term ends or has ended: guarded work must stop. The next state, once it has, is a follower's.
    Lost(Loss),
    /// The election is over.
    Stopped,
}

/// Why a term ended.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Loss {
    /// No renewal succeeded in time: the work was told to stop at the renew deadline, while the term was still valid.
    #[error("no renewal succeeded before the renew deadline")]
    RenewDeadline,
    /// Validity ended before anyone could act, as after a suspend or a long pause.
    #[error("the term's validity ended")]
    Expired,
    /// The lease names another holder.
    #[error("the lease is held by {0:?}")]
    Taken(String),
    /// Someone else blanked the holder.
    #[error("someone else released the lease")]
    Blanked,
    /// The lease names this holder, with something in it that this process never wrote: two candidates share an identity.
    #[error("someone else wrote the lease with the identity {0:?}")]
    SameIdentity(String),
    /// The lease was deleted.
    #[error("the lease was deleted")]
    Deleted,
    /// Under coordinated election, another candidate should lead.
    #[error("{0:?} should hold the lease")]
    Preferred(String),
    /// The program asked for it.
    #[error("asked to step down")]
    SteppedDown,
    /// The election was told to stop.
    #[error("told to stop")]
    Stopped,
    /// The work came to its end.
    #[error("the work has ended")]
    WorkFinished,
    /// The work panicked.
    #[error("the work panicked")]
    WorkPanicked,
    /// The server cannot be used for elections.
    #[error(transparent)]
    Server(#[from] ServerFault),
}

impl Loss {
    /// A word for metrics: from a closed set.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self {
            Self::RenewDeadline => "renew_deadline",
            Self::Expired => "expired",
            Self::Taken(_) => "taken",
            Self::Blanked => "blanked",
            Self::SameIdentity(_) => "same_identity",
            Self::Deleted => "deleted",
            Self::Preferred(_) => "preferred_holder",
            Self::SteppedDown => "stepped_down",
            Self::Stopped => "stopped",
            Self::WorkFinished => "work_finished",
            Self::WorkPanicked => "work_panicked",
            Self::Server(_) => "server",
        }
    }
}

/// Why a server cannot be used: its resourceVersions cannot serve as fencing tokens.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ServerFault {
    /// A resourceVersion that is not a number.
    #[error("the server's resourceVersion {0:?} is not a number, so it cannot be a fencing token")]
    NotANumber(String),
    /// A write was answered with a resourceVersion that is not above all seen before.
    #[error(
        "the server's resourceVersions went back, from {seen} to {token}: it was restored without raising them, \
         and a fence would refuse this leader"
    )]
    WentBack {
        /// The highest seen.
        seen: u64,
        /// The one of the write.
        token: Token,
    },
}
