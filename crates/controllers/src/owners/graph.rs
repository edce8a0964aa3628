//! Who names whom as owner, and who needs a look: an index of the store, without any I/O.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use leasehold_api::codec::glance::Belonging;
use leasehold_store::Key;

use super::{FOREGROUND, ORPHAN};

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Graph {
    /// By the uid of the owner: its dependents, and whether each blocks its deletion in the foreground.
    dependents: HashMap<Arc<str>, BTreeMap<Key, bool>>,
    /// Owners that are being deleted in the foreground.
    waiting: HashMap<Arc<str>, Key>,
    /// Objects that need a look.
    queue: BTreeSet<Key>,
}

/// What the dependents of an object are like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Dependents {
    /// There are some.
    pub(super) any: bool,
    /// One of them blocks the object's deletion in the foreground.
    pub(super) blocking: bool,
    /// One of them is itself being deleted in the foreground.
    pub(super) waiting: bool,
}

impl Graph {
    /// Notes that an object was created (`before` absent), changed or deleted (`after` absent). Most changes do not concern
    /// this.
    pub(super) fn change(&mut self, key: &Key, before: Option<&Belonging>, after: Option<&Belonging>) {
        if before == after {
            return;
        }
        let owners = |belonging: Option<&Belonging>| -> BTreeMap<String, bool> {
            let owners = belonging.into_iter().flat_map(Belonging::owners);
            let blocks = owners.map(|owner| (owner.uid, owner.block_owner_deletion == Some(true)));
            blocks.collect()
        };
        let (old, new) = (owners(before), owners(after));
        for uid in old.keys().filter(|uid| !new.contains_key(*uid)) {
            self.forget(uid, key);
        }
        for (uid, blocks) in &new {
            self.depend(uid, key, *blocks);
        }
        if let Some(after) = after {
            self.present(key, after, !new.is_empty());
        } else if let Some(before) = before {
            self.absent(before.uid());
        }
    }

    /// Takes off objects that need a look, `max` at most.
    pub(super) fn take(&mut self, max: usize) -> Vec<Key> {
        std::iter::from_fn(|| self.queue.pop_first()).take(max).collect()
    }

    /// An object needs another look.
    pub(super) fn look_again(&mut self, key: Key) {
        self.queue.insert(key);
    }

    /// Whether objects need a look.
    pub(super) fn has_work(&self) -> bool {
        !self.queue.is_empty()
    }

    /// Who names this uid as owner.
    pub(super) fn dependents(&self, uid: &str) -> impl Iterator<Item = &Key> {
        self.dependents.get(uid).into_iter().flat_map(BTreeMap::keys)
    }

    /// What they are like.
    pub(super) fn describe(&self, uid: &str) -> Dependents {
        let Some(dependents) = self.dependents.get(uid) else {
            return Dependents::default();
        };
        Dependents {
            any: !dependents.is_empty(),
            blocking: dependents.values().any(|blocks| *blocks),
            waiting: self.waiting.values().any(|waiting| dependents.contains_key(waiting)),
        }
    }

    /// How many owners wait for their dependents.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    fn depend(&mut self, uid: &str, key: &Key, blocks: bool) {
        let blocked = match self.dependents.get_mut(uid) {
            Some(dependents) => dependents.insert(key.clone(), blocks),
            None => self
                .dependents
                .entry(uid.into())
                .or_default()
                .insert(key.clone(), blocks),
        };
        if blocked == Some(true) && !blocks {
            self.look_at_waiting(uid);
        }
    }

    fn forget(&mut self, uid: &str, key: &Key) {
        if let Some(dependents) = self.dependents.get_mut(uid) {
            dependents.remove(key);
            if dependents.is_empty() {
                self.dependents.remove(uid);
            }
        }
        self.look_at_waiting(uid);
    }

    fn look_at_waiting(&mut self, uid: &str) {
        self.queue.extend(self.waiting.get(uid).cloned());
    }

    fn present(&mut self, key: &Key, belonging: &Belonging, is_owned: bool) {
        let leaves = |finalizer| belonging.is_being_deleted() && belonging.has_finalizer(finalizer);
        let foreground = leaves(FOREGROUND);
        if is_owned || foreground || leaves(ORPHAN) {
            self.queue.insert(key.clone());
        }
        let uid = belonging.uid();
        if !foreground {
            self.waiting.remove(uid);
        } else if self.waiting.insert(uid.into(), key.clone()).is_none() {
            self.look_at_dependents(uid);
        }
    }

    fn absent(&mut self, uid: &str) {
        self.waiting.remove(uid);
        self.look_at_dependents(uid);
    }

    fn look_at_dependents(&mut self, uid: &str) {
        let dependents = self.dependents.get(uid).into_iter().flat_map(BTreeMap::keys);
        self.queue.extend(dependents.cloned());
    }
}

