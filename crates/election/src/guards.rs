//! Counts the work that a lease protects, so that the lease is not given back while any of it runs.

use std::sync::Arc;

use tokio::sync::watch;

/// The guards of one term.
#[derive(Clone, Debug)]
pub(crate) struct Guards {
    count: Arc<watch::Sender<Count>>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Count {
    taken: usize,
    closed: bool,
}

impl Default for Guards {
    fn default() -> Self {
        Self {
            count: Arc::new(watch::Sender::new(Count::default())),
        }
    }
}

/// A piece of guarded work. The lease is released only after all of them were dropped.
#[derive(Debug)]
#[must_use = "the work is not guarded once this is dropped"]
pub struct WorkGuard {
    guards: Guards,
}

impl Guards {
    /// A guard, unless they are closed.
    pub(crate) fn take(&self) -> Option<WorkGuard> {
        let open = self.count.send_if_modified(|count| {
            count.taken += usize::from(!count.closed);
            !count.closed
        });
        open.then(|| WorkGuard { guards: self.clone() })
    }

    /// Whether one is left.
    pub(crate) fn any(&self) -> bool {
        self.count.borrow().taken > 0
    }

    /// Gives out no guard from now on.
    pub(crate) fn close(&self) {
        self.count.send_modify(|count| count.closed = true);
    }

    /// Returns once they are closed and none is left.
    pub(crate) async fn gone(&self) {
        let mut count = self.count.subscribe();
        // It cannot be dropped: we hold it.
        let _ = count.wait_for(|count| count.closed && count.taken == 0).await;
    }
}

impl Drop for WorkGuard {
    fn drop(&mut self) {
        self.guards.count.send_modify(|count| count.taken -= 1);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn closed_guards_are_gone_when_the_last_is_dropped() {
        let guards = Guards::default();
        assert!(guards.gone().now_or_never().is_none(), "open guards are never gone");
        let (first, second) = (guards.take().unwrap(), guards.take().unwrap());
        guards.close();
        assert!(guards.take().is_none());
        drop(first);
        assert!(guards.gone().now_or_never().is_none());
        drop(second);
        guards.gone().await;
    }
}
