//! The end of a commit group, which everyone in it waits for: one for all, so that a write allocates nothing to be
//! answered.
//!
//! Whoever sets the result wakes one who waits, and that one wakes the others. From outside of a runtime's own threads
//! each wake-up takes a lock and perhaps a system call; from within it is a push to a queue.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;

use crate::Error;

/// Set once.
#[derive(Debug, Default)]
pub(crate) struct Completion {
    result: OnceLock<Result<(), Error>>,
    set: Notify,
    passed_on: AtomicBool,
}

impl Completion {
    /// Sets the result and wakes everyone. Later calls change nothing.
    pub(crate) fn complete(&self, result: Result<(), Error>) {
        let _already = self.result.set(result);
        // Not lost if who is woken gives up waiting: it then goes to the next.
        self.set.notify_one();
    }

    /// Waits for the result.
    pub(crate) async fn wait(&self) -> Result<(), Error> {
        loop {
            // Before looking: from here on no notification is missed.
            let set = self.set.notified();
            if let Some(result) = self.result.get() {
                self.pass_on();
                return result.clone();
            }
            set.await;
        }
    }

    /// Wakes all others, once. Who begins to wait later finds the result.
    fn pass_on(&self) {
        if !self.passed_on.swap(true, Ordering::Relaxed) {
            self.set.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::future::join_all;
    use futures_util::{FutureExt, poll};

    use super::*;

    #[tokio::test]
    async fn all_are_woken_even_if_the_one_who_should_wake_them_gives_up() {
        for gone in 0..4 {
            let completion = Completion::default();
            let mut waiting = Vec::new();
            for _ in 0..4 {
                let mut wait = completion.wait().boxed();
                assert!(poll!(&mut wait).is_pending());
                waiting.push(wait);
            }
            completion.complete(Err(Error::Full));
            // Whoever was woken has not run yet; one of the four is.
            drop(waiting.remove(gone));
            assert_eq!(join_all(waiting).await, vec![Err(Error::Full); 3]);
            assert_eq!(
                completion.wait().await,
                Err(Error::Full),
                "who comes later need not wait"
            );
        }
    }
}
