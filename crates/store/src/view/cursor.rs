//! A watch: a place in the history of one range.

use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, poll_fn};

use crate::{Error, Range, Revision, Watch, WatchBatch};

use super::published::Published;
use super::watchers::Slot;

/// Changes handed out at a time, and the rest of the last one's revision.
pub(super) const BATCH: usize = 256;
/// Changes looked at while publishing waits, and the rest of the last one's revision.
const SCAN: usize = 4096;

/// See the module.
pub(crate) struct Cursor {
    published: Arc<Published>,
    range: Range,
    slot: Arc<Slot>,
    id: u64,
    /// How often watches had been broken off when it was opened.
    opened: u64,
    progress: Revision,
}

/// What one look at the history came to.
enum Look {
    Found(WatchBatch),
    /// Nothing in what was looked at; there is more.
    Continue,
    /// Nothing, and nothing more to look at.
    Wait,
}

impl Cursor {
    pub(crate) fn new(
        published: Arc<Published>,
        range: Range,
        slot: Arc<Slot>,
        (id, opened): (u64, u64),
        after: Revision,
    ) -> Self {
        Self {
            published,
            range,
            slot,
            id,
            opened,
            progress: after,
        }
    }

    fn poll_next(&mut self, cx: &Context<'_>) -> Poll<Result<WatchBatch, Error>> {
        // Before looking, so that what is published right after the look wakes us.
        self.slot.waker.register(cx.waker());
        loop {
            match self.look() {
                Ok(Look::Found(batch)) => return Poll::Ready(Ok(batch)),
                Ok(Look::Continue) => {}
                Ok(Look::Wait) => return Poll::Pending,
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }

    fn look(&mut self) -> Result<Look, Error> {
        let view = self.published.view();
        let Some(first) = self.slot.pending() else {
            return match &view.broken_off {
                _ if view.closed => Err(Error::Closed),
                (times, Some(why)) if *times > self.opened => Err(why.clone()),
                _ => Ok(Look::Wait),
            };
        };
        let oldest = view.history.oldest(self.range.resource());
        if first <= oldest {
            return Err(Error::Compacted { oldest });
        }
        let (mut changes, mut looked_at, mut rest) = (Vec::new(), 0, None);
        for change in view.history.from(self.range.resource(), first) {
            let enough = changes.len() >= BATCH || looked_at >= SCAN;
            #[cfg(leasehold_mutant = "rest-of-a-revision-lost")]
            if enough {
                rest = Some(Revision(self.progress.0 + 1));
                break;
            }
            // Never within a revision: who resumes after it must have had all of it.
            if enough && change.revision > self.progress {
                rest = Some(change.revision);
                break;
            }
            looked_at += 1;
            self.progress = change.revision;
            #[cfg(leasehold_mutant = "every-97th-event-dropped")]
            if change.revision.0.is_multiple_of(97) {
                continue;
            }
            if self.range.contains(&change.key) {
                changes.push(Arc::clone(change));
            }
        }
        self.slot.set_pending(rest);
        if rest.is_none() {
            self.progress = view.state.revision;
        }
        if changes.is_empty() {
            return Ok(Look::Continue);
        }
        Ok(Look::Found(WatchBatch {
            changes,
            progress: self.progress,
        }))
    }
}

impl Watch for Cursor {
    fn next(&mut self) -> BoxFuture<'_, Result<WatchBatch, Error>> {
        poll_fn(|cx| self.poll_next(cx)).boxed()
    }

    fn progress(&mut self) -> Revision {
        let view = self.published.view();
        if self.slot.pending().is_none() {
            self.progress = view.state.revision;
        }
        #[cfg(leasehold_mutant = "bookmark-one-too-high")]
        return Revision(self.progress.0 + 1);
        #[cfg(not(leasehold_mutant = "bookmark-one-too-high"))]
        self.progress
    }
}

impl Drop for Cursor {
    fn drop(&mut self) {
        self.published.unwatch(&self.range, self.id);
    }
}
