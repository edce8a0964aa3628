//! Watches: every change once, in order, as the selector sees it.

use std::time::Duration;

use leasehold_registry::{EventKind, Watch, WatchItem};
use serde_json::json;

use crate::harness::{Harness, lease, leases, version};

/// The next `count` items, or a panic after a while.
async fn take(watch: &mut Watch, count: usize) -> Vec<WatchItem> {
    let mut items = Vec::new();
    while items.len() < count {
        let next = tokio::time::timeout(Duration::from_secs(10), watch.next(&mut items)).await;
        next.expect("an event in time").expect("a live watch");
    }
    items
}

/// Kind, name and version of each event; `END` for the end of the initial ones.
fn told(items: &[WatchItem]) -> Vec<String> {
    items
        .iter()
        .map(|item| match item {
            WatchItem::InitialEnd(_) => "END".to_owned(),
            WatchItem::Event(event) => {
                let object = event.item.object().unwrap();
                format!("{} {}", event.kind.name(), object.metadata().name)
            }
        })
        .collect()
}

#[tokio::test]
async fn a_watch_starts_with_what_is_there() {
    let h = Harness::new().await;
    h.create(&leases(), lease("a", "h")).await.unwrap();
    let mut watch = h.watch(&leases(), "").await;
    assert_eq!(told(&take(&mut watch, 2).await), ["ADDED a", "END"]);
    h.create(&leases(), lease("b", "h")).await.unwrap();
    h.merge(&leases().named("a"), json!({"spec": {"holderIdentity": "x"}}))
        .await
        .unwrap();
    h.delete(&leases().named("b")).await.unwrap();
    assert_eq!(told(&take(&mut watch, 3).await), ["ADDED b", "MODIFIED a", "DELETED b"]);
    h.close().await;
}

#[tokio::test]
async fn a_deletion_carries_its_own_version() {
    let h = Harness::new().await;
    let created = h.create(&leases(), lease("a", "h")).await.unwrap();
    let mut watch = h
        .watch(
            &leases(),
            &format!("resourceVersion={}", version(&*created.item.object().unwrap())),
        )
        .await;
    h.delete(&leases().named("a")).await.unwrap();
    let items = take(&mut watch, 1).await;
    let WatchItem::Event(event) = &items[0] else {
        panic!("an event")
    };
    assert_eq!(event.kind, EventKind::Deleted);
    assert!(version(&*event.item.object().unwrap()) > version(&*created.item.object().unwrap()));
    assert_eq!(watch.progress().unwrap().0, version(&*event.item.object().unwrap()));
    h.close().await;
}

#[tokio::test]
async fn objects_come_and_go_with_their_labels() {
    let h = Harness::new().await;
    let start = h.create(&leases(), json!({"metadata": {"name": "a"}})).await.unwrap();
    let query = format!(
        "labelSelector=on=yes&resourceVersion={}",
        version(&*start.item.object().unwrap())
    );
    let mut watch = h.watch(&leases(), &query).await;
    for labels in [
        json!({"on": "yes"}),
        json!({"on": "yes", "x": "y"}),
        json!({"on": "no"}),
        json!({"x": "z"}),
    ] {
        h.merge(&leases().named("a"), json!({"metadata": {"labels": labels}}))
            .await
            .unwrap();
    }
    h.merge(&leases().named("a"), json!({"metadata": {"labels": {"on": "yes"}}}))
        .await
        .unwrap();
    h.delete(&leases().named("a")).await.unwrap();
    let told = told(&take(&mut watch, 5).await);
    assert_eq!(told, ["ADDED a", "MODIFIED a", "DELETED a", "ADDED a", "DELETED a"]);
    h.close().await;
}

#[tokio::test]
async fn one_name_is_watched_alone() {
    let h = Harness::new().await;
    let mut watch = h.watch(&leases(), "fieldSelector=metadata.name=b").await;
    assert_eq!(told(&take(&mut watch, 1).await), ["END"]);
    h.create(&leases(), lease("a", "h")).await.unwrap();
    h.create(&leases(), lease("b", "h")).await.unwrap();
    assert_eq!(told(&take(&mut watch, 1).await), ["ADDED b"]);
    h.close().await;
}

#[tokio::test]
async fn a_closing_store_ends_its_watches() {
    let h = Harness::new().await;
    let mut watch = h.watch(&leases(), "").await;
    take(&mut watch, 1).await;
    h.close().await;
    let error = watch.next(&mut Vec::new()).await.unwrap_err();
    assert!(leasehold_registry::errors::is_closing(&error), "{error}");
}
