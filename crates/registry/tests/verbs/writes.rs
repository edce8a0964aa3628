//! Creates, updates, patches and deletes.

use leasehold_api::options::{DeleteOptions, ListOptions};
use leasehold_registry::resources::{EVENTS, NAMESPACES};
use leasehold_registry::{Deleted, Features, Place, WriteOptions};
use serde_json::json;

use crate::harness::{Harness, as_json, lease, leases, options, place, version};

#[tokio::test]
async fn a_lease_lives_and_dies() {
    let h = Harness::new().await;
    let created = h.create(&leases(), lease("a", "h1")).await.unwrap();
    assert!(created.created);
    let first = version(&*created.item.object().unwrap());
    let object = created.item.object().unwrap();
    let metadata = object.metadata();
    assert_eq!((metadata.namespace.as_str(), metadata.uid.len()), ("default", 36));

    let body =
        json!({"metadata": {"name": "a", "resourceVersion": first.to_string()}, "spec": {"holderIdentity": "h2"}});
    let updated = h.update(&leases().named("a"), body.clone()).await.unwrap();
    assert!(version(&*updated.item.object().unwrap()) > first && !updated.created);
    assert_eq!(
        updated.item.object().unwrap().metadata().uid,
        created.item.object().unwrap().metadata().uid
    );

    let stale = h.update(&leases().named("a"), body).await.unwrap_err();
    assert_eq!((stale.code(), stale.reason()), (409, "Conflict"));
    assert_eq!(
        as_json(&*h.get(&leases().named("a")).await.unwrap())["spec"]["holderIdentity"],
        "h2"
    );

    assert!(matches!(
        h.delete(&leases().named("a")).await.unwrap(),
        Deleted::Gone(_)
    ));
    assert_eq!(h.get(&leases().named("a")).await.unwrap_err().code(), 404);
    assert_eq!(h.delete(&leases().named("a")).await.unwrap_err().code(), 404);
    h.close().await;
}

#[tokio::test]
async fn a_write_that_changes_nothing_keeps_the_version() {
    let h = Harness::new().await;
    let first = version(
        &*h.create(&leases(), lease("a", "h"))
            .await
            .unwrap()
            .item
            .object()
            .unwrap(),
    );
    let again = h
        .merge(&leases().named("a"), json!({"spec": {"holderIdentity": "h"}}))
        .await
        .unwrap();
    assert_eq!(version(&*again.item.object().unwrap()), first);
    let body =
        json!({"metadata": {"name": "a", "resourceVersion": first.to_string()}, "spec": {"holderIdentity": "h"}});
    assert_eq!(
        version(
            &*h.update(&leases().named("a"), body)
                .await
                .unwrap()
                .item
                .object()
                .unwrap()
        ),
        first
    );
    h.close().await;
}

#[tokio::test]
async fn dry_runs_store_nothing() {
    let h = Harness::new().await;
    let before = h.registry.store().revision();
    let dry = WriteOptions {
        dry_run: true,
        ..options()
    };
    let body = leasehold_api::codec::from_value(&leases().target(), lease("a", "h")).unwrap();
    assert!(h.registry.create(&leases(), body, &dry).await.unwrap().created);
    assert_eq!(h.get(&leases().named("a")).await.unwrap_err().code(), 404);
    assert_eq!(h.registry.store().revision(), before);
    h.create(&leases(), lease("a", "h")).await.unwrap();
    let before = h.registry.store().revision();
    h.registry
        .delete(&leases().named("a"), &DeleteOptions::default(), &dry)
        .await
        .unwrap();
    assert_eq!(h.registry.store().revision(), before);
    h.close().await;
}

#[tokio::test]
async fn a_finalizer_holds_an_object_until_it_is_taken_away() {
    let h = Harness::new().await;
    let body = json!({"metadata": {"name": "a", "finalizers": ["x.io/hold"]}});
    h.create(&leases(), body).await.unwrap();
    let Deleted::Waiting(marked) = h.delete(&leases().named("a")).await.unwrap() else {
        panic!("it should wait")
    };
    assert!(marked.metadata().deletion_timestamp.is_some());
    let again = h.delete(&leases().named("a")).await.unwrap();
    assert!(matches!(again, Deleted::Waiting(same) if version(&*same) == version(&*marked)));
    h.merge(&leases().named("a"), json!({"metadata": {"finalizers": null}}))
        .await
        .unwrap();
    assert_eq!(h.get(&leases().named("a")).await.unwrap_err().code(), 404);
    h.close().await;
}

