//! A node's credentials, reaching for what is not the node's.

use leasehold_hostile::{Arena, LEASES, Request, Row, refused, taken};
use serde_json::{Value, json};

const NODE_LEASES: &str = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases";
const NODES: &str = "/api/v1/nodes";

fn from_node(request: Request) -> Request {
    request.token("node-token")
}

fn no(name: &str, request: Request) -> Row {
    refused(name, from_node(request), 403)
}

fn named(name: &str) -> String {
    json!({"metadata": {"name": name}}).to_string()
}

fn apply(path: &str, body: &str) -> Request {
    Request::patch("apply-patch+yaml", format!("{path}?fieldManager=m&force=true"), body)
}

/// An apply to this object, with `kind` and more.
fn applied(kind: &str, name: &str) -> String {
    let api_version = if kind == "Lease" {
        "coordination.k8s.io/v1"
    } else {
        "v1"
    };
    json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": name, "labels": {"a": "b"}}}).to_string()
}

#[tokio::test]
async fn a_node_reaches_no_lease_but_its_own() {
    let arena = Arena::start().await;
    let other = format!("{NODE_LEASES}/n2");
    arena
        .withstand([taken("another's lease", Request::post(NODE_LEASES, named("n2")), 201)])
        .await;
    let json = |method: &str, path: &str, body: &str| Request::new(method, path).body("application/json", body);
    let mut rows = vec![
        no("create by the body", Request::post(NODE_LEASES, named("n3"))),
        no(
            "create by generateName",
            Request::post(NODE_LEASES, json!({"metadata": {"generateName": "n1"}}).to_string()),
        ),
        no(
            "create by generateName and name",
            Request::post(
                NODE_LEASES,
                json!({"metadata": {"generateName": "n1", "name": "n1x"}}).to_string(),
            ),
        ),
        no(
            "create dry",
            Request::post(format!("{NODE_LEASES}?dryRun=All"), named("n3")),
        ),
        no("create by PUT", json("PUT", &format!("{NODE_LEASES}/n3"), &named("n3"))),
        no(
            "create by apply",
            apply(&format!("{NODE_LEASES}/n3"), &applied("Lease", "n3")),
        ),
        no("update", json("PUT", &other, &named("n2"))),
        no(
            "update with its own name in the body",
            json("PUT", &other, &named("n1")),
        ),
        refused(
            "update of its own with another's name",
            from_node(json("PUT", &format!("{NODE_LEASES}/n1"), &named("n2"))),
            400,
        ),
        no("apply", apply(&other, &applied("Lease", "n2"))),
        no("read", Request::get(&other)),
        no(
            "HEAD is no way to read",
            Request::get(format!("{NODE_LEASES}/n2?watch=1")),
        ),
        no("delete", Request::new("DELETE", &other)),
        no("delete all", Request::new("DELETE", NODE_LEASES)),
        no(
            "delete all of its name",
            Request::new("DELETE", format!("{NODE_LEASES}?fieldSelector=metadata.name%3Dn1")),
        ),
        no("list", Request::get(NODE_LEASES)),
        no("list everywhere", Request::get("/apis/coordination.k8s.io/v1/leases")),
        no("watch", Request::get(format!("{NODE_LEASES}?watch=1"))),
        no(
            "watch in the path",
            Request::get("/apis/coordination.k8s.io/v1/watch/namespaces/kube-node-lease/leases"),
        ),
        no(
            "watch by a name that is no segment",
            Request::get(format!("{NODE_LEASES}?watch=1&fieldSelector=metadata.name%3D..")),
        ),
        no("a subresource", Request::get(format!("{NODE_LEASES}/n1/status"))),
    ];
    for kind in ["merge-patch+json", "strategic-merge-patch+json"] {
        rows.push(no(kind, Request::patch(kind, &other, "{}")));
    }
    rows.push(no("json-patch", Request::patch("json-patch+json", &other, "[]")));
    for namespace in ["default", "kube-system", "kube-public", "nope"] {
        let leases = NODE_LEASES.replace("kube-node-lease", namespace);
        rows.push(no(namespace, Request::post(&leases, named("n1"))));
        rows.push(no(namespace, json("PUT", &format!("{leases}/n1"), &named("n1"))));
        rows.push(no(namespace, apply(&format!("{leases}/n1"), &applied("Lease", "n1"))));
        rows.push(no(namespace, Request::get(format!("{leases}/n1"))));
    }
    rows.push(no(
        "candidates",
        Request::get("/apis/coordination.k8s.io/v1beta1/namespaces/default/leasecandidates"),
    ));
    rows.push(no("the lease a", Request::get(format!("{LEASES}/a"))));
    arena.withstand(rows).await;
}

