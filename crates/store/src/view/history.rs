//! The recent changes of every resource, each resource with a window of its own, so that renewals do not push namespaces
//! or events out of it.
//!
//! The window is bounded by time and by bytes, whichever is smaller; what has left it can neither be watched from nor
//! listed at any more. Changes are shared: a reader copies pointers, never values.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use leasehold_clock::Monotonic;

use crate::{Change, ChangeKind, Revision};

/// How much is kept of each resource.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    pub(crate) age: Duration,
    /// Counted as values, names and the fixed size of a [`Change`]; encoded forms come on top.
    pub(crate) bytes: usize,
}

/// The changes of all resources.
#[derive(Debug)]
pub(crate) struct History {
    window: Window,
    /// Everything up to this revision was never seen here.
    floor: Revision,
    rings: Vec<(&'static str, Ring)>,
}

/// The changes of one resource.
#[derive(Debug)]
pub(crate) struct Ring {
    changes: VecDeque<Held>,
    bytes: usize,
    /// The revision of the last change that has left the window, or the floor. Others of that revision may still be here;
    /// nobody is given half a revision, so they count as gone.
    trimmed: Revision,
}

#[derive(Debug)]
struct Held {
    at: Monotonic,
    change: Arc<Change>,
}

impl History {
    /// An empty history of a store that is at `floor`.
    pub(crate) fn new(window: Window, floor: Revision) -> Self {
        Self {
            window,
            floor,
            rings: Vec::new(),
        }
    }

    /// The same window, with nothing in it, of a store that is at `floor`.
    pub(crate) fn emptied(&self, floor: Revision) -> Self {
        Self::new(self.window, floor)
    }

    /// Adds the next change, whose revision is no lower than that of the one before.
    pub(crate) fn push(&mut self, change: Arc<Change>, now: Monotonic) {
        let resource = change.key.resource;
        let position = self.rings.iter().position(|(name, _)| *name == resource);
        let position = position.unwrap_or_else(|| {
            self.rings.push((
                resource,
                Ring {
                    changes: VecDeque::new(),
                    bytes: 0,
                    trimmed: self.floor,
                },
            ));
            self.rings.len() - 1
        });
        let ring = &mut self.rings[position].1;
        ring.bytes += cost(&change);
        ring.changes.push_back(Held { at: now, change });
    }

    /// Takes out what has left the window, for the caller to drop where no lock is held.
    pub(crate) fn trim(&mut self, now: Monotonic, out: &mut Vec<Arc<Change>>) {
        let window = self.window;
        #[cfg(leasehold_mutant = "watch-buffer-unbounded")]
        let window = Window {
            age: Duration::MAX,
            bytes: usize::MAX,
        };
        for (_, ring) in &mut self.rings {
            while let Some(oldest) = ring.changes.front()
                && (ring.bytes > window.bytes || now.since(oldest.at) > window.age)
            {
                ring.bytes -= cost(&oldest.change);
                ring.trimmed = oldest.change.revision;
                out.extend(ring.changes.pop_front().map(|held| held.change));
            }
        }
    }

    /// The oldest revision after which every change of a resource is still here.
    pub(crate) fn oldest(&self, resource: &str) -> Revision {
        self.ring(resource).map_or(self.floor, |ring| ring.trimmed)
    }

    /// The changes of a resource from `first` on, oldest first.
    pub(crate) fn from(&self, resource: &str, first: Revision) -> impl DoubleEndedIterator<Item = &Arc<Change>> {
        self.ring(resource).into_iter().flat_map(move |ring| {
            let start = ring.changes.partition_point(|held| held.change.revision < first);
            ring.changes.range(start..).map(|held| &held.change)
        })
    }

    /// The revision of the last change of a resource, if it is still here.
    pub(crate) fn last(&self, resource: &str) -> Option<Revision> {
        self.ring(resource)?.changes.back().map(|held| held.change.revision)
    }

    fn ring(&self, resource: &str) -> Option<&Ring> {
        self.rings
            .iter()
            .find(|(name, _)| *name == resource)
            .map(|(_, ring)| ring)
    }
}

/// What a change counts against the window. Its predecessor is counted where it was itself the change.
fn cost(change: &Change) -> usize {
    let value = match &change.kind {
        ChangeKind::Put(value) => value.len(),
        ChangeKind::Delete => 0,
    };
    size_of::<Change>() + change.key.namespace.len() + change.key.name.len() + value
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::{Key, Memos};

    fn change(resource: &'static str, revision: u64) -> Arc<Change> {
        Arc::new(Change {
            key: Key {
                resource,
                namespace: "".into(),
                name: "n".into(),
            },
            revision: Revision(revision),
            kind: ChangeKind::Put(Bytes::from_static(b"value")),
            previous: None,
            memos: Memos::default(),
        })
    }

    fn revisions(history: &History, resource: &str) -> Vec<u64> {
        history
            .from(resource, Revision(0))
            .map(|change| change.revision.0)
            .collect()
    }

    #[test]
    fn a_busy_resource_pushes_no_other_out() {
        let bytes = 3 * cost(&change("leases", 1));
        let mut history = History::new(
            Window {
                age: Duration::from_secs(300),
                bytes,
            },
            Revision(0),
        );
        history.push(change("namespaces", 1), Monotonic::default());
        (2..=9).for_each(|revision| history.push(change("leases", revision), Monotonic::default()));
        let mut dropped = Vec::new();
        history.trim(Monotonic::default(), &mut dropped);
        assert_eq!(revisions(&history, "leases"), [7, 8, 9]);
        assert_eq!(revisions(&history, "namespaces"), [1]);
        assert_eq!(
            (history.oldest("leases"), history.oldest("namespaces")),
            (Revision(6), Revision(0))
        );
        assert_eq!(dropped.len(), 5);
    }

    #[test]
    fn what_is_older_than_the_window_goes() {
        let window = Window {
            age: Duration::from_secs(300),
            bytes: usize::MAX,
        };
        let mut history = History::new(window, Revision(10));
        let start = Monotonic::default();
        assert_eq!(history.oldest("leases"), Revision(10));
        history.push(change("leases", 11), start);
        history.push(change("leases", 12), start + Duration::from_secs(1));
        history.trim(start + Duration::from_secs(300), &mut Vec::new());
        assert_eq!(revisions(&history, "leases"), [11, 12]);
        history.trim(start + Duration::from_secs(301), &mut Vec::new());
        assert_eq!(revisions(&history, "leases"), [12]);
        assert_eq!(history.oldest("leases"), Revision(11));
    }
}
