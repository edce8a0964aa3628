//! How the program gives up: one line, at most one hint, and a documented exit code.
//!
//! A kind exists only where an operator, or a service manager, would act differently on it; docs/operations.md and
//! docs/elect.md have the same tables.

use std::process::ExitCode;

/// What went wrong, by what to do about it. The discriminant is the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Kind {
    /// It failed while running: read the log.
    Runtime = 1,
    /// A flag, an environment variable or the configuration file is wrong: starting again cannot help.
    Usage = 2,
    /// The data directory is in use, belongs to someone else or cannot be written.
    DataDir = 3,
    /// A certificate, a key or a credentials file is missing, unreadable or does not fit.
    Certificates = 4,
    /// An address cannot be listened on.
    Listen = 5,
    /// `elect` itself failed, on a number that commands hardly use.
    Elect = 125,
    /// The command is there, but cannot be run.
    CannotRun = 126,
    /// There is no such command.
    CommandNotFound = 127,
}

/// An error as the user sees it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    kind: Kind,
    message: String,
    hint: Option<String>,
}

impl Failure {
    /// A failure of this kind; `message` says what is wrong and names the file, flag or address.
    pub(crate) fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            hint: None,
        }
    }

    /// Adds what the user can do about it.
    pub(crate) fn hint(self, hint: impl Into<String>) -> Self {
        Self {
            hint: Some(hint.into()),
            ..self
        }
    }

    /// The exit code of the program.
    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.kind as u8)
    }

    /// The line after `leasehold: `, without a line break.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// The line after `hint: `, if there is one.
    pub(crate) fn advice(&self) -> Option<&str> {
        self.hint.as_deref()
    }
}
