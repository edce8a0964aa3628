//! Sequences of writes as a real API server answered them.

use serde_json::json;

use super::*;

fn held(holder: &str) -> Value {
    json!({"spec": {"holderIdentity": holder, "leaseDurationSeconds": 15}})
}

fn full() -> Value {
    json!({"spec": {
        "holderIdentity": "h1",
        "leaseDurationSeconds": 15,
        "acquireTime": "2026-01-02T03:04:05.000006Z",
        "renewTime": "2026-01-02T03:04:05.000006Z",
        "leaseTransitions": 0,
    }})
}

const BOTH: &str = r#"{"f:spec":{"f:holderIdentity":{},"f:leaseDurationSeconds":{}}}"#;
const DURATION: &str = r#"{"f:spec":{"f:leaseDurationSeconds":{}}}"#;
const HOLDER: &str = r#"{"f:spec":{"f:holderIdentity":{}}}"#;

#[test]
fn a_create_owns_what_it_sets_and_maps_with_their_entries() {
    let mut server = Server::leases();
    let mut object = full();
    object["metadata"]["labels"] = json!({"x": "y"});
    server.update("tester", object);
    assert_eq!(
        server.owners(),
        [concat!(
            r#"tester Update 1 {"f:metadata":{"f:labels":{".":{},"f:x":{}}},"f:spec":{"f:acquireTime":{},"#,
            r#""f:holderIdentity":{},"f:leaseDurationSeconds":{},"f:leaseTransitions":{},"f:renewTime":{}}}"#
        )]
    );
}

#[test]
fn an_update_takes_what_it_changes_and_nobody_keeps_what_is_gone() {
    let mut server = Server::leases();
    server.update("m1", full());
    server.update("m2", held("z"));
    assert_eq!(
        server.owners(),
        [format!("m1 Update 1 {DURATION}"), format!("m2 Update 2 {HOLDER}")]
    );
    server.edit("m3", |object| {
        object["metadata"]["labels"] = json!({"l": "v"});
    });
    assert_eq!(
        server.owners(),
        [
            format!("m1 Update 1 {DURATION}"),
            format!("m2 Update 2 {HOLDER}"),
            r#"m3 Update 3 {"f:metadata":{"f:labels":{".":{},"f:l":{}}}}"#.to_owned(),
        ]
    );
}

#[test]
fn applying_twice_changes_not_even_the_time() {
    let mut server = Server::leases();
    server.apply("one", held("x")).unwrap();
    server.apply("one", held("x")).unwrap();
    assert_eq!(server.owners(), [format!("one Apply 1 {BOTH}")]);
    assert_eq!(server.object(), held("x"));
}

#[test]
fn another_appliers_value_is_a_conflict_unless_forced() {
    let mut server = Server::leases();
    server.apply("one", held("x")).unwrap();
    let refusal = server.apply("two", held("other")).unwrap_err();
    assert_eq!(
        serde_json::to_value(refusal.status()).unwrap(),
        json!({
            "metadata": {},
            "status": "Failure",
            "message": "Apply failed with 1 conflict: conflict with \"one\": .spec.holderIdentity",
            "reason": "Conflict",
            "details": {"causes": [{
                "reason": "FieldManagerConflict",
                "message": "conflict with \"one\"",
                "field": ".spec.holderIdentity",
            }]},
            "code": 409,
        })
    );
    assert_eq!(server.object(), held("x"));
    server.force("two", held("other"));
    assert_eq!(
        server.owners(),
        [format!("one Apply 1 {DURATION}"), format!("two Apply 3 {BOTH}")]
    );
    assert_eq!(server.object(), held("other"));
}

#[test]
fn an_updaters_value_is_a_conflict_that_names_its_version() {
    let mut server = Server::leases();
    server.update("creator", full());
    let refusal = server.apply("one", held("x")).unwrap_err();
    assert_eq!(
        refusal.to_string(),
        "Apply failed with 1 conflict: conflict with \"creator\" using coordination.k8s.io/v1: .spec.holderIdentity"
    );
    server.force("one", held("x"));
    assert_eq!(
        server.owners(),
        [
            format!("one Apply 3 {BOTH}"),
            concat!(
                r#"creator Update 1 {"f:spec":{"f:acquireTime":{},"f:leaseDurationSeconds":{},"#,
                r#""f:leaseTransitions":{},"f:renewTime":{}}}"#
            )
            .to_owned(),
        ]
    );
    let mut expected = full();
    expected["spec"]["holderIdentity"] = json!("x");
    assert_eq!(server.object(), expected);
}

#[test]
fn every_owner_and_field_of_many_conflicts_is_named() {
    let mut server = Server::leases();
    server.apply("one", json!({"spec": {"holderIdentity": "x"}})).unwrap();
    server.subresource = "status";
    server
        .apply("two", json!({"spec": {"leaseDurationSeconds": 15, "strategy": "s"}}))
        .unwrap();
    server.subresource = "";
    let refusal = server
        .apply(
            "three",
            json!({"spec": {"holderIdentity": "y", "leaseDurationSeconds": 16, "strategy": "t"}}),
        )
        .unwrap_err();
    assert_eq!(
        refusal.to_string(),
        concat!(
            "Apply failed with 3 conflicts: conflicts with \"one\":\n- .spec.holderIdentity\n",
            "conflicts with \"two\" with subresource \"status\":\n- .spec.leaseDurationSeconds\n- .spec.strategy"
        )
    );
    let causes = &refusal.status().details.as_ref().unwrap().causes;
    let fields: Vec<&str> = causes.iter().map(|cause| cause.field.as_str()).collect();
    assert_eq!(
        fields,
        [".spec.holderIdentity", ".spec.leaseDurationSeconds", ".spec.strategy"]
    );
}

