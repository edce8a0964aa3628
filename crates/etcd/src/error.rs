//! What can go wrong, by what a caller does about it.

/// Why a call failed. Texts are for people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// No endpoint took the request: it was surely not carried out. Later may do.
    #[error("etcd cannot be reached: {0}")]
    NotSent(String),
    /// The request was sent and no answer came, or one that leaves it open: a write may have been carried out, or may be yet.
    #[error("etcd gave no answer, and may have carried out the request: {0}")]
    Unknown(String),
    /// etcd answered that it cannot serve now, having no leader for instance: surely not carried out. Later may do.
    #[error("etcd cannot serve: {0}")]
    Unavailable(String),
    /// The revision asked for has been compacted.
    #[error("the revision has been compacted")]
    Compacted,
    /// The revision asked for is later than etcd's.
    #[error("the revision is in the future")]
    FutureRevision,
    /// etcd is full, and takes no write until its operator has made room and disarmed the alarm.
    #[error("etcd has no space left: {0}")]
    NoSpace(String),
    /// Certificates, authentication or authorization.
    #[error("etcd denies access: {0}")]
    Denied(String),
    /// The request, or a setting, is wrong or too large: the same again will fail again.
    #[error("{0}")]
    Invalid(String),
}

impl Error {
    /// Whether a write that failed so may have been carried out all the same.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown(_))
    }

    /// Whether the same request may succeed a little later, with nobody changing anything.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::NotSent(_) | Self::Unknown(_) | Self::Unavailable(_))
    }
}

/// Why a watch ended. It never resumes by itself: nobody else knows what has been seen to its end.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WatchError {
    /// Changes that the watch should have told have been compacted: there is a gap, and it cannot be closed by watching.
    #[error("compacted at revision {revision}")]
    Compacted {
        /// The first revision that can still be watched from.
        revision: i64,
    },
    /// The stream broke, or etcd ended it. What was told is complete up to the last reply's revision; watch again after it.
    #[error("the watch is lost: {0}")]
    Lost(String),
}
