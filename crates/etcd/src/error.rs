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
    /// etcd is full, and takes no write until its operator has made room and disarmed the alarm. The one write that crossed
    /// the border has been carried out and is told the same, so a write may have been.
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
        matches!(self, Self::Unknown(_) | Self::NoSpace(_))
    }

    /// Whether the same request may succeed a little later, with nobody changing anything.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::NotSent(_) | Self::Unknown(_) | Self::Unavailable(_))
    }

    /// Whether the same request may go to another endpoint: not a write that may have been carried out, and nothing that
    /// every member answers alike. A denial may be one member's certificate.
    pub(crate) fn allows_another(&self, is_read: bool) -> bool {
        match self {
            Self::NotSent(_) | Self::Unavailable(_) | Self::Denied(_) => true,
            Self::Unknown(_) => is_read,
            Self::Compacted | Self::FutureRevision | Self::NoSpace(_) | Self::Invalid(_) => false,
        }
    }

    /// The same, with the endpoint that it is about.
    pub(crate) fn at(self, endpoint: &str) -> Self {
        let name = |text: String| {
            if text.starts_with(endpoint) {
                text
            } else {
                format!("{endpoint}: {text}")
            }
        };
        match self {
            Self::NotSent(text) => Self::NotSent(name(text)),
            Self::Unknown(text) => Self::Unknown(name(text)),
            Self::Unavailable(text) => Self::Unavailable(name(text)),
            Self::NoSpace(text) => Self::NoSpace(name(text)),
            Self::Denied(text) => Self::Denied(name(text)),
            other @ (Self::Compacted | Self::FutureRevision | Self::Invalid(_)) => other,
        }
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
