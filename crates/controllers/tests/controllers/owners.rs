//! Owner collection.

use leasehold_api::options::{DeleteOptions, PropagationPolicy};
use leasehold_controllers::OwnerCollection;
use leasehold_registry::resources::{CORE_EVENTS, LEASES, NAMESPACES, NODES};
use leasehold_registry::{PatchKind, Place, Resource};
use serde_json::{Value, json};

use crate::harness::Harness;

fn at(resource: &'static Resource, namespace: &str, name: &str) -> Place {
    Place::collection(resource, namespace).named(name)
}

fn lease(name: &str) -> Place {
    at(&LEASES, "default", name)
}

fn policy(policy: PropagationPolicy) -> DeleteOptions {
    DeleteOptions {
        propagation_policy: Some(policy),
        ..DeleteOptions::default()
    }
}

/// What only these tests need of [`Harness`].
impl Harness {
    /// Creates an object with these owners and gives a reference to it.
    async fn made(&self, place: &Place, owners: &[&Value]) -> Value {
        let metadata = json!({"name": *place.name, "ownerReferences": owners});
        let collection = Place::collection(place.resource, &place.namespace);
        self.create(&collection, json!({"metadata": metadata})).await;
        let uid = self.get(place).await.expect("it is there")["metadata"]["uid"].clone();
        json!({"apiVersion": place.gvk().api_version(), "kind": place.gvk().kind, "name": *place.name, "uid": uid})
    }

    async fn until_gone(&self, place: &Place) {
        self.until(|| self.get(place), Option::is_none).await;
    }

    /// Waits until the collector has seen all that was done so far: until it has collected something made just now.
    async fn seen(&self) {
        let canary = at(&LEASES, "kube-public", "canary");
        let nobody = json!({"apiVersion": "v1", "kind": "Node", "name": "nobody", "uid": "none"});
        self.create(
            &Place::collection(&LEASES, "kube-public"),
            json!({"metadata": {"name": "canary", "ownerReferences": [nobody]}}),
        )
        .await;
        self.until_gone(&canary).await;
    }

