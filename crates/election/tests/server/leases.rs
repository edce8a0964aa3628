//! [`KubeLeases`]: each request, and each failure by its name.

use futures_util::StreamExt;
use leasehold_api::coordination::Lease;
use leasehold_election::{ApiFailure, KubeLeases, LeaseApi, LeaseEvent, LeaseEvents};

use crate::cluster::{Cluster, soon};

fn lease(name: &str) -> Lease {
    let mut lease = Lease::default();
    lease.metadata.namespace = "default".to_owned();
    lease.metadata.name = name.to_owned();
    lease.spec.holder_identity = Some("one".to_owned());
    lease.spec.lease_duration_seconds = Some(15);
    lease
}

#[tokio::test]
async fn requests_do_what_the_trait_says() {
    let cluster = Cluster::start().await;
    let leases = cluster.leases().await;
    assert_eq!(leases.get("default", "a").await, Ok(None));
    let created = leases.create(lease("a")).await.unwrap();
    assert!(!created.metadata.uid.is_empty() && !created.metadata.resource_version.is_empty());
    assert!(matches!(leases.create(lease("a")).await, Err(ApiFailure::Conflict(_))));
    assert_eq!(leases.get("default", "a").await, Ok(Some(created.clone())));

    let mut renewed = created.clone();
    renewed.spec.holder_identity = Some("two".to_owned());
    let renewed = leases.update(renewed).await.unwrap();
    assert_eq!(renewed.spec.holder_identity.as_deref(), Some("two"));
    assert!(
        matches!(leases.update(created.clone()).await, Err(ApiFailure::Conflict(_))),
        "the version is old"
    );

    let mut gone = created;
    gone.metadata.name = "gone".to_owned();
    assert!(
        matches!(leases.update(gone).await, Err(ApiFailure::Conflict(_))),
        "there is none"
    );

    let mut wrong = lease("b");
    wrong.spec.lease_duration_seconds = Some(0);
    assert!(matches!(leases.create(wrong).await, Err(ApiFailure::Invalid(_))));
    let mut nowhere = lease("a");
    nowhere.metadata.namespace = "nowhere".to_owned();
    assert!(matches!(leases.create(nowhere).await, Err(ApiFailure::NotFound(_))));
}

#[tokio::test]
async fn credentials_that_do_not_suffice_are_told_as_such() {
    let cluster = Cluster::start().await;
    let mut config = cluster.config().await;
    config.auth_info = kube::config::AuthInfo::default();
    let nobody = KubeLeases::new(config).unwrap();
    assert!(matches!(
        nobody.get("default", "a").await,
        Err(ApiFailure::Forbidden(_))
    ));
    assert!(matches!(
        nobody.watch("default", None).await.err(),
        Some(ApiFailure::Forbidden(_))
    ));
}

#[tokio::test]
async fn a_server_that_is_gone_gives_no_answer() {
    let mut cluster = Cluster::start().await;
    let leases = cluster.leases().await;
    let mut events = leases.watch("default", None).await.unwrap();
    assert!(matches!(next(&mut events).await, LeaseEvent::Synced));
    cluster.server.kill().unwrap();
    assert!(matches!(leases.get("default", "a").await, Err(ApiFailure::Unknown(_))));
    assert!(!matches!(
        soon("the end of the watch", events.next()).await,
        Some(Ok(_))
    ));
}

async fn next(events: &mut LeaseEvents) -> LeaseEvent {
    soon("an event", events.next())
        .await
        .expect("the watch goes on")
        .expect("an event")
}

fn applied(event: LeaseEvent) -> (String, String) {
    match event {
        LeaseEvent::Applied(lease) => (lease.metadata.name, lease.spec.holder_identity.unwrap_or_default()),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_watch_tells_what_there_is_and_then_what_happens() {
    let cluster = Cluster::start().await;
    let leases = cluster.leases().await;
    leases.create(lease("a")).await.unwrap();
    let mut all = leases.watch("default", None).await.unwrap();
    let mut one = leases.watch("default", Some("b")).await.unwrap();
    assert_eq!(applied(next(&mut all).await), ("a".to_owned(), "one".to_owned()));
    assert!(matches!(next(&mut all).await, LeaseEvent::Synced));
    assert!(matches!(next(&mut one).await, LeaseEvent::Synced));

    let mut b = leases.create(lease("b")).await.unwrap();
    b.spec.holder_identity = Some("two".to_owned());
    leases.update(b.clone()).await.unwrap();
    for events in [&mut all, &mut one] {
        assert_eq!(applied(next(events).await), ("b".to_owned(), "one".to_owned()));
        assert_eq!(applied(next(events).await), ("b".to_owned(), "two".to_owned()));
    }
    let client = kube::Client::try_from(cluster.config().await).unwrap();
    let api: kube::Api<k8s_openapi::api::coordination::v1::Lease> = kube::Api::namespaced(client, "default");
    api.delete("b", &kube::api::DeleteParams::default()).await.unwrap();
    match next(&mut one).await {
        LeaseEvent::Deleted(lease) => {
            let number = |lease: &Lease| lease.metadata.resource_version.parse::<u64>().unwrap();
            assert!(number(&lease) > number(&b) + 1, "the deletion's version");
        }
        other => panic!("{other:?}"),
    }
}
