//! What clients read from the documents of the real table. The expected replies are those that a kube-apiserver 1.36
//! gave for the same resources.

use std::sync::LazyLock;

use leasehold_registry::resources::{LEASE_CANDIDATES, LEASES, TABLE};
use serde_json::{Value, json};

use super::{Documents, wire};

const V2: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
const V2BETA1: &str = "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList";
const PROTOBUF: &str = "application/vnd.kubernetes.protobuf";

fn documents() -> &'static Documents {
    static DOCUMENTS: LazyLock<Documents> = LazyLock::new(|| Documents::build(TABLE, "lease.example:6443"));
    &DOCUMENTS
}

fn body(documents: &Documents, path: &str, accept: &str) -> Vec<u8> {
    let document = documents.find(path).unwrap_or_else(|| panic!("nothing at {path}"));
    let representation = document.representation(Some(accept)).unwrap();
    assert_eq!(representation.content_type(), accept, "{path}");
    representation.body().to_vec()
}

fn json_at(documents: &Documents, path: &str, accept: &str) -> Value {
    serde_json::from_slice(&body(documents, path, accept)).unwrap()
}

fn lease_resources() -> Value {
    json!({
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": "coordination.k8s.io/v1",
        "resources": [{
            "name": "leases",
            "singularName": "lease",
            "namespaced": true,
            "kind": "Lease",
            "verbs": ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"],
            "storageVersionHash": "gqkMMb/YqFM=",
        }],
    })
}

#[test]
fn the_core_group_tells_its_versions_and_the_address() {
    let expected = json!({
        "kind": "APIVersions",
        "versions": ["v1"],
        "serverAddressByClientCIDRs": [{ "clientCIDR": "0.0.0.0/0", "serverAddress": "lease.example:6443" }],
    });
    assert_eq!(json_at(documents(), "/api", "application/json"), expected);
}

#[test]
fn a_group_tells_its_versions_in_order_of_preference_whatever_the_order_of_the_rows() {
    let version =
        |version: &str| json!({ "groupVersion": format!("coordination.k8s.io/{version}"), "version": version });
    let expected = json!({
        "kind": "APIGroup",
        "apiVersion": "v1",
        "name": "coordination.k8s.io",
        "versions": [version("v1"), version("v1beta1"), version("v1alpha2")],
        "preferredVersion": version("v1"),
    });
    let reversed = Documents::build(&[&LEASE_CANDIDATES, &LEASES], "");
    for documents in [documents(), &reversed] {
        assert_eq!(
            json_at(documents, "/apis/coordination.k8s.io", "application/json"),
            expected
        );
    }
}

#[test]
fn a_version_tells_its_resources() {
    let documents = documents();
    assert_eq!(
        json_at(documents, "/apis/coordination.k8s.io/v1", "application/json"),
        lease_resources()
    );
    let core = json_at(documents, "/api/v1/", "application/json");
    let names: Vec<_> = core["resources"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["name"])
        .collect();
    assert_eq!(
        names,
        [
            "namespaces",
            "namespaces/finalize",
            "namespaces/status",
            "nodes",
            "nodes/status",
            "events"
        ]
    );
    let status = json!({
        "name": "nodes/status",
        "singularName": "",
        "namespaced": false,
        "kind": "Node",
        "verbs": ["get", "patch", "update"],
    });
    assert_eq!(core["resources"][4], status);
    assert_eq!(core["resources"][0]["shortNames"], json!(["ns"]));
    assert_eq!(core["resources"][1]["verbs"], json!(["update"]));
}

#[test]
fn all_groups_but_the_core_are_listed_under_apis() {
    let list = json_at(documents(), "/apis", "application/json");
    assert_eq!(
        (&list["kind"], &list["apiVersion"]),
        (&json!("APIGroupList"), &json!("v1"))
    );
    let names: Vec<_> = list["groups"]
        .as_array()
        .unwrap()
        .iter()
        .map(|group| &group["name"])
        .collect();
    assert_eq!(names, ["coordination.k8s.io", "events.k8s.io"]);
}

