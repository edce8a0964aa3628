//! What kubectl and others look for in the documents of the real table.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use http::HeaderMap;
use leasehold_registry::resources::TABLE;
use serde_json::{Value, json};

use crate::discovery::{Documents, wire};

const V2_PROTOBUF: &str = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf";
const COORDINATION: &str = "/openapi/v3/apis/coordination.k8s.io/v1";
const META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1";

fn documents() -> &'static Documents {
    static DOCUMENTS: LazyLock<Documents> = LazyLock::new(|| Documents::build(TABLE, "lease.example:6443"));
    &DOCUMENTS
}

fn json_at(documents: &Documents, path: &str) -> Value {
    let document = documents.find(path).unwrap_or_else(|| panic!("nothing at {path}"));
    serde_json::from_slice(document.representation(None).unwrap().body()).unwrap()
}

/// Everything that describes the API as JSON: the parts of version 3, and version 2.
fn all(documents: &Documents) -> Vec<(&str, Value)> {
    let paths = documents
        .paths()
        .filter(|path| path.starts_with("/openapi/v3/") || *path == "/openapi/v2");
    paths.map(|path| (path, json_at(documents, path))).collect()
}

fn operations(document: &Value) -> impl Iterator<Item = (String, &Value)> {
    document["paths"].as_object().unwrap().iter().flat_map(|(path, item)| {
        let methods = item
            .as_object()
            .unwrap()
            .iter()
            .filter(|(method, _)| *method != "parameters");
        methods.map(move |(method, operation)| (format!("{method} {path}"), operation))
    })
}

fn references<'a>(value: &'a Value, found: &mut BTreeSet<&'a str>) {
    match value {
        Value::Object(fields) => {
            found.extend(fields.get("$ref").and_then(Value::as_str));
            fields.values().for_each(|value| references(value, found));
        }
        Value::Array(items) => items.iter().for_each(|value| references(value, found)),
        _ => {}
    }
}

#[test]
fn every_reference_leads_somewhere_and_every_schema_is_used() {
    let documents = documents();
    for (path, document) in all(documents) {
        let mut used = BTreeSet::new();
        references(&document, &mut used);
        let (root, schemas) = match document.get("swagger") {
            Some(_) => ("#/definitions/", &document["definitions"]),
            None => ("#/components/schemas/", &document["components"]["schemas"]),
        };
        let there: BTreeSet<_> = schemas
            .as_object()
            .unwrap()
            .keys()
            .map(|name| format!("{root}{name}"))
            .collect();
        let there: BTreeSet<_> = there.iter().map(String::as_str).collect();
        let dangling: Vec<_> = used.difference(&there).collect();
        assert!(dangling.is_empty(), "{path}: {dangling:?}");
        // Version 2 cannot say that one path gives a list or a stream.
        let unused: Vec<_> = there
            .difference(&used)
            .filter(|name| !name.ends_with(".WatchEvent"))
            .collect();
        assert!(unused.is_empty(), "{path}: {unused:?}");
        assert!(schemas.as_object().unwrap().values().all(Value::is_object), "{path}");
    }
}

#[test]
fn operations_have_ids_of_their_own() {
    let documents = documents();
    for (path, document) in all(documents) {
        let ids: Vec<_> = operations(&document)
            .map(|(_, operation)| operation["operationId"].clone())
            .collect();
        let different: BTreeSet<_> = ids.iter().map(Value::to_string).collect();
        assert_eq!(ids.len(), different.len(), "{path}: {ids:?}");
    }
    let lease = json_at(documents, COORDINATION);
    let ids: Vec<_> = operations(&lease)
        .map(|(_, operation)| operation["operationId"].as_str().unwrap())
        .collect();
    assert_eq!(
        ids,
        [
            "getCoordinationV1APIResources",
            "listCoordinationV1LeaseForAllNamespaces",
            "deleteCoordinationV1CollectionNamespacedLease",
            "listCoordinationV1NamespacedLease",
            "createCoordinationV1NamespacedLease",
            "deleteCoordinationV1NamespacedLease",
            "readCoordinationV1NamespacedLease",
            "patchCoordinationV1NamespacedLease",
            "replaceCoordinationV1NamespacedLease",
        ]
    );
}

