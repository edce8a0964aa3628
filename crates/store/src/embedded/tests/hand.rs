//! A store whose commits are told when to happen.

use std::sync::Arc;

use futures_util::FutureExt;
use leasehold_clock::SimulatedClock;

use super::support::{content, key, recovered, small, value};
use crate::embedded::{Embedded, Hand};
use crate::testing::MemoryDisk;
use crate::{Error, Revision, Store};

fn open(disk: &MemoryDisk) -> (Embedded, Hand) {
    let clock = Arc::new(SimulatedClock::default());
    Embedded::open_by_hand(Arc::new(disk.clone()), &small(), clock).unwrap()
}

#[test]
fn nothing_is_answered_or_seen_before_the_commit_and_everything_after_it() {
    let disk = MemoryDisk::default();
    let (store, mut hand) = open(&disk);
    let mut created = store.create(key("leases", "a"), value(1, 10));
    let mut refused = store.create(key("leases", "a"), value(2, 10));
    assert_eq!((&mut created).now_or_never(), None);
    assert_eq!((&mut refused).now_or_never(), None, "it rests on what is not durable");
    assert_eq!(store.get(&key("leases", "a")).now_or_never().unwrap(), Ok(None));
    hand.commit();
    assert_eq!(created.now_or_never(), Some(Ok(Revision(1))));
    assert_eq!(refused.now_or_never(), Some(Err(Error::Exists(Revision(1)))));
    let held = store.get(&key("leases", "a")).now_or_never().unwrap().unwrap();
    assert_eq!(held.unwrap().value, value(1, 10));
}

#[test]
fn what_was_not_committed_is_lost_with_the_hand_and_the_rest_is_not() {
    let disk = MemoryDisk::default();
    let (store, mut hand) = open(&disk);
    assert_eq!(store.create(key("leases", "a"), value(1, 10)).now_or_never(), None);
    hand.commit();
    assert_eq!(store.create(key("leases", "b"), value(2, 10)).now_or_never(), None);
    drop((hand, store));
    let left = content(&recovered(&disk).unwrap());
    assert_eq!(left.into_keys().collect::<Vec<_>>(), [key("leases", "a")]);
}

#[tokio::test]
async fn closing_waits_for_the_hand_to_end_the_log_and_to_go() {
    let disk = MemoryDisk::default();
    let (store, mut hand) = open(&disk);
    let mut closed = Box::pin(store.close());
    assert_eq!((&mut closed).now_or_never(), None);
    hand.commit();
    hand.commit();
    drop(hand);
    closed.await.unwrap();
    let refused = store.create(key("leases", "a"), value(1, 10)).await;
    assert_eq!(refused, Err(Error::Closed));
}
