//! Leases that ask to be deleted after they have expired.

use std::time::Duration;

use leasehold_controllers::LeaseTtl;
use leasehold_registry::resources::{CORE_EVENTS, LEASES};
use leasehold_registry::{PatchKind, Place};
use serde_json::json;

use crate::harness::Harness;

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn only_leases_that_ask_are_deleted_and_an_event_tells_of_it() {
    let h = Harness::with(LeaseTtl::default()).await;
    h.quiet().await;
    let leases = Place::collection(&LEASES, "default");
    for (name, ttl) in [
        ("asks", Some("1m")),
        ("renews", Some("1m")),
        ("plain", None),
        ("wrong", Some("soon")),
    ] {
        let annotations = ttl.map(|ttl| json!({"leasehold.dev/ttl-after-expiry": ttl}));
        let body = json!({"metadata": {"name": name, "annotations": annotations}, "spec": {"holderIdentity": "h",
            "leaseDurationSeconds": 15, "renewTime": "2001-01-01T00:00:00.000000Z"}});
        h.create(&leases, body).await;
    }
    // Seen at the next look, ten seconds later at most; from then on its term counts, and then its time.
    h.pass(75 * SECOND, SECOND).await;
    let renewed = json!({"spec": {"renewTime": "2001-01-01T00:00:01.000000Z"}});
    h.patch(&leases.named("renews"), PatchKind::Merge, renewed).await;
    h.pass(20 * SECOND, SECOND).await;
    let left: Vec<_> = h
        .list(&leases)
        .await
        .iter()
        .map(|it| it["metadata"]["name"].clone())
        .collect();
    assert_eq!(left, ["plain", "renews", "wrong"]);
    let events = h.list(&Place::collection(&CORE_EVENTS, "default")).await;
    let mut told: Vec<_> = events
        .iter()
        .map(|event| {
            (
                event["reason"].as_str(),
                event["involvedObject"]["name"].as_str(),
                event["count"].as_u64(),
            )
        })
        .collect();
    told.sort_unstable();
    let wanted = [
        (Some("InvalidTTL"), Some("wrong"), Some(1)),
        (Some("TTLExpired"), Some("asks"), Some(1)),
    ];
    assert_eq!(told, wanted);
    h.end().await;
}

#[tokio::test]
async fn leases_in_pieces_are_all_looked_at() {
    let h = Harness::with(LeaseTtl::default()).await;
    let leases = Place::collection(&LEASES, "default");
    for number in 0..1002 {
        let annotations = json!({"leasehold.dev/ttl-after-expiry": "1s"});
        let annotations = if number == 1001 { annotations } else { json!({}) };
        let name = format!("l{number:04}");
        let body = json!({"metadata": {"name": name, "annotations": annotations}, "spec": {"leaseDurationSeconds": 1}});
        h.create(&leases, body).await;
    }
    h.pass(30 * SECOND, SECOND).await;
    assert_eq!(
        h.list(&leases).await.len(),
        1001,
        "the last one, in the second piece, is gone"
    );
    h.end().await;
}

#[tokio::test]
async fn beside_a_cluster_leases_go_all_the_same_and_no_event_is_left_where_nobody_looks() {
    let h = Harness::beside_a_cluster(LeaseTtl::default()).await;
    let leases = Place::collection(&LEASES, "anywhere");
    let annotations = json!({"leasehold.dev/ttl-after-expiry": "1s"});
    let body = json!({"metadata": {"name": "asks", "annotations": annotations}, "spec": {"leaseDurationSeconds": 1}});
    h.create(&leases, body).await;
    h.pass(30 * SECOND, SECOND).await;
    assert_eq!(h.count(&leases).await, 0);
    assert_eq!(h.count(&Place::collection(&CORE_EVENTS, "")).await, 0);
    h.end().await;
}