#[tokio::test]
async fn names_are_made_up_and_collisions_tried_again() {
    let h = Harness::new().await;
    let body = json!({"metadata": {"generateName": "gen-"}});
    for _ in 0..20 {
        let made = h.create(&leases(), body.clone()).await.unwrap();
        assert!(made.item.object().unwrap().metadata().name.starts_with("gen-"));
    }
    let namespaces = Place::collection(&NAMESPACES, "");
    let made = h
        .create(&namespaces, json!({"metadata": {"generateName": "team-"}}))
        .await
        .unwrap();
    let object = made.item.object().unwrap();
    let metadata = object.metadata();
    assert_eq!(metadata.labels["kubernetes.io/metadata.name"], metadata.name);
    h.close().await;
}

#[tokio::test]
async fn nothing_is_created_in_a_namespace_that_is_missing_or_going() {
    let h = Harness::new().await;
    let missing = place("coordination.k8s.io", "v1", "leases", "nope");
    assert_eq!(h.create(&missing, lease("a", "h")).await.unwrap_err().code(), 404);

    let namespaces = Place::collection(&NAMESPACES, "");
    h.create(&namespaces, json!({"metadata": {"name": "going"}}))
        .await
        .unwrap();
    let Deleted::Waiting(going) = h.delete(&namespaces.named("going")).await.unwrap() else {
        panic!("it should wait")
    };
    assert_eq!(as_json(&*going)["status"]["phase"], "Terminating");
    let going = place("coordination.k8s.io", "v1", "leases", "going");
    let error = h.create(&going, lease("a", "h")).await.unwrap_err();
    assert_eq!(error.code(), 403);
    assert_eq!(
        error.status().details.as_ref().unwrap().causes[0].reason,
        "NamespaceTerminating"
    );

    let error = h.delete(&namespaces.named("default")).await.unwrap_err();
    assert_eq!((error.code(), error.reason()), (403, "Forbidden"));
    h.close().await;
}

#[tokio::test]
async fn patches_by_many_at_once_all_count() {
    let h = Harness::new().await;
    h.create(&leases(), lease("a", "h")).await.unwrap();
    let place = leases().named("a");
    let patches = (0..32).map(|n| h.merge(&place, json!({"metadata": {"labels": {format!("l{n}"): "x"}}})));
    for result in futures_util::future::join_all(patches).await {
        result.unwrap();
    }
    assert_eq!(h.get(&place).await.unwrap().metadata().labels.len(), 32);
    h.close().await;
}

#[tokio::test]
async fn apply_creates_shares_and_refuses() {
    let h = Harness::new().await;
    let body = |holder: &str| {
        json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "a"},
        "spec": {"holderIdentity": holder}})
    };
    let place = leases().named("a");
    let created = h.apply(&place, "one", body("x")).await.unwrap();
    assert!(created.created);
    let again = h.apply(&place, "one", body("x")).await.unwrap();
    assert_eq!(
        version(&*again.item.object().unwrap()),
        version(&*created.item.object().unwrap()),
        "applying twice changes nothing"
    );
    assert_eq!(h.apply(&place, "two", body("y")).await.unwrap_err().code(), 409);
    h.apply(&place, "two", body("x")).await.unwrap();
    let managers = h
        .get(&place)
        .await
        .unwrap()
        .metadata()
        .managed_fields
        .iter()
        .map(|m| m.manager.clone())
        .collect::<Vec<_>>();
    assert_eq!(
        managers,
        ["two", "one"],
        "whose apply changed no value has no time, and sorts first"
    );
    h.close().await;
}

#[tokio::test]
async fn an_event_is_one_object_in_two_groups() {
    let h = Harness::new().await;
    let core = place("", "v1", "events", "default");
    let body = json!({"metadata": {"name": "e"}, "involvedObject": {"kind": "Lease", "namespace": "default", "name": "a"},
        "reason": "LeaderElection", "message": "one leads", "type": "Normal"});
    h.create(&core, body).await.unwrap();
    let other = Place::collection(&EVENTS, "default").named("e");
    let seen = as_json(&*h.get(&other).await.unwrap());
    assert_eq!(
        (&seen["note"], &seen["regarding"]["name"]),
        (&json!("one leads"), &json!("a"))
    );
    h.close().await;
}

#[tokio::test]
async fn another_uid_is_a_conflict() {
    let h = Harness::new().await;
    let created = h.create(&leases(), lease("a", "h")).await.unwrap();
    let object = created.item.object().unwrap();
    let rv = &object.metadata().resource_version;
    let body = json!({"metadata": {"name": "a", "resourceVersion": rv, "uid": "11111111-1111-1111-1111-111111111111"}});
    assert_eq!(h.update(&leases().named("a"), body).await.unwrap_err().code(), 409);
    h.close().await;
}

#[tokio::test]
async fn every_broken_rule_is_told() {
    let h = Harness::new().await;
    let body = json!({"metadata": {"name": "A_"}, "spec": {"leaseDurationSeconds": 0, "leaseTransitions": -1}});
    let error = h.create(&leases(), body).await.unwrap_err();
    assert_eq!(
        (error.code(), error.status().details.as_ref().unwrap().causes.len()),
        (422, 3)
    );
    h.create(&leases(), lease("a", "h")).await.unwrap();
    let error = h
        .merge(&leases().named("a"), json!({"metadata": {"uid": "x"}}))
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "Lease.coordination.k8s.io \"a\" is invalid: metadata.uid: Invalid value: \"x\": field is immutable"
    );
    h.close().await;
}

