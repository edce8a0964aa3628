//! What a look at a data directory finds.
//!
//! Goal: whatever would stop a start is found and named, a sound store has no problem, and nothing is ever changed.
//! Method: the same damage that `damage` does, and a disk that would record a change.

use bytes::Bytes;

use super::support::{key, open, recorded, recovered, replay, small, value};
use crate::embedded::inspect::{Inspection, inspect_on};
use crate::embedded::{OpenError, format};
use crate::testing::{Image, MemoryDisk};
use crate::{Key, Store};

fn look(image: &Image) -> Result<Inspection, OpenError> {
    let disk = MemoryDisk::new(image);
    let found = inspect_on(&disk, &mut |_, _| Ok(()));
    assert_eq!(disk.position(), 0, "a look changes nothing");
    assert_eq!(&disk.image(), image);
    found
}

#[tokio::test]
async fn a_sound_store_is_counted_and_has_no_problem() {
    let (disk, outcomes) = recorded().await;
    let (revision, whole) = replay(&outcomes).pop_last().unwrap();
    let image = disk.image();
    let found = look(&image).unwrap();
    assert_eq!(found.problems, []);
    let content = found.content.unwrap();
    assert_eq!(content.revision, revision);
    let count = |resource| whole.keys().filter(|key| key.resource == resource).count();
    let objects: Vec<_> = content
        .resources
        .iter()
        .map(|resource| (resource.resource, resource.objects))
        .collect();
    assert_eq!(
        objects,
        [("leases", count("leases")), ("namespaces", count("namespaces"))]
    );
    assert_eq!(content.interrupted, None);
    let files = found.segments.len() + found.snapshots.len() + found.leftovers.len();
    assert_eq!(files, image.len() - 1, "all but the version");
    assert!(
        found
            .segments
            .iter()
            .all(|segment| segment.used <= segment.size && segment.groups > 0)
    );
    assert!(found.snapshots.iter().all(|snapshot| snapshot.objects.is_some()));
}

#[tokio::test]
async fn whatever_stops_a_start_is_a_problem_with_its_place() {
    let (disk, _) = recorded().await;
    let image = disk.image();
    let mut damaged = image.clone();
    let mut stopped = 0;
    for (name, bytes) in &image {
        for bit in (0..bytes.len() * 8).step_by(1013) {
            damaged.get_mut(name).unwrap()[bit / 8] ^= 1 << (bit % 8);
            match (recovered(&MemoryDisk::new(&damaged)), look(&damaged)) {
                (Err(OpenError::Corrupted { file, offset, .. }), Ok(found)) => {
                    let named = |problem: &crate::embedded::Problem| problem.file == file && problem.offset == offset;
                    assert!(found.problems.iter().any(named), "bit {bit} of {name}: {found:?}");
                    assert_eq!(found.content, None);
                    stopped += 1;
                }
                (Err(OpenError::Newer { .. }), Err(OpenError::Newer { .. })) => {}
                // What the start takes for interrupted, a look may take for damage: never the other way round.
                (Ok(_), Ok(_)) => {}
                (start, look) => panic!("bit {bit} of {name}: {:?}, {look:?}", start.map(|state| state.revision)),
            }
            damaged.get_mut(name).unwrap()[bit / 8] ^= 1 << (bit % 8);
        }
    }
    assert!(stopped > 10, "{stopped}");
}

#[tokio::test]
async fn one_damaged_file_does_not_hide_another() {
    let (disk, _) = recorded().await;
    let mut image = disk.image();
    let names: Vec<String> = image.keys().filter(|name| format::is_data(name)).cloned().collect();
    for name in &names {
        image.get_mut(name).unwrap()[80] ^= 1;
    }
    let mut found: Vec<String> = look(&image)
        .unwrap()
        .problems
        .into_iter()
        .map(|problem| problem.file)
        .collect();
    found.dedup();
    assert_eq!(found, names);
}

#[tokio::test]
async fn an_interrupted_group_is_told_and_no_problem() {
    let disk = MemoryDisk::default();
    let store = open(&disk, &small()).unwrap();
    for number in 0..3 {
        let key = key("leases", &number.to_string());
        store.create(key, value(number, 700)).await.unwrap();
    }
    let mut image = disk.image();
    let log = image.get_mut("log-00000000000000000001").unwrap();
    let used = log.iter().rposition(|byte| *byte != 0).unwrap();
    // The last sector of the last group was never written.
    let lost = used / 512 * 512;
    log[lost..].fill(0);
    let found = look(&image).unwrap();
    assert_eq!(found.problems, []);
    let content = found.content.unwrap();
    assert_eq!(content.revision.0, 2);
    let (file, offset) = content.interrupted.unwrap();
    assert_eq!(file, "log-00000000000000000001");
    assert!(offset < lost as u64 && offset > 700 * 2);
}

#[tokio::test]
async fn every_value_is_shown_and_a_bad_one_is_named() {
    let disk = MemoryDisk::default();
    let store = open(&disk, &small()).unwrap();
    let first = store.create(key("leases", "a"), value(1, 50)).await.unwrap();
    store.update(key("leases", "a"), value(2, 60), first).await.unwrap();
    store.close().await.unwrap();
    let mut shown = Vec::new();
    let mut judge = |key: &Key, value: &Bytes| {
        shown.push(value.len());
        if value.len() == 60 {
            Err(format!("{} bytes", key.name.len()))
        } else {
            Ok(())
        }
    };
    let found = inspect_on(&disk, &mut judge).unwrap();
    assert_eq!(shown, [50, 60], "also the one that was replaced");
    let [problem] = &found.problems[..] else {
        panic!("{found:?}");
    };
    assert_eq!(problem.what, "the value of leases kube-system/a: 1 bytes");
    assert_eq!((&*problem.file, problem.offset), ("log-00000000000000000001", 184));
    assert!(found.content.is_some());
}

#[test]
fn where_there_is_no_store_that_is_said() {
    assert!(matches!(look(&Image::new()), Err(OpenError::Absent)));
    let image = Image::from([("restoring".to_owned(), Vec::new())]);
    assert!(matches!(look(&image), Err(OpenError::Unfinished)));
    let image = Image::from([("log-00000000000000000001".to_owned(), Vec::new())]);
    let found = look(&image).unwrap();
    assert_eq!(found.problems.len(), 2, "{found:?}");
}
