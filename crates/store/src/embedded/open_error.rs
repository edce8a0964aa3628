//! Why a store could not be opened.

use std::io;
use std::path::{Path, PathBuf};

/// Why a store could not be opened: one line for whoever started the program. The data has not been changed.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Someone else has it open.
    #[error("{} is in use by another process", directory.display())]
    Locked {
        /// The data directory.
        directory: PathBuf,
    },
    /// It was written by a later version of this program.
    #[error("the data has format {found}, newer than {supported}, the newest that this program knows")]
    Newer {
        /// The format of the data.
        found: u32,
        /// The format of this program.
        supported: u32,
    },
    /// The data directory is not fit to hold data.
    #[error("{} {problem}", directory.display())]
    Directory {
        /// The data directory.
        directory: PathBuf,
        /// What is wrong with it and what to do.
        problem: String,
    },
    /// There is none, where one was to be looked at.
    #[error("there is no store here")]
    Absent,
    /// A restore into it was interrupted. Nothing of it is in use, and another one begins anew.
    #[error("a restore into this store was not finished: run it again")]
    Unfinished,
    /// What was read is not what was written.
    #[error("{file} is damaged at byte {offset}: {what}")]
    Corrupted {
        /// The file in the data directory.
        file: String,
        /// Where in the file.
        offset: u64,
        /// What is wrong there.
        what: &'static str,
    },
    /// The operating system refused something.
    #[error("{path}: {error}")]
    Io {
        /// The file, or what was being done to the directory.
        path: String,
        /// What it said.
        error: io::Error,
    },
}

impl OpenError {
    pub(crate) fn io(path: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |error| Self::Io { path, error }
    }

    pub(crate) fn io_at(path: &Path) -> impl FnOnce(io::Error) -> Self {
        Self::io(path.display().to_string())
    }

    pub(crate) fn corrupted(file: impl Into<String>, offset: u64, what: &'static str) -> Self {
        Self::Corrupted {
            file: file.into(),
            offset,
            what,
        }
    }
}