#[test]
fn each_version_of_each_resource_can_be_patched_as_kubectl_asks() {
    let documents = documents();
    for (resource, version) in TABLE
        .iter()
        .flat_map(|resource| resource.versions.iter().map(move |v| (resource, v)))
    {
        let gvk = resource.gvk(version);
        let root = if gvk.group.is_empty() { "api" } else { "apis" };
        let document = json_at(documents, &format!("/openapi/v3/{root}/{}", gvk.api_version()));
        let wanted = json!({ "group": gvk.group, "version": gvk.version, "kind": gvk.kind });
        let (_, patch) = operations(&document)
            .find(|(at, operation)| at.starts_with("patch") && operation["x-kubernetes-group-version-kind"] == wanted)
            .unwrap_or_else(|| panic!("{gvk} has no PATCH"));
        assert_eq!(patch["x-kubernetes-action"], "patch");
        let parameters: Vec<_> = patch["parameters"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| &one["name"])
            .collect();
        assert_eq!(parameters, ["dryRun", "fieldManager", "fieldValidation", "force"]);
        let bodies: Vec<_> = patch["requestBody"]["content"].as_object().unwrap().keys().collect();
        assert_eq!(
            bodies,
            [
                "application/apply-patch+yaml",
                "application/json-patch+json",
                "application/merge-patch+json",
                "application/strategic-merge-patch+json"
            ]
        );
    }
}

#[test]
fn path_parameters_match_the_path_and_are_required() {
    let documents = documents();
    for (at, document) in all(documents) {
        for (path, item) in document["paths"].as_object().unwrap() {
            let parameters = item["parameters"].as_array().cloned().unwrap_or_default();
            let declared: BTreeSet<_> = parameters
                .iter()
                .filter(|one| one["in"] == "path" && one["required"] == true)
                .map(|one| format!("{{{}}}", one["name"].as_str().unwrap()))
                .collect();
            let written: BTreeSet<_> = path
                .split('/')
                .filter(|part| part.starts_with('{'))
                .map(str::to_owned)
                .collect();
            assert_eq!(declared, written, "{at} {path}");
        }
    }
}

#[test]
fn subresources_offer_their_own_verbs_only() {
    let core = json_at(documents(), "/openapi/v3/api/v1");
    let methods = |path: &str| -> Vec<_> { core["paths"][path].as_object().unwrap().keys().cloned().collect() };
    assert_eq!(methods("/api/v1/namespaces/{name}/finalize"), ["parameters", "put"]);
    assert_eq!(
        methods("/api/v1/nodes/{name}/status"),
        ["get", "parameters", "patch", "put"]
    );
    let finalize = &core["paths"]["/api/v1/namespaces/{name}/finalize"]["put"];
    assert_eq!(finalize["operationId"], "replaceCoreV1NamespaceFinalize");
}

#[test]
fn a_list_is_a_kind_and_can_be_watched() {
    let document = json_at(documents(), COORDINATION);
    let schemas = &document["components"]["schemas"];
    let list = &schemas["io.k8s.api.coordination.v1.LeaseList"];
    let kind = json!([{ "group": "coordination.k8s.io", "version": "v1", "kind": "LeaseList" }]);
    assert_eq!(list["x-kubernetes-group-version-kind"], kind);
    assert_eq!(list["required"], json!(["items"]));
    let item = json!({
        "allOf": [{ "$ref": "#/components/schemas/io.k8s.api.coordination.v1.Lease" }],
        "default": {},
    });
    assert_eq!(list["properties"]["items"]["items"], item);
    let content = &document["paths"]["/apis/coordination.k8s.io/v1/leases"]["get"]["responses"]["200"]["content"];
    let of = |media_type: &str| {
        content[media_type]["schema"]["$ref"]
            .as_str()
            .unwrap()
            .rsplit('.')
            .next()
            .unwrap()
    };
    assert_eq!(of("application/json"), "LeaseList");
    assert_eq!(of("application/json;stream=watch"), "WatchEvent");
}

