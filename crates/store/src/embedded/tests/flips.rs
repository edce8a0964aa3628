//! Bits that flip.
//!
//! Goal: as in `damage`.
//! Method: flip every bit that was ever written, one at a time, of every file of a small store with snapshots and several
//! segments; and of one of a megabyte some, or all if there is time. Start after each.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;

use super::oracle;
use super::support::{Content, content, key, open, recorded, recovered, replay, small, value};
use crate::embedded::{OpenError, Options, snapshot};
use crate::testing::{Image, MemoryDisk};
use crate::{Revision, Store};

/// What starts made of flipped bits.
#[derive(Debug, Default)]
struct Tally {
    flips: AtomicUsize,
    refused: AtomicUsize,
    /// Starts that lost nothing: what was hit means nothing.
    harmless: AtomicUsize,
    /// Starts that cut off a last group that nothing proves to have been synced.
    cut: AtomicUsize,
}

impl Tally {
    fn count(&self, what: &AtomicUsize) {
        self.flips.fetch_add(1, Ordering::Relaxed);
        what.fetch_add(1, Ordering::Relaxed);
    }

    fn record(&self, harness: &str, bytes: usize) {
        let read = |count: &AtomicUsize| count.load(Ordering::Relaxed);
        let figures = json!({
            "flips": read(&self.flips), "bytes": bytes, "refused": read(&self.refused),
            "harmless": read(&self.harmless), "lastGroupCut": read(&self.cut), "silentlyWrong": 0,
        });
        leasehold_figures::record(harness, &figures).unwrap();
    }
}

/// How much of a file was ever written, and a little of what follows: behind that all is zero and alike.
fn used(bytes: &[u8]) -> usize {
    let last = bytes.iter().rposition(|byte| *byte != 0);
    last.map_or(0, |last| last + 64).min(bytes.len())
}

/// Calls `check` with every image that differs from `image` in one bit of a used part of a file; or in every `step`th.
fn each_flip(image: &Image, step: usize, check: impl Fn(&Image, &str, usize) + Sync) {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let part = |thread: usize| {
        let mut damaged = image.clone();
        for (name, bytes) in image {
            for bit in (thread * step..used(bytes) * 8).step_by(step * threads) {
                damaged.get_mut(name).unwrap()[bit / 8] ^= 1 << (bit % 8);
                check(&damaged, name, bit);
                damaged.get_mut(name).unwrap()[bit / 8] ^= 1 << (bit % 8);
            }
        }
    };
    std::thread::scope(|scope| {
        for thread in 0..threads {
            scope.spawn(move || part(thread));
        }
    });
}

/// A refusal must name the file, and no place behind the bit.
fn check_refusal(error: &OpenError, name: &str, bit: usize) {
    match error {
        OpenError::Corrupted { file, offset, .. } => {
            assert!(
                file == name && *offset <= bit as u64 / 8,
                "bit {bit} of {name}: {error}"
            );
        }
        OpenError::Newer { .. } => assert_eq!(name, "format", "bit {bit}: {error}"),
        error => panic!("bit {bit} of {name}: {error}"),
    }
}

/// After a clean end nothing may be cut away: the empty group at the end holds nothing, so it may go.
fn check_after_a_clean_end(image: &Image, whole: &Content, step: usize) -> Tally {
    let tally = Tally::default();
    each_flip(image, step, |damaged, name, bit| {
        match recovered(&MemoryDisk::new(damaged)) {
            Err(error) => {
                check_refusal(&error, name, bit);
                tally.count(&tally.refused);
            }
            Ok(state) => {
                assert_eq!(content(&state), *whole, "bit {bit} of {name} went unnoticed");
                tally.count(&tally.harmless);
            }
        }
    });
    tally
}

#[tokio::test]
async fn after_a_clean_end_every_flipped_bit_stops_the_start() {
    let (disk, outcomes) = recorded().await;
    let image = disk.image();
    let (_, whole) = replay(&outcomes).pop_last().unwrap();
    assert_eq!(content(&recovered(&disk).unwrap()), whole);
    let tally = check_after_a_clean_end(&image, &whole, 1);
    tally.record("bitFlips", image.values().map(|bytes| used(bytes)).sum());
}

/// A megabyte of log and snapshot. `LEASEHOLD_FLIP_STEP=1` is every bit, which takes hours unless optimised.
#[tokio::test]
async fn in_a_megabyte_a_flipped_bit_stops_the_start() {
    let image = a_megabyte().await;
    let whole = content(&oracle::start(&MemoryDisk::new(&image)).unwrap().state);
    let step = leasehold_figures::size("LEASEHOLD_FLIP_STEP", 20_011);
    let tally = check_after_a_clean_end(&image, &whole, step);
    let bytes = image.values().map(|bytes| used(bytes)).sum();
    assert!(bytes >= 1 << 20, "only {bytes} bytes");
    tally.record("bitFlipsInAMegabyte", bytes);
}

/// Renewals of three hundred leases.
async fn a_megabyte() -> Image {
    let options = Options {
        segment_bytes: 200_000,
        snapshot_bytes: 600_000,
        ..Options::new("")
    };
    let disk = MemoryDisk::default();
    let store = open(&disk, &options).unwrap();
    let mut held = vec![None; 300];
    for number in 0..4000 {
        let lease = (number * 7) % held.len();
        let key = key("leases", &format!("n{lease}"));
        let revision = store.write(key, Some(value(number, 350)), held[lease]).await.unwrap();
        held[lease] = Some(revision);
    }
    store.close().await.unwrap();
    let image = disk.image();
    assert!(image.keys().any(|name| snapshot::revision(name).is_some()));
    image
}

#[tokio::test]
async fn after_a_crash_a_flipped_bit_loses_at_most_the_last_group() {
    let disk = MemoryDisk::default();
    let store = open(&disk, &small()).unwrap();
    for number in 0..6 {
        store
            .create(key("leases", &number.to_string()), value(number, 200))
            .await
            .unwrap();
    }
    let image = disk.image();
    let whole = recovered(&disk).unwrap();
    let held = content(&whole);
    let tally = Tally::default();
    each_flip(&image, 1, |damaged, name, bit| {
        match recovered(&MemoryDisk::new(damaged)) {
            Err(error) => {
                check_refusal(&error, name, bit);
                tally.count(&tally.refused);
            }
            Ok(state) => {
                let lost = whole.revision.0 - state.revision.0;
                assert!(lost <= 1, "bit {bit} of {name} lost more than the last group");
                let last = whole.revision;
                let rest = held.iter().filter(|(_, (_, revision))| lost == 0 || *revision < last);
                assert!(rest.eq(content(&state).iter()), "bit {bit} of {name}");
                tally.count(if lost == 0 { &tally.harmless } else { &tally.cut });
            }
        }
    });
    assert_eq!(whole.revision, Revision(6));
    tally.record("bitFlipsAfterACrash", image.values().map(|bytes| used(bytes)).sum());
}
