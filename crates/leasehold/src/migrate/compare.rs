//! What there is to do, given both sides. Pure.

use std::collections::BTreeMap;

use leasehold_store::{Entry, Key, Revision};

/// What is still to be copied.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Plan {
    /// Not there yet.
    pub(super) create: Vec<Entry>,
    /// There, the same, and at this revision, which is too low to be kept.
    pub(super) rewrite: Vec<(Entry, Revision)>,
    /// There, the same, and above everything that was said before.
    pub(super) done: usize,
}

/// An object at the destination that is not the source's.
#[derive(Debug, PartialEq)]
pub(super) struct Foreign(pub(super) Key);

/// What to do for `there` to become `source`, with every object above `above`.
pub(super) fn plan(source: &[Entry], there: &[Entry], above: Revision) -> Result<Plan, Foreign> {
    let mut there: BTreeMap<&Key, &Entry> = there.iter().map(|entry| (&entry.key, entry)).collect();
    let mut plan = Plan::default();
    for entry in source {
        match there.remove(&entry.key) {
            None => plan.create.push(entry.clone()),
            Some(found) if found.value != entry.value => return Err(Foreign(found.key.clone())),
            Some(found) if found.revision <= above => plan.rewrite.push((entry.clone(), found.revision)),
            Some(_) => plan.done += 1,
        }
    }
    match there.into_keys().next() {
        Some(other) => Err(Foreign(other.clone())),
        None => Ok(plan),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str, value: &'static str, revision: u64) -> Entry {
        Entry {
            key: Key {
                resource: "leases",
                namespace: "n".into(),
                name: name.into(),
            },
            value: value.into(),
            revision: Revision(revision),
        }
    }

    #[test]
    fn what_is_there_already_is_kept_raised_or_foreign() {
        let source = [entry("a", "1", 5), entry("b", "2", 9), entry("c", "3", 7)];
        let fresh = plan(&source, &[], Revision(9)).unwrap();
        assert_eq!((fresh.create.len(), fresh.done), (3, 0));
        let interrupted = [entry("a", "1", 10), entry("b", "2", 9)];
        let wanted = Plan {
            create: vec![source[2].clone()],
            rewrite: vec![(source[1].clone(), Revision(9))],
            done: 1,
        };
        assert_eq!(plan(&source, &interrupted, Revision(9)), Ok(wanted));
        for foreign in [entry("a", "other", 10), entry("d", "1", 10)] {
            let found = plan(&source, std::slice::from_ref(&foreign), Revision(9));
            assert_eq!(found, Err(Foreign(foreign.key)));
        }
    }
}
