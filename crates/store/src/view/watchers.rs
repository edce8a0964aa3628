//! Who watches what, so that a change wakes only those whom it concerns.
//!
//! A watcher has no queue. It has a [`Slot`] with one number: the revision of the first change of its range that it has
//! not handed out. Everything before that needs no look at the history, however long ago the watcher looked last.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Waker;

use futures_util::task::AtomicWaker;

use crate::{Change, Key, Range, Revision};

/// One watcher, as who publishes sees it. `pending` is only written under the lock of what is published: by the publisher
/// where that is held for writing, by the watcher where it is held for reading, so its order needs no help.
#[derive(Debug, Default)]
pub(crate) struct Slot {
    pending: AtomicU64,
    pub(crate) waker: AtomicWaker,
}

impl Slot {
    /// The first revision that may hold something to hand out.
    pub(crate) fn pending(&self) -> Option<Revision> {
        match self.pending.load(Ordering::Relaxed) {
            0 => None,
            revision => Some(Revision(revision)),
        }
    }

    pub(crate) fn set_pending(&self, revision: Option<Revision>) {
        self.pending
            .store(revision.map_or(0, |revision| revision.0), Ordering::Relaxed);
    }
}

/// The watchers of one range.
#[derive(Debug, Default)]
struct Group {
    slots: HashMap<u64, Arc<Slot>>,
    /// The first revision of the group of changes that they were told of last: once per group is enough.
    told: Revision,
}

impl Group {
    fn tell(&mut self, commit: Revision, change: Revision, wakers: &mut Vec<Waker>) {
        if std::mem::replace(&mut self.told, commit) == commit {
            return;
        }
        for slot in self.slots.values() {
            // One that already has something to do has been woken for it.
            if slot.pending().is_none() {
                slot.set_pending(Some(change));
                wakers.extend(slot.waker.take());
            }
        }
    }
}

/// All watchers.
#[derive(Debug, Default)]
pub(crate) struct Watchers {
    resources: HashMap<&'static str, Group>,
    namespaces: HashMap<&'static str, HashMap<Arc<str>, Group>>,
    names: HashMap<Key, Group>,
    issued: u64,
    count: usize,
}

impl Watchers {
    /// Adds a watcher and returns what [`Watchers::remove`] needs.
    pub(crate) fn add(&mut self, range: &Range, slot: Arc<Slot>) -> u64 {
        self.issued += 1;
        self.count += 1;
        let group = match range {
            Range::Resource(resource) => self.resources.entry(resource).or_default(),
            Range::Namespace(resource, namespace) => self
                .namespaces
                .entry(resource)
                .or_default()
                .entry(Arc::clone(namespace))
                .or_default(),
            Range::Name(key) => self.names.entry(key.clone()).or_default(),
        };
        group.slots.insert(self.issued, slot);
        self.issued
    }

    /// Removes a watcher, and what nobody watches any more.
    pub(crate) fn remove(&mut self, range: &Range, id: u64) {
        let group = match range {
            Range::Resource(resource) => self.resources.get_mut(resource),
            Range::Namespace(resource, namespace) => self
                .namespaces
                .get_mut(resource)
                .and_then(|groups| groups.get_mut(namespace)),
            Range::Name(key) => self.names.get_mut(key),
        };
        let Some(group) = group else { return };
        self.count -= usize::from(group.slots.remove(&id).is_some());
        if group.slots.is_empty() {
            self.forget(range);
        }
    }

    fn forget(&mut self, range: &Range) {
        match range {
            Range::Resource(resource) => {
                self.resources.remove(resource);
            }
            Range::Namespace(resource, namespace) => {
                if let Some(groups) = self.namespaces.get_mut(resource) {
                    groups.remove(namespace);
                }
            }
            Range::Name(key) => {
                self.names.remove(key);
            }
        }
    }

    /// Tells everyone concerned by the changes of one group, and collects whom to wake once no lock is held.
    pub(crate) fn tell(&mut self, changes: &[Arc<Change>], wakers: &mut Vec<Waker>) {
        let Some(first) = changes.first() else { return };
        if self.count == 0 {
            return;
        }
        for change in changes {
            let key = &change.key;
            let by_namespace = self
                .namespaces
                .get_mut(key.resource)
                .and_then(|groups| groups.get_mut(&key.namespace));
            let groups = [
                self.resources.get_mut(key.resource),
                by_namespace,
                self.names.get_mut(key),
            ];
            for group in groups.into_iter().flatten() {
                group.tell(first.revision, change.revision, wakers);
            }
        }
    }

    /// Leaves everyone with something to do that is no longer in the history, which begins after `floor`, and collects whom
    /// to wake.
    pub(crate) fn fall_behind(&self, floor: Revision, wakers: &mut Vec<Waker>) {
        for slot in self.slots() {
            slot.set_pending(Some(floor));
            wakers.extend(slot.waker.take());
        }
    }

    /// Everyone, to be woken because there will be no more changes.
    pub(crate) fn all(&self, wakers: &mut Vec<Waker>) {
        wakers.extend(self.slots().filter_map(|slot| slot.waker.take()));
    }

    fn slots(&self) -> impl Iterator<Item = &Arc<Slot>> {
        let namespaces = self.namespaces.values().flat_map(HashMap::values);
        let groups = self.resources.values().chain(namespaces).chain(self.names.values());
        groups.flat_map(|group| group.slots.values())
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.count
    }
}
