//! Backups, and stores made of them.
//!
//! Goal: a backup is the store at one revision, exactly, whatever is written meanwhile; a damaged one is refused with the
//! place; a restored store holds the same above everything that was ever said; an interrupted restore is no store.
//! Method: compare with a model, flip every bit and cut at every length, and cut the power at every call.

use std::sync::Arc;

use bytes::Bytes;

use super::support::{Content, Outcome, check_usable, content, key, open, recovered, replay, small, value, workload};
use crate::embedded::restore::{create as embedded_create, restore_on};
use crate::embedded::{Embedded, OpenError, Options, RestoreError, backup, format};
use crate::testing::{Cut, Fault, Image, MemoryDisk};
use crate::view::state::State;
use crate::{Entry, Error, Page, Range, Revision, Snapshot, Store};

const RAISE: u64 = 1_000_000_000;

fn taken(store: &Embedded) -> Vec<u8> {
    // Bounded, so that a backup without an end is a failure and not a full memory.
    store.backup().take(1000).flatten().collect()
}

fn raised(content: &Content) -> Content {
    let raise = |(key, (value, revision)): (&_, &(Bytes, Revision))| {
        (Clone::clone(key), (value.clone(), Revision(revision.0 + RAISE)))
    };
    content.iter().map(raise).collect()
}

