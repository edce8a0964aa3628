//! What is kept of the past, for how long, and what is said when it is gone.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use leasehold_clock::SimulatedClock;

use super::support::{key, open, small, value};
use crate::embedded::{Embedded, Options};
use crate::testing::MemoryDisk;
use crate::{Error, Key, Page, Range, Revision, Snapshot, Store};

const LEASES: Range = Range::Resource("leases");

/// A store without snapshots, and its clock.
fn store(options: &Options) -> (Embedded, Arc<SimulatedClock>) {
    let clock = Arc::new(SimulatedClock::default());
    let store = Embedded::open_on(Arc::new(MemoryDisk::default()), options, Arc::clone(&clock) as _).unwrap();
    (store, clock)
}

async fn overwrite(store: &Embedded, key: &Key, number: usize) -> Revision {
    let held = store.get(key).await.unwrap().map(|entry| entry.revision);
    store.write(key.clone(), Some(value(number, 100)), held).await.unwrap()
}

#[tokio::test]
async fn a_cursor_that_falls_off_the_window_is_told_so_and_others_are_not() {
    let (store, clock) = store(&Options::new(""));
    let mut busy = store.watch(LEASES, Revision(0)).unwrap();
    let mut quiet = store.watch(Range::Name(key("leases", "quiet")), Revision(0)).unwrap();
    let first = overwrite(&store, &key("leases", "a"), 1).await;
    clock.advance(Duration::from_secs(301));
    let second = overwrite(&store, &key("leases", "a"), 2).await;
    let fallen = busy.next().await.err();
    assert_eq!(fallen, Some(Error::Compacted { oldest: first }));
    assert_eq!(busy.next().await.err(), fallen, "it is final");
    assert!(quiet.next().now_or_never().is_none(), "nothing of its range is gone");
    assert_eq!(quiet.progress(), second);
    assert_eq!(
        store.watch(LEASES, Revision(0)).err(),
        Some(Error::Compacted { oldest: first })
    );
    let past = store
        .list(&LEASES, Snapshot::At(Revision(0)), &Page::default())
        .await
        .err();
    assert_eq!(past, Some(Error::Compacted { oldest: first }));
    let mut resumed = store.watch(LEASES, first).unwrap();
    assert_eq!(resumed.next().await.unwrap().changes.len(), 1);
}

#[tokio::test]
async fn busy_leases_do_not_push_namespaces_out_of_the_window() {
    let (store, _clock) = store(&Options {
        history_bytes: 10_000,
        ..Options::new("")
    });
    overwrite(&store, &key("namespaces", "a"), 1).await;
    for number in 0..100 {
        overwrite(&store, &key("leases", "a"), number).await;
    }
    assert!(matches!(store.watch(LEASES, Revision(1)), Err(Error::Compacted { .. })));
    let mut watch = store.watch(Range::Resource("namespaces"), Revision(0)).unwrap();
    assert_eq!(watch.next().await.unwrap().changes.len(), 1);
}

#[tokio::test]
async fn a_listing_in_pages_outlives_the_history_for_a_minute_and_then_says_so() {
    let (store, clock) = store(&Options {
        history_bytes: 1,
        ..Options::new("")
    });
    for number in 0..9 {
        overwrite(&store, &key("leases", &number.to_string()), number).await;
    }
    let mut page = Page {
        limit: NonZeroUsize::new(3),
        after: None,
    };
    let first = store.list(&LEASES, Snapshot::Latest, &page).await.unwrap();
    page.after = first.entries.last().map(|entry| entry.key.clone());
    overwrite(&store, &key("leases", "5"), 100).await;
    let second = store.list(&LEASES, Snapshot::At(first.revision), &page).await.unwrap();
    assert_eq!(second.entries[2].value, value(5, 100), "as it was on the first page");
    assert_eq!((second.revision, second.remaining), (first.revision, 3));
    clock.advance(Duration::from_secs(61));
    let last = overwrite(&store, &key("leases", "5"), 101).await;
    let third = store.list(&LEASES, Snapshot::At(first.revision), &page).await.err();
    assert_eq!(third, Some(Error::Compacted { oldest: last }));
}

#[tokio::test]
async fn watches_resume_across_a_restart_and_a_crash() {
    let disk = MemoryDisk::default();
    let options = Options {
        snapshot_bytes: 1 << 20,
        ..small()
    };
    let store = open(&disk, &options).unwrap();
    let mut revisions = vec![Revision(0)];
    for number in 0..40 {
        revisions.push(overwrite(&store, &key("leases", &(number % 3).to_string()), number).await);
    }
    let crashed = MemoryDisk::new(&disk.image());
    store.close().await.unwrap();
    for disk in [disk, crashed] {
        let store = open(&disk, &options).unwrap();
        for (position, after) in revisions.iter().enumerate().take(40) {
            let batch = store.watch(LEASES, *after).unwrap().next().await.unwrap();
            let seen: Vec<_> = batch.changes.iter().map(|change| change.revision).collect();
            assert_eq!(seen, revisions[position + 1..]);
            assert!(batch.changes.iter().skip(3).all(|change| change.previous.is_some()));
        }
    }
}

