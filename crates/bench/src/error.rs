//! What stops a measurement, told in one line.

/// Why there is no report. Failures of single operations are counted in the report instead.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// What was asked for does not make sense; nothing was sent.
    #[error("{0}")]
    Plan(String),
    /// The server cannot be reached, or ended the conversation.
    #[error("{server}: {why}")]
    Connection {
        /// Its URL.
        server: String,
        /// What the socket, TLS or HTTP said.
        why: String,
    },
    /// The server refused something that the measurement needs before it can begin.
    #[error("{what}: the server answered {status}: {message}")]
    Refused {
        /// What was to be done.
        what: String,
        /// The status code.
        status: u16,
        /// What the server said about it.
        message: String,
    },
    /// A process to be measured cannot be looked at.
    #[error("process {pid}: {why}")]
    Process {
        /// Its id.
        pid: u32,
        /// What the system said.
        why: String,
    },
    /// This process lacks something: threads, a timer.
    #[error("{0}")]
    System(#[from] std::io::Error),
    /// It was told to stop before it had begun to measure.
    #[error("stopped before anything was measured")]
    Stopped,
}

impl Error {
    /// A plan that cannot be carried out.
    pub(crate) fn plan(why: impl Into<String>) -> Self {
        Self::Plan(why.into())
    }
}