/// A closed store's backup, and what is in it.
async fn sample() -> (Vec<u8>, State) {
    let disk = MemoryDisk::default();
    let store = open(&disk, &small()).unwrap();
    for number in 0..4 {
        let key = key(["leases", "namespaces"][number % 2], &number.to_string());
        store.create(key, value(number, 300)).await.unwrap();
    }
    let bytes = taken(&store);
    let state = backup::parse(&bytes, "b").unwrap();
    (bytes, state)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_under_load_is_the_store_at_one_revision_with_all_that_was_acknowledged() {
    let options = Options::new("");
    let store = Arc::new(open(&MemoryDisk::default(), &options).unwrap());
    let (acknowledged, mut seen) = tokio::sync::watch::channel(Revision(0));
    let writer = tokio::spawn({
        let store = Arc::clone(&store);
        async move {
            let (mut outcomes, mut held) = (Vec::new(), std::collections::HashMap::new());
            for number in 0..1500 {
                let key = key("leases", &format!("n{:03}", number * 7 % 900));
                let expected = held.get(&key).copied();
                let value = Some(value(number, 1000)).filter(|_| number % 11 != 10 || expected.is_none());
                let result = store.write(key.clone(), value.clone(), expected).await;
                let revision = result.clone().unwrap();
                match &value {
                    Some(_) => held.insert(key.clone(), revision),
                    None => held.remove(&key),
                };
                acknowledged.send_replace(revision);
                outcomes.push(Outcome {
                    key,
                    value,
                    result,
                    answered_at: 0,
                });
            }
            outcomes
        }
    });
    seen.wait_for(|revision| revision.0 >= 1000).await.unwrap();
    let before = *seen.borrow();
    let backup = store.backup();
    let revision = backup.revision();
    let (mut bytes, mut pieces) = (Vec::new(), 0);
    for piece in backup.take(1000) {
        bytes.extend_from_slice(&piece);
        pieces += 1;
        // Writes go on between the pieces.
        let now = *seen.borrow();
        let _ended = seen.wait_for(|revision| *revision > now).await;
    }
    let contents = replay(&writer.await.unwrap());
    assert!(pieces > 4 && revision >= before && revision < store.revision());
    let state = backup::parse(&bytes, "b").unwrap();
    assert_eq!(state.revision, revision);
    assert_eq!(content(&state), contents[&revision]);
}

#[tokio::test]
async fn a_restored_store_holds_the_same_above_everything_that_was_said() {
    let disk = MemoryDisk::default();
    let store = open(&disk, &small()).unwrap();
    let outcomes = workload(&store, &disk).await;
    let bytes = taken(&store);
    let before = store.revision();
    let whole = replay(&outcomes).pop_last().unwrap().1;
    // What is written after the backup is lost, but its revisions are not given out again.
    let lost = store.create(key("leases", "late"), value(1, 10)).await.unwrap();

    let disk = MemoryDisk::default();
    let restored = restore_on(&disk, &backup::parse(&bytes, "b").unwrap(), RAISE).unwrap();
    assert_eq!(restored.before, before);
    assert_eq!(restored.revision, Revision(before.0 + RAISE));
    assert_eq!(restored.objects, whole.len());
    assert_eq!(content(&recovered(&disk).unwrap()), raised(&whole));

    let store = open(&disk, &small()).unwrap();
    let range = Range::Resource("leases");
    for old in [Revision(1), before, lost, Revision(restored.revision.0 - 1)] {
        let gone = Error::Compacted {
            oldest: restored.revision,
        };
        assert_eq!(store.watch(range.clone(), old).err(), Some(gone.clone()), "from {old}");
        let listed = store.list(&range, Snapshot::At(old), &Page::default()).await;
        assert_eq!(listed.err(), Some(gone), "at {old}");
    }
    let mut watch = store.watch(range, restored.revision).unwrap();
    let first = store.create(key("leases", "late"), value(1, 10)).await.unwrap();
    assert_eq!(first, Revision(restored.revision.0 + 1));
    assert_eq!(watch.next().await.unwrap().changes[0].revision, first);
    store.close().await.unwrap();
    check_usable(&disk, &small()).await;
}

#[tokio::test]
async fn every_flipped_bit_of_a_backup_is_found_and_named() {
    let (mut bytes, state) = sample().await;
    assert_eq!(state.len(), 4);
    for bit in 0..bytes.len() * 8 {
        bytes[bit / 8] ^= 1 << (bit % 8);
        match backup::parse(&bytes, "file") {
            Err(OpenError::Corrupted { file, offset, .. }) => {
                assert_eq!(file, "file");
                assert!(offset <= bit as u64 / 8, "bit {bit} was found at {offset}");
            }
            Err(error) => panic!("bit {bit}: {error}"),
            Ok(_) => panic!("bit {bit} went unnoticed"),
        }
        bytes[bit / 8] ^= 1 << (bit % 8);
    }
}

#[tokio::test]
async fn a_backup_that_was_cut_off_or_goes_on_is_refused() {
    let (mut bytes, _) = sample().await;
    for len in 0..bytes.len() {
        let error = backup::parse(&bytes[..len], "file").err().unwrap().to_string();
        assert!(
            error.starts_with("file is damaged at byte ") && error.contains("it ends "),
            "{len}: {error}"
        );
    }
    bytes.extend_from_slice(&[0; 8]);
    assert!(backup::parse(&bytes, "file").is_err());
}

#[tokio::test]
async fn a_backup_of_a_newer_format_is_refused() {
    let (mut bytes, _) = sample().await;
    bytes[8..12].copy_from_slice(&(format::VERSION + 1).to_le_bytes());
    let crc = crc32c::crc32c(&bytes[..24]);
    bytes[24..28].copy_from_slice(&crc.to_le_bytes());
    let error = backup::parse(&bytes, "file").err().unwrap();
    assert!(matches!(error, OpenError::Newer { found: 2, supported: 1 }), "{error}");
}

#[tokio::test]
async fn a_store_is_never_restored_over() {
    let (_, state) = sample().await;
    let disk = MemoryDisk::default();
    let store = open(&disk, &small()).unwrap();
    store.close().await.unwrap();
    let image = disk.image();
    let refused = restore_on(&disk, &state, RAISE).err().unwrap();
    assert!(matches!(refused, RestoreError::NotEmpty), "{refused}");
    assert_eq!(disk.image(), image);

    // Without its version it is damaged, and still a store.
    let mut damaged = image;
    damaged.remove("format");
    let disk = MemoryDisk::new(&damaged);
    let refused = restore_on(&disk, &state, RAISE).err().unwrap();
    assert!(
        matches!(refused, RestoreError::Store(OpenError::Corrupted { .. })),
        "{refused}"
    );
    assert_eq!(disk.image(), damaged);
}

#[tokio::test]
async fn revisions_beyond_what_clients_can_read_are_refused() {
    let (_, state) = sample().await;
    for by in [i64::MAX as u64, u64::MAX] {
        let disk = MemoryDisk::default();
        let refused = restore_on(&disk, &state, by).err().unwrap();
        assert!(matches!(refused, RestoreError::TooHigh), "{refused}");
        assert!(disk.image().is_empty());
    }
}

/// No store, all of it, or a refusal that says what to do; and then it can be done.
fn check_interrupted(image: &Image, state: &State, whole: &Content) -> bool {
    let again = || restore_on(&MemoryDisk::new(image), state, RAISE);
    match recovered(&MemoryDisk::new(image)) {
        Err(OpenError::Unfinished) => assert_eq!(again().unwrap().objects, whole.len()),
        Err(error) => panic!("{error}"),
        Ok(found) if content(&found).is_empty() => assert_eq!(again().unwrap().objects, whole.len()),
        Ok(found) => {
            assert_eq!(content(&found), *whole);
            assert!(matches!(again(), Err(RestoreError::NotEmpty)));
            return true;
        }
    }
    false
}

#[tokio::test]
async fn a_power_cut_leaves_no_store_or_the_whole() {
    let (_, state) = sample().await;
    let whole = raised(&content(&state));
    let disk = MemoryDisk::default();
    restore_on(&disk, &state, RAISE).unwrap();
    let ops = disk.ops();
    let (mut cut, mut images, mut complete) = (Cut::new(&Image::new()), 0, 0);
    for position in 0..=ops.len() {
        for survivors in cut.survivors(2) {
            let image = cut.image(&survivors);
            complete += usize::from(check_interrupted(&image, &state, &whole));
            images += 1;
        }
        ops.get(position).into_iter().for_each(|op| cut.advance(op));
    }
    assert!(
        complete > 0 && complete < images && images > 20,
        "{complete} of {images}"
    );
}

#[tokio::test]
async fn an_error_of_the_disk_leaves_no_store_or_the_whole() {
    let (_, state) = sample().await;
    let whole = raised(&content(&state));
    let disk = MemoryDisk::default();
    restore_on(&disk, &state, RAISE).unwrap();
    let calls = disk.calls();
    for at in 0..calls {
        let disk = MemoryDisk::default();
        disk.set_fault(Some(Fault::from(at, std::io::ErrorKind::Other)));
        assert!(restore_on(&disk, &state, RAISE).is_err(), "call {at} of {calls}");
        check_interrupted(&disk.image(), &state, &whole);
    }
}

#[tokio::test]
async fn a_store_made_of_entries_holds_them_at_their_revisions_and_goes_on_above_the_one_given() {
    let directory = tempfile::tempdir().unwrap();
    let entry = |name: &str, revision| Entry {
        key: key("leases", name),
        value: value(1, 10),
        revision: Revision(revision),
    };
    let entries = [entry("a", 7), entry("b", 40)];
    let path = directory.path().join("store");
    let make = |revision| embedded_create(&path, entries.clone(), Revision(revision));
    assert!(
        matches!(make(39), Err(RestoreError::TooHigh)),
        "an object later than the store"
    );
    make(50).unwrap();
    assert!(matches!(make(50), Err(RestoreError::NotEmpty)));
    let clock = Arc::new(leasehold_clock::SimulatedClock::default());
    let store = Embedded::open(&Options::new(&path), clock).unwrap();
    let range = Range::Resource("leases");
    let listing = store.list(&range, Snapshot::Latest, &Page::default()).await.unwrap();
    assert_eq!((listing.entries, listing.revision), (entries.to_vec(), Revision(50)));
    assert_eq!(store.create(key("leases", "c"), value(2, 10)).await, Ok(Revision(51)));
    store.close().await.unwrap();
}
