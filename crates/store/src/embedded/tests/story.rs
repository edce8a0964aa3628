//! Random lives of a store on one recorded disk: written to, killed, started again, closed.
//!
//! What a killed process was writing has no answer. The next start decides what became of it, and that decision is an
//! answer: what it shows must stay.

use std::collections::BTreeMap;

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::join_all;
use rand::rngs::StdRng;
use rand::seq::{IndexedRandom, index};
use rand::{RngExt, SeedableRng};

use super::support::{Outcome, key, open, small, value};
use crate::embedded::{Embedded, Options};
use crate::testing::MemoryDisk;
use crate::{Key, Revision, Store};

/// Processes on one disk.
const LIVES: usize = 3;
/// Keys of each resource that are written to.
const NAMES: usize = 4;
/// Writes at once, at most; no two of them to one key.
const AT_ONCE: usize = 5;

/// What happened.
pub(crate) struct Story {
    pub(crate) disk: MemoryDisk,
    /// In the order in which the writes were asked for. Those of killed processes have the answer that the next start gave,
    /// or failed.
    pub(crate) outcomes: Vec<Outcome>,
    /// For each start, the disk's record when it was over, and the revision it came to.
    pub(crate) starts: Vec<(usize, Revision)>,
    /// Starts that were killed themselves.
    pub(crate) killed_starts: usize,
    /// Writes without an answer that the next start turned out to have.
    pub(crate) adopted: usize,
}

struct Teller {
    random: StdRng,
    held: BTreeMap<Key, Revision>,
    /// How many of the outcomes the last start could look back on.
    settled: usize,
    story: Story,
}

/// Tells the story of this seed. How writes fall into groups, and when a snapshot is ready, depends on the scheduler.
pub(crate) async fn tell(seed: u64) -> Story {
    let mut teller = Teller {
        random: StdRng::seed_from_u64(seed),
        held: BTreeMap::new(),
        settled: 0,
        story: Story {
            disk: MemoryDisk::default(),
            outcomes: Vec::new(),
            starts: Vec::new(),
            killed_starts: 0,
            adopted: 0,
        },
    };
    for _ in 0..LIVES {
        teller.life().await;
    }
    // So that everything is settled.
    let last = teller.start();
    last.close().await.unwrap();
    teller.story
}

/// Segments and snapshots so small that every life meets some.
fn options() -> Options {
    Options {
        segment_bytes: 2048,
        snapshot_bytes: 3000,
        ..small()
    }
}

impl Teller {
    async fn life(&mut self) {
        let store = self.start();
        for _ in 0..self.random.random_range(3..6) {
            self.round(&store).await;
        }
        if self.random.random_ratio(1, 3) {
            store.close().await.unwrap();
        } else {
            self.story.disk.kill_after(self.random.random_range(0..6));
            self.round(&store).await;
            self.story.disk.kill_after(0);
            drop(store);
        }
        self.next_process();
    }

    fn next_process(&mut self) {
        self.story.disk = self.story.disk.next_life();
    }

    fn start(&mut self) -> Embedded {
        if self.random.random_ratio(1, 3) {
            self.story.disk.kill_after(self.random.random_range(1..16));
            drop(open(&self.story.disk, &options()));
            self.story.killed_starts += 1;
            self.next_process();
        }
        let store = open(&self.story.disk, &options()).unwrap();
        self.settle(store.revision());
        self.story.starts.push((self.story.disk.position(), store.revision()));
        store
    }

    /// Of the writes that the last process was killed over, the first few happened: as many as there are new revisions.
    fn settle(&mut self, shown: Revision) {
        let outcomes = &self.story.outcomes;
        let known = outcomes.iter().filter_map(|outcome| outcome.result.clone().ok()).max();
        let known = known.unwrap_or_default();
        assert!(shown >= known, "{shown} after a start, but {known} was acknowledged");
        let open = outcomes[self.settled..]
            .iter()
            .filter(|outcome| outcome.result.is_err());
        assert!(
            open.count() as u64 >= shown.0 - known.0,
            "a start shows writes that were never asked for"
        );
        let position = self.story.disk.position();
        let open = self.story.outcomes[self.settled..]
            .iter_mut()
            .filter(|outcome| outcome.result.is_err());
        for (outcome, revision) in open.zip(known.0 + 1..=shown.0) {
            outcome.result = Ok(Revision(revision));
            outcome.answered_at = position;
            self.story.adopted += 1;
            hold(&mut self.held, outcome);
        }
        self.settled = self.story.outcomes.len();
    }

    /// Some writes at once; sometimes all but the first wait for the disk together, and become one group.
    async fn round(&mut self, store: &Embedded) {
        let writes = self.writes();
        let disk = &self.story.disk;
        let mut answers = join_all(writes.into_iter().map(|(key, value)| {
            let expected = self.held.get(&key).copied();
            Outcome::of(store, disk, key, value, expected)
        }));
        let mut early = None;
        if self.random.random() {
            let hung = disk.hang();
            early = (&mut answers).now_or_never();
            drop(hung);
        }
        let outcomes = match early {
            // The process may be dead already, and its store know it.
            Some(refused) => {
                let all = refused.iter().all(|outcome| outcome.result.is_err());
                assert!(all, "an answer while the disk hangs");
                refused
            }
            None => answers.await,
        };
        for outcome in outcomes {
            hold(&mut self.held, &outcome);
            self.story.outcomes.push(outcome);
        }
    }

    /// Keys and what to write there; nothing stands for a deletion.
    fn writes(&mut self) -> Vec<(Key, Option<Bytes>)> {
        let count = self.random.random_range(1..=AT_ONCE);
        let keys = index::sample(&mut self.random, 2 * NAMES, count);
        let first = self.story.outcomes.len();
        let writes = keys.into_iter().enumerate().map(|(position, index)| {
            let key = key(["leases", "namespaces"][index % 2], &format!("n{}", index / 2));
            let most = *[60, 500, 1400].choose(&mut self.random).unwrap();
            let len = self.random.random_range(0..most);
            let delete = self.held.contains_key(&key) && self.random.random_ratio(1, 5);
            (key, (!delete).then(|| value(first + position, len)))
        });
        writes.collect()
    }
}

fn hold(held: &mut BTreeMap<Key, Revision>, outcome: &Outcome) {
    match (&outcome.result, &outcome.value) {
        (Ok(revision), Some(_)) => drop(held.insert(outcome.key.clone(), *revision)),
        (Ok(_), None) => drop(held.remove(&outcome.key)),
        (Err(_), _) => {}
    }
}
