//! Power cuts.
//!
//! Goal: what was acknowledged is there after any power cut, nothing is there that was never asked for, groups are there
//! whole or not at all, and the store can be used again, with revisions that are new.
//! Method: run a workload on a recorded disk; for every prefix of the record build every image of the crash model and
//! recover it, twice, with a write in between.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use super::oracle::{self, Oracle};
use super::story::{self, Story};
use super::support::{Outcome, check_usable, key, open, recorded, recovered, small, value};
use crate::Revision;
use crate::embedded::log::segment;
use crate::testing::{Cut, Fault, Image, MemoryDisk, Op, Survivors};

/// Sectors of a write that are lost, or survive, by themselves.
const SECTORS: usize = 3;

/// What a sweep over crash images did.
#[derive(Debug, Default)]
struct Tally {
    images: usize,
    stories: usize,
    calls: usize,
    writes: usize,
    groups_of_more: usize,
    starts: usize,
    killed_starts: usize,
    adopted: usize,
    snapshots: usize,
    segments_removed: usize,
}

impl Tally {
    fn add(&mut self, story: &Story, images: usize) {
        let ops = story.disk.ops();
        let count = |is: fn(&Op) -> bool| ops.iter().filter(|op| is(op)).count();
        let writes = story.outcomes.iter().filter(|outcome| outcome.result.is_ok()).count();
        self.images += images;
        self.stories += 1;
        self.calls += ops.len();
        self.writes += writes;
        self.groups_of_more += groups_of_more(&ops);
        self.starts += story.starts.len();
        self.killed_starts += story.killed_starts;
        self.adopted += story.adopted;
        self.snapshots += count(|op| matches!(op, Op::Rename(..)));
        self.segments_removed += count(|op| matches!(op, Op::Unlink(name) if segment::sequence(name).is_some()));
    }

    fn json(&self) -> serde_json::Value {
        serde_json::json!({
            "images": self.images, "violations": 0, "workloads": self.stories, "calls": self.calls,
            "writes": self.writes, "groupsOfMoreThanOne": self.groups_of_more, "starts": self.starts,
            "killedStarts": self.killed_starts, "unansweredWritesFoundAgain": self.adopted,
            "snapshots": self.snapshots, "segmentsRemoved": self.segments_removed,
        })
    }
}

/// Frames of the log with more than one record.
fn groups_of_more(ops: &[Op]) -> usize {
    let mut names = Vec::new();
    let mut groups = 0;
    for op in ops {
        match op {
            Op::Create(name) => names.push(name),
            Op::Write(file, offset, bytes) if *offset > 0 && segment::sequence(names[*file]).is_some() => {
                groups += usize::from(u32::from_le_bytes(bytes[4..8].try_into().unwrap()) > 1);
            }
            _ => {}
        }
    }
    groups
}

