//! Tests of the patches against recorded outcomes, hostile input, and laws.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::{json as json_patch, merge, strategic};
use crate::ApiError;
use crate::apply::tests::node::TestNode;
use crate::coordination::Lease;

fn bytes(value: &Value) -> Vec<u8> {
    value.to_string().into_bytes()
}

fn code(result: Result<Value, ApiError>) -> u16 {
    result.unwrap_err().code()
}

/// Random patches with the outcomes that Kubernetes' own code (apimachinery 0.36, `util/strategicpatch`) gave. Lines
/// are `{kind, target, patch}` and `after`, or `refused`.
#[test]
fn every_recorded_strategic_patch_comes_out_as_it_did_in_kubernetes() {
    for line in include_str!("recorded.jsonl").lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let schema = if case["kind"] == "Lease" {
            Lease::SCHEMA
        } else {
            TestNode::SCHEMA
        };
        match strategic(schema, case["target"].clone(), &bytes(&case["patch"])) {
            Ok(after) => assert_eq!(after, case["after"], "{line}"),
            Err(refusal) => assert_eq!((400, true), (refusal.code(), case["refused"] == true), "{line}"),
        }
    }
}

fn lease() -> Value {
    json!({
        "metadata": {
            "name": "a",
            "finalizers": ["x.io/a"],
            "ownerReferences": [{"apiVersion": "v1", "kind": "Node", "name": "n", "uid": "u1"}],
        },
        "spec": {"holderIdentity": "h1", "leaseDurationSeconds": 15, "leaseTransitions": 0},
    })
}

#[test]
fn strategic_patches_merge_lists_by_key_and_as_sets() {
    let patch = |target: Value, patch: Value| strategic(Lease::SCHEMA, target, &bytes(&patch)).unwrap();
    let lease = patch(
        lease(),
        json!({
            "metadata": {
                "finalizers": ["x.io/b"],
                "ownerReferences": [{"apiVersion": "v1", "kind": "Node", "name": "m", "uid": "u2"}],
            },
            "spec": {"holderIdentity": "s"},
        }),
    );
    assert_eq!(lease["metadata"]["finalizers"], json!(["x.io/b", "x.io/a"]));
    assert_eq!(lease["metadata"]["ownerReferences"][0]["uid"], "u2");
    assert_eq!(lease["metadata"]["ownerReferences"][1]["uid"], "u1");
    let lease = patch(
        lease,
        json!({"metadata": {
            "ownerReferences": [{"$patch": "delete", "uid": "u1"}],
            "$deleteFromPrimitiveList/finalizers": ["x.io/a"],
        }}),
    );
    assert_eq!(lease["metadata"]["finalizers"], json!(["x.io/b"]));
    let lease = patch(
        lease,
        json!({"metadata": {"ownerReferences": [{"uid": "u2", "name": "renamed"}]}}),
    );
    assert_eq!(
        lease["metadata"]["ownerReferences"],
        json!([{"apiVersion": "v1", "kind": "Node", "name": "renamed", "uid": "u2"}])
    );
    let lease = patch(
        lease,
        json!({
            "metadata": {"finalizers": null},
            "spec": {"$patch": "replace", "holderIdentity": "only"},
        }),
    );
    assert_eq!(lease["metadata"].get("finalizers"), None);
    assert_eq!(lease["spec"], json!({"holderIdentity": "only"}));
}

#[test]
fn misused_directives_are_bad_requests_in_kubernetes_words() {
    for (patch, message) in [
        (
            json!({"spec": {"$patch": "frob"}}),
            "unknown patch type: frob in map: {}",
        ),
        (
            json!({"spec": {"$retainKeys": ["a"], "b": 1}}),
            "invalid patch format of retainKeys",
        ),
        (
            json!({"metadata": {"$deleteFromPrimitiveList": []}}),
            "invalid patch format of primitive list",
        ),
        (
            json!({"metadata": {"$setElementOrder": []}}),
            "invalid patch format of setElementOrder list",
        ),
        (
            json!({"metadata": {"$setElementOrder/nope": []}}),
            "unable to find api field \"nope\" in io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta",
        ),
        (
            json!({"metadata": {"ownerReferences": [{"name": "x"}]}}),
            "map: {\"name\":\"x\"} does not contain declared merge key: uid",
        ),
        (
            json!({"metadata": {"finalizers": ["x.io/b", "x.io/a"], "$setElementOrder/finalizers": ["x.io/a", "x.io/b"]}}),
            "The order in patch list:\n[\"x.io/b\",\"x.io/a\"]\n doesn't match $setElementOrder list:\n[\"x.io/a\",\"x.io/b\"]\n",
        ),
        (
            json!({"metadata": {"finalizers": [["x"]]}}),
            "list element types are not identical",
        ),
        (
            json!({"metadata": {"ownerReferences": [{"$patch": "merge"}]}}),
            "merging lists cannot yet be specified in the patch",
        ),
    ] {
        let refusal = strategic(Lease::SCHEMA, lease(), &bytes(&patch)).unwrap_err();
        assert_eq!(
            (refusal.code(), refusal.to_string().as_str()),
            (400, message),
            "{patch}"
        );
    }
}

