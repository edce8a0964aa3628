//! Requests about objects, in all forms. What the registry answers is its own tests' business; here it is how it is asked
//! and how the answer looks. The exact texts are in the recorded transcripts.

use bytes::Bytes;
use http::Method;
use leasehold_api::Gvk;
use leasehold_api::codec::protobuf;
use leasehold_api::coordination::Lease;
use leasehold_api::meta::DeleteOptions;

use crate::fixture::{LEASES, Server, lease_path};

const PROTOBUF: &str = "application/vnd.kubernetes.protobuf";
const CANDIDATES: &str = "/apis/coordination.k8s.io/v1beta1/namespaces/default/leasecandidates";
const DEPRECATED: &str =
    "299 - \"coordination.k8s.io/v1beta1 LeaseCandidate is deprecated in v1.36+, unavailable in v1.39+\"";

fn lease_gvk() -> Gvk {
    Gvk {
        group: "coordination.k8s.io",
        version: "v1",
        kind: "Lease",
    }
}

#[tokio::test]
async fn an_object_goes_in_and_out_in_every_format() {
    let server = Server::start().await;
    let yaml = "metadata:\n  name: yam\nspec:\n  holderIdentity: h\n";
    let created = server
        .ask(Method::POST, LEASES, &[("content-type", "application/yaml")], yaml)
        .await;
    assert_eq!((created.code, created.json()["kind"].as_str()), (201, Some("Lease")));

    let mut lease = Lease::default();
    lease.metadata.name = "p".to_owned();
    let mut bytes = Vec::new();
    protobuf::write_object(lease_gvk(), &lease, &mut bytes);
    let headers = [("content-type", PROTOBUF), ("accept", PROTOBUF)];
    let created = server.ask(Method::POST, LEASES, &headers, bytes).await;
    assert_eq!((created.code, created.header("content-type")), (201, PROTOBUF));
    let (api_version, kind, lease) = protobuf::decode_message::<Lease>(&created.body).unwrap();
    assert_eq!(
        (api_version.as_str(), kind.as_str()),
        ("coordination.k8s.io/v1", "Lease")
    );
    assert!(!lease.metadata.uid.is_empty());

    let shown = server.get(&lease_path("yam"), &[("accept", "application/yaml")]).await;
    assert_eq!(shown.header("content-type"), "application/yaml");
    assert!(
        shown
            .text()
            .starts_with("apiVersion: coordination.k8s.io/v1\nkind: Lease\n"),
        "{}",
        shown.text()
    );

    let list = server.get(LEASES, &[("accept", "application/yaml")]).await;
    assert!(list.text().contains("kind: LeaseList"), "{}", list.text());
    let list = server.get(LEASES, &[("accept", PROTOBUF)]).await;
    assert!(list.body.starts_with(b"k8s\0") && list.body.windows(9).any(|part| part == b"LeaseList"));
    let missing = server.get(&lease_path("nope"), &[("accept", PROTOBUF)]).await;
    assert_eq!((missing.code, missing.header("content-type")), (404, PROTOBUF));
    assert!(missing.body.windows(6).any(|part| part == b"Status"));
}

#[tokio::test]
async fn people_get_white_space() {
    let server = Server::start().await;
    server.lease("a").await;
    let pretty = server.get(&lease_path("a"), &[("user-agent", "curl/8.5.0")]).await;
    assert!(
        pretty.text().starts_with("{\n  \"kind\": \"Lease\",\n"),
        "{}",
        pretty.text()
    );
    let asked = server.get(&format!("{}?pretty=true", lease_path("a")), &[]).await;
    assert_eq!(pretty.body, asked.body);
    let plain = server
        .get(
            &format!("{}?pretty=0", lease_path("a")),
            &[("user-agent", "curl/8.5.0")],
        )
        .await;
    assert_eq!(plain.json(), pretty.json());
    assert!(!plain.text().contains('\n'));
    let missing = server.get(&lease_path("nope"), &[("user-agent", "curl/8.5.0")]).await;
    assert!(missing.text().starts_with("{\n"));
}

