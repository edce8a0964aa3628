//! A thousand leases renewed for ever take no more room than their first few hours did.
//!
//! Goal: the disk holds two snapshots and the log of two intervals. Writes do not wait for a snapshot, so it may be more
//! while one is written; but as soon as writers let it catch up.
//! Method: renew in rounds on a real directory, and look at the files after each.

#![allow(clippy::print_stderr)] // what a test harness captures unless it fails, or is told not to

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::try_join_all;
use leasehold_clock::SystemClock;
use leasehold_store::embedded::{Embedded, Options};
use leasehold_store::{Key, Page, Range, Revision, Snapshot, Store};
use serde_json::json;

const LEASES: usize = 1000;
/// What a lease takes in storage.
const LEASE_BYTES: usize = 350;
const SEGMENT: u64 = 1 << 20;
const INTERVAL: u64 = 4 << 20;
/// Two snapshots and one being written, with twice the room of the live data each; two intervals of log. Segments are kept
/// while any of them is needed, and the next has its room reserved.
const BOUND: u64 = 2 * INTERVAL + 4 * SEGMENT + 3 * 2 * (LEASES * LEASE_BYTES) as u64;
/// How long a snapshot may take: generous, since the machine may be busy.
const CATCH_UP_MAX: Duration = Duration::from_secs(60);

fn key(lease: usize) -> Key {
    Key {
        resource: "leases",
        namespace: "kube-node-lease".into(),
        name: format!("node-{lease:04}").into(),
    }
}

fn value(renewal: usize) -> Bytes {
    renewal.to_string().bytes().cycle().take(LEASE_BYTES).collect()
}

fn on_disk(directory: &Path) -> u64 {
    let files = std::fs::read_dir(directory).unwrap();
    // One that goes while we look takes no room any more.
    files.filter_map(|file| Some(file.ok()?.metadata().ok()?.len())).sum()
}

fn open(directory: &Path) -> Embedded {
    let mut options = Options::new(directory);
    options.segment_bytes = SEGMENT;
    options.snapshot_bytes = INTERVAL;
    Embedded::open(&options, Arc::new(SystemClock)).unwrap()
}

/// Every lease once.
async fn round(store: &Embedded, number: usize, held: &mut Vec<Option<Revision>>) {
    let writes = held.iter().enumerate().map(|(lease, held)| match held {
        Some(revision) => store.update(key(lease), value(number), *revision),
        None => store.create(key(lease), value(number)),
    });
    let revisions = try_join_all(writes).await.unwrap();
    *held = revisions.into_iter().map(Some).collect();
}

/// Waits until there is no more on the disk than there may be.
async fn catch_up(directory: &Path) {
    let caught_up = async {
        while on_disk(directory) > BOUND {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let in_time = tokio::time::timeout(CATCH_UP_MAX, caught_up).await;
    assert!(
        in_time.is_ok(),
        "{} bytes on the disk, and at most {BOUND} should be",
        on_disk(directory)
    );
}

/// Two hundred thousand renewals; `LEASEHOLD_RENEWALS` asks for another number.
#[tokio::test]
async fn endless_renewals_of_a_thousand_leases_take_bounded_room() {
    let rounds = leasehold_figures::size("LEASEHOLD_RENEWALS", 200_000) / LEASES;
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path().join("data");
    let store = open(&directory);
    let (mut held, mut most) = (vec![None; LEASES], 0);
    for number in 0..=rounds {
        round(&store, number, &mut held).await;
        most = most.max(on_disk(&directory));
        catch_up(&directory).await;
    }
    let metrics = store.metrics();
    let live = metrics.live_bytes;
    store.close().await.unwrap();
    let end = on_disk(&directory);
    eprintln!(
        "{} renewals of {LEASES} leases ({live} bytes): {} bytes of log written, {} snapshots; at most {most} bytes on the \
         disk, {end} at the end",
        rounds * LEASES,
        metrics.written_bytes,
        metrics.snapshots
    );
    let figures = json!({
        "renewals": rounds * LEASES, "leases": LEASES, "liveBytes": live, "logBytesWritten": metrics.written_bytes,
        "snapshots": metrics.snapshots, "bytesOnDiskMax": most, "bytesOnDiskAtEnd": end,
    });
    leasehold_figures::record("diskBound", &figures).unwrap();
    assert!(
        end <= BOUND && metrics.written_bytes > 2 * BOUND,
        "too little was written to tell"
    );
    check_content(&open(&directory), rounds, &held).await;
}

async fn check_content(store: &Embedded, last: usize, held: &[Option<Revision>]) {
    let range = Range::Resource("leases");
    let listing = store.list(&range, Snapshot::Latest, &Page::default()).await.unwrap();
    assert_eq!(listing.entries.len(), LEASES);
    for (entry, revision) in listing.entries.iter().zip(held) {
        assert_eq!((&entry.value, Some(entry.revision)), (&value(last), *revision));
    }
}
