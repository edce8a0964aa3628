//! What watchers see of groups in which several changes share a revision, of progress without changes, and of a fresh start.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use leasehold_clock::{Monotonic, SimulatedClock};

use super::cursor::{BATCH, Cursor};
use super::history::{History, Window};
use super::past::Past;
use super::published::Published;
use super::state::{Item, State};
use crate::{Change, ChangeKind, Error, Key, Memos, Range, Revision, Watch, WatchBatch};

const LEASES: Range = Range::Resource("leases");

fn key(name: &str) -> Key {
    Key {
        resource: "leases",
        namespace: "n".into(),
        name: name.into(),
    }
}

/// What is published, and a state to go on from.
struct World {
    published: Arc<Published>,
    state: State,
}

impl World {
    fn new(floor: u64, bytes: usize) -> Self {
        let state = State::at(Revision(floor));
        let age = Duration::from_secs(300);
        let history = History::new(Window { age, bytes }, Revision(floor));
        let published = Arc::new(Published::new(state.clone(), history));
        Self { published, state }
    }

    /// Publishes one group: names, each with the revision at which it is put.
    fn put(&mut self, changes: &[(u64, &str)]) {
        let changes = changes.iter().map(|(revision, name)| {
            let (revision, value) = (Revision(*revision), Bytes::from(revision.to_string()));
            let item = Item {
                value: value.clone(),
                revision,
            };
            let previous = self.state.set(&key(name), Some(item));
            self.state.revision = revision;
            Arc::new(Change {
                key: key(name),
                revision,
                kind: ChangeKind::Put(value),
                previous: previous.map(|item| (item.value, item.revision)),
                memos: Memos::default(),
            })
        });
        let changes = changes.collect();
        self.published
            .publish(self.state.clone(), changes, Monotonic::default());
    }

    fn watch(&self, range: Range, after: u64) -> Result<Cursor, Error> {
        self.published.watch(range, Revision(after))
    }
}

/// What the watch hands out without waiting.
fn next(watch: &mut Cursor) -> Option<Result<WatchBatch, Error>> {
    watch.next().now_or_never()
}

fn all(watch: &mut Cursor) -> Vec<(u64, String)> {
    let mut seen = Vec::new();
    while let Some(batch) = next(watch) {
        let batch = batch.unwrap();
        let last = batch.changes.last().unwrap().revision;
        assert!(last <= batch.progress);
        assert!(
            batch
                .changes
                .iter()
                .all(|change| change.revision.0 > seen.last().map_or(0, |(at, _)| *at))
        );
        seen.extend(
            batch
                .changes
                .iter()
                .map(|change| (change.revision.0, change.key.name.to_string())),
        );
    }
    seen
}

#[test]
fn a_batch_ends_where_a_revision_ends_however_many_changes_share_it() {
    // The limit of a batch falls on the first, on a middle and on the last change of revision 2.
    for before in [BATCH - 1, BATCH - 2, BATCH - 3, BATCH] {
        let mut world = World::new(0, usize::MAX);
        let mut watch = world.watch(LEASES, 0).unwrap();
        let names: Vec<_> = (0..before + 3).map(|number| number.to_string()).collect();
        let first = names[..before].iter().map(|name| (1, name.as_str()));
        let second = names[before..].iter().map(|name| (2, name.as_str()));
        world.put(&first.chain(second).collect::<Vec<_>>());
        world.put(&[(3, "end")]);
        let seen = all(&mut watch);
        assert_eq!(seen.len(), before + 4);
        assert_eq!(watch.progress(), Revision(3));
    }
}

#[test]
fn whatever_shares_a_revision_is_resumed_after_as_one() {
    let mut world = World::new(0, usize::MAX);
    world.put(&[(1, "a"), (2, "a"), (2, "b"), (2, "c"), (3, "b")]);
    for (after, wanted) in [(0, 5), (1, 4), (2, 1), (3, 0)] {
        let mut watch = world.watch(LEASES, after).unwrap();
        assert_eq!(all(&mut watch).len(), wanted, "after {after}");
    }
    let mut one = world.watch(Range::Name(key("c")), 1).unwrap();
    assert_eq!(all(&mut one), [(2, "c".to_owned())]);
}

#[test]
fn half_a_revision_that_has_left_the_window_is_all_of_it_gone() {
    // Room for one change: of revision 2 only "c" is left.
    let mut world = World::new(0, size_of::<Change>() + 10);
    world.put(&[(1, "a")]);
    let mut behind = world.watch(LEASES, 1).unwrap();
    world.put(&[(2, "b"), (2, "c")]);
    let compacted = Error::Compacted { oldest: Revision(2) };
    assert_eq!(next(&mut behind).unwrap().err(), Some(compacted.clone()));
    assert_eq!(world.watch(LEASES, 1).err(), Some(compacted.clone()));
    assert!(all(&mut world.watch(LEASES, 2).unwrap()).is_empty());
    let past = Past::new(Arc::new(SimulatedClock::default()));
    let table = |at| past.table(&world.published, "leases", Revision(at));
    assert_eq!(table(1).err(), Some(compacted));
    assert_eq!(table(2).unwrap().size().0, 3);
}