#[cfg(test)]
mod tests {
    use leasehold_api::codec::{glance, protobuf};
    use leasehold_api::coordination::Lease;
    use leasehold_api::meta::OwnerReference;
    use leasehold_api::{Gvk, Time};

    use super::*;

    const GVK: Gvk = Gvk {
        group: "coordination.k8s.io",
        version: "v1",
        kind: "Lease",
    };

    fn key(name: &str) -> Key {
        Key {
            resource: "leases",
            namespace: "default".into(),
            name: name.into(),
        }
    }

    /// An object with these owners; `!` before one that it blocks.
    fn owned(uid: &str, owners: &[&str], leaving: Option<&str>) -> Belonging {
        let mut lease = Lease::default();
        lease.metadata.uid = uid.into();
        lease.metadata.owner_references = owners.iter().map(|owner| reference(owner)).collect();
        lease.metadata.deletion_timestamp = leaving.map(|_| Time::new(1, 0));
        lease.metadata.finalizers = leaving.into_iter().map(str::to_owned).collect();
        let mut stored = Vec::new();
        protobuf::write_object(GVK, &lease, &mut stored);
        glance::belonging(&stored.into()).expect("an object")
    }

    fn reference(owner: &str) -> OwnerReference {
        OwnerReference {
            uid: owner.trim_start_matches('!').into(),
            block_owner_deletion: owner.starts_with('!').then_some(true),
            ..OwnerReference::default()
        }
    }

    fn looks(graph: &mut Graph) -> Vec<String> {
        graph.take(10).iter().map(|key| key.name.to_string()).collect()
    }

    #[test]
    fn an_object_with_owners_is_looked_at_when_it_comes_and_when_one_goes() {
        let mut graph = Graph::default();
        let (owner, owned_by) = (owned("o", &[], None), owned("d", &["o", "p"], None));
        graph.change(&key("owner"), None, Some(&owner));
        assert_eq!(looks(&mut graph), [""; 0], "it has no owner");
        graph.change(&key("dependent"), None, Some(&owned_by));
        assert_eq!(looks(&mut graph), ["dependent"]);
        graph.change(&key("dependent"), Some(&owned_by), Some(&owned_by));
        assert_eq!(looks(&mut graph), [""; 0], "a renewal");
        graph.change(&key("owner"), Some(&owner), None);
        assert_eq!(looks(&mut graph), ["dependent"]);
        graph.change(&key("dependent"), Some(&owned_by), None);
        assert!(graph.dependents.is_empty());
    }

    #[test]
    fn an_owner_that_waits_is_looked_at_when_less_keeps_it() {
        let mut graph = Graph::default();
        let (owner, leaving) = (owned("o", &[], None), owned("o", &[], Some(FOREGROUND)));
        let (blocking, plain) = (owned("d", &["!o"], None), owned("d", &["o"], None));
        graph.change(&key("owner"), None, Some(&owner));
        graph.change(&key("dependent"), None, Some(&blocking));
        looks(&mut graph);
        graph.change(&key("owner"), Some(&owner), Some(&leaving));
        assert_eq!(looks(&mut graph), ["dependent", "owner"]);
        let blocked = Dependents {
            any: true,
            blocking: true,
            waiting: false,
        };
        assert_eq!(graph.describe("o"), blocked);

        graph.change(&key("dependent"), Some(&blocking), Some(&plain));
        assert_eq!(looks(&mut graph), ["dependent", "owner"], "it blocks no more");
        assert!(!graph.describe("o").blocking);
        graph.change(&key("dependent"), Some(&plain), None);
        assert_eq!(looks(&mut graph), ["owner"], "it is gone");
        assert_eq!(graph.describe("o"), Dependents::default());
        graph.change(&key("owner"), Some(&leaving), None);
        assert_eq!(graph.waiting(), 0);
    }

    #[test]
    fn a_dependent_that_waits_itself_is_told_of() {
        let mut graph = Graph::default();
        graph.change(&key("owner"), None, Some(&owned("o", &["d"], None)));
        assert!(!graph.describe("o").waiting);
        graph.change(&key("dependent"), None, Some(&owned("d", &["!o"], Some(FOREGROUND))));
        assert!(graph.describe("o").waiting);
    }

    #[test]
    fn an_owner_that_is_to_be_forgotten_is_looked_at() {
        let mut graph = Graph::default();
        graph.change(&key("owner"), None, Some(&owned("o", &[], Some(ORPHAN))));
        assert_eq!(looks(&mut graph), ["owner"]);
        assert_eq!(graph.waiting(), 0, "it waits for nobody to go");
    }
}
