//! Beside a cluster: leases and their candidates are served, and nothing of what the cluster serves itself.

use http::Method;
use serde_json::Value;

use crate::fixture::Server;

const LEASES: &str = "/apis/coordination.k8s.io/v1/namespaces/team-a/leases";
const CANDIDATES: &str = "/apis/coordination.k8s.io/v1beta1/namespaces/team-a/leasecandidates";
const JSON: [(&str, &str); 1] = [("content-type", "application/json")];

fn lease(name: &str) -> String {
    format!(r#"{{"metadata":{{"name":"{name}"}},"spec":{{"holderIdentity":"h"}}}}"#)
}

#[tokio::test]
async fn a_lease_is_created_without_asking_for_its_namespace() {
    let server = Server::beside_a_cluster().await;
    let created = server.ask(Method::POST, LEASES, &JSON, lease("l")).await;
    assert_eq!(created.code, 201, "{created:?}");
    assert_eq!(created.json()["metadata"]["namespace"], "team-a");
    let by_put = server.ask(Method::PUT, &format!("{LEASES}/m"), &JSON, lease("m")).await;
    assert_eq!(by_put.code, 201, "{by_put:?}");
    assert_eq!(
        server.get(LEASES, &[]).await.json()["items"].as_array().unwrap().len(),
        2
    );
    let candidate = r#"{"metadata":{"name":"c"},"spec":{"leaseName":"l","binaryVersion":"1.0.0","emulationVersion":"1.0.0",
        "strategy":"OldestEmulationVersion"}}"#;
    let created = server.ask(Method::POST, CANDIDATES, &JSON, candidate).await;
    assert_eq!(created.code, 201, "{created:?}");

    let with_namespaces = Server::start().await;
    let refused = with_namespaces.ask(Method::POST, LEASES, &JSON, lease("l")).await;
    assert_eq!(refused.code, 404, "{refused:?}");
}

#[tokio::test]
async fn what_cannot_be_the_name_of_a_namespace_is_still_refused() {
    let server = Server::beside_a_cluster().await;
    for namespace in ["Team_A", "-a", "a.b", &"a".repeat(64)] {
        let path = format!("/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases");
        let refused = server.ask(Method::POST, &path, &JSON, lease("l")).await;
        assert_eq!(refused.code, 422, "{namespace}: {refused:?}");
    }
}

#[tokio::test]
async fn what_the_cluster_serves_itself_is_not_there() {
    let server = Server::beside_a_cluster().await;
    for path in [
        "/api/v1",
        "/api/v1/namespaces",
        "/api/v1/namespaces/default",
        "/api/v1/nodes",
        "/api/v1/pods?fieldSelector=spec.nodeName%3Da",
        "/api/v1/namespaces/default/events",
        "/apis/events.k8s.io",
        "/apis/events.k8s.io/v1/events",
    ] {
        let reply = server.get(path, &[]).await;
        assert_eq!((reply.code, reply.text()), (404, "404 page not found\n"), "{path}");
    }
    assert_eq!(server.get("/api", &[]).await.json()["versions"], Value::Array(vec![]));
    let groups = server.get("/apis", &[]).await.json();
    let groups: Vec<_> = groups["groups"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["name"])
        .collect();
    assert_eq!(groups, ["coordination.k8s.io"]);
    let described = server.get("/openapi/v3", &[]).await.text().to_owned();
    assert!(
        described.contains("coordination.k8s.io/v1") && !described.contains("api/v1"),
        "{described}"
    );
}