#[test]
fn one_schema_names_all_the_versions_that_it_serves() {
    let document = json_at(documents(), "/openapi/v3/apis/coordination.k8s.io/v1alpha2");
    let candidate = &document["components"]["schemas"]["io.k8s.api.coordination.v1beta1.LeaseCandidate"];
    let versions: Vec<_> = candidate["x-kubernetes-group-version-kind"]
        .as_array()
        .unwrap()
        .iter()
        .map(|kind| kind["version"].as_str().unwrap())
        .collect();
    assert_eq!(versions, ["v1beta1", "v1alpha2"]);
}

#[test]
fn the_index_leads_to_every_part_by_a_url_that_may_be_kept() {
    let documents = documents();
    let index = json_at(documents, "/openapi/v3");
    let parts = index["paths"].as_object().unwrap();
    for name in [
        "api",
        "api/v1",
        "apis",
        "apis/coordination.k8s.io",
        "apis/coordination.k8s.io/v1",
        "version",
    ] {
        let url = parts[name]["serverRelativeURL"].as_str().unwrap();
        let (path, query) = url.split_once('?').unwrap();
        assert_eq!(path, format!("/openapi/v3/{name}"));
        let reply = documents
            .find(path)
            .unwrap()
            .answer(&HeaderMap::new(), Some(query))
            .unwrap();
        assert_eq!(reply.status(), 200);
        assert!(reply.headers()["cache-control"].to_str().unwrap().contains("immutable"));
    }
    let described = documents
        .paths()
        .filter(|path| path.starts_with("/openapi/v3/"))
        .count();
    assert_eq!(parts.len(), described);
}

#[test]
fn the_same_table_makes_the_same_documents() {
    assert_eq!(json_at(documents(), "/openapi/v3"), json_at(documents(), "/openapi/v3"));
}

#[test]
fn version_2_says_in_protobuf_what_it_says_in_json() {
    let documents = documents();
    let json = json_at(documents, "/openapi/v2");
    let document = documents.find("/openapi/v2").unwrap();
    let protobuf = document.representation(Some(V2_PROTOBUF)).unwrap();
    assert_eq!(
        protobuf.content_type(),
        "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
    );
    let message = protobuf.body();
    assert_eq!(
        (wire::text(message, &[1]), wire::text(message, &[2, 1])),
        ("2.0", "Leasehold")
    );
    let names =
        |messages: &[&[u8]]| -> Vec<_> { messages.iter().map(|one| wire::text(one, &[1]).to_owned()).collect() };
    let keys = |value: &Value| -> Vec<_> { value.as_object().unwrap().keys().cloned().collect() };
    assert_eq!(
        names(&wire::fields(wire::field(message, &[8]), 2)),
        keys(&json["paths"])
    );
    assert_eq!(
        names(&wire::fields(wire::field(message, &[9]), 1)),
        keys(&json["definitions"])
    );
}

