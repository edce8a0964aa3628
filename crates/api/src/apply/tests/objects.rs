//! Rules beyond those that the transcripts show.

use super::node::TestNode;
use super::*;
use crate::apply::update::keep_times;

fn nodes() -> Server {
    Server::of(TypeCodec::of::<TestNode>(), "v1")
}

fn renewed(server: &Server, manager: &str, at: &str) -> Vec<ManagedFieldsEntry> {
    let mut new = server.object.clone().unwrap();
    new["spec"]["renewTime"] = json!(at);
    track_update(
        &server.request(manager),
        server.object.as_ref(),
        &new,
        &server.managers,
        None,
    )
}

#[test]
fn a_keyed_list_keeps_the_items_of_others_and_the_fields_of_others_in_shared_items() {
    let mut server = nodes();
    let conditions = |conditions: Value| json!({"status": {"conditions": conditions}});
    server
        .apply(
            "one",
            conditions(json!([{"type": "A", "status": "1"}, {"type": "B", "status": "1"}])),
        )
        .unwrap();
    server
        .apply("two", conditions(json!([{"type": "C"}, {"type": "A", "reason": "r"}])))
        .unwrap();
    let kinds = |server: &Server| -> Vec<Value> {
        let object = server.object();
        let conditions = object["status"]["conditions"].as_array().unwrap();
        conditions.iter().map(|c| c["type"].clone()).collect()
    };
    // In the applier's order; what it left out stays behind what it followed.
    assert_eq!(kinds(&server), ["C", "A", "B"]);
    server.apply("one", conditions(json!([]))).unwrap();
    assert_eq!(kinds(&server), ["C", "A"]);
    let shared = &server.object()["status"]["conditions"][1];
    assert_eq!((&shared["reason"], &shared["status"]), (&json!("r"), &json!("")));
}

