//! One table of requests and the attributes that Kubernetes would see in them.

use super::*;
use crate::uri;

/// Method and path with query; then verb, group, version, namespace, resource, subresource, name.
type Case = (&'static str, &'static str, [&'static str; 7]);

const CASES: &[Case] = &[
    ("GET", "/", ["get", "", "", "", "", "", ""]),
    ("GET", "/api", ["get", "", "", "", "", "", ""]),
    ("GET", "/api/v1", ["get", "", "", "", "", "", ""]),
    ("GET", "/apis", ["get", "", "", "", "", "", ""]),
    ("GET", "/apis/g.io", ["get", "", "", "", "", "", ""]),
    ("POST", "/apis/g.io/v1", ["post", "", "", "", "", "", ""]),
    ("GET", "/healthz/ping", ["get", "", "", "", "", "", ""]),
    ("HEAD", "/healthz", ["head", "", "", "", "", "", ""]),
    ("DELETE", "/other/v1/namespaces/x", ["delete", "", "", "", "", "", ""]),
    ("GET", "/api/v1/nodes", ["list", "", "v1", "", "nodes", "", ""]),
    ("GET", "/api/v1/nodes/n1", ["get", "", "v1", "", "nodes", "", "n1"]),
    ("HEAD", "/api/v1/nodes/n1", ["get", "", "v1", "", "nodes", "", "n1"]),
    (
        "PATCH",
        "/api/v1/nodes/n1/status",
        ["patch", "", "v1", "", "nodes", "status", "n1"],
    ),
    (
        "GET",
        "/api/v1/namespaces",
        ["list", "", "v1", "", "namespaces", "", ""],
    ),
    (
        "POST",
        "/api/v1/namespaces",
        ["create", "", "v1", "", "namespaces", "", ""],
    ),
    (
        "GET",
        "/api/v1/namespaces/a",
        ["get", "", "v1", "a", "namespaces", "", "a"],
    ),
    (
        "DELETE",
        "/api/v1/namespaces/a",
        ["delete", "", "v1", "a", "namespaces", "", "a"],
    ),
    (
        "PUT",
        "/api/v1/namespaces/a/finalize",
        ["update", "", "v1", "a", "namespaces", "finalize", "a"],
    ),
    (
        "PUT",
        "/api/v1/namespaces/a/status",
        ["update", "", "v1", "a", "namespaces", "status", "a"],
    ),
    (
        "GET",
        "/api/v1/namespaces/a/events",
        ["list", "", "v1", "a", "events", "", ""],
    ),
    (
        "GET",
        "/apis/g.io/v1/leases",
        ["list", "g.io", "v1", "", "leases", "", ""],
    ),
    (
        "GET",
        "/apis/g.io/v1/namespaces/a/leases",
        ["list", "g.io", "v1", "a", "leases", "", ""],
    ),
    (
        "POST",
        "/apis/g.io/v1/namespaces/a/leases",
        ["create", "g.io", "v1", "a", "leases", "", ""],
    ),
    (
        "PUT",
        "/apis/g.io/v1/namespaces/a/leases/b",
        ["update", "g.io", "v1", "a", "leases", "", "b"],
    ),
    (
        "DELETE",
        "/apis/g.io/v1/namespaces/a/leases",
        ["deletecollection", "g.io", "v1", "a", "leases", "", ""],
    ),
    (
        "DELETE",
        "/apis/g.io/v1/namespaces/a/leases/b",
        ["delete", "g.io", "v1", "a", "leases", "", "b"],
    ),
    (
        "TRACE",
        "/apis/g.io/v1/namespaces/a/leases",
        ["", "g.io", "v1", "a", "leases", "", ""],
    ),
    (
        "GET",
        "/apis/g.io/v1/leases?watch=true",
        ["watch", "g.io", "v1", "", "leases", "", ""],
    ),
    (
        "GET",
        "/apis/g.io/v1/leases?watch",
        ["watch", "g.io", "v1", "", "leases", "", ""],
    ),
    (
        "GET",
        "/apis/g.io/v1/leases?watch=0",
        ["list", "g.io", "v1", "", "leases", "", ""],
    ),
    (
        "GET",
        "/apis/g.io/v1/leases?watch=false&watch=1",
        ["list", "g.io", "v1", "", "leases", "", ""],
    ),
    // The name's own watch parameter means nothing: it is a get.
    (
        "GET",
        "/apis/g.io/v1/namespaces/a/leases/b?watch=1",
        ["get", "g.io", "v1", "a", "leases", "", "b"],
    ),
    // A watch whose other options cannot be read is refused as a watch.
    (
        "GET",
        "/apis/g.io/v1/leases?watch=1&limit=x",
        ["watch", "g.io", "v1", "", "leases", "", ""],
    ),
    (
        "GET",
        "/apis/g.io/v1/leases?limit=x",
        ["list", "g.io", "v1", "", "leases", "", ""],
    ),
    (
        "GET",
        "/apis/g.io/v1/namespaces/a/leases?fieldSelector=metadata.name%3Db",
        ["list", "g.io", "v1", "a", "leases", "", "b"],
    ),
    (
        "GET",
        "/apis/g.io/v1/leases?watch=1&fieldSelector=metadata.name=b",
        ["watch", "g.io", "v1", "", "leases", "", "b"],
    ),
    (
        "GET",
        "/apis/g.io/v1/leases?fieldSelector=metadata.name!=b",
        ["list", "g.io", "v1", "", "leases", "", ""],
    ),
    (
        "GET",
        "/apis/g.io/v1/leases?fieldSelector=metadata.name=..",
        ["list", "g.io", "v1", "", "leases", "", ""],
    ),
    (
        "GET",
        "/apis/g.io/v1/leases?fieldSelector=metadata.name=a/b",
        ["list", "g.io", "v1", "", "leases", "", ""],
    ),
    (
        "DELETE",
        "/apis/g.io/v1/namespaces/a/leases?fieldSelector=metadata.name=b",
        ["deletecollection", "g.io", "v1", "a", "leases", "", ""],
    ),
    (
        "GET",
        "/api/v1/watch/namespaces/a/events",
        ["watch", "", "v1", "a", "events", "", ""],
    ),
    (
        "GET",
        "/api/v1/proxy/nodes/n",
        ["proxy", "", "v1", "", "nodes", "", "n"],
    ),
];

#[test]
fn attributes_are_those_that_kubernetes_sees() {
    for (method, target, want) in CASES {
        let (path, query) = target
            .split_once('?')
            .map_or((*target, None), |(path, query)| (path, Some(query)));
        let pairs = uri::query_pairs(query);
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let info = RequestInfo::new(&method, path, Query::new(&pairs));
        let got = info.attributes();
        let fields = [
            got.verb,
            got.group,
            got.version,
            got.namespace,
            got.resource,
            got.subresource,
            got.name,
        ];
        assert_eq!(fields, *want, "{method} {target}");
        assert_eq!(got.path, path);
    }
}

#[test]
fn deeper_paths_and_proxies_lead_nowhere() {
    let unrouted = |path| {
        RequestInfo::new(&Method::GET, path, Query::default())
            .resource
            .unwrap()
            .unrouted
    };
    assert!(unrouted("/apis/g.io/v1/namespaces/a/leases/b/status/more"));
    assert!(unrouted("/api/v1/namespaces/a/status/more"));
    assert!(unrouted("/api/v1/proxy/nodes"));
    assert!(!unrouted("/api/v1/watch/nodes"));
    assert!(!unrouted("/apis/g.io/v1/namespaces/a/leases/b/status"));
}

#[test]
fn a_path_below_watch_is_a_watch_whatever_the_query_says() {
    let pairs = [
        ("watch".into(), "false".into()),
        ("fieldSelector".into(), "metadata.name=b".into()),
    ];
    let options = |path| {
        let info = RequestInfo::new(&Method::GET, path, Query::new(&pairs));
        assert_eq!(info.verb, Verb::Watch);
        info.list_options.unwrap().unwrap()
    };
    let all = options("/apis/g.io/v1/watch/namespaces/a/leases");
    assert_eq!((all.watch, all.send_initial_events), (true, Some(true)));
    assert_eq!(all.field_selector.requires_exact("metadata.name"), Some("b"));
    let one = options("/apis/g.io/v1/watch/namespaces/a/leases/c");
    assert_eq!(one.field_selector.requires_exact("metadata.name"), Some("c"));
}
