//! Each rule with what it lets through and what it refuses.

use leasehold_api::core::Node;
use leasehold_registry::Resource;
use leasehold_registry::resources::{CORE_EVENTS as EVENTS, LEASES, NAMESPACES, NODES};
use serde_json::{Value, json};

use super::*;

fn place(resource: &'static Resource, namespace: &str) -> Place {
    Place::collection(resource, namespace)
}

/// A node stands in for objects of every resource: the rules look at metadata, and at a node's taints.
type Fake = Node;

#[allow(clippy::needless_pass_by_value, reason = "so that json! can be passed as it is")]
fn object(metadata: Value, spec: Value) -> Fake {
    serde_json::from_value(json!({ "metadata": metadata, "spec": spec })).unwrap()
}

fn named(name: &str) -> Fake {
    object(json!({ "name": name }), Value::Null)
}

/// The message of the refusal, if node `n1` is refused.
fn refusal(place: &Place, new: Option<&Fake>, old: Option<&Fake>) -> Option<String> {
    let admission = NodeAdmission::of(&User::authenticated("system:node:n1", ["system:nodes"]));
    let as_object = |fake: Option<&'static Fake>| fake.map(|fake| fake as &dyn Object);
    let keep = |fake: Option<&Fake>| fake.map(|fake| &*Box::leak(Box::new(fake.clone())));
    let outcome = admission
        .unwrap()
        .admit(place, as_object(keep(new)), as_object(keep(old)));
    outcome.err().map(|error| {
        assert_eq!(error.code(), 403);
        error.to_string()
    })
}

fn refused(place: &Place, new: Option<&Fake>, old: Option<&Fake>) -> bool {
    refusal(place, new, old).is_some()
}

#[test]
fn only_nodes_are_looked_at() {
    assert!(NodeAdmission::of(&User::anonymous()).is_none());
    assert!(NodeAdmission::of(&User::authenticated("system:node:n1", [])).is_none());
}

#[test]
fn a_lease_must_be_its_own() {
    let here = place(&LEASES, "kube-node-lease");
    assert!(!refused(&here, Some(&named("n1")), None));
    assert!(!refused(&here, Some(&named("n1")), Some(&named("n1"))));
    assert!(!refused(&here, None, Some(&named("n1"))));
    assert!(refused(&here, Some(&named("n2")), None));
    assert!(refused(&here, Some(&named("")), None), "generateName");
    assert!(refused(&here, None, Some(&named("n2"))));
    assert!(refused(&place(&LEASES, "default"), Some(&named("n1")), None));
    assert_eq!(
        refusal(&here, Some(&named("n2")), None).unwrap(),
        "leases.coordination.k8s.io \"n2\" is forbidden: node \"n1\" can only access what has its own name"
    );
}

#[test]
fn a_lease_may_belong_to_its_own_node_only() {
    let here = place(&LEASES, "kube-node-lease");
    let owned = |api_version: &str, kind: &str, name: &str| {
        object(
            json!({ "name": "n1", "ownerReferences": [
                { "apiVersion": api_version, "kind": kind, "name": name, "uid": "u" }] }),
            Value::Null,
        )
    };
    let own = owned("v1", "Node", "n1");
    assert!(!refused(&here, Some(&own), None));
    assert!(!refused(&here, Some(&own), Some(&named("n1"))));
    for other in [
        owned("v1", "Node", "n2"),
        owned("v1", "Namespace", "n1"),
        owned("x/v1", "Node", "n1"),
    ] {
        assert!(refused(&here, Some(&other), None), "{other:?}");
        assert!(refused(&here, Some(&other), Some(&own)), "{other:?}");
        // What somebody else has put there does not keep the node from renewing.
        assert!(!refused(&here, Some(&other), Some(&other)), "{other:?}");
    }
}

#[test]
fn a_node_must_be_its_own() {
    let here = place(&NODES, "");
    assert!(!refused(&here, Some(&named("n1")), None));
    assert!(!refused(&here, None, Some(&named("n1"))));
    assert!(refused(&here, Some(&named("n2")), None));
    assert!(refused(&here, None, Some(&named("n2"))));
}

