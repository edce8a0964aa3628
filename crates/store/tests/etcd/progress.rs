//! How far a replica knows that it is while only others' keys change.

use std::time::Duration;

use leasehold_store::{Page, Snapshot, Store};
use leasehold_test_etcd::Version;

use crate::harness::{LEASES, World, bounded, changes, open, text, until};

/// Waits for revisions of keys that are nobody's here; with a marker written or not.
async fn reaches_what_concerns_nobody(version: Version, marks: bool) {
    let world = World::of(version, 1).await;
    let store = world.replica().await;
    let mut watch = store.watch(LEASES, store.revision()).unwrap();
    for _ in 0..10 {
        let foreign = world.put("pods/default/p", "x").await;
        bounded("a revision of another's", store.reached(foreign))
            .await
            .unwrap();
        assert!(store.revision() >= foreign);
        assert!(watch.progress() >= foreign, "nothing of the range lies between");
        let ours = world.put("leases/default/a", "x").await;
        assert_eq!(changes(&mut *watch, 1).await[0].revision, ours);
    }
    assert_eq!(world.raw("leasehold.dev/progress").await.is_some(), marks);
    store.close().await;
}

#[tokio::test]
async fn a_revision_of_anothers_key_is_reached_by_asking_of_3_6() {
    reaches_what_concerns_nobody(Version::V3_6, false).await;
}

#[tokio::test]
async fn a_revision_of_anothers_key_is_reached_by_writing_where_asking_is_of_no_use_of_3_4() {
    reaches_what_concerns_nobody(Version::V3_4, true).await;
}

#[tokio::test]
async fn what_has_not_come_yet_is_not_made_to_come_of_3_4() {
    let world = World::of(Version::V3_4, 1).await;
    let store = world.replica().await;
    let next = leasehold_store::Revision(world.put("leases/default/a", "x").await.0 + 1);
    let early = tokio::time::timeout(Duration::from_millis(500), store.reached(next)).await;
    assert!(early.is_err(), "a wait must not write what it waits for");
    let foreign = world.put("pods/default/p", "x").await;
    assert_eq!(foreign, next);
    bounded("what came", store.reached(next)).await.unwrap();
    store.close().await;
}

/// Lists of the latest, while others write elsewhere, are neither behind nor slow.
async fn lists_beside_others(version: Version) {
    let world = World::of(version, 1).await;
    let store = world.replica().await;
    for number in 0..20 {
        let ours = world.put("leases/default/a", &number.to_string()).await;
        let foreign = world.put("pods/default/p", "x").await;
        let listed = bounded("a list", store.list(&LEASES, Snapshot::Latest, &Page::default()))
            .await
            .unwrap();
        assert!(listed.revision >= foreign);
        assert_eq!(
            (listed.entries[0].revision, &listed.entries[0].value),
            (ours, &text(&number.to_string()))
        );
        let then = bounded(
            "the same",
            store.list(&LEASES, Snapshot::At(listed.revision), &Page::default()),
        )
        .await;
        assert_eq!(then.unwrap().entries, listed.entries);
    }
    store.close().await;
}

#[tokio::test]
async fn lists_of_the_latest_see_everything_beside_others_of_3_6() {
    lists_beside_others(Version::V3_6).await;
}

#[tokio::test]
async fn lists_of_the_latest_see_everything_beside_others_of_3_4() {
    lists_beside_others(Version::V3_4).await;
}

#[tokio::test]
async fn bookmarks_follow_though_nobody_asks_of_3_6() {
    let world = World::of(Version::V3_6, 1).await;
    let store = world.replica().await;
    let mut watch = store.watch(LEASES, store.revision()).unwrap();
    let foreign = world.put("pods/default/p", "x").await;
    until("progress", async || watch.progress(), |progress| *progress >= foreign).await;
    store.close().await;
}

#[tokio::test]
async fn a_start_among_others_keys_alone_is_soon_done_of_3_4() {
    let world = World::of(Version::V3_4, 1).await;
    for _ in 0..3 {
        world.put("pods/default/p", "x").await;
    }
    let mut options = world.options();
    options.open_timeout = Duration::from_secs(20);
    open(options).await.close().await;
}