    async fn owners(&self, place: &Place) -> Vec<String> {
        let object = self.get(place).await.expect("it is there");
        let owners = object["metadata"]["ownerReferences"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        owners
            .iter()
            .map(|owner| owner["name"].as_str().unwrap().to_owned())
            .collect()
    }
}

fn blocking(reference: &Value) -> Value {
    let mut reference = reference.clone();
    reference["blockOwnerDeletion"] = true.into();
    reference
}

#[tokio::test]
async fn a_nodes_lease_goes_with_the_node_that_it_names() {
    let h = Harness::with(OwnerCollection::new()).await;
    let (n1, n2) = (at(&NODES, "", "n1"), at(&NODES, "", "n2"));
    let (first, second) = (h.made(&n1, &[]).await, h.made(&n2, &[]).await);
    let of = |name: &str| at(&LEASES, "kube-node-lease", name);
    h.made(&of("n1"), &[&first]).await;
    h.made(&of("n2"), &[&second]).await;
    h.delete(&n1, &DeleteOptions::default()).await;
    h.until_gone(&of("n1")).await;
    assert!(h.get(&of("n2")).await.is_some());

    // A namesake is somebody else.
    h.made(&n1, &[]).await;
    h.made(&of("n1"), &[&first]).await;
    h.until_gone(&of("n1")).await;
    assert!(h.get(&n1).await.is_some());
    h.end().await;
}

#[tokio::test]
async fn what_has_an_owner_left_forgets_those_that_are_gone() {
    let h = Harness::with(OwnerCollection::new()).await;
    let (a, b) = (h.made(&lease("a"), &[]).await, h.made(&lease("b"), &[]).await);
    h.made(&lease("both"), &[&a, &b]).await;
    h.delete(&lease("a"), &DeleteOptions::default()).await;
    let both = lease("both");
    h.until(|| h.owners(&both), |owners| *owners == ["b"]).await;
    h.delete(&lease("b"), &DeleteOptions::default()).await;
    h.until_gone(&lease("both")).await;
    h.end().await;
}

#[tokio::test]
async fn in_the_foreground_an_owner_goes_after_those_that_block_it() {
    let h = Harness::with(OwnerCollection::new()).await;
    let owner = h.made(&lease("owner"), &[]).await;
    let child = h.made(&lease("child"), &[&blocking(&owner)]).await;
    h.made(&lease("grandchild"), &[&blocking(&child)]).await;
    h.patch(
        &lease("grandchild"),
        PatchKind::Merge,
        json!({"metadata": {"finalizers": ["x.io/hold"]}}),
    )
    .await;
    h.delete(&lease("owner"), &policy(PropagationPolicy::Foreground)).await;
    let is_leaving = |object: &Option<Value>| {
        let metadata = object
            .as_ref()
            .map(|object| object["metadata"].clone())
            .unwrap_or_default();
        metadata["deletionTimestamp"].is_string()
    };
    let grandchild = lease("grandchild");
    h.until(|| h.get(&grandchild), is_leaving).await;
    h.seen().await;
    for name in ["owner", "child"] {
        let held = h.get(&lease(name)).await.expect("it waits");
        assert_eq!(held["metadata"]["finalizers"], json!(["foregroundDeletion"]), "{name}");
    }
    h.patch(
        &lease("grandchild"),
        PatchKind::Merge,
        json!({"metadata": {"finalizers": null}}),
    )
    .await;
    h.until_gone(&lease("owner")).await;
    assert_eq!(h.count(&Place::collection(&LEASES, "default")).await, 0);
    h.end().await;
}

#[tokio::test]
async fn in_the_foreground_nobody_waits_for_those_that_do_not_block() {
    let h = Harness::with(OwnerCollection::new()).await;
    let owner = h.made(&lease("owner"), &[]).await;
    h.made(&lease("child"), &[&owner]).await;
    h.patch(
        &lease("child"),
        PatchKind::Merge,
        json!({"metadata": {"finalizers": ["x.io/hold"]}}),
    )
    .await;
    h.seen().await;
    h.delete(&lease("owner"), &policy(PropagationPolicy::Foreground)).await;
    h.until_gone(&lease("owner")).await;
    let child = h.get(&lease("child")).await.expect("it is held");
    assert!(child["metadata"]["deletionTimestamp"].is_string());
    h.end().await;
}

#[tokio::test]
async fn orphans_stay_and_forget() {
    let h = Harness::with(OwnerCollection::new()).await;
    let (owner, other) = (h.made(&lease("owner"), &[]).await, h.made(&lease("other"), &[]).await);
    h.made(&lease("child"), &[&blocking(&owner), &other]).await;
    h.made(&lease("only-child"), &[&owner]).await;
    h.seen().await;
    h.delete(&lease("owner"), &policy(PropagationPolicy::Orphan)).await;
    h.until_gone(&lease("owner")).await;
    assert_eq!(h.owners(&lease("child")).await, ["other"]);
    assert_eq!(h.owners(&lease("only-child")).await, [""; 0]);
    h.end().await;
}

#[tokio::test]
async fn a_circle_does_not_hold_itself() {
    let h = Harness::with(OwnerCollection::new()).await;
    let a = h.made(&lease("a"), &[]).await;
    let b = h.made(&lease("b"), &[&blocking(&a)]).await;
    let owners = json!({"metadata": {"ownerReferences": [blocking(&b)]}});
    h.patch(&lease("a"), PatchKind::Merge, owners).await;
    h.seen().await;
    h.delete(&lease("a"), &policy(PropagationPolicy::Foreground)).await;
    h.until_gone(&lease("a")).await;
    h.until_gone(&lease("b")).await;
    h.end().await;
}

#[tokio::test]
async fn every_resource_can_be_deleted_in_each_way() {
    let h = Harness::with(OwnerCollection::new()).await;
    let events = Place::collection(&CORE_EVENTS, "default");
    for how in [
        PropagationPolicy::Foreground,
        PropagationPolicy::Orphan,
        PropagationPolicy::Background,
    ] {
        for resource in leasehold_registry::resources::TABLE {
            // A namespace has a finalizer of its own, for another controller; an Event has rules of its own.
            if [NAMESPACES.plural, events.resource.plural].contains(&resource.plural) {
                continue;
            }
            let namespace = if resource.namespaced { "default" } else { "" };
            let place = at(resource, namespace, "it");
            let spec = match resource.plural {
                "leasecandidates" => json!({"leaseName": "l", "binaryVersion": "1.36.0", "emulationVersion": "1.36.0",
                    "strategy": "OldestEmulationVersion"}),
                _ => json!({}),
            };
            let body = json!({"metadata": {"name": "it"}, "spec": spec});
            h.create(&Place::collection(resource, namespace), body).await;
            h.delete(&place, &policy(how)).await;
            h.until_gone(&place).await;
        }
    }
    h.end().await;
}

#[tokio::test]
async fn namespaces_bound_what_an_owner_can_be() {
    let h = Harness::with(OwnerCollection::new()).await;
    let owner = h.made(&lease("owner"), &[]).await;
    let node = h.made(&at(&NODES, "", "n1"), &[]).await;
    let elsewhere = at(&LEASES, "kube-public", "elsewhere");
    h.made(&elsewhere, &[&owner]).await;
    h.until_gone(&elsewhere).await;
    h.made(&elsewhere, &[&node]).await;
    h.made(&at(&NODES, "", "lost"), &[&owner]).await;
    h.seen().await;
    assert!(
        h.get(&elsewhere).await.is_some(),
        "an owner in no namespace may own in any"
    );
    assert!(
        h.get(&at(&NODES, "", "lost")).await.is_some(),
        "it is left alone, and told of"
    );
    let events = h.list(&Place::collection(&CORE_EVENTS, "default")).await;
    let told: Vec<_> = events
        .iter()
        .map(|event| (&event["reason"], &event["involvedObject"]["name"]))
        .collect();
    assert_eq!(told, [(&json!("OwnerRefInvalidNamespace"), &json!("lost"))]);
    h.end().await;
}

#[tokio::test]
async fn owners_of_kinds_that_are_not_served_are_left_alone() {
    let h = Harness::with(OwnerCollection::new()).await;
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": "u"});
    let old = json!({"apiVersion": "coordination.k8s.io/v1beta9", "kind": "Lease", "name": "l", "uid": "v"});
    let gone = json!({"apiVersion": "v1", "kind": "Node", "name": "n", "uid": "w"});
    h.made(&lease("of-a-pod"), &[&pod]).await;
    h.made(&lease("of-an-old-lease"), &[&old]).await;
    h.made(&lease("of-both"), &[&pod, &gone]).await;
    h.seen().await;
    assert_eq!(h.owners(&lease("of-both")).await, ["p", "n"]);
    assert_eq!(h.count(&Place::collection(&LEASES, "default")).await, 3);
    h.end().await;
}

#[tokio::test]
async fn what_happened_before_the_start_is_made_up_for() {
    let h = Harness::with(OwnerCollection::new()).await;
    let owner = h.made(&lease("owner"), &[]).await;
    h.made(&lease("child"), &[&owner]).await;
    h.seen().await;
    let meanwhile = async |h: &Harness| h.delete(&lease("owner"), &DeleteOptions::default()).await;
    let h = h.restart_after(OwnerCollection::new(), meanwhile).await;
    h.until_gone(&lease("child")).await;
    h.end().await;
}

#[tokio::test]
async fn what_happened_beyond_the_history_is_made_up_for() {
    // Room for a few changes only.
    let h = Harness::over(OwnerCollection::new(), |options| options.history_bytes = 4096).await;
    let owner = h.made(&lease("owner"), &[]).await;
    h.made(&lease("child"), &[&owner]).await;
    h.seen().await;
    // The clock stands still, so the collector rests after the first of these.
    for round in 0..100 {
        if round == 50 {
            h.delete(&lease("owner"), &DeleteOptions::default()).await;
        }
        let labels = json!({"metadata": {"labels": {"round": round.to_string()}}});
        h.patch(&lease("child"), PatchKind::Merge, labels).await;
    }
    h.until_gone(&lease("child")).await;
    h.end().await;
}

#[tokio::test]
async fn an_object_that_cannot_be_collected_does_not_keep_the_others() {
    let h = Harness::with(OwnerCollection::new()).await;
    // Its owner is gone, and it may not be deleted.
    let gone = json!({"apiVersion": "v1", "kind": "Node", "name": "n", "uid": "w"});
    let owners = json!({"metadata": {"ownerReferences": [gone]}});
    h.patch(&at(&NAMESPACES, "", "kube-system"), PatchKind::Merge, owners)
        .await;
    for _ in 0..3 {
        h.seen().await;
    }
    assert!(h.get(&at(&NAMESPACES, "", "kube-system")).await.is_some());
    h.end().await;
}
