//! The end of a commit group, which everyone in it waits for: one for all, so that a write allocates nothing to be
//! answered.

use std::sync::OnceLock;

use tokio::sync::Notify;

use crate::Error;

/// Set once.
#[derive(Debug, Default)]
pub(crate) struct Completion {
    result: OnceLock<Result<(), Error>>,
    set: Notify,
}

impl Completion {
    /// Sets the result and wakes everyone. Later calls change nothing.
    pub(crate) fn complete(&self, result: Result<(), Error>) {
        let _already = self.result.set(result);
        self.set.notify_waiters();
    }

    /// Waits for the result.
    pub(crate) async fn wait(&self) -> Result<(), Error> {
        loop {
            // Before looking: from here on no notification is missed.
            let set = self.set.notified();
            if let Some(result) = self.result.get() {
                return result.clone();
            }
            set.await;
        }
    }
}