#[tokio::test]
async fn a_node_s_own_lease_is_not_all_its_own_either() {
    let arena = Arena::start().await;
    let own = format!("{NODE_LEASES}/n1");
    let owned_by = |kind: &str, name: &str| {
        let owner = json!({"apiVersion": "v1", "kind": kind, "name": name, "uid": "u"});
        json!({"metadata": {"name": "n1", "ownerReferences": [owner]}}).to_string()
    };
    let merge = |body: Value| Request::patch("merge-patch+json", &own, body.to_string());
    let owner = json!([{"apiVersion": "v1", "kind": "Node", "name": "n2", "uid": "u"}]);
    arena
        .withstand([
            no("owned by another", Request::post(NODE_LEASES, owned_by("Node", "n2"))),
            no(
                "owned by something else",
                Request::post(NODE_LEASES, owned_by("Namespace", "n1")),
            ),
            no(
                "with a finalizer",
                Request::post(
                    NODE_LEASES,
                    json!({"metadata": {"name": "n1", "finalizers": ["a/b"]}}).to_string(),
                ),
            ),
            taken(
                "as it should be",
                from_node(Request::post(NODE_LEASES, owned_by("Node", "n1"))),
                201,
            ),
            no("a finalizer later", merge(json!({"metadata": {"finalizers": ["a/b"]}}))),
            no(
                "another owner later",
                merge(json!({"metadata": {"ownerReferences": owner}})),
            ),
            refused("another uid", from_node(merge(json!({"metadata": {"uid": "x"}}))), 422),
            refused(
                "another name",
                from_node(merge(json!({"metadata": {"name": "n2"}}))),
                400,
            ),
            refused(
                "another namespace",
                from_node(merge(json!({"metadata": {"namespace": "default"}}))),
                400,
            ),
            taken(
                "a renewal",
                from_node(merge(json!({"spec": {"holderIdentity": "n1"}}))),
                200,
            ),
        ])
        .await;
}

#[tokio::test]
async fn a_node_reaches_no_node_but_itself_and_not_what_is_for_others_to_say() {
    let arena = Arena::start().await;
    let own = format!("{NODES}/n1");
    let merge = |path: &str, body: Value| Request::patch("merge-patch+json", path, body.to_string());
    let restricted = "node-restriction.kubernetes.io/a";
    arena
        .withstand([
            no("create another", Request::post(NODES, named("n2"))),
            no("create by generateName", Request::post(NODES, json!({"metadata": {"generateName": "n1"}}).to_string())),
            no("create by PUT", Request::put(format!("{NODES}/n2"), named("n2"))),
            no("create by apply", apply(&format!("{NODES}/n2"), &applied("Node", "n2"))),
            no("create with a restricted label", Request::post(NODES, json!({"metadata": {"name": "n1", "labels": {restricted: "x"}}}).to_string())),
            no("create with an owner", Request::post(NODES, json!({"metadata": {"name": "n1", "ownerReferences": [{"apiVersion": "v1", "kind": "Node", "name": "n1", "uid": "u"}]}}).to_string())),
            no("list", Request::get(NODES)),
            no("watch", Request::get(format!("{NODES}?watch=1"))),
            no("delete all", Request::new("DELETE", NODES)),
            no("another's status", merge(&format!("{NODES}/n2/status"), json!({}))),
            no("namespaces", Request::get("/api/v1/namespaces")),
            no("a namespace", Request::new("DELETE", "/api/v1/namespaces/default")),
            no("finalizing a namespace", Request::put("/api/v1/namespaces/default/finalize", named("default"))),
            no("events of others", Request::get("/api/v1/events")),
            no("deleting events", Request::new("DELETE", "/api/v1/namespaces/default/events")),
            no("metrics", Request::get("/metrics")),
        ])
        .await;
    let created = arena.ask(&from_node(Request::post(NODES, named("n1")))).await;
    assert_eq!(created.code, Some(201), "{}", created.text());
    let owner = json!([{"apiVersion": "v1", "kind": "Node", "name": "n1", "uid": "u"}]);
    let refused = [
        ("a taint away", &own, json!({"spec": {"taints": null}})),
        (
            "a restricted label",
            &own,
            json!({"metadata": {"labels": {restricted: "x"}}}),
        ),
        (
            "a role",
            &own,
            json!({"metadata": {"labels": {"node-role.kubernetes.io/control-plane": ""}}}),
        ),
        ("an owner", &own, json!({"metadata": {"ownerReferences": owner}})),
        ("a finalizer", &own, json!({"metadata": {"finalizers": ["a/b"]}})),
        (
            "a label by the status",
            &format!("{own}/status"),
            json!({"metadata": {"labels": {restricted: "x"}}}),
        ),
    ];
    for (name, path, body) in refused {
        let tainted = json!({"spec": {"taints": [{"key": "k", "effect": "NoSchedule"}]}});
        assert_eq!(arena.ask(&merge(&own, tainted)).await.code, Some(200));
        let reply = arena.ask(&from_node(merge(path, body))).await;
        assert_eq!(reply.code, Some(403), "{name}: {}", reply.text());
    }
    arena.must_be_unharmed();
}