#[test]
fn a_list_of_the_past_undoes_all_of_a_revision_or_nothing() {
    let mut world = World::new(0, usize::MAX);
    world.put(&[(1, "a"), (2, "a"), (2, "b"), (3, "c")]);
    let past = Past::new(Arc::new(SimulatedClock::default()));
    let count = |at| past.table(&world.published, "leases", Revision(at)).unwrap().size().0;
    assert_eq!([0, 1, 2, 3].map(count), [0, 1, 2, 3]);
}

#[test]
fn progress_without_changes_moves_those_who_have_seen_everything() {
    let mut world = World::new(0, usize::MAX);
    let mut idle = world.watch(Range::Name(key("x")), 0).unwrap();
    let mut behind = world.watch(LEASES, 0).unwrap();
    world.put(&[(5, "a")]);
    world.published.advance(Revision(9), Monotonic::default());
    assert_eq!(world.published.revision(), Revision(9));
    assert_eq!(idle.progress(), Revision(9));
    assert_eq!(behind.progress(), Revision(0), "a change is still to be handed out");
    assert_eq!(next(&mut behind).unwrap().unwrap().progress, Revision(9));
    // What has been reached is no news, and never goes back.
    world.published.advance(Revision(7), Monotonic::default());
    assert_eq!(
        (world.published.revision(), idle.progress()),
        (Revision(9), Revision(9))
    );
    assert!(world.watch(LEASES, 9).is_ok());
    assert_eq!(
        world.watch(LEASES, 10).err(),
        Some(Error::Future { current: Revision(9) })
    );
}

#[test]
fn who_waits_for_a_revision_is_woken_by_progress() {
    let world = World::new(0, usize::MAX);
    let mut moved = Box::pin(world.published.moved.notified());
    assert!((&mut moved).now_or_never().is_none());
    world.published.advance(Revision(1), Monotonic::default());
    assert!(moved.now_or_never().is_some());
}

#[test]
fn a_fresh_start_tells_every_watch_and_every_later_resume_that_history_is_gone() {
    let mut world = World::new(0, usize::MAX);
    world.put(&[(1, "a")]);
    let mut behind = world.watch(LEASES, 0).unwrap();
    let mut waiting = world.watch(LEASES, 1).unwrap();
    let mut elsewhere = world.watch(Range::Resource("nodes"), 1).unwrap();
    let mut next_of_waiting = waiting.next();
    assert!((&mut next_of_waiting).now_or_never().is_none());

    world.published.reset(State::at(Revision(20)));
    let compacted = Some(Error::Compacted { oldest: Revision(20) });
    assert_eq!(next_of_waiting.now_or_never().expect("it was woken").err(), compacted);
    for watch in [&mut behind, &mut waiting, &mut elsewhere] {
        assert!(
            watch.progress() < Revision(20),
            "no bookmark for what was never handed out"
        );
        assert_eq!(next(watch).unwrap().err(), compacted);
    }
    assert_eq!(world.watch(LEASES, 19).err(), compacted);
    let mut after = world.watch(LEASES, 20).unwrap();
    world.state = State::at(Revision(20));
    world.put(&[(21, "b")]);
    assert_eq!(all(&mut after), [(21, "b".to_owned())]);
    assert_eq!(next(&mut waiting).unwrap().err(), compacted, "it is final");
}

#[test]
fn a_watch_that_is_broken_off_hands_out_what_is_there_and_ends_and_another_can_go_on() {
    let mut world = World::new(0, usize::MAX);
    let mut behind = world.watch(LEASES, 0).unwrap();
    world.put(&[(1, "a")]);
    let mut waiting = world.watch(LEASES, 1).unwrap();
    let mut next_of_waiting = waiting.next();
    assert!((&mut next_of_waiting).now_or_never().is_none());
    let why = Error::Unavailable("cut off".into());
    world.published.break_off(why.clone());
    assert_eq!(
        next_of_waiting.now_or_never().expect("it was woken").err(),
        Some(why.clone())
    );
    assert_eq!(next(&mut behind).unwrap().unwrap().changes.len(), 1);
    assert_eq!(next(&mut behind).unwrap().err(), Some(why));
    let mut another = world.watch(LEASES, 1).unwrap();
    assert!(next(&mut another).is_none());
    world.put(&[(2, "b")]);
    assert_eq!(all(&mut another), [(2, "b".to_owned())]);
}