/// A hundred thousand images; `LEASEHOLD_CRASH_IMAGES` asks for another number, `LEASEHOLD_SEED` for the same stories.
#[test]
fn what_was_acknowledged_survives_every_power_cut() {
    let wanted = leasehold_figures::size("LEASEHOLD_CRASH_IMAGES", 100_000);
    let seed = leasehold_figures::size("LEASEHOLD_SEED", rand::random_range(0..1 << 32));
    let (next, tally) = (AtomicU64::new(seed as u64), Mutex::new(Tally::default()));
    let sweep = || {
        while tally.lock().unwrap().images < wanted {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            let story = runtime().block_on(story::tell(seed));
            let images = check_every_cut(&story.disk.ops(), &story.outcomes, &story.starts)
                .unwrap_or_else(|why| panic!("LEASEHOLD_SEED={seed}: {why}"));
            tally.lock().unwrap().add(&story, images);
        }
    };
    std::thread::scope(|scope| {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        (0..threads).for_each(|_| drop(scope.spawn(sweep)));
    });
    let tally = tally.into_inner().unwrap();
    leasehold_figures::record("crashImages", &tally.json()).unwrap();
    let all_there = tally.groups_of_more.min(tally.starts).min(tally.snapshots) > tally.stories
        && tally.killed_starts.min(tally.adopted).min(tally.segments_removed) > 0;
    assert!(all_there, "not much happened: {tally:?}");
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

#[tokio::test]
async fn a_write_that_found_no_room_leaves_no_trace_whenever_the_power_goes() {
    let disk = MemoryDisk::default();
    let store = open(&disk, &small()).unwrap();
    let mut outcomes = Vec::new();
    for (number, len) in [200, 2500, 100, 900].into_iter().enumerate() {
        // The second write finds no room half way.
        let error = std::io::ErrorKind::StorageFull;
        disk.set_fault((number == 1).then_some(Fault::once(0, error)));
        let (key, value) = (key("leases", &number.to_string()), Some(value(number, len)));
        let result = store.write(key.clone(), value.clone(), None).await;
        assert_eq!(result.is_err(), number == 1, "{result:?}");
        outcomes.push(Outcome {
            key,
            value,
            result,
            answered_at: disk.position(),
        });
    }
    store.close().await.unwrap();
    let images = check_every_cut(&disk.ops(), &outcomes, &[]).unwrap();
    assert!(images > 30, "only {images} images");
}

/// A store that is used as a whole, by its own threads, on some of the images.
#[tokio::test]
async fn after_a_power_cut_the_store_can_be_used() {
    let (disk, _outcomes) = recorded().await;
    let (mut cut, mut images) = (Cut::new(&Image::new()), 0);
    for (position, op) in disk.ops().iter().enumerate() {
        for survivors in cut.survivors(1).skip(position % 17).step_by(17) {
            check_usable(&MemoryDisk::new(&cut.image(&survivors)), &small()).await;
            images += 1;
        }
        cut.advance(op);
    }
    assert!(images > 30, "only {images} images");
}

/// Recovers every image of every prefix of a record, and says how many different ones there were. An image counts again
/// when more had been acknowledged by then.
fn check_every_cut(ops: &[Op], outcomes: &[Outcome], starts: &[(usize, Revision)]) -> Result<usize, String> {
    let oracle = Oracle::new(ops, outcomes, starts);
    let (mut cut, mut seen) = (Cut::new(&Image::new()), BTreeSet::new());
    for position in 0..=ops.len() {
        for survivors in cut.survivors(SECTORS) {
            let image = cut.image(&survivors);
            if !seen.insert((hash(&image), oracle.known(position))) {
                continue;
            }
            oracle
                .check_image(&image, position)
                .map_err(|why| format!("{why}, after {position} of {} calls with {survivors:?}", ops.len()))?;
        }
        ops.get(position).into_iter().for_each(|op| cut.advance(op));
    }
    Ok(seen.len())
}

/// Enough to tell the few hundred images of a story apart, and fast without optimisation.
fn hash(image: &Image) -> u32 {
    image.iter().fold(0, |hash, (name, content)| {
        crc32c::crc32c_append(crc32c::crc32c_append(hash, name.as_bytes()), content)
    })
}

#[tokio::test]
async fn a_power_cut_during_the_start_loses_nothing_either() {
    let (disk, outcomes) = recorded().await;
    let ops = disk.ops();
    let oracle = Oracle::new(&ops, &outcomes, &[]);

    let (mut cut, mut starts) = (Cut::new(&Image::new()), 0);
    for (position, op) in ops.iter().enumerate() {
        for survivors in cut.survivors(2).skip(position % 29).step_by(29) {
            starts += check_interrupted_start(&cut.image(&survivors), &oracle, position);
        }
        cut.advance(op);
    }
    assert!(starts > 500, "only {starts} interrupted starts");
}

/// Recovers an image with power cuts at every call, and says how many there were.
fn check_interrupted_start(image: &Image, oracle: &Oracle, before: usize) -> usize {
    let (disk, mut cut, mut starts) = (MemoryDisk::new(image), Cut::new(image), 0);
    let shown = recovered(&disk).unwrap();
    let ops = disk.ops();
    for position in 0..=ops.len() {
        for survivors in cut.survivors(2) {
            let state = oracle::start(&MemoryDisk::new(&cut.image(&survivors)))
                .unwrap_or_else(|error| panic!("{error}: {survivors:?}"))
                .state;
            oracle.judge(&state, before).unwrap();
            // Once the start is over, what it found can be read, and must stay.
            assert!(
                position < ops.len() || state.revision == shown.revision,
                "{survivors:?}"
            );
            starts += 1;
        }
        ops.get(position).into_iter().for_each(|op| cut.advance(op));
    }
    starts
}

/// One survivor of each kind, so that the sweep above is known to lose what it says it loses.
#[test]
fn the_crash_model_loses_tears_and_keeps() {
    let ops = [
        Op::Create("a".to_owned()),
        Op::SyncNames,
        Op::Write(0, 0, vec![1; 1200]),
        Op::Rename("a".to_owned(), "b".to_owned()),
    ];
    let mut cut = Cut::new(&Image::new());
    ops.iter().for_each(|op| cut.advance(op));
    let images: BTreeSet<Image> = cut.survivors(SECTORS).map(|survivors| cut.image(&survivors)).collect();
    // Every subset of three sectors, under either name.
    assert_eq!(images.len(), 2 * 8);
    assert_eq!(cut.image(&Survivors::NONE), Image::from([("a".to_owned(), Vec::new())]));
    assert!(images.contains(&Image::from([("b".to_owned(), vec![1; 1200])])));
    let mut holed = vec![1; 1200];
    holed[512..1024].fill(0);
    assert!(images.contains(&Image::from([("a".to_owned(), holed)])));
}