#[tokio::test]
async fn a_write_that_creates_needs_the_right_to_create() {
    let server = Server::start().await;
    let old = server.lease("there").await;
    let updater = [("authorization", "Bearer updater")];
    let put = async |name: &str, body: String| server.ask(Method::PUT, &lease_path(name), &updater, body).await;
    let changed = old.to_string().replace("\"h\"", "\"i\"");
    assert_eq!(put("there", changed).await.code, 200);
    let absent = r#"{"metadata":{"name":"absent"}}"#.to_owned();
    let refused = put("absent", absent.clone()).await;
    assert_eq!(
        (refused.code, refused.json()["reason"].as_str()),
        (403, Some("Forbidden"))
    );

    let apply = async |name: &str, token: &str| {
        let headers = [
            ("authorization", token),
            ("content-type", "application/apply-patch+yaml"),
        ];
        let body = format!("apiVersion: coordination.k8s.io/v1\nkind: Lease\nmetadata: {{name: {name}}}\n");
        server
            .ask(
                Method::PATCH,
                &format!("{}?fieldManager=m", lease_path(name)),
                &headers,
                body,
            )
            .await
            .code
    };
    assert_eq!(apply("absent", "Bearer updater").await, 403);
    assert_eq!(apply("there", "Bearer updater").await, 200);
    assert_eq!(
        server.get(&lease_path("absent"), &[]).await.code,
        404,
        "a refused write changes nothing"
    );
    assert_eq!(apply("absent", "Bearer admin").await, 201);
    let created = server
        .ask(Method::PUT, &lease_path("new"), &[], absent.replace("absent", "new"))
        .await;
    assert_eq!(created.code, 201);
}

