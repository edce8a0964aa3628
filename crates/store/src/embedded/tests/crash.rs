//! Power cuts.
//!
//! Goal: what was acknowledged is there after any power cut, nothing is there that was never asked for, groups are there
//! whole or not at all, and the store can be used again.
//! Method: run a workload on a recorded disk; for every prefix of the record build every image of the crash model and
//! recover it.

use std::collections::{BTreeMap, BTreeSet};

use super::support::{Content, Outcome, check_usable, content, key, open, recorded, recovered, replay, small, value};
use crate::Revision;
use crate::embedded::log::segment;
use crate::testing::{Cut, Fault, Image, MemoryDisk, Op};

/// The revisions at which a group ends, as they were written to the log, and the position of that in the record.
fn group_ends(ops: &[Op]) -> BTreeSet<Revision> {
    let mut names = Vec::new();
    let mut ends = BTreeSet::from([Revision(0)]);
    for op in ops {
        match op {
            Op::Create(name) => names.push(name.clone()),
            Op::Write(file, offset, bytes)
                if segment::sequence(&names[*file]).is_some() && *offset >= segment::HEADER as u64 =>
            {
                ends.insert(Revision(u64::from_le_bytes(bytes[16..24].try_into().unwrap())));
            }
            _ => {}
        }
    }
    ends
}

/// The highest revision that was acknowledged by the time of a position in the record.
fn acknowledged(outcomes: &[Outcome], position: usize) -> Revision {
    let in_time = outcomes.iter().filter(|outcome| outcome.answered_at <= position);
    in_time
        .filter_map(|outcome| outcome.result.clone().ok())
        .max()
        .unwrap_or_default()
}

#[tokio::test]
async fn what_was_acknowledged_survives_every_power_cut() {
    let (disk, outcomes) = recorded().await;
    let images = check_every_cut(&disk.ops(), &outcomes).await;
    assert!(images > 1_000, "only {images} images");
}

#[tokio::test]
async fn a_write_that_found_no_room_leaves_no_trace_whenever_the_power_goes() {
    let disk = MemoryDisk::default();
    let store = open(&disk, &small()).unwrap();
    let mut outcomes = Vec::new();
    for (number, len) in [200, 2500, 100, 900].into_iter().enumerate() {
        // The second write finds no room half way.
        let error = std::io::ErrorKind::StorageFull;
        disk.set_fault((number == 1).then_some(Fault {
            at: 0,
            sticky: false,
            error,
        }));
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
    let images = check_every_cut(&disk.ops(), &outcomes).await;
    assert!(images > 50, "only {images} images");
}

/// Recovers every image of every prefix of a record, and says how many there were.
async fn check_every_cut(ops: &[Op], outcomes: &[Outcome]) -> usize {
    let (contents, ends) = (replay(outcomes), group_ends(ops));
    let (mut cut, mut images) = (Cut::new(&Image::new()), 0);
    for position in 0..=ops.len() {
        let acknowledged = acknowledged(outcomes, position);
        for survivors in cut.survivors() {
            let image = cut.image(&survivors);
            let context = || format!("after {position} of {} calls with {survivors:?}", ops.len());
            let state = recovered(&MemoryDisk::new(&image)).unwrap_or_else(|error| panic!("{error} {}", context()));
            let revision = state.revision;
            assert!(
                revision >= acknowledged,
                "{revision} but {acknowledged} was acknowledged, {}",
                context()
            );
            assert!(
                ends.contains(&revision),
                "{revision} is in the middle of a group, {}",
                context()
            );
            assert_eq!(content(&state), contents[&revision], "{}", context());
            images += 1;
            if images % 61 == 0 {
                check_usable(&MemoryDisk::new(&image), &small()).await;
            }
        }
        ops.get(position).into_iter().for_each(|op| cut.advance(op));
    }
    images
}

#[tokio::test]
async fn a_power_cut_during_the_start_loses_nothing_either() {
    let (disk, outcomes) = recorded().await;
    let ops = disk.ops();
    let contents = replay(&outcomes);

    let (mut cut, mut starts) = (Cut::new(&Image::new()), 0);
    for (position, op) in ops.iter().enumerate() {
        for survivors in cut.survivors().iter().skip(position % 29).step_by(29) {
            let image = cut.image(survivors);
            starts += check_interrupted_start(&image, acknowledged(&outcomes, position), &contents);
        }
        cut.advance(op);
    }
    assert!(starts > 500, "only {starts} interrupted starts");
}

/// Recovers an image with power cuts at every call, and says how many there were.
fn check_interrupted_start(image: &Image, acknowledged: Revision, contents: &BTreeMap<Revision, Content>) -> usize {
    let (disk, mut cut, mut starts) = (MemoryDisk::new(image), Cut::new(image), 0);
    let shown = recovered(&disk).unwrap();
    let ops = disk.ops();
    for position in 0..=ops.len() {
        for survivors in cut.survivors() {
            let state = recovered(&MemoryDisk::new(&cut.image(&survivors)))
                .unwrap_or_else(|error| panic!("{error}: {survivors:?}"));
            assert!(state.revision >= acknowledged);
            assert_eq!(content(&state), contents[&state.revision]);
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