#[tokio::test]
async fn watches_resume_across_a_restart_from_the_older_of_two_snapshots() {
    let disk = MemoryDisk::default();
    let options = small();
    let store = open(&disk, &options).unwrap();
    let mut number = 0;
    while store.metrics().snapshots < 3 {
        overwrite(&store, &key("leases", &(number % 3).to_string()), number).await;
        number += 1;
        assert!(number < 100_000, "no snapshots: {:?}", store.metrics());
    }
    let current = store.revision();
    store.close().await.unwrap();
    let store = open(&disk, &options).unwrap();
    let Err(Error::Compacted { oldest }) = store.watch(LEASES, Revision(1)) else {
        panic!("the start is still there")
    };
    // An interval is 6000 bytes, and a change takes less than 190 of them.
    assert!(
        current.0 - oldest.0 > 6000 / 190,
        "only the changes after {oldest} of {current} are there"
    );
    let batch = store.watch(LEASES, oldest).unwrap().next().await.unwrap();
    assert_eq!(batch.changes[0].revision, Revision(oldest.0 + 1));
    assert!(batch.changes.iter().all(|change| change.previous.is_some()));
}

#[tokio::test]
async fn closing_hands_out_what_is_durable_and_then_ends_watches() {
    let (store, _clock) = store(&Options::new(""));
    let mut behind = store.watch(LEASES, Revision(0)).unwrap();
    let mut waiting = store.watch(Range::Resource("nodes"), Revision(0)).unwrap();
    overwrite(&store, &key("leases", "a"), 1).await;
    let (ended, closed) = tokio::join!(waiting.next(), store.close());
    assert_eq!((ended.err(), closed), (Some(Error::Closed), Ok(())));
    assert_eq!(behind.next().await.unwrap().changes.len(), 1);
    assert_eq!(behind.next().await.err(), Some(Error::Closed));
    assert_eq!(store.watch(LEASES, Revision(1)).err(), Some(Error::Closed));
    assert_eq!(store.reached(Revision(9)).await, Err(Error::Closed));
    assert_eq!(store.ready(), Err(Error::Closed));
    assert!(store.get(&key("leases", "a")).await.unwrap().is_some(), "reads go on");
}

#[tokio::test]
async fn writes_that_find_the_group_full_wait_for_room() {
    let (store, _clock) = store(&Options {
        group_bytes: 1,
        ..Options::new("")
    });
    let writes = (0..50).map(|number| store.create(key("leases", &number.to_string()), value(number, 100)));
    let written = futures_util::future::join_all(writes).await;
    assert!(written.iter().all(Result::is_ok), "{written:?}");
    assert_eq!(store.metrics().groups, 50, "one byte fills a group");
}

#[tokio::test]
async fn writes_that_come_while_the_disk_is_busy_share_a_group_and_reads_go_on() {
    let disk = MemoryDisk::default();
    let store = open(&disk, &Options::new("")).unwrap();
    let before = overwrite(&store, &key("leases", "a"), 1).await;
    let mut writes = futures_util::future::join_all(
        (0..500).map(|number| store.create(key("leases", &number.to_string()), value(number, 100))),
    );
    {
        let _hung = disk.hang();
        assert!((&mut writes).now_or_never().is_none());
        assert_eq!(store.revision(), before, "nothing is shown that is not durable");
        assert!(store.get(&key("leases", "0")).await.unwrap().is_none());
        let listing = store.list(&LEASES, Snapshot::Latest, &Page::default()).await.unwrap();
        assert_eq!((listing.entries.len(), listing.revision), (1, before));
    }
    writes.await;
    let metrics = store.metrics();
    assert_eq!((metrics.commits, metrics.live_objects), (501, 501));
    assert!(metrics.groups <= 3, "{metrics:?}");
}

#[tokio::test]
async fn dropping_a_watch_forgets_it() {
    let (store, _clock) = store(&Options::new(""));
    let ranges = [
        LEASES,
        Range::Namespace("leases", "a".into()),
        Range::Name(key("leases", "a")),
    ];
    let watches: Vec<_> = ranges
        .iter()
        .map(|range| store.watch(range.clone(), Revision(0)).unwrap())
        .collect();
    assert_eq!(store.metrics().watchers, 3);
    drop(watches);
    assert_eq!(store.metrics().watchers, 0);
}

#[tokio::test]
async fn a_new_store_starts_where_it_is_told_and_an_old_one_where_it_was() {
    let disk = Arc::new(MemoryDisk::default());
    let at_thousand = Options {
        first_revision: Revision(1000),
        ..Options::new("")
    };
    let store = open(&disk, &at_thousand).unwrap();
    assert_eq!(store.revision(), Revision(1000));
    let range = Range::Resource("leases");
    assert!(matches!(
        store.watch(range.clone(), Revision(1)),
        Err(Error::Compacted { oldest: Revision(1000) })
    ));
    assert!(store.watch(range, Revision(1000)).is_ok());
    assert_eq!(store.create(key("leases", "a"), "x".into()).await, Ok(Revision(1001)));
    store.close().await.unwrap();
    for options in [at_thousand, Options::new("")] {
        let store = open(&disk, &options).unwrap();
        assert_eq!(store.revision(), Revision(1001));
        store.close().await.unwrap();
    }
}