#[test]
fn an_atomic_list_is_one_value() {
    let mut server = nodes();
    let taints = |key: &str| json!({"spec": {"taints": [{"key": key, "effect": "e"}]}});
    server.apply("one", taints("a")).unwrap();
    assert_eq!(server.owners(), [r#"one Apply 1 {"f:spec":{"f:taints":{}}}"#]);
    let refusal = server.apply("two", taints("b")).unwrap_err();
    assert!(refusal.to_string().ends_with(".spec.taints"), "{refusal}");
    server.force("two", taints("b"));
    assert_eq!(server.object()["spec"], taints("b")["spec"]);
}

#[test]
fn what_was_there_before_the_first_apply_belongs_to_a_manager_made_up_for_it() {
    let mut server = Server::leases();
    server.update("m", json!({"spec": {"holderIdentity": "x"}}));
    server.managers.clear();
    server.apply("one", json!({"spec": {"strategy": "s"}})).unwrap();
    assert_eq!(
        server.owners(),
        [
            r#"one Apply 2 {"f:spec":{"f:strategy":{}}}"#,
            r#"before-first-apply Update 2 {"f:spec":{"f:holderIdentity":{}}}"#,
        ]
    );
}

#[test]
fn after_a_reset_updates_are_not_tracked() {
    for reset in [vec![], vec![ManagedFieldsEntry::default()]] {
        let mut server = Server::leases();
        server.update("m", json!({"spec": {"holderIdentity": "x"}}));
        server.update_sending("m", json!({"spec": {"holderIdentity": "y"}}), Some(&reset));
        assert_eq!(server.owners(), [""; 0]);
        server.update("m", json!({"spec": {"holderIdentity": "z"}}));
        assert_eq!(server.owners(), [""; 0]);
    }
}

#[test]
fn a_client_may_edit_managed_fields_and_cannot_break_them() {
    let mut server = Server::leases();
    let held = json!({"spec": {"holderIdentity": "x"}});
    server.update("m", held.clone());
    let before = server.owners();
    for broken in [
        entry("e", "Bad", LEASES, "{}"),
        entry("e", "Update", "", "{}"),
        entry("e", "Update", LEASES, "[]"),
        ManagedFieldsEntry {
            fields_type: String::new(),
            ..entry("e", "Update", LEASES, "{}")
        },
    ] {
        server.update_sending("m", held.clone(), Some(&[broken]));
        assert_eq!(server.owners(), before);
    }
    let edited = entry("e", "Apply", LEASES, r#"{ "f:spec":{"f:b":{},"f:a":{}}}"#);
    server.update_sending("m", held.clone(), Some(std::slice::from_ref(&edited)));
    assert_eq!(server.owners(), [r#"e Apply - {"f:spec":{"f:a":{},"f:b":{}}}"#]);
    server.subresource = "status";
    server.update_sending("m", held, Some(&[]));
    assert_eq!(server.owners().len(), 1);
}

#[test]
fn entries_of_other_versions_are_compared_or_dropped() {
    let mut server = Server::leases();
    server.update("m", json!({"spec": {"holderIdentity": "x"}}));
    let holder = r#"{"f:spec":{"f:holderIdentity":{}}}"#;
    server.managers = vec![
        entry("same", "Update", "coordination.k8s.io/v1same", holder),
        entry("gone", "Update", "coordination.k8s.io/v1gone", holder),
    ];
    let refusal = server
        .apply("one", json!({"spec": {"holderIdentity": "y"}}))
        .unwrap_err();
    assert_eq!(
        refusal.to_string(),
        "Apply failed with 1 conflict: conflict with \"same\" using coordination.k8s.io/v1same: .spec.holderIdentity"
    );
    server.update("m", json!({"spec": {"holderIdentity": "y"}}));
    assert_eq!(server.owners(), [format!("m Update 3 {holder}")]);
}

#[test]
fn the_oldest_of_more_than_ten_updaters_are_folded_together() {
    let mut server = Server::leases();
    server.update("m00", json!({"spec": {"holderIdentity": "x"}}));
    for n in 1..15 {
        server.edit(&format!("m{n:02}"), |object| {
            object["metadata"]["labels"][format!("l{n:02}")] = json!("v");
        });
    }
    let owners = server.owners();
    assert_eq!(owners.len(), 10);
    assert!(
        owners[0].starts_with(r#"ancient-changes Update 6 {"f:metadata":{"f:labels":{".":{},"f:l01":{},"#),
        "{owners:?}"
    );
    assert!(owners[9].starts_with("m14 Update 15 "), "{owners:?}");
}

#[test]
fn kubectl_takes_over_what_it_applied_from_the_clients_side() {
    let applied = r#"{"apiVersion":"coordination.k8s.io/v1","kind":"Lease","metadata":{"name":"a"},"spec":{"holderIdentity":"x","strategy":"s"}}"#;
    let annotation = "kubectl.kubernetes.io/last-applied-configuration";
    let mut server = Server::leases();
    server.update(
        "kubectl-client-side-apply",
        json!({
            "metadata": {"annotations": {annotation: applied}},
            "spec": {"holderIdentity": "x", "strategy": "s", "leaseTransitions": 1},
        }),
    );
    let config = json!({"spec": {"holderIdentity": "y"}});
    assert!(server.apply("somebody", config.clone()).is_err());
    server.apply("kubectl", config).unwrap();
    let object = server.object();
    assert_eq!(object["spec"]["holderIdentity"], "y");
    assert_eq!(
        object["metadata"]["annotations"][annotation],
        "{\"apiVersion\":\"coordination.k8s.io/v1\",\"kind\":\"Lease\",\"metadata\":{\"name\":\"a\"},\"spec\":{\"holderIdentity\":\"y\"}}\n"
    );
    // What it never applied stays a conflict, and is the only one named.
    let refusal = server
        .apply(
            "kubectl",
            json!({"spec": {"holderIdentity": "z", "leaseTransitions": 2}}),
        )
        .unwrap_err();
    assert!(refusal.to_string().ends_with(".spec.leaseTransitions"), "{refusal}");
}

#[test]
fn a_known_change_is_recorded_as_the_compared_one_without_writing_sets_anew() {
    let mut server = Server::leases();
    let at = "2026-01-02T03:04:05.000006Z";
    server.update("holder", json!({"spec": {"holderIdentity": "x", "renewTime": at}}));
    server.edit("other", |object| {
        object["metadata"]["labels"] = json!({"a": "b"});
    });
    server.tick();
    let change = Change {
        modified: FieldSet::of_fields(&[&["spec", "renewTime"]]),
        ..Change::default()
    };
    let known = track_change(&server.request("holder"), &change, &server.managers);
    assert_eq!(known, renewed(&server, "holder", "2026-01-02T03:04:06.000000Z"));
    assert_eq!(known[1].time.unwrap().seconds, server.now);
    let text = |entry: &ManagedFieldsEntry| entry.fields_v1.as_ref().unwrap().raw.as_ptr();
    assert_eq!(text(&known[1]), text(&server.managers[0]), "the text is shared");
    // By somebody else, the same change moves the field.
    let moved = track_change(&server.request("other"), &change, &server.managers);
    assert_eq!(moved, renewed(&server, "other", "2026-01-02T03:04:06.000000Z"));
    assert_eq!(
        moved.iter().map(line).collect::<Vec<_>>(),
        [
            r#"holder Update 1 {"f:spec":{"f:holderIdentity":{}}}"#,
            r#"other Update 3 {"f:metadata":{"f:labels":{".":{},"f:a":{}}},"f:spec":{"f:renewTime":{}}}"#,
        ]
    );
}

#[test]
fn times_are_kept_where_only_they_differ() {
    let old = [ManagedFieldsEntry {
        time: Some(Time::new(1, 0)),
        ..entry("m", "Apply", LEASES, "{}")
    }];
    let mut new = old.clone();
    new[0].time = Some(Time::new(2, 0));
    let mut other = new.clone();
    other[0].manager = "n".to_owned();
    keep_times(&old, &mut new);
    keep_times(&old, &mut other);
    assert_eq!((new[0].time, other[0].time), (old[0].time, Some(Time::new(2, 0))));
}

#[test]
fn a_value_set_to_null_is_owned_and_not_set() {
    let mut server = Server::leases();
    server.apply("one", json!({"spec": {"holderIdentity": null}})).unwrap();
    assert_eq!(server.object(), json!({"spec": {}}));
    let refusal = server
        .apply("two", json!({"spec": {"holderIdentity": "x"}}))
        .unwrap_err();
    assert!(refusal.to_string().contains("conflict with \"one\""), "{refusal}");
}

#[test]
fn a_list_item_goes_with_the_applier_who_owned_it_even_where_others_own_parts_of_it() {
    let mut server = nodes();
    let config = json!({"status": {"conditions": [{"type": "A", "status": "1"}]}});
    server.apply("one", config).unwrap();
    server.edit("two", |object| {
        object["status"]["conditions"][0]["reason"] = json!("r");
        object["status"]["phase"] = json!("p");
    });
    assert!(server.owners()[1].contains("f:reason"), "{:?}", server.owners());
    server.apply("one", json!({})).unwrap();
    assert_eq!(server.object()["status"].get("conditions"), None);
    assert_eq!(server.owners(), [r#"two Update 2 {"f:status":{"f:phase":{}}}"#]);
}

#[test]
fn a_struct_goes_with_the_last_field_that_was_applied_in_it() {
    let mut server = nodes();
    let map = json!({"namespace": "n", "name": "a", "kubeletConfigKey": "k"});
    server
        .apply("one", json!({"spec": {"configSource": {"configMap": map}}}))
        .unwrap();
    server.apply("one", json!({})).unwrap();
    assert_eq!(server.object()["spec"], json!({}));
}

#[test]
fn a_merged_list_has_the_appliers_order_and_keeps_the_rest_near_where_it_was() {
    let mut server = Server::leases();
    let finalizers = |items: &[&str]| json!({"metadata": {"finalizers": items}});
    server.update("m", finalizers(&["a", "b", "c"]));
    server.apply("one", finalizers(&["c", "a"])).unwrap();
    assert_eq!(server.object()["metadata"]["finalizers"], json!(["b", "c", "a"]));
}

#[test]
fn duplicates_that_are_stored_are_not_merged_with_and_are_owned_together() {
    let mut server = nodes();
    let conditions = |conditions: Value| json!({"status": {"conditions": conditions}});
    let twice = json!([{"type": "A", "status": "1"}, {"type": "A", "status": "2"}]);
    server.update("m", conditions(twice));
    let object = server.object.clone().unwrap();
    let set = super::super::members::fields_of(TestNode::SCHEMA, &object);
    let paths = set.paths();
    let of_item: Vec<_> = paths.iter().filter(|path| path.contains("type=")).collect();
    assert_eq!(of_item, [r#".status.conditions[type="A"]"#]);
    server.force("one", conditions(json!([{"type": "A", "reason": "r"}])));
    let left = server.object()["status"]["conditions"].clone();
    assert_eq!((left.as_array().unwrap().len(), &left[0]["status"]), (1, &json!("")));
}

#[test]
fn kubectl_does_not_take_over_what_has_changed_since_it_was_applied() {
    let applied = r#"{"apiVersion":"coordination.k8s.io/v1","kind":"Lease","metadata":{"name":"a"},"spec":{"holderIdentity":"x"}}"#;
    let mut server = Server::leases();
    server.update(
        "m",
        json!({
            "metadata": {"annotations": {"kubectl.kubernetes.io/last-applied-configuration": applied}},
            "spec": {"holderIdentity": "changed"},
        }),
    );
    let refusal = server
        .apply("kubectl", json!({"spec": {"holderIdentity": "y"}}))
        .unwrap_err();
    assert_eq!(refusal.code(), 409);
}