#[test]
fn aggregated_discovery_tells_everything_at_once() {
    let documents = documents();
    let named = json_at(documents, "/apis", V2);
    assert_eq!(named["apiVersion"], "apidiscovery.k8s.io/v2");
    assert_eq!(named["items"][0]["metadata"], json!({ "name": "coordination.k8s.io" }));
    let expected = json!({
        "version": "v1",
        "freshness": "Current",
        "resources": [{
            "resource": "leases",
            "responseKind": { "group": "", "version": "", "kind": "Lease" },
            "scope": "Namespaced",
            "singularResource": "lease",
            "verbs": ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"],
        }],
    });
    assert_eq!(named["items"][0]["versions"][0], expected);

    let core = json_at(documents, "/api", V2);
    assert_eq!(core["items"][0]["metadata"], json!({}));
    let node = &core["items"][0]["versions"][0]["resources"][1];
    let status = json!([{
        "subresource": "status",
        "responseKind": { "group": "", "version": "", "kind": "Node" },
        "verbs": ["get", "patch", "update"],
    }]);
    assert_eq!((&node["scope"], &node["subresources"]), (&json!("Cluster"), &status));
}

#[test]
fn both_versions_of_aggregated_discovery_differ_in_name_only() {
    let documents = documents();
    for path in ["/api", "/apis"] {
        let mut newer = json_at(documents, path, V2);
        let older = json_at(documents, path, V2BETA1);
        assert_ne!(newer, older);
        newer["apiVersion"] = "apidiscovery.k8s.io/v2beta1".into();
        assert_eq!(newer, older);
    }
}

#[test]
fn yaml_says_what_json_says() {
    let yaml = body(documents(), "/apis/coordination.k8s.io/v1", "application/yaml");
    let yaml = String::from_utf8(yaml).unwrap();
    assert_eq!(yaml, leasehold_api::codec::yaml::write(&lease_resources()).unwrap());
}

#[test]
fn protobuf_has_the_published_field_numbers() {
    let documents = documents();
    let bytes = body(documents, "/api/v1", PROTOBUF);
    let envelope = bytes.strip_prefix(b"k8s\0").unwrap();
    assert_eq!(wire::text(envelope, &[1, 1]), "v1");
    assert_eq!(wire::text(envelope, &[1, 2]), "APIResourceList");
    let list = wire::field(envelope, &[2]);
    assert_eq!(wire::text(list, &[1]), "v1");
    let namespaces = wire::named(&wire::fields(list, 2), "namespaces");
    assert_eq!(wire::text(namespaces, &[3]), "Namespace");
    assert_eq!(wire::text(namespaces, &[4, 1]), "create");
    assert_eq!(wire::text(namespaces, &[5]), "ns");
    assert_eq!(wire::text(namespaces, &[6]), "namespace");
    assert!(!wire::text(namespaces, &[10]).is_empty());

    let bytes = body(documents, "/apis", &V2.replace("application/json", PROTOBUF));
    let group = wire::field(bytes.strip_prefix(b"k8s\0").unwrap(), &[2, 2]);
    assert_eq!(wire::text(group, &[1, 1]), "coordination.k8s.io");
    assert_eq!(
        (wire::text(group, &[2, 1]), wire::text(group, &[2, 3])),
        ("v1", "Current")
    );
    let leases = wire::field(group, &[2, 2]);
    assert_eq!(
        (wire::text(leases, &[1]), wire::text(leases, &[2, 3])),
        ("leases", "Lease")
    );
    assert_eq!(
        (wire::text(leases, &[3]), wire::text(leases, &[4])),
        ("Namespaced", "lease")
    );
}

#[test]
fn the_oldest_reply_names_its_kind_but_no_version_in_protobuf_too() {
    let bytes = body(documents(), "/api", PROTOBUF);
    let envelope = bytes.strip_prefix(b"k8s\0").unwrap();
    assert_eq!(
        (wire::text(envelope, &[1, 1]), wire::text(envelope, &[1, 2])),
        ("", "APIVersions")
    );
    assert_eq!(wire::text(envelope, &[2, 2, 2]), "lease.example:6443");
}

#[test]
fn what_is_not_served_is_not_found() {
    let documents = documents();
    for path in [
        "",
        "/",
        "/api/v2",
        "/api/v1//",
        "/apis/nothing.example",
        "/apis/coordination.k8s.io/v9",
        "/openapi",
    ] {
        assert!(documents.find(path).is_none(), "{path}");
    }
}
