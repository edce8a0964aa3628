//! Sectors and files that are lost, and files that are of something else.
//!
//! Goal: damage is either an interrupted last group, which was never proven to be durable, or it stops the start, naming
//! file and offset. Never a panic, never wrong data, never a hole.
//! Method: take each part away in turn, and start. For single bits see `flips`.

use std::sync::atomic::AtomicBool;

use super::support::{content, key, open, recorded, recovered, replay, small, value, workload};
use crate::embedded::log::{frame, record, segment};
use crate::embedded::{OpenError, Options, snapshot};
use crate::testing::{Image, MemoryDisk};
use crate::view::state::{Item, State};
use crate::{Revision, Store};

fn start(image: &Image) -> Result<State, OpenError> {
    recovered(&MemoryDisk::new(image))
}

/// A sector that was never written is what an interrupted group looks like; in the middle of the log it must not be taken
/// for one.
#[tokio::test]
async fn a_sector_that_was_lost_stops_the_start_unless_it_is_the_last() {
    let (disk, outcomes) = recorded().await;
    let (_, whole) = replay(&outcomes).pop_last().unwrap();
    let image = disk.image();
    let last_segment = image.keys().rfind(|name| name.starts_with("log-")).unwrap();
    for (name, bytes) in &image {
        let used = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        let sectors = used.div_ceil(512) - usize::from(name == last_segment);
        for sector in 0..sectors {
            let mut damaged = image.clone();
            let end = bytes.len().min((sector + 1) * 512);
            damaged.get_mut(name).unwrap()[sector * 512..end].fill(0);
            match start(&damaged) {
                Err(OpenError::Corrupted { .. }) => {}
                Err(error) => panic!("sector {sector} of {name}: {error}"),
                Ok(state) => assert_eq!(content(&state), whole, "sector {sector} of {name}"),
            }
        }
    }
}

/// The hardest case of that: groups that fill a sector each, so that nothing of a lost one is left but its successor.
#[tokio::test]
async fn a_group_that_was_lost_whole_is_missed_by_the_next() {
    let disk = MemoryDisk::default();
    let store = open(&disk, &Options::new("")).unwrap();
    for number in 10..20 {
        let key = key("leases", &number.to_string());
        let room = if number == 10 { 512 - segment::HEADER } else { 512 };
        let len = room - frame::HEADER - record::encoded_len(&key, None);
        store.create(key, value(number, len)).await.unwrap();
    }
    let image = disk.image();
    let name = segment::name(1);
    assert_eq!(start(&image).unwrap().revision.0, 10);
    for sector in 1..10 {
        let mut damaged = image.clone();
        damaged.get_mut(&name).unwrap()[sector * 512..(sector + 1) * 512].fill(0);
        match start(&damaged) {
            Err(OpenError::Corrupted { offset, .. }) => assert_eq!(offset, sector as u64 * 512),
            Ok(state) => assert_eq!((sector, state.revision.0), (9, 9), "only the last may look interrupted"),
            Err(error) => panic!("{error}"),
        }
    }
}

#[tokio::test]
async fn a_snapshot_that_differs_from_the_log_stops_the_start() {
    let (disk, _outcomes) = recorded().await;
    let image = disk.image();
    let newest = image.keys().filter_map(|name| snapshot::revision(name)).max().unwrap();
    let disk = MemoryDisk::new(&image);
    let mut state = snapshot::read(&disk, newest).unwrap().unwrap();
    let item = Item {
        value: value(1, 10),
        revision: Revision(1),
    };
    state.set(&key("leases", "never written"), Some(item));
    snapshot::write(&disk, &state, &AtomicBool::new(false)).unwrap();
    let error = start(&disk.image()).unwrap_err().to_string();
    assert!(
        error.contains("snapshot-") && error.ends_with("it differs from what the log says"),
        "{error}"
    );
}

#[tokio::test]
async fn a_missing_file_stops_the_start_or_is_not_needed() {
    let (disk, outcomes) = recorded().await;
    let (_, whole) = replay(&outcomes).pop_last().unwrap();
    // A snapshot may go where the log alone leads to the same, and the start of the log where a snapshot does.
    each_missing_file(&disk.image(), |started| {
        started.is_none_or(|state| content(&state) == whole)
    });
}

#[tokio::test]
async fn a_missing_part_of_a_log_without_snapshots_stops_the_start() {
    let disk = MemoryDisk::default();
    let options = Options {
        snapshot_bytes: 1 << 20,
        ..small()
    };
    let store = open(&disk, &options).unwrap();
    workload(&store, &disk).await;
    store.close().await.unwrap();
    let image = disk.image();
    assert!(image.len() >= 4, "a version and several segments");
    each_missing_file(&image, |started| started.is_none());
}

/// Starts without each file in turn, but for the last segment: nothing says that there should be one after another.
fn each_missing_file(image: &Image, allowed: impl Fn(Option<State>) -> bool) {
    let last = image.keys().rfind(|name| name.starts_with("log-")).unwrap();
    for name in image.keys().filter(|name| *name != last) {
        let mut missing = image.clone();
        missing.remove(name);
        assert!(allowed(start(&missing).ok()), "without {name}");
    }
}

#[tokio::test]
async fn damage_is_named_with_file_and_offset() {
    let disk = MemoryDisk::default();
    let store = open(&disk, &small()).unwrap();
    for number in 0..3 {
        store
            .create(key("leases", &number.to_string()), value(number, 200))
            .await
            .unwrap();
    }
    store.close().await.unwrap();
    let mut image = disk.image();
    image.get_mut("log-00000000000000000001").unwrap()[400] ^= 1;
    let error = start(&image).unwrap_err().to_string();
    assert!(
        error.starts_with("log-00000000000000000001 is damaged at byte "),
        "{error}"
    );
    let offset: usize = error
        .split(' ')
        .nth(5)
        .and_then(|word| word.trim_end_matches(':').parse().ok())
        .unwrap();
    assert!((64..400).contains(&offset) && offset.is_multiple_of(8), "{error}");
}

#[tokio::test]
async fn a_newer_format_is_refused_and_nothing_is_touched() {
    let image = Image::from([
        ("format".to_owned(), b"leasehold-store 2\n".to_vec()),
        ("log-x".to_owned(), vec![7]),
    ]);
    let disk = MemoryDisk::new(&image);
    let error = open(&disk, &small()).err().unwrap();
    assert!(matches!(error, OpenError::Newer { found: 2, supported: 1 }), "{error}");
    assert_eq!(disk.image(), image);
    assert_eq!(disk.position(), 0);
}
