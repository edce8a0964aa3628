//! Watches as their clients see them.

use std::time::Duration;

use futures_util::FutureExt;
use http::Method;
use leasehold_api::codec::protobuf;
use leasehold_api::coordination::Lease;
use leasehold_server::Limits;

use crate::fixture::{LEASES, Server, Watcher, brief, lease_path};

const RUNNING: &str =
    "apiserver_longrunning_requests{verb=\"WATCH\",group=\"coordination.k8s.io\",version=\"v1\",resource=\"leases\"";
const TABLE: &str = "application/json;as=Table;v=v1;g=meta.k8s.io";

async fn rename_holder(server: &Server, name: &str, holder: &str) {
    let headers = [("content-type", "application/merge-patch+json")];
    let body = format!(r#"{{"spec":{{"holderIdentity":"{holder}"}}}}"#);
    assert_eq!(
        server.ask(Method::PATCH, &lease_path(name), &headers, body).await.code,
        200
    );
}

async fn kinds(watcher: &mut Watcher, count: usize) -> Vec<(String, String)> {
    let mut seen = Vec::new();
    for _ in 0..count {
        let event = watcher.event().await.expect("more events");
        let (kind, name) = brief(&event);
        seen.push((kind.to_owned(), name.to_owned()));
    }
    seen
}

fn pairs(want: &[(&str, &str)]) -> Vec<(String, String)> {
    want.iter()
        .map(|(kind, name)| ((*kind).to_owned(), (*name).to_owned()))
        .collect()
}

#[tokio::test]
async fn what_exists_comes_first_and_then_what_happens() {
    let server = Server::start().await;
    server.lease("a").await;
    server.lease("b").await;
    let mut watcher = server.watch(&format!("{LEASES}?watch=1"), &[]).await;
    assert_eq!(watcher.content_type, "application/json");
    assert_eq!(kinds(&mut watcher, 2).await, pairs(&[("ADDED", "a"), ("ADDED", "b")]));
    rename_holder(&server, "b", "x").await;
    server.lease("c").await;
    server.ask(Method::DELETE, &lease_path("a"), &[], "").await;
    let want = [("MODIFIED", "b"), ("ADDED", "c"), ("DELETED", "a")];
    assert_eq!(kinds(&mut watcher, 3).await, pairs(&want));
    let counted = "apiserver_watch_events_total{group=\"coordination.k8s.io\",version=\"v1\",resource=\"leases\"}";
    assert_eq!(server.metric(counted).await, 5);
}

#[tokio::test]
async fn a_streaming_list_ends_with_a_marked_bookmark() {
    let server = Server::start().await;
    let lease = server.lease("a").await;
    let query = "watch=1&sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan";
    let mut watcher = server.watch(&format!("{LEASES}?{query}"), &[]).await;
    assert_eq!(brief(&watcher.event().await.unwrap()), ("ADDED", "a"));
    let bookmark = watcher.event().await.unwrap();
    assert_eq!(bookmark["type"], "BOOKMARK");
    let object = &bookmark["object"];
    assert_eq!(
        (&object["kind"], &object["apiVersion"]),
        (&"Lease".into(), &"coordination.k8s.io/v1".into())
    );
    assert_eq!(object["metadata"]["annotations"]["k8s.io/initial-events-end"], "true");
    assert_eq!(
        object["metadata"]["resourceVersion"],
        lease["metadata"]["resourceVersion"]
    );
    // Without the wish there is none.
    let mut watcher = server.watch(&format!("{LEASES}?watch=1"), &[]).await;
    assert_eq!(brief(&watcher.event().await.unwrap()), ("ADDED", "a"));
    server.lease("b").await;
    assert_eq!(brief(&watcher.event().await.unwrap()), ("ADDED", "b"));
}

#[tokio::test]
async fn bookmarks_come_about_once_a_minute_and_before_the_end() {
    let server = Server::start().await;
    let version = server.lease("a").await["metadata"]["resourceVersion"]
        .as_str()
        .unwrap()
        .to_owned();
    tokio::time::pause();
    let path = format!("{LEASES}?watch=1&allowWatchBookmarks=true&resourceVersion={version}&timeoutSeconds=300");
    let bookmarks = server.watch(&path, &[]).await.rest().await;
    for event in &bookmarks {
        assert_eq!(event["type"], "BOOKMARK");
        assert_eq!(event["object"]["metadata"]["resourceVersion"], version.as_str());
        assert!(event["object"]["metadata"]["annotations"].is_null());
    }
    let count = bookmarks.len();
    assert!(
        (5..=7).contains(&count),
        "{count} in five minutes, one of them at the end"
    );
}

#[tokio::test]
async fn a_watch_ends_when_it_was_asked_to() {
    let server = Server::start().await;
    tokio::time::pause();
    for (query, most) in [("&timeoutSeconds=7", 7), ("", 60 * 60), ("&timeoutSeconds=-1", 0)] {
        let mut watcher = server.watch(&format!("{LEASES}?watch=1{query}"), &[]).await;
        let least = if query.is_empty() { 30 * 60 } else { most };
        if least > 0 {
            let early =
                tokio::time::timeout(Duration::from_secs(least) - Duration::from_millis(10), watcher.more()).await;
            assert!(early.is_err(), "{query}: it goes on until then");
        }
        let late = Duration::from_secs(most - least) + Duration::from_millis(20);
        assert_eq!(tokio::time::timeout(late, watcher.rest()).await, Ok(vec![]), "{query}");
    }
}

#[tokio::test]
async fn a_server_that_goes_down_ends_its_watches() {
    let server = Server::start().await;
    server.lease("a").await;
    let mut watcher = server
        .watch(&format!("{LEASES}?watch=1&allowWatchBookmarks=1"), &[])
        .await;
    assert_eq!(kinds(&mut watcher, 2).await, pairs(&[("ADDED", "a"), ("BOOKMARK", "")]));
    server.app.drain.cancel();
    assert_eq!(watcher.event().await, None);
}

#[tokio::test]
async fn a_version_that_is_forgotten_is_an_error_in_the_stream() {
    let server = Server::forgetful().await;
    let version = server.lease("a").await["metadata"]["resourceVersion"]
        .as_str()
        .unwrap()
        .to_owned();
    for n in 0..200 {
        rename_holder(&server, "a", &format!("{n:0>1000}")).await;
    }
    let path = format!("{LEASES}?watch=1&resourceVersion={version}");
    let mut watcher = server.watch(&path, &[]).await;
    let error = watcher.event().await.unwrap();
    assert_eq!(error["type"], "ERROR");
    assert_eq!(
        (&error["object"]["kind"], &error["object"]["code"]),
        (&"Status".into(), &410.into())
    );
    assert_eq!(error["object"]["reason"], "Expired");
    assert_eq!(watcher.event().await, None);
}

#[tokio::test]
async fn watchers_of_both_formats_see_the_same() {
    let server = Server::start().await;
    let accept = [("accept", "application/vnd.kubernetes.protobuf;stream=watch")];
    let mut binary = server
        .watch(&format!("{LEASES}?watch=1&allowWatchBookmarks=1"), &accept)
        .await;
    let mut text = server
        .watch(&format!("{LEASES}?watch=1&allowWatchBookmarks=1"), &[])
        .await;
    assert_eq!(binary.content_type, "application/vnd.kubernetes.protobuf;stream=watch");
    server.lease("a").await;
    let want = ["BOOKMARK", "ADDED"];
    for kind in want {
        let event = text.event().await.unwrap();
        let frame = binary.frame().await;
        assert_eq!(event["type"], kind);
        // A bare WatchEvent: field 1 is the type, field 2 holds the enveloped object.
        assert_eq!(
            (frame[0], usize::from(frame[1]), &frame[2..2 + kind.len()]),
            (0x0a, kind.len(), kind.as_bytes())
        );
        let start = frame.windows(4).position(|part| part == b"k8s\0").unwrap();
        let envelope = bytes::Bytes::copy_from_slice(&frame[start..]);
        let (api_version, name, lease) = protobuf::decode_message::<Lease>(&envelope).unwrap();
        assert_eq!(
            (api_version.as_str(), name.as_str()),
            ("coordination.k8s.io/v1", "Lease")
        );
        assert_eq!(
            event["object"]["metadata"]["resourceVersion"],
            lease.metadata.resource_version.as_str()
        );
    }
}

#[tokio::test]
async fn a_tables_columns_are_told_once() {
    let server = Server::start().await;
    server.lease("a").await;
    let mut watcher = server.watch(&format!("{LEASES}?watch=1"), &[("accept", TABLE)]).await;
    rename_holder(&server, "a", "x").await;
    let (first, second) = (watcher.event().await.unwrap(), watcher.event().await.unwrap());
    assert_eq!(
        (&first["object"]["kind"], &first["type"]),
        (&"Table".into(), &"ADDED".into())
    );
    assert_eq!(first["object"]["columnDefinitions"][0]["name"], "Name");
    assert!(second["object"]["columnDefinitions"].is_null());
    assert_eq!(second["object"]["rows"][0]["cells"][1], "x");
    assert_eq!(second["object"]["rows"][0]["object"]["kind"], "PartialObjectMetadata");
    assert_eq!(
        server
            .get(&format!("{LEASES}?watch=1&includeObject=Nope"), &[("accept", TABLE)])
            .await
            .code,
        400
    );
    for accept in [
        "application/yaml",
        "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io",
    ] {
        assert_eq!(
            server
                .get(&format!("{LEASES}?watch=1"), &[("accept", accept)])
                .await
                .code,
            406,
            "{accept}"
        );
    }
}

#[tokio::test]
async fn white_space_never_enters_a_stream() {
    let server = Server::start().await;
    server.lease("a").await;
    let mut watcher = server
        .watch(
            &format!("{LEASES}?watch=1&pretty=true&timeoutSeconds=1"),
            &[("user-agent", "curl")],
        )
        .await;
    assert_eq!(brief(&watcher.event().await.unwrap()), ("ADDED", "a"));
}

#[tokio::test]
async fn what_is_there_at_once_comes_in_few_pieces() {
    let server = Server::start().await;
    for n in 0..400 {
        server.lease(&format!("l{n:03}")).await;
    }
    let mut watcher = server.watch(&format!("{LEASES}?watch=1&timeoutSeconds=1"), &[]).await;
    assert_eq!(watcher.rest().await.len(), 400);
    let (last, full) = watcher.chunks.split_last().unwrap();
    assert!(
        !full.is_empty() && full.iter().all(|size| (64 * 1024..68 * 1024).contains(size)),
        "{full:?}"
    );
    assert!(*last < 68 * 1024);
}

#[tokio::test]
async fn a_reply_begins_before_anything_happens_and_its_place_is_freed_when_it_is_dropped() {
    let server = Server::limited(Limits {
        watches: 1,
        ..Limits::default()
    })
    .await;
    let reader = [("authorization", "Bearer reader")];
    let path = format!("{LEASES}?watch=1");
    let mut watcher = server.watch(&path, &reader).await;
    assert!(watcher.more().now_or_never().is_none());
    assert_eq!(server.metric(RUNNING).await, 1);
    assert_eq!(server.get(&path, &reader).await.code, 429);
    drop(watcher);
    assert_eq!(server.metric(RUNNING).await, 0);
    server.watch(&path, &reader).await;
}

#[tokio::test]
async fn who_may_not_watch_any_more_stops_within_two_minutes() {
    let take_away: [fn(&Server); 2] = [Server::withdraw, Server::forbid];
    for take_away in take_away {
        let server = Server::start().await;
        let mut watcher = server
            .watch(&format!("{LEASES}?watch=1"), &[("authorization", "Bearer reader")])
            .await;
        tokio::time::pause();
        let meanwhile = tokio::time::timeout(Duration::from_secs(20 * 60), watcher.more()).await;
        assert!(meanwhile.is_err(), "it goes on as long as it may");
        take_away(&server);
        let end = tokio::time::timeout(Duration::from_secs(120), watcher.rest()).await;
        assert_eq!(end, Ok(vec![]));
        tokio::time::resume();
    }
}

#[tokio::test]
async fn a_user_has_so_many_watches_whatever_he_may_do_and_ending_one_makes_room() {
    let server = Server::limited(Limits {
        watches_per_user: 1,
        ..Limits::default()
    })
    .await;
    let (reader, admin) = (
        [("authorization", "Bearer reader")],
        [("authorization", "Bearer admin")],
    );
    let path = format!("{LEASES}?watch=1");
    let open = server.watch(&path, &admin).await;
    let refused = server.get(&path, &admin).await;
    assert_eq!((refused.code, refused.header("retry-after")), (429, "1"));
    let _of_another = server.watch(&path, &reader).await;
    drop(open);
    server.watch(&path, &admin).await;
}