#[tokio::test]
async fn unknown_fields_are_refused_told_or_ignored() {
    let server = Server::start().await;
    let post = async |how: &str, name: &str| {
        let body = format!(r#"{{"metadata":{{"name":"{name}"}},"spec":{{"holder":"x"}}}}"#);
        server
            .ask(Method::POST, &format!("{LEASES}?fieldValidation={how}"), &[], body)
            .await
    };
    let warning = r#"299 - "unknown field \"spec.holder\"""#;
    for (how, code, warnings) in [
        ("Strict", 400, vec![]),
        ("Warn", 201, vec![warning]),
        ("Ignore", 201, vec![]),
    ] {
        let reply = post(how, &how.to_lowercase()).await;
        assert_eq!((reply.code, reply.warnings()), (code, warnings), "{how}");
    }
    assert_eq!(post("", "default").await.warnings(), [warning]);
    let headers = [("content-type", "application/merge-patch+json")];
    let path = format!("{}?fieldValidation=Strict", lease_path("warn"));
    let refused = server
        .ask(Method::PATCH, &path, &headers, r#"{"spec":{"bogus":1}}"#)
        .await;
    assert_eq!(refused.code, 422);
    let path = format!("{}?fieldValidation=Ignore", lease_path("warn"));
    let patched = server
        .ask(Method::PATCH, &path, &headers, r#"{"spec":{"bogus":1}}"#)
        .await;
    assert_eq!((patched.code, patched.warnings()), (200, vec![]));
}

#[tokio::test]
async fn a_deprecated_version_warns_on_every_reply() {
    let server = Server::start().await;
    for (path, code) in [
        (CANDIDATES, 200),
        (&*format!("{CANDIDATES}/nope"), 404),
        (&*format!("{CANDIDATES}?limit=x"), 400),
    ] {
        let reply = server.get(path, &[]).await;
        assert_eq!((reply.code, reply.warnings()), (code, vec![DEPRECATED]), "{path}");
    }
    assert!(server.get(LEASES, &[]).await.warnings().is_empty());
}

#[tokio::test]
async fn rows_show_what_was_asked_for() {
    let server = Server::start().await;
    server.lease("a").await;
    let accept = [(
        "accept",
        "application/json;as=Table;v=v1;g=meta.k8s.io,application/json",
    )];
    let rows = async |query: &str| server.get(&format!("{LEASES}{query}"), &accept).await.json();
    let table = rows("").await;
    assert_eq!(
        (&table["kind"], &table["apiVersion"]),
        (&"Table".into(), &"meta.k8s.io/v1".into())
    );
    assert_eq!(table["columnDefinitions"][1]["name"], "Holder");
    assert_eq!(table["rows"][0]["cells"][1], "h");
    assert_eq!(table["rows"][0]["object"]["kind"], "PartialObjectMetadata");
    assert_eq!(
        rows("?includeObject=None").await["rows"][0]["object"],
        serde_json::Value::Null
    );
    assert_eq!(
        rows("?includeObject=Object").await["rows"][0]["object"]["spec"]["holderIdentity"],
        "h"
    );
    let one = server.get(&lease_path("a"), &accept).await.json();
    assert_eq!(
        one["metadata"]["resourceVersion"],
        one["rows"][0]["object"]["metadata"]["resourceVersion"]
    );
    let old = [("accept", "application/json;as=Table;v=v1beta1;g=meta.k8s.io")];
    assert_eq!(
        server.get(LEASES, &old).await.json()["apiVersion"],
        "meta.k8s.io/v1beta1"
    );

    // What is wrong with the wish is told before anything is written.
    let body = r#"{"metadata":{"name":"b"}}"#;
    let refused = server
        .ask(Method::POST, &format!("{LEASES}?includeObject=Nope"), &accept, body)
        .await;
    assert_eq!(refused.code, 400);
    assert_eq!(server.get(&lease_path("b"), &[]).await.code, 404);
}

#[tokio::test]
async fn metadata_alone_comes_as_object_or_as_list() {
    let server = Server::start().await;
    server.lease("a").await;
    let accept = |kind: &str| format!("application/json;as={kind};v=v1;g=meta.k8s.io");
    let (object, list) = (accept("PartialObjectMetadata"), accept("PartialObjectMetadataList"));
    let one = server.get(&lease_path("a"), &[("accept", &object)]).await.json();
    assert_eq!(
        (&one["kind"], &one["spec"]),
        (&"PartialObjectMetadata".into(), &serde_json::Value::Null)
    );
    let some = server.get(LEASES, &[("accept", &list)]).await.json();
    assert_eq!(
        (&some["kind"], &some["items"][0]["kind"]),
        (&"PartialObjectMetadataList".into(), &"PartialObjectMetadata".into())
    );
    for (path, accept) in [(LEASES, &object), (&*lease_path("a"), &list)] {
        let reply = server.get(path, &[("accept", accept)]).await;
        assert_eq!(
            (reply.code, reply.json()["reason"].as_str()),
            (406, Some("NotAcceptable")),
            "{path}"
        );
    }
    // In protobuf, a list's items are bare.
    let protobuf = format!("{PROTOBUF};as=PartialObjectMetadataList;v=v1;g=meta.k8s.io");
    let reply = server.get(LEASES, &[("accept", &protobuf)]).await;
    assert_eq!(reply.header("content-type"), PROTOBUF);
    assert_eq!(reply.body.windows(4).filter(|part| *part == b"k8s\0").count(), 1);
}

#[tokio::test]
async fn a_delete_takes_its_options_from_the_body() {
    let server = Server::start().await;
    server.lease("a").await;
    let delete =
        async |headers: &[(&str, &str)], body: Bytes| server.ask(Method::DELETE, &lease_path("a"), headers, body).await;
    let dry = DeleteOptions {
        dry_run: vec!["All".to_owned()],
        ..DeleteOptions::default()
    };
    let mut protobuf = Vec::new();
    protobuf::write_object(
        Gvk {
            group: "coordination.k8s.io",
            version: "v1",
            kind: "DeleteOptions",
        },
        &dry,
        &mut protobuf,
    );
    let yaml = "kind: DeleteOptions\napiVersion: v1\ndryRun: [All]\n";
    let bodies: [(&str, Bytes); 3] = [
        (PROTOBUF, protobuf.into()),
        ("application/yaml", yaml.into()),
        (
            "application/json",
            r#"{"kind":"DeleteOptions","apiVersion":"meta.k8s.io/v1","dryRun":["All"]}"#.into(),
        ),
    ];
    for (content_type, body) in bodies {
        let reply = delete(&[("content-type", content_type)], body).await;
        assert_eq!(
            (reply.code, reply.json()["status"].as_str()),
            (200, Some("Success")),
            "{content_type}"
        );
    }
    for body in [
        "{",
        r#"{"kind":"Lease","apiVersion":"coordination.k8s.io/v1"}"#,
        r#"{"dryRun":["Some"]}"#,
    ] {
        let code = delete(&[], body.into()).await.code;
        assert!(matches!(code, 400 | 422), "{body}: {code}");
    }
    assert_eq!(delete(&[("content-type", "text/plain")], "x".into()).await.code, 415);
    assert_eq!(
        server.get(&lease_path("a"), &[]).await.code,
        200,
        "nothing of this deleted it"
    );
    assert_eq!(delete(&[], "".into()).await.code, 200);
    assert_eq!(server.get(&lease_path("a"), &[]).await.code, 404);
}

#[tokio::test]
async fn those_who_ask_in_the_old_way_are_told_by_the_code_that_it_waits() {
    let server = Server::start().await;
    let body = r#"{"metadata":{"name":"a","finalizers":["x.io/hold"]}}"#;
    server.ask(Method::POST, LEASES, &[], body).await;
    let waits = server
        .ask(Method::DELETE, &lease_path("a"), &[], r#"{"orphanDependents":false}"#)
        .await;
    assert_eq!((waits.code, waits.json()["kind"].as_str()), (202, Some("Lease")));
    assert_eq!(server.ask(Method::DELETE, &lease_path("a"), &[], "").await.code, 200);
}

#[tokio::test]
async fn a_selector_that_cannot_be_read_deletes_nothing() {
    let server = Server::start().await;
    server.lease("a").await;
    for query in [
        "labelSelector=%3D%3D%3D",
        "fieldSelector=metadata.name",
        "fieldSelector=spec.x%3Dy",
        "limit=x",
    ] {
        let reply = server.ask(Method::DELETE, &format!("{LEASES}?{query}"), &[], "").await;
        assert_eq!(reply.code, 400, "{query}");
    }
    assert_eq!(
        server.get(LEASES, &[]).await.json()["items"].as_array().unwrap().len(),
        1
    );
    let deleted = server.ask(Method::DELETE, LEASES, &[], "").await.json();
    assert_eq!(
        (&deleted["kind"], &deleted["items"][0]["metadata"]["name"]),
        (&"LeaseList".into(), &"a".into())
    );
}

#[tokio::test]
async fn a_long_list_is_whole() {
    let server = Server::start().await;
    for n in 0..1_100 {
        server.lease(&format!("l{n:04}")).await;
    }
    let list = server.get(LEASES, &[]).await.json();
    let items = list["items"].as_array().unwrap();
    assert_eq!(
        (items.len(), &items[1_099]["metadata"]["name"]),
        (1_100, &"l1099".into())
    );
    let protobuf = server.get(LEASES, &[("accept", PROTOBUF)]).await.body;
    let names = protobuf.windows(3).filter(|bytes| **bytes == [0x0a, 5, b'l']);
    assert_eq!(names.count(), 1_100);
    let metadata = [(
        "accept",
        "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io",
    )];
    let metadata = server.get(LEASES, &metadata).await.json();
    assert_eq!(metadata["items"][1_099]["metadata"], items[1_099]["metadata"]);
    let accept = [("accept", "application/json;as=Table;v=v1;g=meta.k8s.io")];
    assert_eq!(
        server.get(LEASES, &accept).await.json()["rows"]
            .as_array()
            .unwrap()
            .len(),
        1_100
    );
}

#[tokio::test]
async fn a_long_list_is_written_while_it_is_read() {
    let server = Server::start().await;
    for n in 0..400 {
        server.lease(&format!("l{n:04}")).await;
    }
    for accept in ["application/json", PROTOBUF] {
        let whole = server.get(LEASES, &[("accept", accept)]).await.body;
        let mut parts = server.watch(LEASES, &[("accept", accept)]).await;
        while parts.more().await {}
        assert!(parts.chunks.len() > 1, "{accept}: {:?}", parts.chunks);
        assert!(
            parts.chunks.iter().all(|part| *part < 80_000),
            "{accept}: {:?}",
            parts.chunks
        );
        assert_eq!(parts.chunks.iter().sum::<usize>(), whole.len());
    }
    let sizes = r#"apiserver_response_sizes_bucket{le="10000.0",verb="LIST""#;
    assert_eq!(server.metric(sizes).await, 0);
    assert_eq!(server.metric(&sizes.replace("10000.0", "1000000.0")).await, 4);
}

#[tokio::test]
async fn without_coordinated_election_its_resource_and_its_fields_are_not_there() {
    let server = Server::uncoordinated().await;
    assert_eq!(server.get(CANDIDATES, &[]).await.code, 404);
    let discovery = server.get("/apis/coordination.k8s.io", &[]).await;
    assert!(!discovery.text().contains("v1beta1"), "{}", discovery.text());
    for path in ["/openapi/v3", "/apis"] {
        assert!(
            !server
                .get(path, &[])
                .await
                .text()
                .contains("coordination.k8s.io/v1beta1"),
            "{path}"
        );
    }

    let json = [("content-type", "application/json")];
    let body = r#"{"metadata":{"name":"l"},"spec":{"holderIdentity":"h","strategy":"OldestEmulationVersion","preferredHolder":"p"}}"#;
    let created = server.ask(Method::POST, LEASES, &json, body).await;
    assert_eq!(created.code, 201);
    assert_eq!(created.json()["spec"], serde_json::json!({"holderIdentity": "h"}));

    let with = Server::start().await;
    assert_eq!(with.get(CANDIDATES, &[]).await.code, 200);
}

#[tokio::test]
async fn no_pods_are_on_any_node() {
    let server = Server::start().await;
    let path = "/api/v1/pods?fieldSelector=spec.nodeName%3Dn1%2Cstatus.phase%21%3DFailed&limit=500";
    let list = server.get(path, &[]).await.json();
    assert_eq!(
        (&list["kind"], &list["items"]),
        (&"PodList".into(), &serde_json::json!([]))
    );
    let list = server.get(path, &[("accept", PROTOBUF)]).await;
    assert_eq!((list.code, list.header("content-type")), (200, PROTOBUF));
    // There is nothing else to know about pods.
    for path in [
        "/api/v1/pods",
        "/api/v1/pods?fieldSelector=metadata.name%3Dp",
        "/api/v1/namespaces/default/pods",
    ] {
        assert_eq!(server.get(path, &[]).await.code, 404, "{path}");
    }
}
