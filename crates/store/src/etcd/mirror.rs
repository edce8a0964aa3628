//! What etcd holds of ours, kept up with its changes. Pure: replies of a watch in, groups to publish out.
//!
//! A change carries what was there before, which the mirror knows and etcd need not send. That both agree on whether there was
//! anything is checked with every change: a mirror that has missed one must not go on as if nothing had happened.

use std::sync::Arc;

use leasehold_etcd::{Event, EventKind};

use super::keys::Keys;
use crate::view::state::{Item, State};
use crate::{Change, ChangeKind, Key, Memos, Revision};

/// See the module.
#[derive(Debug)]
pub(super) struct Mirror {
    state: State,
    /// A watch that resumes is told the last revision once more: up to here nothing is new.
    known: Revision,
}

/// Changes that become visible together, and the state they lead to.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) changes: Vec<Arc<Change>>,
    pub(super) state: State,
    /// Bytes of the values in it.
    pub(super) bytes: u64,
}

/// Why the mirror cannot be trusted any more.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Inconsistent {
    #[error("revision {revision} was told after revision {after}")]
    Order { revision: Revision, after: Revision },
    #[error("at revision {revision} a key is {told} that was {held}")]
    Presence {
        revision: Revision,
        told: &'static str,
        held: &'static str,
    },
}

impl Mirror {
    pub(super) fn new(state: State) -> Self {
        let known = state.revision;
        Self { state, known }
    }

    pub(super) fn revision(&self) -> Revision {
        self.state.revision
    }

    /// The first revision to ask a watch for: the last one known. If that has been compacted, so has something after it that a
    /// watch from there on might pass over in silence (etcd issues 18089 and 19179), and etcd says so.
    pub(super) fn resume(&mut self) -> Revision {
        self.known = self.state.revision;
        #[cfg(leasehold_mutant = "event-lost-on-reconnect")]
        if self.known > Revision(0) {
            self.known.0 += 1;
            return self.state.revision;
        }
        self.known.max(Revision(1))
    }

    /// Everything up to a revision is known, though nothing of ours may have changed.
    pub(super) fn advance(&mut self, revision: Revision) {
        self.state.revision = self.state.revision.max(revision);
    }

    /// Takes in one reply of the watch, in which whole revisions are. What does not concern us raises the revision all the
    /// same.
    pub(super) fn apply(&mut self, keys: &Keys, events: Vec<Event>) -> Result<Group, Inconsistent> {
        let before = self.state.revision;
        let (mut changes, mut bytes, mut last) = (Vec::with_capacity(events.len()), 0, Revision(0));
        for event in events {
            let revision = revision(event.kv.mod_revision);
            if revision <= self.known {
                continue;
            }
            if revision < last || revision <= before {
                let after = last.max(before);
                return Err(Inconsistent::Order { revision, after });
            }
            last = revision;
            if let Some(key) = keys.decode(&event.kv.key) {
                bytes += event.kv.value.len() as u64;
                changes.push(Arc::new(self.change(key, revision, event)?));
            }
        }
        self.advance(last);
        Ok(Group {
            changes,
            state: self.state.clone(),
            bytes,
        })
    }

    fn change(&mut self, key: Key, revision: Revision, event: Event) -> Result<Change, Inconsistent> {
        // The names that are there already serve the change as well.
        let held = self.state.get_key_value(&key);
        let (key, was_there) = held.map_or((key, false), |(kept, _)| (kept, true));
        let kv = event.kv;
        let (told_there, told) = match event.kind {
            EventKind::Put if kv.create_revision == kv.mod_revision => (false, "created"),
            EventKind::Put => (true, "updated"),
            EventKind::Delete => (true, "deleted"),
        };
        if was_there != told_there {
            let held = if was_there { "there" } else { "not there" };
            return Err(Inconsistent::Presence { revision, told, held });
        }
        let kind = match event.kind {
            EventKind::Put => ChangeKind::Put(kv.value),
            EventKind::Delete => ChangeKind::Delete,
        };
        let item = match &kind {
            ChangeKind::Put(value) => Some(Item {
                value: value.clone(),
                revision,
            }),
            ChangeKind::Delete => None,
        };
        let previous = self.state.set(&key, item).map(|item| (item.value, item.revision));
        Ok(Change {
            key,
            revision,
            kind,
            previous,
            memos: Memos::default(),
        })
    }
}

/// etcd's number as ours: it has none below 0.
pub(super) fn revision(number: i64) -> Revision {
    Revision(u64::try_from(number).unwrap_or(0))
}

