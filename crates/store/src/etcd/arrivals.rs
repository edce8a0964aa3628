//! Who waits for a revision, each woken by its own and by no other: there are as many as there are writes on their way.

use std::collections::BTreeMap;
use std::task::{Context, Poll, Waker};

use parking_lot::Mutex;

use crate::Revision;
use crate::view::published::Published;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Arrivals {
    waiting: Mutex<Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    wakers: BTreeMap<(Revision, u64), Waker>,
    issued: u64,
}

impl Arrivals {
    /// Waits until the revision is visible, or nothing more will be.
    pub(super) fn wait<'a>(&'a self, published: &'a Published, revision: Revision) -> Arrival<'a> {
        Arrival {
            arrivals: self,
            published,
            revision,
            id: None,
        }
    }

    /// Wakes those whose revision has come. To be called after it became visible.
    pub(super) fn reached(&self, revision: Revision) {
        let woken = {
            let mut waiting = self.waiting.lock();
            if waiting
                .wakers
                .first_key_value()
                .is_none_or(|(first, _)| first.0 > revision)
            {
                return;
            }
            let later = waiting.wakers.split_off(&(Revision(revision.0.saturating_add(1)), 0));
            std::mem::replace(&mut waiting.wakers, later)
        };
        woken.into_values().for_each(Waker::wake);
    }

    /// Wakes everyone: nothing more will come.
    pub(super) fn all(&self) {
        let woken = std::mem::take(&mut self.waiting.lock().wakers);
        woken.into_values().for_each(Waker::wake);
    }

    /// The lowest revision that somebody waits for.
    pub(super) fn first(&self) -> Option<Revision> {
        self.waiting.lock().wakers.first_key_value().map(|(first, _)| first.0)
    }
}

/// A wait; leaves no trace when it is dropped.
#[must_use]
pub(super) struct Arrival<'a> {
    arrivals: &'a Arrivals,
    published: &'a Published,
    revision: Revision,
    id: Option<u64>,
}

impl Arrival<'_> {
    fn register(&mut self, waker: &Waker) {
        let mut waiting = self.arrivals.waiting.lock();
        let id = *self.id.get_or_insert_with(|| {
            waiting.issued += 1;
            waiting.issued
        });
        waiting.wakers.insert((self.revision, id), waker.clone());
    }

    fn is_over(&self) -> bool {
        let view = self.published.view();
        view.state.revision >= self.revision || view.closed
    }
}

impl Future for Arrival<'_> {
    type Output = ();

    fn poll(mut self: std::pin::Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.is_over() {
            return Poll::Ready(());
        }
        self.register(cx.waker());
        // Once more: what became visible in between has woken nobody.
        if self.is_over() { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl Drop for Arrival<'_> {
    fn drop(&mut self) {
        if let Some(id) = self.id {
            self.arrivals.waiting.lock().wakers.remove(&(self.revision, id));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::FutureExt;
    use leasehold_clock::Monotonic;

    use super::*;
    use crate::view::history::{History, Window};
    use crate::view::state::State;

    fn published() -> Published {
        let window = Window {
            age: Duration::MAX,
            bytes: 0,
        };
        Published::new(State::default(), History::new(window, Revision(0)))
    }

    #[test]
    fn each_is_woken_by_its_own_revision() {
        let (arrivals, published) = (Arrivals::default(), published());
        let mut five = arrivals.wait(&published, Revision(5));
        let mut seven = arrivals.wait(&published, Revision(7));
        assert!((&mut five).now_or_never().is_none() && (&mut seven).now_or_never().is_none());
        assert_eq!(arrivals.first(), Some(Revision(5)));
        published.advance(Revision(6), Monotonic::default());
        arrivals.reached(Revision(6));
        assert_eq!(arrivals.first(), Some(Revision(7)), "and nobody else");
        assert!(five.now_or_never().is_some() && (&mut seven).now_or_never().is_none());
        published.close();
        arrivals.all();
        assert!(seven.now_or_never().is_some(), "nothing more will come");
    }

    #[test]
    fn who_gives_up_leaves_no_trace_and_what_is_there_is_not_waited_for() {
        let (arrivals, published) = (Arrivals::default(), published());
        let mut wait = arrivals.wait(&published, Revision(5));
        assert!((&mut wait).now_or_never().is_none());
        drop(wait);
        assert_eq!(arrivals.first(), None);
        assert!(arrivals.wait(&published, Revision(0)).now_or_never().is_some());
    }
}