/// `openapi.v2`'s messages by their published field numbers: where gnostic and kubectl look for each thing.
#[test]
fn version_2_schemas_have_the_published_field_numbers() {
    let documents = documents();
    let document = documents.find("/openapi/v2").unwrap();
    let message = document.representation(Some(V2_PROTOBUF)).unwrap().body();
    let definitions = wire::fields(wire::field(message, &[9]), 1);
    let definition = |name: &str| wire::field(wire::named(&definitions, name), &[2]);
    let property =
        |schema, name: &str| wire::field(wire::named(&wire::fields(wire::field(schema, &[25]), 1), name), &[2]);

    let lease = definition("io.k8s.api.coordination.v1.Lease");
    assert_eq!(wire::text(lease, &[22, 1]), "object");
    let kind = wire::named(&wire::fields(lease, 31), "x-kubernetes-group-version-kind");
    let kind: Value = serde_json::from_str(wire::text(kind, &[2, 2])).unwrap();
    assert_eq!(
        kind,
        json!([{ "group": "coordination.k8s.io", "version": "v1", "kind": "Lease" }])
    );
    assert_eq!(
        wire::text(property(lease, "spec"), &[1]),
        "#/definitions/io.k8s.api.coordination.v1.LeaseSpec"
    );

    let seconds = property(
        definition("io.k8s.api.coordination.v1.LeaseSpec"),
        "leaseDurationSeconds",
    );
    assert_eq!(
        (wire::text(seconds, &[2]), wire::text(seconds, &[22, 1])),
        ("int32", "integer")
    );
    assert!(wire::text(seconds, &[4]).starts_with("Seconds that others must wait"));

    let metadata = definition(&format!("{META}.ObjectMeta"));
    assert_eq!(wire::text(property(metadata, "labels"), &[21, 1, 22, 1]), "string");
    let owners = property(metadata, "ownerReferences");
    assert_eq!(
        wire::text(owners, &[23, 1, 1]),
        format!("#/definitions/{META}.OwnerReference")
    );
    let merge_key = wire::named(&wire::fields(owners, 31), "x-kubernetes-patch-merge-key");
    assert_eq!(wire::text(merge_key, &[2, 2]), "\"uid\"");
    let owner = definition(&format!("{META}.OwnerReference"));
    assert_eq!(wire::fields(owner, 19), [&b"apiVersion"[..], b"kind", b"name", b"uid"]);
}

/// See above.
#[test]
fn version_2_operations_have_the_published_field_numbers() {
    let documents = documents();
    let document = documents.find("/openapi/v2").unwrap();
    let message = document.representation(Some(V2_PROTOBUF)).unwrap().body();
    let path = "/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases/{name}";
    let item = wire::field(wire::named(&wire::fields(wire::field(message, &[8]), 2), path), &[2]);
    for (method, id) in [(2, "read"), (3, "replace"), (5, "delete"), (8, "patch")] {
        assert_eq!(
            wire::text(item, &[method, 5]),
            format!("{id}CoordinationV1NamespacedLease")
        );
    }
    let name = wire::field(item, &[9, 1, 2, 4]);
    assert_eq!(
        [2, 4, 5].map(|number| wire::text(name, &[number])),
        ["path", "name", "string"]
    );

    let patch = wire::field(item, &[8]);
    assert_eq!(
        (wire::text(patch, &[1]), wire::text(patch, &[10])),
        ("coordination_v1", "https")
    );
    assert_eq!(wire::text(patch, &[6]), "application/json");
    assert!(wire::fields(patch, 7).contains(&&b"application/apply-patch+yaml"[..]));
    let kind = wire::named(&wire::fields(patch, 13), "x-kubernetes-group-version-kind");
    assert!(wire::text(kind, &[2, 2]).contains("\"Lease\""));
    let parameters = wire::fields(patch, 8);
    let validation = wire::field(parameters[2], &[1, 2, 3]);
    assert_eq!(
        [2, 4, 6].map(|number| wire::text(validation, &[number])),
        ["query", "fieldValidation", "string"]
    );
    let body = wire::field(parameters[4], &[1, 1]);
    assert_eq!([2, 3].map(|number| wire::text(body, &[number])), ["body", "body"]);
    assert_eq!(wire::text(body, &[5, 1]), format!("#/definitions/{META}.Patch"));
    let ok = wire::field(wire::named(&wire::fields(wire::field(patch, &[9]), 1), "200"), &[2, 1]);
    assert_eq!(wire::text(ok, &[1]), "OK");
    assert_eq!(
        wire::text(ok, &[2, 1, 1]),
        "#/definitions/io.k8s.api.coordination.v1.Lease"
    );
}
