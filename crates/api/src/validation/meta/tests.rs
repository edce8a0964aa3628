use serde_json::{Value, json};

use super::*;
use crate::validation::{name_is_dns_subdomain, texts};

const KEY_TEXT: &str = "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const VALUE_TEXT: &str = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
const SUBDOMAIN_TEXT: &str = r"a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";

/// Good metadata with these changes.
fn meta(changes: &Value) -> ObjectMeta {
    let mut meta = json!({"name": "a", "namespace": "n", "resourceVersion": "1"});
    for (field, value) in changes.as_object().unwrap() {
        meta[field] = value.clone();
    }
    serde_json::from_value(meta).unwrap()
}

fn created(changes: &Value) -> Vec<String> {
    let path = Path::new("metadata");
    texts(&validate_object_meta(
        &meta(changes),
        true,
        name_is_dns_subdomain,
        &path,
    ))
}

fn updated(new: &Value, old: &Value) -> Vec<String> {
    let path = Path::new("metadata");
    texts(&validate_object_meta_update(&meta(new), &meta(old), &path))
}

#[test]
fn names_are_needed_and_keep_the_rule() {
    let cases = [
        (json!({}), vec![]),
        (json!({"generateName": "b-"}), vec![]),
        (
            json!({"name": ""}),
            vec!["metadata.name: Required value: name or generateName is required".to_owned()],
        ),
        (
            json!({"name": "A", "generateName": "B"}),
            vec![
                format!("metadata.generateName: Invalid value: \"B\": {SUBDOMAIN_TEXT}"),
                format!("metadata.name: Invalid value: \"A\": {SUBDOMAIN_TEXT}"),
            ],
        ),
        (
            json!({"namespace": ""}),
            vec!["metadata.namespace: Required value".to_owned()],
        ),
        (
            json!({"namespace": "a.b"}),
            vec!["metadata.namespace: Invalid value: \"a.b\": must not contain dots".to_owned()],
        ),
        (
            json!({"generation": -1}),
            vec!["metadata.generation: Invalid value: -1: must be greater than or equal to 0".to_owned()],
        ),
    ];
    for (changes, wrong) in cases {
        assert_eq!(created(&changes), wrong, "{changes}");
    }
    let errors = validate_object_meta(&meta(&json!({})), false, name_is_dns_subdomain, &Path::new("metadata"));
    assert_eq!(
        texts(&errors),
        ["metadata.namespace: Forbidden: not allowed on this type"]
    );
}

#[test]
fn labels_annotations_owners_and_managers_are_checked_on_create_and_update() {
    let owners = json!([
        {"apiVersion": "v1", "kind": "Node", "name": "n", "uid": "u1", "controller": true},
        {"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": "u2", "controller": true},
    ]);
    let cases = [
        (json!({"labels": {"x.io/a": "B_1", "b": ""}, "annotations": {"X.io/a": "any thing"}}), vec![]),
        (
            json!({"labels": {"bad key!": "v"}}),
            vec![format!("metadata.labels: Invalid value: \"bad key!\": name part {KEY_TEXT}")],
        ),
        (
            json!({"labels": {"k": "bad value!"}}),
            vec![format!("metadata.labels: Invalid value: \"bad value!\": {VALUE_TEXT}")],
        ),
        (
            json!({"annotations": {"bad key!": "v"}}),
            vec![format!("metadata.annotations: Invalid value: \"bad key!\": name part {KEY_TEXT}")],
        ),
        (json!({"annotations": {"a": "x".repeat(256 * 1024 - 1)}}), vec![]),
        (
            json!({"annotations": {"a": "x".repeat(256 * 1024)}}),
            vec!["metadata.annotations: Too long: may not be more than 262144 bytes".to_owned()],
        ),
        (
            json!({"ownerReferences": [{"apiVersion": "v1", "kind": "Node", "name": "n"}]}),
            vec!["metadata.ownerReferences.uid: Invalid value: \"\": must not be empty".to_owned()],
        ),
        (
            json!({"ownerReferences": [{"apiVersion": "a/b/c", "uid": "u"}]}),
            vec![
                "metadata.ownerReferences.apiVersion: Invalid value: \"a/b/c\": version must not be empty".to_owned(),
                "metadata.ownerReferences.kind: Invalid value: \"\": must not be empty".to_owned(),
                "metadata.ownerReferences.name: Invalid value: \"\": must not be empty".to_owned(),
            ],
        ),
        (
            json!({"ownerReferences": [{"apiVersion": "v1", "kind": "Event", "name": "n", "uid": "u"}]}),
            vec![
                "metadata.ownerReferences: Invalid value: {\"apiVersion\":\"v1\",\"kind\":\"Event\",\"name\":\"n\",\"uid\":\"u\"}: /v1, Kind=Event is disallowed from being an owner".to_owned(),
            ],
        ),
        (
            json!({"ownerReferences": owners}),
            vec![
                "metadata.ownerReferences: Invalid value: [{\"apiVersion\":\"v1\",\"kind\":\"Node\",\"name\":\"n\",\"uid\":\"u1\",\"controller\":true},{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"name\":\"p\",\"uid\":\"u2\",\"controller\":true}]: Only one reference can have Controller set to true. Found \"true\" in references for Node/n and Pod/p".to_owned(),
            ],
        ),
        (
            json!({"managedFields": [
                {"operation": "Apply", "fieldsType": "FieldsV1", "manager": "a b"},
                {"operation": "", "fieldsType": "V2", "manager": "a\u{7}", "subresource": "x".repeat(257)},
            ]}),
            vec![
                "metadata.managedFields[1].operation: Invalid value: \"\": must be `Apply` or `Update`".to_owned(),
                "metadata.managedFields[1].fieldsType: Invalid value: \"V2\": must be `FieldsV1`".to_owned(),
                "metadata.managedFields[1].manager: Invalid value: \"a\\a\": invalid character U+0007 (at position 1)".to_owned(),
                "metadata.managedFields[1].subresource: Too long: may not be more than 256 bytes".to_owned(),
            ],
        ),
    ];
    for (changes, wrong) in cases {
        assert_eq!(created(&changes), wrong, "create {changes}");
        assert_eq!(updated(&changes, &json!({})), wrong, "update {changes}");
    }
}

