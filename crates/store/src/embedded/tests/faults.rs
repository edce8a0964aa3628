//! Disks that fail.
//!
//! Goal: whatever call fails, and however, nothing acknowledged is lost, nobody waits for ever, nothing panics, and being
//! out of room passes.
//! Method: run the workload once for every call that could fail, failing that one, or it and all later ones; then start
//! again on what the process left behind and on what a power cut leaves of that.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use leasehold_clock::SimulatedClock;

use super::support::{Outcome, content, key, open, recovered, replay, small, value, workload};
use crate::embedded::Embedded;
use crate::testing::{Cut, Fault, Image, MemoryDisk, Survivors};
use crate::{Error, Revision, Store};

/// Far above what anything here takes: a bound for what should never wait at all.
const BOUND: Duration = Duration::from_secs(30);

async fn bounded<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(BOUND, future)
        .await
        .expect("someone waits for ever")
}

/// Starts on an image, and requires every acknowledged write and nothing that was never asked for.
fn check_recovers(image: &Image, outcomes: &[Outcome], context: &str) {
    let state = recovered(&MemoryDisk::new(image)).unwrap_or_else(|error| panic!("{error}, {context}"));
    let acknowledged = replay(outcomes);
    let (last, expected) = acknowledged.last_key_value().unwrap();
    assert!(
        state.revision >= *last,
        "{} but {last} was acknowledged, {context}",
        state.revision
    );
    let found = content(&state);
    let asked: BTreeSet<_> = outcomes.iter().map(|outcome| (&outcome.key, &outcome.value)).collect();
    for (key, (value, revision)) in &found {
        assert!(
            asked.contains(&(key, &Some(value.clone()))),
            "{key:?} was never asked for, {context}"
        );
        assert!(
            revision > last || expected.get(key) == Some(&(value.clone(), *revision)),
            "{key:?}, {context}"
        );
    }
    for (key, held) in expected {
        let overtaken = outcomes
            .iter()
            .any(|outcome| outcome.key == *key && outcome.result.is_err());
        assert!(overtaken || found.get(key) == Some(held), "{key:?} was lost, {context}");
    }
}

/// What a power cut leaves when nothing uncertain survives.
fn after_power_cut(disk: &MemoryDisk) -> Image {
    let mut cut = Cut::new(&Image::new());
    disk.ops().iter().for_each(|op| cut.advance(op));
    cut.image(&Survivors::NONE)
}

async fn run_with_fault(fault: Fault) -> (MemoryDisk, Option<Vec<Outcome>>) {
    let disk = MemoryDisk::default();
    disk.set_fault(Some(fault));
    let Ok(store) = open(&disk, &small()) else {
        return (disk, None);
    };
    let outcomes = bounded(workload(&store, &disk)).await;
    if matches!(store.ready(), Err(Error::Unavailable(_))) {
        bounded(store.fatal()).await;
    }
    // Whatever it says: it must end.
    let _closed = bounded(store.close()).await;
    (disk, Some(outcomes))
}

async fn fail_every_call(error: ErrorKind, sticky: bool) {
    let calls = {
        let disk = MemoryDisk::default();
        let store = open(&disk, &small()).unwrap();
        workload(&store, &disk).await;
        store.close().await.unwrap();
        disk.calls()
    };
    for at in 0..calls {
        let context = format!("{error:?} at call {at}, sticky: {sticky}");
        let (disk, outcomes) = run_with_fault(Fault { at, sticky, error }).await;
        let outcomes = outcomes.unwrap_or_default();
        for outcome in &outcomes {
            let refused_for_cause = matches!(
                outcome.result,
                Ok(_)
                    | Err(Error::Full
                        | Error::Unavailable(_)
                        | Error::NotFound
                        | Error::Exists(_)
                        | Error::Conflict(_))
            );
            assert!(refused_for_cause, "{:?}, {context}", outcome.result);
        }
        if error == ErrorKind::StorageFull {
            let unavailable = outcomes
                .iter()
                .find(|outcome| matches!(outcome.result, Err(Error::Unavailable(_))));
            assert!(
                unavailable.is_none(),
                "being out of room must pass: {unavailable:?}, {context}"
            );
        }
        check_recovers(&disk.image(), &outcomes, &context);
        check_recovers(&after_power_cut(&disk), &outcomes, &context);
    }
}

#[tokio::test]
async fn a_call_that_fails_once_loses_nothing() {
    fail_every_call(ErrorKind::Other, false).await;
}

#[tokio::test]
async fn a_disk_that_is_broken_from_some_call_on_loses_nothing() {
    fail_every_call(ErrorKind::Other, true).await;
}

#[tokio::test]
async fn a_call_that_finds_no_room_once_loses_nothing() {
    fail_every_call(ErrorKind::StorageFull, false).await;
}

#[tokio::test]
async fn a_disk_that_is_full_from_some_call_on_loses_nothing() {
    fail_every_call(ErrorKind::StorageFull, true).await;
}

#[tokio::test]
async fn a_full_disk_refuses_writes_and_takes_them_again_once_there_is_room() {
    let disk = MemoryDisk::default();
    let store = open(&disk, &small()).unwrap();
    let first = store.create(key("leases", "a"), value(1, 100)).await.unwrap();
    disk.set_fault(Some(Fault {
        at: 0,
        sticky: true,
        error: ErrorKind::StorageFull,
    }));
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
    disk.set_fault(Some(Fault {
        at: 0,
        sticky: true,
        error: ErrorKind::StorageFull,
    }));
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
    disk.set_fault(Some(Fault {
        at: 0,
        sticky: true,
        error: ErrorKind::StorageFull,
    }));
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
    disk.set_fault(Some(Fault {
        at: 1,
        sticky: false,
        error: ErrorKind::Other,
    }));
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