#[test]
fn two_appliers_of_one_value_share_it() {
    let mut server = Server::leases();
    server.apply("one", held("x")).unwrap();
    server.apply("two", held("x")).unwrap();
    // The second changed nothing, and so has no time.
    assert_eq!(
        server.owners(),
        [format!("two Apply - {BOTH}"), format!("one Apply 1 {BOTH}")]
    );
    server.apply("one", json!({})).unwrap();
    assert_eq!(server.owners(), [format!("two Apply - {BOTH}")]);
    assert_eq!(server.object(), held("x"));
}

#[test]
fn what_an_applier_leaves_out_is_removed() {
    let mut server = Server::leases();
    server.apply("one", held("x")).unwrap();
    server.apply("one", json!({"spec": {"holderIdentity": "x"}})).unwrap();
    assert_eq!(server.owners(), [format!("one Apply 2 {HOLDER}")]);
    assert_eq!(server.object(), json!({"spec": {"holderIdentity": "x"}}));
    server.apply("one", json!({})).unwrap();
    assert_eq!(server.owners(), [""; 0]);
    assert_eq!(server.object(), json!({"spec": {}}));
}

fn listed(n: u8, owner: &str) -> Value {
    let letter = char::from(b'a' + n - 1);
    json!({"metadata": {
        "labels": {letter.to_string(): n.to_string()},
        "finalizers": [format!("x.io/{letter}")],
        "ownerReferences": [{"apiVersion": "v1", "kind": "Node", "name": owner, "uid": format!("u{n}")}],
    }})
}

#[test]
fn list_items_and_map_entries_are_owned_one_by_one() {
    let mut server = Server::leases();
    server.apply("one", listed(1, "node-n")).unwrap();
    server.apply("two", listed(2, "m")).unwrap();
    let fields = |n: u8, letter: char| {
        format!(
            r#"{{"f:metadata":{{"f:finalizers":{{"v:\"x.io/{letter}\"":{{}}}},"f:labels":{{"f:{letter}":{{}}}},"f:ownerReferences":{{"k:{{\"uid\":\"u{n}\"}}":{{}}}}}}}}"#
        )
    };
    assert_eq!(
        server.owners(),
        [
            format!("one Apply 1 {}", fields(1, 'a')),
            format!("two Apply 2 {}", fields(2, 'b')),
        ]
    );
    assert_eq!(server.object()["metadata"]["finalizers"], json!(["x.io/a", "x.io/b"]));
    assert_eq!(server.object()["metadata"]["labels"], json!({"a": "1", "b": "2"}));
    server.apply("one", json!({})).unwrap();
    let mut expected = listed(2, "m");
    expected["spec"] = json!({});
    assert_eq!(server.object(), expected);
    assert_eq!(server.owners(), [format!("two Apply 2 {}", fields(2, 'b'))]);
}

#[test]
fn what_is_no_configuration_is_a_bad_request() {
    let mut server = Server::leases();
    for (config, message) in [
        (
            json!({"metadata": {"managedFields": [{"manager": "x"}]}}),
            "metadata.managedFields must be nil",
        ),
        (
            json!({"spec": {"bogus": 1}}),
            "failed to create typed patch object (/a; coordination.k8s.io/v1, Kind=Lease): .spec.bogus: field not declared in schema",
        ),
        (
            json!({"metadata": {"namespace": "n", "labels": []}, "spec": {"holderIdentity": 1}}),
            "failed to create typed patch object (n/a; coordination.k8s.io/v1, Kind=Lease): errors:\n  .metadata.labels: expected map, got []\n  .spec.holderIdentity: expected string, got 1",
        ),
        (
            json!({"metadata": {"finalizers": ["a", "a"]}}),
            "failed to create typed patch object (/a; coordination.k8s.io/v1, Kind=Lease): .metadata.finalizers: duplicate entries for key [=\"a\"]",
        ),
        (
            json!({"metadata": {"ownerReferences": [{"uid": "u"}, {"uid": "u"}]}}),
            "failed to create typed patch object (/a; coordination.k8s.io/v1, Kind=Lease): .metadata.ownerReferences: duplicate entries for key [uid=\"u\"]",
        ),
        (
            json!({"metadata": {"ownerReferences": [{"name": "u"}]}}),
            "failed to create typed patch object (/a; coordination.k8s.io/v1, Kind=Lease): .metadata.ownerReferences: element 0: associative list with keys has an element that omits all key fields [\"uid\"] (and doesn't have default values for any key fields)",
        ),
        (
            json!({"metadata": {"ownerReferences": [{"uid": "u", "nope": 1}]}}),
            "failed to create typed patch object (/a; coordination.k8s.io/v1, Kind=Lease): .metadata.ownerReferences[uid=\"u\"].nope: field not declared in schema",
        ),
    ] {
        let refusal = server.apply("one", config).unwrap_err();
        assert_eq!((refusal.code(), refusal.to_string().as_str()), (400, message));
    }
}
