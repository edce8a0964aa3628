//! Disks that fail: what users of the store see. For every call that could fail see `io_errors`.

use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use leasehold_clock::SimulatedClock;

use super::io_errors::{after_power_cut, bounded};
use super::support::{key, open, small, value};
use crate::embedded::Embedded;
use crate::testing::{Fault, MemoryDisk};
use crate::{Error, Revision, Store};

#[tokio::test]
async fn a_full_disk_refuses_writes_and_takes_them_again_once_there_is_room() {
    let disk = MemoryDisk::default();
    let store = open(&disk, &small()).unwrap();
    let first = store.create(key("leases", "a"), value(1, 100)).await.unwrap();
    disk.set_fault(Some(Fault::from(0, ErrorKind::StorageFull)));
    assert_eq!(store.create(key("leases", "b"), value(2, 100)).await, Err(Error::Full));
    assert_eq!(store.ready(), Err(Error::Full));
    assert_eq!(store.get(&key("leases", "a")).await.unwrap().unwrap().revision, first);
    assert_eq!(store.get(&key("leases", "b")).await.unwrap(), None);
    disk.set_fault(None);
    let second = store.create(key("leases", "b"), value(2, 100)).await.unwrap();
    assert!(
        second > Revision(first.0 + 1),
        "the revision of the write that failed was given out again"
    );
    assert_eq!(store.ready(), Ok(()));
}

#[tokio::test]
async fn a_clean_end_remembers_the_revisions_that_were_given_out_in_vain() {
    let disk = MemoryDisk::default();
    let store = open(&disk, &small()).unwrap();
    let first = store.create(key("leases", "a"), value(1, 100)).await.unwrap();
    disk.set_fault(Some(Fault::from(0, ErrorKind::StorageFull)));
    for _ in 0..5 {
        assert_eq!(store.create(key("leases", "b"), value(2, 100)).await, Err(Error::Full));
    }
    disk.set_fault(None);
    store.close().await.unwrap();
    let store = open(&disk, &small()).unwrap();
    let next = store.create(key("leases", "b"), value(2, 100)).await.unwrap();
    assert_eq!(next, Revision(first.0 + 6));
}

#[tokio::test]
async fn a_full_store_notices_by_itself_that_there_is_room_again() {
    let disk = MemoryDisk::default();
    let store = open(&disk, &small()).unwrap();
    disk.set_fault(Some(Fault::from(0, ErrorKind::StorageFull)));
    assert_eq!(store.create(key("leases", "b"), value(2, 100)).await, Err(Error::Full));
    disk.set_fault(None);
    bounded(async {
        while store.ready().is_err() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_disk_that_hangs_makes_the_store_unready_until_it_answers() {
    let disk = MemoryDisk::default();
    let clock = Arc::new(SimulatedClock::default());
    let store = Embedded::open_on(Arc::new(disk.clone()), &small(), clock.clone()).unwrap();
    let hung = disk.hang();
    let write = store.create(key("leases", "a"), value(1, 100)).shared();
    assert_eq!(write.clone().now_or_never(), None);
    bounded(async {
        while store.ready().is_ok() {
            clock.advance(Duration::from_secs(1));
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
    assert!(matches!(store.ready(), Err(Error::Unavailable(_))));
    drop(hung);
    write.await.unwrap();
    assert_eq!(store.ready(), Ok(()));
}

#[tokio::test]
async fn a_failed_sync_is_final_and_what_is_shown_after_a_restart_stays() {
    let disk = MemoryDisk::default();
    let store = open(&disk, &small()).unwrap();
    store.create(key("leases", "a"), value(1, 100)).await.unwrap();
    // The write succeeds, its sync does not.
    disk.set_fault(Some(Fault::once(1, ErrorKind::Other)));
    let failed = store.create(key("leases", "b"), value(2, 100)).await;
    assert!(matches!(failed, Err(Error::Unavailable(_))), "{failed:?}");
    assert!(matches!(store.ready(), Err(Error::Unavailable(_))));
    assert!(bounded(store.fatal()).await.contains("sync"));
    let refused = store.create(key("leases", "c"), value(3, 100)).await;
    assert!(matches!(refused, Err(Error::Unavailable(_))), "{refused:?}");
    assert_eq!(
        store.get(&key("leases", "b")).await.unwrap(),
        None,
        "what is not durable is not shown"
    );
    assert!(store.reached(Revision(9)).await.is_err());
    drop(store);

    // The process starts again on what the system still has in memory, where the lost write looks written.
    let store = open(&disk, &small()).unwrap();
    let shown = store.get(&key("leases", "b")).await.unwrap();
    assert!(shown.is_some());
    drop(store);
    let store = open(&MemoryDisk::new(&after_power_cut(&disk)), &small()).unwrap();
    assert_eq!(
        store.get(&key("leases", "b")).await.unwrap(),
        shown,
        "shown after the restart, gone after the power cut"
    );
}