/// Our number as etcd's: none is as large.
pub(super) fn number(revision: Revision) -> i64 {
    i64::try_from(revision.0).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use leasehold_etcd::KeyValue;

    use super::*;

    fn put(path: &'static str, created: i64, revision: i64) -> Event {
        let kv = KeyValue {
            key: path.into(),
            create_revision: created,
            mod_revision: revision,
            version: 1,
            value: revision.to_string().into(),
        };
        Event {
            kind: EventKind::Put,
            kv,
        }
    }

    fn delete(path: &'static str, revision: i64) -> Event {
        Event {
            kind: EventKind::Delete,
            ..put(path, 0, revision)
        }
    }

    const A: &str = "/registry/leases/n/a";
    const B: &str = "/registry/leases/n/b";

    fn keys() -> Keys {
        Keys::new("/registry", &["leases"]).unwrap()
    }

    fn mirror() -> Mirror {
        Mirror::new(State::at(Revision(5)))
    }

    fn brief(group: &Group) -> Vec<(u64, String, bool, Option<u64>)> {
        let brief = |change: &Arc<Change>| {
            let previous = change.previous.as_ref().map(|(_, revision)| revision.0);
            let put = change.kind != ChangeKind::Delete;
            (change.revision.0, change.key.name.to_string(), put, previous)
        };
        group.changes.iter().map(brief).collect()
    }

    #[test]
    fn a_change_carries_what_the_one_before_led_to() {
        let mut mirror = mirror();
        let events = vec![put(A, 6, 6), put(B, 7, 7), put(A, 6, 8), delete(A, 9), put(A, 10, 10)];
        let group = mirror.apply(&keys(), events).unwrap();
        let a = |revision, put, previous| (revision, "a".to_owned(), put, previous);
        let wanted = [
            a(6, true, None),
            (7, "b".to_owned(), true, None),
            a(8, true, Some(6)),
            a(9, false, Some(8)),
            a(10, true, None),
        ];
        assert_eq!(brief(&group), wanted);
        assert_eq!(
            (group.state.revision, group.state.len(), group.bytes),
            (Revision(10), 2, 6)
        );
    }

    #[test]
    fn a_revision_of_many_keys_is_one_group_and_a_foreign_key_only_moves_it_on() {
        let mut mirror = mirror();
        let events = vec![put(A, 6, 6), put("/registry/pods/n/a", 6, 6), put(B, 6, 6)];
        let group = mirror.apply(&keys(), events).unwrap();
        assert_eq!((group.changes.len(), group.state.revision), (2, Revision(6)));
        let group = mirror
            .apply(&keys(), vec![put("/registry/leases/n/a/odd", 7, 7)])
            .unwrap();
        assert_eq!((group.changes.len(), group.state.revision), (0, Revision(7)));
    }

    #[test]
    fn a_watch_that_resumes_is_told_the_last_revision_again_and_takes_it_once() {
        let mut mirror = mirror();
        mirror.apply(&keys(), vec![put(A, 6, 6), put(B, 6, 6)]).unwrap();
        assert_eq!(mirror.resume(), Revision(6));
        let group = mirror
            .apply(&keys(), vec![put(A, 6, 6), put(B, 6, 6), put(A, 6, 7)])
            .unwrap();
        assert_eq!(brief(&group), [(7, "a".to_owned(), true, Some(6))]);
        mirror.advance(Revision(9));
        assert_eq!(mirror.resume(), Revision(9));
        assert_eq!(
            Mirror::new(State::at(Revision(0))).resume(),
            Revision(1),
            "0 would be now"
        );
    }

    #[test]
    fn what_a_sound_watch_never_tells_is_not_believed() {
        let order = |revision, after| Inconsistent::Order {
            revision: Revision(revision),
            after: Revision(after),
        };
        let mut backwards = mirror();
        let told = backwards.apply(&keys(), vec![put(A, 8, 8), put(B, 7, 7)]);
        assert_eq!(told.unwrap_err(), order(7, 8));
        // The rest of a revision, told apart from its beginning.
        let mut split = mirror();
        split.apply(&keys(), vec![put(A, 6, 6)]).unwrap();
        assert_eq!(split.apply(&keys(), vec![put(B, 6, 6)]).unwrap_err(), order(6, 6));
    }

    #[test]
    fn a_change_that_was_missed_is_noticed_by_the_next_one_of_its_key() {
        for (before, after) in [
            (vec![], put(A, 6, 7)),
            (vec![], delete(A, 7)),
            (vec![put(A, 6, 6)], put(A, 8, 8)),
        ] {
            let mut mirror = mirror();
            mirror.apply(&keys(), before).unwrap();
            let told = mirror.apply(&keys(), vec![after]);
            assert!(matches!(told, Err(Inconsistent::Presence { .. })), "{told:?}");
        }
    }
}