#[test]
fn finalizers_are_names_and_do_not_contradict() {
    let cases = [
        (json!(["nodomain", "x.io/a"]), vec![]),
        (
            json!(["bad finalizer!/x"]),
            vec![format!(
                "metadata.finalizers: Invalid value: \"bad finalizer!/x\": prefix part {SUBDOMAIN_TEXT}"
            )],
        ),
        (
            json!(["orphan", "foregroundDeletion"]),
            vec![
                "metadata.finalizers: Invalid value: [\"orphan\",\"foregroundDeletion\"]: finalizer orphan and foregroundDeletion cannot be both set".to_owned(),
            ],
        ),
    ];
    for (finalizers, wrong) in cases {
        assert_eq!(created(&json!({"finalizers": finalizers})), wrong, "{finalizers}");
    }
}

#[test]
fn no_finalizer_is_added_to_what_is_going_away() {
    let time = "2026-01-02T03:04:05Z";
    let old = json!({"deletionTimestamp": time, "finalizers": ["x.io/a", "x.io/b"]});
    let fewer = json!({"deletionTimestamp": time, "finalizers": ["x.io/b"]});
    let more = json!({"deletionTimestamp": time, "finalizers": ["x.io/d", "x.io/b", "x.io/c"]});
    assert_eq!(updated(&fewer, &old), Vec::<String>::new());
    let wrong = "metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{\"x.io/c\", \"x.io/d\"}";
    assert_eq!(updated(&more, &old), [wrong]);
}

#[test]
fn an_update_changes_nothing_that_identifies_the_object() {
    let time = "2026-01-02T03:04:05Z";
    let new = json!({
        "name": "b",
        "namespace": "m",
        "uid": "u",
        "resourceVersion": "",
        "creationTimestamp": time,
        "deletionTimestamp": time,
        "deletionGracePeriodSeconds": 3,
    });
    let wrong = [
        "metadata.resourceVersion: Invalid value: \"\": must be specified for an update",
        "metadata.generation: Invalid value: 0: must not be decremented",
        "metadata.name: Invalid value: \"b\": field is immutable",
        "metadata.namespace: Invalid value: \"m\": field is immutable",
        "metadata.uid: Invalid value: \"u\": field is immutable",
        "metadata.creationTimestamp: Invalid value: \"2026-01-02T03:04:05Z\": field is immutable",
        "metadata.deletionTimestamp: Invalid value: \"2026-01-02T03:04:05Z\": field is immutable",
        "metadata.deletionGracePeriodSeconds: Invalid value: 3: field is immutable",
    ];
    assert_eq!(updated(&new, &json!({"generation": 1})), wrong);
    assert_eq!(updated(&json!({}), &json!({})), Vec::<String>::new());
}

#[test]
fn managers_have_short_names() {
    let long = "x".repeat(129);
    let errors = validate_field_manager(&long, &Path::new("fieldManager"));
    assert_eq!(
        texts(&errors),
        ["fieldManager: Too long: may not be more than 128 bytes"]
    );
    assert!(validate_field_manager(&long[1..], &Path::new("fieldManager")).is_empty());
}
