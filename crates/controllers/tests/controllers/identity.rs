//! Servers that say that they are there, and the clearing away of those that are gone.

use std::sync::Arc;
use std::time::Duration;

use leasehold_api::options::DeleteOptions;
use leasehold_controllers::{IdentityExpiry, LeasePublisher, ServerIdentity};
use leasehold_registry::resources::LEASES;
use leasehold_registry::{PatchKind, Place};
use serde_json::json;

use crate::harness::Harness;

const HOUR: Duration = Duration::from_secs(3600);
const SECOND: Duration = Duration::from_secs(1);
const NAME: &str = "apiserver-wlv32tlttr4jl3gtroqexyxapa";

fn server(unique: &str) -> LeasePublisher {
    LeasePublisher::of_server(&ServerIdentity::new("vm", unique), HOUR)
}

fn leases() -> Place {
    Place::collection(&LEASES, "kube-system")
}

#[tokio::test]
async fn a_server_keeps_its_lease_and_takes_it_away_at_its_end() {
    let h = Harness::with(server("1")).await;
    h.quiet().await;
    let first = h.get(&leases().named(NAME)).await.expect("published");
    assert_eq!(first["spec"]["holderIdentity"], format!("{NAME}_1"));
    assert_eq!(first["spec"]["renewTime"], "2020-01-01T00:00:00.000000Z");

    h.pass(Duration::from_secs(25), SECOND).await;
    let renewed = h.get(&leases().named(NAME)).await.expect("renewed");
    assert_eq!(renewed["spec"]["renewTime"], "2020-01-01T00:00:20.000000Z");

    h.delete(&leases().named(NAME), &DeleteOptions::default()).await;
    h.pass(Duration::from_secs(10), SECOND).await;
    assert_eq!(h.list(&leases()).await.len(), 1, "one that was deleted is back");

    let h = h
        .restart(LeasePublisher::of_controllers(&ServerIdentity::new("vm", "1")))
        .await;
    assert!(h.get(&leases().named(NAME)).await.is_none(), "it went with its process");
    assert!(h.get(&leases().named("leasehold-controllers")).await.is_some());
    h.end().await;
}

#[tokio::test]
async fn a_new_process_of_a_host_takes_over_its_lease() {
    let h = Harness::with(server("1")).await;
    h.quiet().await;
    let before = h.get(&leases().named(NAME)).await.expect("published");
    // As one that was killed leaves it: its successor makes it its own, and the end of the first one finds that out.
    let holder = json!({"spec": {"holderIdentity": format!("{NAME}_2")}});
    h.patch(&leases().named(NAME), PatchKind::Merge, holder).await;
    let h = h.restart(server("3")).await;
    let after = h.get(&leases().named(NAME)).await.expect("still there");
    assert_eq!(after["spec"]["holderIdentity"], format!("{NAME}_3"));
    assert_eq!(after["metadata"]["uid"], before["metadata"]["uid"]);
    assert_eq!(h.list(&leases()).await.len(), 1, "no second one");
    h.end().await;
}

#[tokio::test]
async fn two_live_servers_of_one_name_do_not_fight_over_it() {
    let h = Harness::with(server("1")).await;
    h.quiet().await;
    let lease = leases().named(NAME);
    let holder = async || h.get(&lease).await.expect("it is there")["spec"]["holderIdentity"].clone();
    // The other one renews, every ten seconds.
    for second in 0..6 {
        let taken = json!({"spec": {"holderIdentity": format!("{NAME}_2"),
            "renewTime": format!("2020-01-01T00:01:0{second}.000000Z")}});
        h.patch(&lease, PatchKind::Merge, taken).await;
        h.pass(10 * SECOND, SECOND).await;
        assert_eq!(holder().await, format!("{NAME}_2"));
    }
    assert!(h.controllers.statuses()[0].why.contains("--identity-hostname"));
    // It is gone.
    h.pass(40 * SECOND, SECOND).await;
    assert_eq!(holder().await, format!("{NAME}_1"));
    assert!(h.controllers.statuses()[0].why.starts_with("renews"));
    h.end().await;
}

#[tokio::test]
async fn leases_of_servers_that_are_gone_are_deleted_and_no_others() {
    let h = Harness::with(IdentityExpiry::new(HOUR, Arc::default())).await;
    h.quiet().await;
    let label = json!({"apiserver.kubernetes.io/identity": "kube-apiserver"});
    for (name, labels) in [("gone", &label), ("lives", &label), ("other", &json!({}))] {
        // Long ago by its own account, which is not asked.
        let spec = json!({"leaseDurationSeconds": 3600, "renewTime": "2001-01-01T00:00:00.000000Z"});
        let body = json!({"metadata": {"name": name, "labels": labels}, "spec": spec});
        h.create(&leases(), body).await;
    }
    h.pass(HOUR, HOUR / 4).await;
    assert_eq!(h.list(&leases()).await.len(), 3, "seen for the first time at this look");
    let renewed = json!({"spec": {"renewTime": "2001-01-01T00:00:01.000000Z"}});
    h.patch(&leases().named("lives"), PatchKind::Merge, renewed).await;
    h.pass(HOUR, HOUR / 4).await;
    let left: Vec<_> = h
        .list(&leases())
        .await
        .iter()
        .map(|it| it["metadata"]["name"].clone())
        .collect();
    assert_eq!(left, ["lives", "other"]);
    assert_eq!(
        h.controllers.statuses()[0].last,
        Some(Ok("deleted the leases of servers that are gone: gone".to_owned()))
    );
    h.end().await;
}