#[test]
fn directives_do_not_survive_where_there_was_nothing_to_merge() {
    let patch = json!({"spec": {
        "configSource": {"$retainKeys": ["configMap"], "configMap": {"name": "x", "gone": null}},
    }, "status": {"$setElementOrder/conditions": [], "conditions": [{"$patch": "delete", "type": "A"}]}});
    assert_eq!(
        strategic(TestNode::SCHEMA, json!({}), &bytes(&patch)).unwrap(),
        json!({"spec": {"configSource": {"configMap": {"name": "x"}}}, "status": {"conditions": []}})
    );
}

#[test]
fn merge_patches_merge_and_null_removes() {
    let target = json!({"metadata": {"labels": {"a": "1", "b": "2"}}, "spec": {"x": 1, "y": [1]}});
    let patch =
        json!({"metadata": {"labels": {"a": null, "c": "3"}}, "spec": {"x": null, "y": [null], "z": {"n": null}}});
    assert_eq!(
        merge(target, &bytes(&patch)).unwrap(),
        json!({"metadata": {"labels": {"b": "2", "c": "3"}}, "spec": {"y": [null], "z": {}}})
    );
}

#[test]
fn bodies_that_are_no_patch_are_bad_requests() {
    for body in ["", "{", "1", "\"x\"", "{}x"] {
        for result in [
            json_patch(lease(), body.as_bytes()),
            merge(lease(), body.as_bytes()),
            strategic(Lease::SCHEMA, lease(), body.as_bytes()),
        ] {
            let refusal = result.unwrap_err();
            assert_eq!(refusal.code(), 400, "{body}");
            assert!(refusal.to_string().starts_with("error decoding patch: "), "{refusal}");
        }
    }
    assert_eq!(code(json_patch(lease(), b"{\"not\":\"a list\"}")), 400);
    assert_eq!(code(json_patch(lease(), b"[1]")), 400);
    assert_eq!(code(merge(lease(), b"[]")), 400);
    assert_eq!(code(merge(lease(), b"null")), 400);
    // As Kubernetes has it, nothing is a patch that changes nothing, but no merge patch.
    assert_eq!(json_patch(lease(), b"null").unwrap(), lease());
    assert_eq!(strategic(Lease::SCHEMA, lease(), b"null").unwrap(), lease());
    assert_eq!(code(strategic(Lease::SCHEMA, lease(), b"[]")), 400);
}

#[test]
fn json_patches_apply_in_order_or_not_at_all() {
    let patch = json!([
        {"op": "test", "path": "/metadata/labels", "value": null},
        {"op": "add", "path": "/metadata/labels", "value": {"k": "v"}},
        {"op": "copy", "from": "/spec/holderIdentity", "path": "/metadata/labels/k2"},
        {"op": "move", "from": "/metadata/labels/k", "path": "/metadata/labels/k3"},
        {"op": "replace", "path": "/spec/holderIdentity", "value": "j"},
        {"op": "remove", "path": "/metadata/finalizers/0"},
        {"op": "add", "path": "/metadata/finalizers/-", "value": "f"},
    ]);
    let patched = json_patch(lease(), &bytes(&patch)).unwrap();
    assert_eq!(patched["metadata"]["labels"], json!({"k2": "h1", "k3": "v"}));
    assert_eq!(patched["metadata"]["finalizers"], json!(["f"]));
    assert_eq!(patched["spec"]["holderIdentity"], "j");
    for bad in [
        json!({"op": "test", "path": "/spec/holderIdentity", "value": "no"}),
        json!({"op": "test", "path": "/spec/nothing", "value": 1}),
        json!({"op": "remove", "path": "/spec/nothing"}),
        json!({"op": "replace", "path": "/nothing/at/all", "value": 1}),
        json!({"op": "replace", "path": "/metadata/finalizers/7", "value": "x"}),
        json!({"op": "remove", "path": "/metadata/finalizers/-2"}),
        json!({"op": "add", "path": "", "value": {}}),
        json!({"op": "add", "path": "/metadata/finalizers/7", "value": "x"}),
        json!({"op": "add", "path": "spec", "value": 1}),
        json!({"op": "move", "from": "/spec", "path": "/spec/x"}),
        json!({"op": "frob", "path": "/spec"}),
    ] {
        let refusal = json_patch(lease(), &bytes(&json!([bad]))).unwrap_err();
        let told = "the server rejected our request due to an error in our request";
        assert_eq!((refusal.code(), refusal.to_string().as_str()), (422, told), "{bad}");
    }
}

