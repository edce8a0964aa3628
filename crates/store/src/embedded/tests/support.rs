//! What the tests of the engine share: small settings, a workload, and the oracle of what may be recovered from it.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use leasehold_clock::SimulatedClock;

use super::oracle;
use crate::embedded::log::segment;
use crate::embedded::{Embedded, OpenError, Options};
use crate::testing::{MemoryDisk, Op};
use crate::view::state::State;
use crate::{Error, Key, Revision, Store};

/// Settings with which a few writes fill segments and call for snapshots.
pub(crate) fn small() -> Options {
    Options {
        segment_bytes: 4096,
        snapshot_bytes: 6000,
        ..Options::new("")
    }
}

pub(crate) fn open(disk: &MemoryDisk, options: &Options) -> Result<Embedded, OpenError> {
    Embedded::open_on(Arc::new(disk.clone()), options, Arc::new(SimulatedClock::default()))
}

pub(crate) fn key(resource: &'static str, name: &str) -> Key {
    Key {
        resource,
        namespace: "kube-system".into(),
        name: name.into(),
    }
}

/// What a start makes of a disk.
pub(crate) fn recovered(disk: &MemoryDisk) -> Result<State, OpenError> {
    oracle::start(disk).map(|recovered| recovered.state)
}

/// A value that says which write it is of, and is never zero where a sector could hide.
pub(crate) fn value(number: usize, len: usize) -> Bytes {
    let text = format!("value {number} ");
    text.bytes().cycle().take(len).collect()
}

/// The whole of a store, as a test compares it.
pub(crate) type Content = BTreeMap<Key, (Bytes, Revision)>;

pub(crate) fn content(state: &State) -> Content {
    let entries = state.entries_after(None);
    entries
        .map(|(key, item)| (key, (item.value.clone(), item.revision)))
        .collect()
}

/// What a write came to.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    pub(crate) key: Key,
    pub(crate) value: Option<Bytes>,
    pub(crate) result: Result<Revision, Error>,
    /// The disk's record when the answer was there.
    pub(crate) answered_at: usize,
}

impl Outcome {
    /// Of a write to this store, which is on this disk.
    pub(crate) async fn of(
        store: &Embedded,
        disk: &MemoryDisk,
        key: Key,
        value: Option<Bytes>,
        expected: Option<Revision>,
    ) -> Self {
        let result = store.write(key.clone(), value.clone(), expected).await;
        // A store that has failed refuses without the disk, which may hang and be asked for nothing then.
        let answered_at = result.as_ref().map_or(0, |_| disk.position());
        Self {
            key,
            value,
            result,
            answered_at,
        }
    }
}

/// Fifty writes of all kinds and several sizes, three at a time, so that groups of one and of more are made.
pub(crate) async fn workload(store: &Embedded, disk: &MemoryDisk) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    let mut held: BTreeMap<Key, Revision> = BTreeMap::new();
    for round in 0..16 {
        let writes = (0..3).map(|slot| {
            let number = round * 3 + slot;
            let key = key(
                ["leases", "namespaces", "leases"][slot],
                &format!("n{}", (number * 7) % 5),
            );
            let len = [20, 90, 700, 300, 1500][number % 5];
            let delete = round % 5 == 4 && held.contains_key(&key);
            (
                key.clone(),
                (!delete).then(|| value(number, len)),
                held.get(&key).copied(),
            )
        });
        let writes = writes.map(|(key, value, expected)| Outcome::of(store, disk, key, value, expected));
        for outcome in futures_util::future::join_all(writes).await {
            match (&outcome.result, &outcome.value) {
                (Ok(revision), Some(_)) => drop(held.insert(outcome.key.clone(), *revision)),
                (Ok(_), None) => drop(held.remove(&outcome.key)),
                (Err(_), _) => {}
            }
            outcomes.push(outcome);
        }
    }
    outcomes
}

/// A closed store that has been through the workload, with snapshots written and old segments gone. When a snapshot is
/// ready depends on the scheduler, so it may take a few attempts.
pub(crate) async fn recorded() -> (MemoryDisk, Vec<Outcome>) {
    for _ in 0..200 {
        let disk = MemoryDisk::default();
        let store = open(&disk, &small()).unwrap();
        let outcomes = workload(&store, &disk).await;
        assert!(outcomes.iter().all(|outcome| outcome.result.is_ok()), "{outcomes:?}");
        store.close().await.unwrap();
        let is_segment = |op: &Op| matches!(op, Op::Unlink(name) if segment::sequence(name).is_some());
        if disk.ops().iter().any(is_segment) {
            return (disk, outcomes);
        }
    }
    panic!("no old segment ever went");
}

/// What the store held after each revision: of the writes that were acknowledged.
pub(crate) fn replay(outcomes: &[Outcome]) -> BTreeMap<Revision, Content> {
    let mut writes: Vec<_> = outcomes
        .iter()
        .filter_map(|outcome| Some((outcome.result.clone().ok()?, outcome)))
        .collect();
    writes.sort_by_key(|(revision, _)| *revision);
    let mut contents = BTreeMap::from([(Revision(0), Content::new())]);
    let mut content = Content::new();
    for (revision, outcome) in writes {
        match &outcome.value {
            Some(value) => content.insert(outcome.key.clone(), (value.clone(), revision)),
            None => content.remove(&outcome.key),
        };
        contents.insert(revision, content.clone());
    }
    contents
}

/// Whether a store works: one more write, above everything there is, found again after a restart.
pub(crate) async fn check_usable(disk: &MemoryDisk, options: &Options) {
    let store = open(disk, options).unwrap_or_else(|error| panic!("the second start failed: {error}"));
    let before = store.revision();
    let key = key("leases", "after");
    let held = store.get(&key).await.unwrap().map(|entry| entry.revision);
    let revision = store.write(key.clone(), Some(value(1, 10)), held).await.unwrap();
    assert!(revision > before, "{revision} after {before}");
    store.close().await.unwrap();
    let store = open(disk, options).unwrap_or_else(|error| panic!("the third start failed: {error}"));
    assert_eq!(store.get(&key).await.unwrap().unwrap().revision, revision);
    store.close().await.unwrap();
}
