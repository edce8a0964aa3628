//! Any sequence of operations, against a plain map.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;

use super::support::{Content, key, open, small, value};
use crate::embedded::Embedded;
use crate::testing::MemoryDisk;
use crate::{Entry, Error, Page, Range, Revision, Snapshot, Store};

#[derive(Clone, Debug)]
enum Step {
    Create(u8, usize),
    /// The revision expected is the key's, when true, and one above or below otherwise.
    Update(u8, usize, bool),
    Delete(u8, bool),
    List(u8),
    Reopen,
    Crash,
}

fn step() -> impl Strategy<Value = Step> {
    let key = 0..6u8;
    prop_oneof![
        4 => (key.clone(), 1..900usize).prop_map(|(key, len)| Step::Create(key, len)),
        6 => (key.clone(), 1..900usize, prop::bool::weighted(0.8)).prop_map(|(key, len, right)| Step::Update(key, len, right)),
        3 => (key, prop::bool::weighted(0.8)).prop_map(|(key, right)| Step::Delete(key, right)),
        2 => any::<u8>().prop_map(Step::List),
        1 => Just(Step::Reopen),
        1 => Just(Step::Crash),
    ]
}

/// The store under test and what it should be.
struct Run {
    disk: MemoryDisk,
    store: Embedded,
    content: Content,
    revision: Revision,
    /// What it was after each revision.
    past: BTreeMap<Revision, Content>,
}

impl Run {
    fn new() -> Self {
        let disk = MemoryDisk::default();
        let store = open(&disk, &small()).unwrap();
        let past = BTreeMap::from([(Revision(0), Content::new())]);
        Self {
            disk,
            store,
            content: Content::new(),
            revision: Revision(0),
            past,
        }
    }

    async fn step(&mut self, number: usize, step: &Step) {
        match *step {
            Step::Create(name, len) => self.write(name, Some((number, len)), None).await,
            Step::Update(name, len, right) => {
                let expected = self.expected(name, right);
                self.write(name, Some((number, len)), Some(expected)).await;
            }
            Step::Delete(name, right) => {
                let expected = self.expected(name, right);
                self.write(name, None, Some(expected)).await;
            }
            Step::List(which) => self.list(which).await,
            Step::Reopen => {
                self.store.close().await.unwrap();
                self.store = open(&self.disk, &small()).unwrap();
            }
            Step::Crash => {
                // Everything acknowledged is durable, so what a process would read is what there must be.
                self.disk = MemoryDisk::new(&self.disk.image());
                self.store = open(&self.disk, &small()).unwrap();
            }
        }
        assert_eq!(self.store.revision(), self.revision);
    }

    fn expected(&self, name: u8, right: bool) -> Revision {
        let held = self
            .content
            .get(&self.key(name))
            .map_or(Revision(77_777), |(_, revision)| *revision);
        if right { held } else { Revision(held.0 ^ 1) }
    }

    fn key(&self, name: u8) -> crate::Key {
        key(["leases", "namespaces"][usize::from(name % 2)], &name.to_string())
    }

    async fn write(&mut self, name: u8, put: Option<(usize, usize)>, expected: Option<Revision>) {
        let key = self.key(name);
        let put = put.map(|(number, len)| value(number, len));
        let answer = self.store.write(key.clone(), put.clone(), expected).await;
        let right = match (self.content.get(&key), expected) {
            (None, Some(_)) => Err(Error::NotFound),
            (Some((_, held)), None) => Err(Error::Exists(*held)),
            (Some((_, held)), Some(expected)) if *held != expected => Err(Error::Conflict(*held)),
            _ => Ok(Revision(self.revision.0 + 1)),
        };
        assert_eq!(answer, right);
        let Ok(revision) = right else { return };
        self.revision = revision;
        match put {
            Some(put) => self.content.insert(key, (put, revision)),
            None => self.content.remove(&key),
        };
        self.past.insert(revision, self.content.clone());
    }

    async fn list(&mut self, which: u8) {
        let range = Range::Resource(["leases", "namespaces"][usize::from(which % 2)]);
        let revision = Revision(self.revision.0 * u64::from(which) / 255);
        let listing = match self.store.list(&range, Snapshot::At(revision), &Page::default()).await {
            // A restart keeps the history from the older snapshot on.
            Err(Error::Compacted { oldest }) if oldest > revision => return,
            other => other.unwrap(),
        };
        let entries = self.past[&revision].iter().filter(|(key, _)| range.contains(key));
        let right: Vec<_> = entries
            .map(|(key, (value, revision))| Entry {
                key: key.clone(),
                value: value.clone(),
                revision: *revision,
            })
            .collect();
        assert_eq!(listing.entries, right);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn the_store_is_a_map_with_a_past(steps in vec(step(), 1..120)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let mut run = Run::new();
            for (number, step) in steps.iter().enumerate() {
                run.step(number, step).await;
            }
        });
    }
}
