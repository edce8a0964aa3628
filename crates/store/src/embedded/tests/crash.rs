//! Power cuts.
//!
//! Goal: what was acknowledged is there after any power cut, nothing is there that was never asked for, groups are there
//! whole or not at all, and the store can be used again.
//! Method: run a workload on a recorded disk; for every prefix of the record build every image of the crash model and
//! recover it.

use std::collections::BTreeSet;
use std::sync::Arc;

use leasehold_clock::{Clock, SimulatedClock};

use super::support::{Outcome, check_usable, content, open, replay, small, workload};
use crate::Revision;
use crate::embedded::disk::Disk;
use crate::embedded::log::segment;
use crate::embedded::recover::recover;
use crate::testing::{Cut, Image, MemoryDisk, Op};

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

fn recovered(image: &Image) -> Result<crate::embedded::state::State, String> {
    let disk: Arc<dyn Disk> = Arc::new(MemoryDisk::new(image));
    let clock: Arc<dyn Clock> = Arc::new(SimulatedClock::default());
    recover(&disk, &clock, &small())
        .map(|recovered| recovered.state)
        .map_err(|error| error.to_string())
}

#[tokio::test]
async fn what_was_acknowledged_survives_every_power_cut() {
    let disk = MemoryDisk::default();
    let store = open(&disk, &small()).unwrap();
    let outcomes = workload(&store, &disk).await;
    assert!(outcomes.iter().all(|outcome| outcome.result.is_ok()), "{outcomes:?}");
    store.close().await.unwrap();
    let ops = disk.ops();
    let contents = replay(&outcomes);
    let ends = group_ends(&ops);
    assert!(
        ops.iter()
            .any(|op| matches!(op, Op::Unlink(name) if segment::sequence(name).is_some())),
        "no segment went"
    );

    let (mut cut, mut images) = (Cut::new(&Image::new()), 0);
    for position in 0..=ops.len() {
        let acknowledged = acknowledged(&outcomes, position);
        for survivors in cut.survivors() {
            let image = cut.image(&survivors);
            let context = || format!("after {position} of {} calls with {survivors:?}", ops.len());
            // The version file may not be there yet; then neither is anything else.
            let state = recovered(&image).unwrap_or_else(|error| panic!("{error} {}", context()));
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
        if let Some(op) = ops.get(position) {
            cut.advance(op);
        }
    }
    assert!(images > 2_000, "only {images} images");
}