#[test]
fn json_patches_are_taken_where_kubernetes_is_more_lenient_than_the_standard() {
    let patch = json!([
        {"op": "add", "path": "/metadata/finalizers/-", "value": "x.io/b"},
        {"op": "remove", "path": "/metadata/finalizers/-2"},
        {"op": "replace", "path": "/spec/strategy", "value": "x.io/s"},
        {"op": "copy", "from": "/metadata/nothing", "path": "/metadata/labels"},
        {"op": "add", "path": "/metadata/annotations"},
    ]);
    let patched = json_patch(lease(), &bytes(&patch)).unwrap();
    assert_eq!(patched["metadata"]["finalizers"], json!(["x.io/b"]));
    assert_eq!(patched["spec"]["strategy"], "x.io/s");
    assert_eq!(patched["metadata"].get("labels"), Some(&Value::Null));
    assert_eq!(patched["metadata"].get("annotations"), Some(&Value::Null));
}

#[test]
fn json_patches_cannot_blow_up() {
    let test = json!({"op": "test", "path": "/a", "value": null});
    let many = Value::from(vec![test; 10_001]);
    assert_eq!(code(json_patch(json!({}), &bytes(&many))), 413);
    // Doubling in width, then in depth, then by moving a long list along again and again.
    let copies = |path: &dyn Fn(usize) -> String| -> Value {
        let copies = (0..200).map(|n| json!({"op": "copy", "from": "/a", "path": path(n)}));
        copies.collect::<Vec<_>>().into()
    };
    let wide = json!({"a": {"x": "x".repeat(1000)}});
    assert_eq!(code(json_patch(wide, &bytes(&copies(&|n| format!("/a/{n}"))))), 422);
    let deep = copies(&|n| "/a".repeat(n.min(120) + 2));
    assert_eq!(code(json_patch(json!({"a": {}}), &bytes(&deep))), 422);
    let front = vec![json!({"op": "add", "path": "/a/0", "value": 1}); 9_000];
    let long = json!({"a": vec![0; 20_000]});
    assert_eq!(code(json_patch(long, &bytes(&front.into()))), 422);
}

/// What changes `from` into `to`, for objects of scalars, keyed conditions and a set.
fn difference(from: &Value, to: &Value) -> Value {
    let mut patch = Map::new();
    let (old, new) = (from.as_object().unwrap(), to.as_object().unwrap());
    for (name, value) in new {
        match old.get(name) {
            Some(before) if before == value => {}
            Some(Value::Object(_)) => {
                drop(patch.insert(name.clone(), difference(&old[name], value)));
            }
            _ => drop(patch.insert(name.clone(), value.clone())),
        }
    }
    for name in old.keys().filter(|name| !new.contains_key(*name)) {
        patch.insert(name.clone(), Value::Null);
    }
    Value::Object(patch)
}

fn list_patch(from: &[(String, String)], to: &[(String, String)]) -> Value {
    let item = |(kind, status): &(String, String)| json!({"type": kind, "status": status});
    let gone = from.iter().filter(|(kind, _)| !to.iter().any(|(k, _)| k == kind));
    let mut patch: Vec<Value> = to.iter().map(item).collect();
    patch.extend(gone.map(|(kind, _)| json!({"$patch": "delete", "type": kind})));
    let order: Vec<Value> = to.iter().map(|(kind, _)| json!({"type": kind})).collect();
    json!({"status": {"conditions": patch, "$setElementOrder/conditions": order}})
}

fn scalars() -> impl Strategy<Value = Value> {
    let map = || proptest::collection::btree_map("[a-d]", "[xy]", 0..4);
    (map(), map(), proptest::option::of("[pq]")).prop_map(|(labels, annotations, phase)| {
        let mut object = json!({"metadata": {"labels": labels, "annotations": annotations}, "status": {}});
        phase
            .into_iter()
            .for_each(|phase| object["status"]["phase"] = json!(phase));
        object
    })
}

fn conditions() -> impl Strategy<Value = Vec<(String, String)>> {
    proptest::collection::btree_map("[A-E]", "[xy]", 0..5)
        .prop_map(|map| map.into_iter().collect::<Vec<_>>())
        .prop_shuffle()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn the_difference_of_two_objects_makes_one_of_the_other(from in scalars(), to in scalars()) {
        let patch = bytes(&difference(&from, &to));
        prop_assert_eq!(strategic(TestNode::SCHEMA, from.clone(), &patch).unwrap(), to.clone());
        prop_assert_eq!(merge(from, &patch).unwrap(), to);
    }

    #[test]
    fn the_difference_of_two_keyed_lists_makes_one_of_the_other(from in conditions(), to in conditions()) {
        let object = |list: &[(String, String)]| {
            let items: Vec<Value> = list.iter().map(|(k, s)| json!({"type": k, "status": s})).collect();
            json!({"status": {"conditions": items}})
        };
        let patch = list_patch(&from, &to);
        let patched = strategic(TestNode::SCHEMA, object(&from), &bytes(&patch)).unwrap();
        prop_assert_eq!(patched, object(&to));
    }

    #[test]
    fn no_patch_panics(target in scalars(), body in "[{}\\[\\]\":,a-z$/0-9]{0,40}") {
        let _ = json_patch(target.clone(), body.as_bytes());
        let _ = merge(target.clone(), body.as_bytes());
        let _ = strategic(TestNode::SCHEMA, target, body.as_bytes());
    }
}