#[tokio::test]
async fn an_owner_given_twice_counts_once() {
    let h = Harness::new().await;
    let owner = json!({"apiVersion": "v1", "kind": "Node", "name": "n", "uid": "u"});
    let body = json!({"metadata": {"name": "a", "ownerReferences": [owner, owner]}});
    let written = h.create(&leases(), body).await.unwrap();
    assert_eq!(written.item.object().unwrap().metadata().owner_references.len(), 1);
    assert!(
        written.warnings[0].ends_with("duplicate UID(s) observed: u"),
        "{:?}",
        written.warnings
    );
    h.close().await;
}

#[tokio::test]
async fn a_uid_names_one_object_and_no_successor_of_it() {
    let h = Harness::new().await;
    let uid = "11111111-1111-1111-1111-111111111111";
    let at = leases().named("a");
    let body = json!({"metadata": {"name": "a", "uid": uid}, "spec": {"holderIdentity": "h"}});
    let put = h.update(&at, body.clone()).await.unwrap_err();
    assert_eq!((put.code(), put.reason()), (409, "Conflict"), "{put}");
    let typed = json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "a", "uid": uid}});
    let applied = h.apply(&at, "one", typed).await.unwrap_err();
    assert_eq!((applied.code(), applied.reason()), (409, "Conflict"), "{applied}");
    assert_eq!(h.get(&at).await.unwrap_err().code(), 404);
    h.close().await;
}

#[tokio::test]
async fn a_namespace_keeps_the_label_with_its_name() {
    let h = Harness::new().await;
    let namespaces = Place::collection(&NAMESPACES, "");
    h.create(&namespaces, json!({"metadata": {"name": "team"}}))
        .await
        .unwrap();
    let at = namespaces.named("team");
    let put = h.update(&at, json!({"metadata": {"name": "team"}})).await.unwrap();
    assert_eq!(
        put.item.object().unwrap().metadata().labels["kubernetes.io/metadata.name"],
        "team"
    );
    let none = json!({"metadata": {"labels": null}});
    let patched = h.merge(&at, none).await.unwrap();
    assert_eq!(
        patched.item.object().unwrap().metadata().labels["kubernetes.io/metadata.name"],
        "team"
    );
    let changed = json!({"metadata": {"labels": {"kubernetes.io/metadata.name": "other"}}});
    let patched = h.merge(&at, changed).await.unwrap();
    assert_eq!(
        patched.item.object().unwrap().metadata().labels["kubernetes.io/metadata.name"],
        "team"
    );
    let typed = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "team", "labels": {"x": "y"}}});
    let applied = h.apply(&at, "one", typed).await.unwrap();
    assert_eq!(
        applied.item.object().unwrap().metadata().labels["kubernetes.io/metadata.name"],
        "team"
    );
    h.close().await;
}

#[tokio::test]
async fn the_deletions_of_a_collection_share_commit_groups() {
    let h = Harness::new().await;
    for number in 0..100 {
        h.create(&leases(), lease(&format!("l{number}"), "h")).await.unwrap();
    }
    let before = h.groups();
    h.registry
        .delete_collection(
            &leases(),
            &ListOptions::default(),
            &DeleteOptions::default(),
            &options(),
        )
        .await
        .unwrap();
    assert!(h.list(&leases(), "").await.unwrap().items.is_empty());
    let groups = h.groups() - before;
    assert!(groups <= 50, "{groups} groups for 100 deletions");
    h.close().await;
}

#[tokio::test]
async fn without_coordinated_election_its_fields_are_kept_only_where_they_are_already() {
    let h = Harness::new().await;
    let coordinated = json!({"strategy": "OldestEmulationVersion", "preferredHolder": "p", "holderIdentity": "h"});
    h.create(&leases(), json!({"metadata": {"name": "old"}, "spec": coordinated}))
        .await
        .expect("created");
    h.create(&leases(), lease("new", "h")).await.expect("created");
    let off = Features::parse(["CoordinatedLeaderElection=false"]).expect("a known gate");
    let h = h.featuring(off);

    let change = json!({"spec": {"strategy": "x.io/y", "preferredHolder": "q"}});
    let spec = async |name: &str| {
        let written = h.merge(&leases().named(name), change.clone()).await.expect("updated");
        as_json(&*written.item.object().unwrap())["spec"].clone()
    };
    let kept = json!({"strategy": "x.io/y", "preferredHolder": "q", "holderIdentity": "h"});
    assert_eq!(spec("old").await, kept);
    assert_eq!(spec("new").await, json!({"holderIdentity": "h"}));
    h.close().await;
}
