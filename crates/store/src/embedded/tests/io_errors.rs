//! Disks that fail, at every call.
//!
//! Goal: whatever call fails, and however, nothing acknowledged is lost, nobody waits for ever, nothing panics, a sync that
//! failed is never tried again, and being out of room passes.
//! Method: run the workload once for every call that could fail, failing that one, or it and all later ones; then start
//! again on what the process left behind and on what a power cut leaves of that. The same for every call of a start.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::sync::Mutex;
use std::time::Duration;

use serde_json::json;

use super::support::{Outcome, content, key, open, recorded, recovered, replay, small, value, workload};
use crate::testing::{Cut, Fault, Image, MemoryDisk, Op, Survivors};
use crate::{Error, Store};

/// Far above what anything here takes: a bound for what should never wait at all.
const BOUND: Duration = Duration::from_secs(30);

/// All that a disk may say: broken, read-only, out of room, over the quota.
const ERRORS: [ErrorKind; 4] = [
    ErrorKind::Other,
    ErrorKind::ReadOnlyFilesystem,
    ErrorKind::StorageFull,
    ErrorKind::QuotaExceeded,
];

pub(crate) async fn bounded<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(BOUND, future)
        .await
        .expect("someone waits for ever")
}

/// What a power cut leaves when nothing uncertain survives.
pub(crate) fn after_power_cut(disk: &MemoryDisk) -> Image {
    after_power_cut_on(disk, &Image::new())
}

fn after_power_cut_on(disk: &MemoryDisk, before: &Image) -> Image {
    let mut cut = Cut::new(before);
    disk.ops().iter().for_each(|op| cut.advance(op));
    cut.image(&Survivors::NONE)
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

/// What a failed sync did not write may have been forgotten, and a second one would report success.
fn check_no_sync_again(ops: &[Op], context: &str) {
    for (position, op) in ops.iter().enumerate() {
        let again = match op {
            Op::FailedSync(file) => Op::Sync(*file),
            Op::FailedSyncNames => Op::SyncNames,
            _ => continue,
        };
        assert!(
            !ops[position..].contains(&again),
            "{again:?} after it had failed, {context}"
        );
    }
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

async fn check_workload(fault: Fault) {
    let context = format!("{fault:?}");
    let (disk, outcomes) = run_with_fault(fault).await;
    let outcomes = outcomes.unwrap_or_default();
    let out_of_room = matches!(fault.error, ErrorKind::StorageFull | ErrorKind::QuotaExceeded);
    for Outcome { result, .. } in &outcomes {
        let refused_for_cause = match result {
            Ok(_) | Err(Error::Full | Error::NotFound | Error::Exists(_) | Error::Conflict(_)) => true,
            // Being out of room must pass.
            Err(Error::Unavailable(_)) => !out_of_room,
            Err(_) => false,
        };
        assert!(refused_for_cause, "{result:?}, {context}");
    }
    check_no_sync_again(&disk.ops(), &context);
    check_recovers(&disk.image(), &outcomes, &context);
    check_recovers(&after_power_cut(&disk), &outcomes, &context);
}

/// Runs the workload with each of these faults at each call. Returns the number of runs.
async fn fail_every_call(fault: impl Fn(usize) -> Fault) -> usize {
    let calls = {
        let disk = MemoryDisk::default();
        let store = open(&disk, &small()).unwrap();
        workload(&store, &disk).await;
        store.close().await.unwrap();
        disk.calls()
    };
    for at in 0..calls {
        check_workload(fault(at)).await;
    }
    calls
}

/// Counts the runs of all tests here.
fn count(runs: usize) {
    static RUNS: Mutex<usize> = Mutex::new(0);
    let mut all = RUNS.lock().unwrap();
    *all += runs;
    leasehold_figures::record("ioErrors", &json!({"runs": *all, "violations": 0})).unwrap();
}

#[tokio::test]
async fn a_call_that_fails_once_loses_nothing() {
    for error in ERRORS {
        count(fail_every_call(|at| Fault::once(at, error)).await);
    }
}

#[tokio::test]
async fn a_disk_that_fails_from_some_call_on_loses_nothing() {
    for error in ERRORS {
        count(fail_every_call(|at| Fault::from(at, error)).await);
    }
}

#[tokio::test]
async fn a_write_that_comes_to_nothing_or_to_all_before_it_fails_loses_nothing() {
    for error in [ErrorKind::Other, ErrorKind::StorageFull] {
        for quarters in [0, 1, 4] {
            let fault = |at| Fault {
                quarters,
                ..Fault::once(at, error)
            };
            count(fail_every_call(fault).await);
        }
    }
}

/// A start on a used disk, as far as it gets, and one write.
async fn start_with_fault(image: &Image, fault: Fault) -> (MemoryDisk, Option<Outcome>) {
    let disk = MemoryDisk::new(image);
    disk.set_fault(Some(fault));
    let Ok(store) = open(&disk, &small()) else {
        return (disk, None);
    };
    let (key, value) = (key("leases", "after"), Some(value(1, 700)));
    let result = bounded(store.write(key.clone(), value.clone(), None)).await;
    let _closed = bounded(store.close()).await;
    let answered_at = disk.position();
    (
        disk,
        Some(Outcome {
            key,
            value,
            result,
            answered_at,
        }),
    )
}

#[tokio::test]
async fn a_start_that_meets_an_error_loses_nothing() {
    let (disk, outcomes) = recorded().await;
    let mut image = disk.image();
    // As a killed process leaves it: with the last group torn, and a snapshot half way.
    let (last, bytes) = image.iter_mut().rfind(|(name, _)| name.starts_with("log-")).unwrap();
    let used = bytes.iter().rposition(|byte| *byte != 0).unwrap();
    bytes[used / 512 * 512..].fill(0);
    assert!(last.starts_with("log-"));
    image.insert("snapshot-00000000000000000099.tmp".to_owned(), vec![7; 900]);
    let before = recovered(&MemoryDisk::new(&image)).unwrap();
    let outcomes: Vec<Outcome> = outcomes
        .into_iter()
        .filter(|outcome| {
            outcome
                .result
                .as_ref()
                .is_ok_and(|revision| *revision <= before.revision)
        })
        .collect();
    let calls = {
        let (disk, _) = start_with_fault(&image, Fault::once(usize::MAX, ErrorKind::Other)).await;
        disk.calls()
    };
    for error in ERRORS {
        for at in 0..calls {
            for fault in [Fault::once(at, error), Fault::from(at, error)] {
                let context = format!("{fault:?} at the start");
                let (disk, outcome) = start_with_fault(&image, fault).await;
                let outcomes: Vec<Outcome> = outcomes.iter().cloned().chain(outcome).collect();
                check_no_sync_again(&disk.ops(), &context);
                check_recovers(&disk.image(), &outcomes, &context);
                check_recovers(&after_power_cut_on(&disk, &image), &outcomes, &context);
            }
        }
        count(2 * calls);
    }
}