#[test]
fn a_node_keeps_its_owners_and_finalizers() {
    let owner = json!([{ "apiVersion": "v1", "kind": "Namespace", "name": "x", "uid": "u" }]);
    let owned = object(json!({ "name": "n1", "ownerReferences": owner }), Value::Null);
    let finalized = object(json!({ "name": "n1", "finalizers": ["a.io/b"] }), Value::Null);
    let plain = named("n1");
    for special in [&owned, &finalized] {
        let here = place(&NODES, "");
        assert!(refused(&here, Some(special), None));
        assert!(refused(&here, Some(special), Some(&plain)));
        assert!(refused(&here, Some(&plain), Some(special)));
        assert!(!refused(&here, Some(special), Some(special)));
    }
    let leases = place(&LEASES, "kube-node-lease");
    assert!(refused(&leases, Some(&finalized), None));
    assert!(refused(&leases, Some(&plain), Some(&finalized)));
}

#[test]
fn a_node_may_come_with_taints_but_not_change_them() {
    let here = place(&NODES, "");
    let tainted = |key: &str| {
        object(
            json!({ "name": "n1" }),
            json!({ "taints": [{ "key": key, "effect": "NoSchedule" }] }),
        )
    };
    assert!(!refused(&here, Some(&tainted("a")), None));
    assert!(!refused(&here, Some(&tainted("a")), Some(&tainted("a"))));
    assert!(refused(&here, Some(&tainted("b")), Some(&tainted("a"))));
    assert!(refused(&here, Some(&named("n1")), Some(&tainted("a"))));
    assert!(refused(&here, Some(&tainted("a")), Some(&named("n1"))));
    let empty = object(json!({ "name": "n1" }), json!({ "taints": [] }));
    assert!(!refused(&here, Some(&empty), Some(&named("n1"))));
}

#[test]
fn a_node_may_set_labels_that_say_what_it_is_but_not_what_it_is_for() {
    let here = place(&NODES, "");
    let labelled = |key: &str, value: &str| object(json!({ "name": "n1", "labels": { key: value } }), Value::Null);
    for free in [
        "mine",
        "example.com/rack",
        "kubernetes.io/hostname",
        "topology.kubernetes.io/zone",
        "node.kubernetes.io/instance-type",
        "kubelet.kubernetes.io/x",
        "a.kubelet.kubernetes.io/x",
        "notkubernetes.io/x",
        "xnode-restriction.kubernetes.iox/x",
    ] {
        assert!(!refused(&here, Some(&labelled(free, "1")), None), "{free}");
        let old = labelled(free, "0");
        assert!(!refused(&here, Some(&labelled(free, "1")), Some(&old)), "{free}");
        assert!(!refused(&here, Some(&named("n1")), Some(&old)), "{free}");
    }
    for restricted in [
        "node-restriction.kubernetes.io/pci",
        "a.node-restriction.kubernetes.io/pci",
        "node-role.kubernetes.io/control-plane",
        "kubernetes.io/other",
        "k8s.io/x",
        "a.k8s.io/x",
        "topology.kubernetes.io/zone2",
    ] {
        let old = labelled(restricted, "0");
        let new = labelled(restricted, "1");
        assert!(refused(&here, Some(&new), None), "{restricted}");
        assert!(refused(&here, Some(&new), Some(&old)), "changes {restricted}");
        assert!(refused(&here, Some(&named("n1")), Some(&old)), "removes {restricted}");
        assert!(!refused(&here, Some(&old), Some(&old)), "keeps {restricted}");
    }
}

#[test]
fn events_are_free_and_all_else_is_refused() {
    assert!(!refused(&place(&EVENTS, "default"), Some(&named("x.1")), None));
    assert!(refused(&place(&NAMESPACES, ""), Some(&named("n1")), None));
}
