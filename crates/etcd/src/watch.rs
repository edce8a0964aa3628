//! One watch.

use bytes::Bytes;

use crate::{WatchError, WatchReply};

/// What to watch.
#[derive(Debug, Clone, Default)]
pub struct WatchOptions {
    /// The key, or the first of a range.
    pub key: Bytes,
    /// The first key after the range; empty for `key` alone.
    pub range_end: Bytes,
    /// The first revision to tell; 0 for what comes after now.
    pub revision: i64,
    /// Whether etcd shall tell progress by itself while nothing happens: about every ten minutes, unless its operator chose
    /// otherwise. [`WatchStream::request_progress`] works in any case.
    pub progress: bool,
}

/// An open watch. Dropping it ends it.
#[derive(Debug)]
pub struct WatchStream {}

impl WatchStream {
    /// The next reply. Cancel safe: nothing is lost when the future is dropped.
    ///
    /// # Errors
    /// Once the watch has ended; then it never tells anything again.
    pub async fn next(&mut self) -> Result<WatchReply, WatchError> {
        Err(WatchError::Lost("not connected".to_owned()))
    }

    /// Asks for a progress reply. etcd gives one once the watch has told everything, and none before.
    ///
    /// # Errors
    /// The watch has ended.
    pub fn request_progress(&mut self) -> Result<(), WatchError> {
        Err(WatchError::Lost("not connected".to_owned()))
    }

    /// The endpoint that serves it.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        ""
    }
}
