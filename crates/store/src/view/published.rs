//! What everyone may see: the durable state, the history that led to it, and who watches.
//!
//! All three change together, once per group of changes, under a lock that is held for as long as it takes to swap a pointer
//! and push the group's changes. Reading the state means copying that pointer.

use std::sync::Arc;

use leasehold_clock::Monotonic;
use parking_lot::{RwLock, RwLockReadGuard};
use tokio::sync::Notify;

use crate::{Change, Error, Range, Revision};

use super::cursor::Cursor;
use super::history::History;
use super::state::State;
use super::watchers::{Slot, Watchers};

/// See the module.
pub(crate) struct Published {
    view: RwLock<View>,
    /// Notified whenever the revision rose, or will not rise any more.
    pub(crate) moved: Notify,
}

/// What the lock protects.
pub(crate) struct View {
    pub(crate) state: Arc<State>,
    pub(crate) history: History,
    watchers: Watchers,
    /// Nothing will be published any more.
    pub(crate) closed: bool,
    /// How often watches have been broken off, and why they were, the last time.
    pub(super) broken_off: (u64, Option<Error>),
}

impl Published {
    pub(crate) fn new(state: State, history: History) -> Self {
        let view = View {
            state: Arc::new(state),
            history,
            watchers: Watchers::default(),
            closed: false,
            broken_off: (0, None),
        };
        Self {
            view: RwLock::new(view),
            moved: Notify::new(),
        }
    }

    /// The durable state.
    pub(crate) fn state(&self) -> Arc<State> {
        Arc::clone(&self.view.read().state)
    }

    pub(crate) fn revision(&self) -> Revision {
        self.view.read().state.revision
    }

    /// A consistent look at state and history. Holds publishing up: copy pointers and let go.
    pub(crate) fn view(&self) -> RwLockReadGuard<'_, View> {
        self.view.read()
    }

    /// Makes one group visible, all of it at once. Changes that share a revision are in one group.
    pub(crate) fn publish(&self, state: State, changes: Vec<Arc<Change>>, now: Monotonic) {
        let state = Arc::new(state);
        let (mut wakers, mut gone) = (Vec::new(), Vec::new());
        let before = {
            let mut view = self.view.write();
            view.watchers.tell(&changes, &mut wakers);
            for change in changes {
                view.history.push(change, now);
            }
            view.history.trim(now, &mut gone);
            std::mem::replace(&mut view.state, state)
        };
        wakers.into_iter().for_each(std::task::Waker::wake);
        self.moved.notify_waiters();
        // Freeing what nobody needs any more is work too, done where nobody waits for it.
        drop((before, gone));
    }

    /// Says that everything up to a revision is visible already: what happened since concerns nothing that is kept here. A
    /// revision that has been reached is no news.
    pub(crate) fn advance(&self, revision: Revision, now: Monotonic) {
        let mut gone = Vec::new();
        let before = {
            let mut view = self.view.write();
            view.history.trim(now, &mut gone);
            if revision <= view.state.revision {
                return;
            }
            let mut state = State::clone(&view.state);
            state.revision = revision;
            std::mem::replace(&mut view.state, Arc::new(state))
        };
        self.moved.notify_waiters();
        drop((before, gone));
    }

    /// Starts again from a state whose history nobody knows: every open watch ends with [`Error::Compacted`], and none can
    /// resume from before it. Its revision is above 0.
    pub(crate) fn reset(&self, state: State) {
        let floor = state.revision;
        let mut wakers = Vec::new();
        let before = {
            let mut view = self.view.write();
            let history = view.history.emptied(floor);
            view.watchers.fall_behind(floor, &mut wakers);
            let state = std::mem::replace(&mut view.state, Arc::new(state));
            (state, std::mem::replace(&mut view.history, history))
        };
        wakers.into_iter().for_each(std::task::Waker::wake);
        self.moved.notify_waiters();
        drop(before);
    }

    /// Ends every open watch with this error, once it has handed out what is there: nobody knows when more will come, and who
    /// watches may be better off elsewhere. New watches can be opened.
    pub(crate) fn break_off(&self, why: Error) {
        let mut wakers = Vec::new();
        {
            let mut view = self.view.write();
            view.broken_off = (view.broken_off.0 + 1, Some(why));
            view.watchers.all(&mut wakers);
        }
        wakers.into_iter().for_each(std::task::Waker::wake);
    }

    /// Says that nothing more will come. Watches hand out what is there and then end.
    pub(crate) fn close(&self) {
        let mut wakers = Vec::new();
        {
            let mut view = self.view.write();
            view.closed = true;
            view.watchers.all(&mut wakers);
        }
        wakers.into_iter().for_each(std::task::Waker::wake);
        self.moved.notify_waiters();
    }

    /// Starts a watch.
    pub(crate) fn watch(self: &Arc<Self>, range: Range, after: Revision) -> Result<Cursor, Error> {
        let mut view = self.view.write();
        let current = view.state.revision;
        let oldest = view.history.oldest(range.resource());
        if view.closed {
            return Err(Error::Closed);
        }
        if after > current {
            return Err(Error::Future { current });
        }
        if after < oldest {
            return Err(Error::Compacted { oldest });
        }
        let slot = Arc::new(Slot::default());
        let behind = view.history.last(range.resource()).is_some_and(|last| last > after);
        slot.set_pending(behind.then_some(Revision(after.0 + 1)));
        #[cfg(leasehold_mutant = "event-twice-on-resume")]
        slot.set_pending(behind.then_some(after));
        let id = view.watchers.add(&range, Arc::clone(&slot));
        let opened = view.broken_off.0;
        Ok(Cursor::new(Arc::clone(self), range, slot, (id, opened), after))
    }

    /// Ends a watch.
    pub(crate) fn unwatch(&self, range: &Range, id: u64) {
        self.view.write().watchers.remove(range, id);
    }

    /// How many watches there are.
    pub(crate) fn watchers(&self) -> usize {
        self.view.read().watchers.len()
    }
}
