//! Which method and path lead where; the texts are the recorded transcripts' to judge.

use leasehold_api::options::Query;

use super::*;

/// What a request comes to: its place in words, `405`, `404`, or `page`.
fn outcome(method: &str, target: &str) -> String {
    let (path, query) = target
        .split_once('?')
        .map_or((target, None), |(path, query)| (path, Some(query)));
    let pairs = crate::uri::query_pairs(query);
    let method = Method::from_bytes(method.as_bytes()).unwrap();
    let info = RequestInfo::new(&method, path, Query::new(&pairs));
    let path = info.resource.expect("the path of a resource");
    match find(&info, &path, &method, Served::default()) {
        Ok(place) => {
            let subresource = place.subresource.map_or("", |subresource| subresource.name());
            let (resource, version) = (place.resource.plural, place.version.version);
            let verb = info.verb.name();
            format!(
                "{verb} {version} {resource} {subresource} {}/{}",
                place.namespace, place.name
            )
        }
        Err(NoRoute::Page) => "page".to_owned(),
        Err(NoRoute::Error(error)) => error.code().to_string(),
    }
}

const COORDINATION: &str = "/apis/coordination.k8s.io";

#[test]
fn a_lease_takes_these_methods() {
    let one = format!("{COORDINATION}/v1/namespaces/a/leases/b");
    let some = format!("{COORDINATION}/v1/namespaces/a/leases");
    let all = format!("{COORDINATION}/v1/leases");
    let cases: &[(&str, &str, &str)] = &[
        ("GET", &one, "get v1 leases  a/b"),
        ("PUT", &one, "update v1 leases  a/b"),
        ("PATCH", &one, "patch v1 leases  a/b"),
        ("DELETE", &one, "delete v1 leases  a/b"),
        ("POST", &one, "405"),
        ("HEAD", &one, "405"),
        ("TRACE", &one, "405"),
        ("OPTIONS", &one, "405"),
        ("GET", &some, "list v1 leases  a/"),
        ("POST", &some, "create v1 leases  a/"),
        ("DELETE", &some, "deletecollection v1 leases  a/"),
        ("PUT", &some, "405"),
        ("PATCH", &some, "405"),
        ("HEAD", &some, "405"),
        ("TRACE", &some, "405"),
        ("GET", &all, "list v1 leases  /"),
        ("POST", &all, "405"),
        ("PUT", &all, "405"),
        ("DELETE", &all, "405"),
    ];
    for (method, path, want) in cases {
        assert_eq!(outcome(method, path), *want, "{method} {path}");
    }
    assert_eq!(outcome("GET", &format!("{all}?watch=1")), "watch v1 leases  /");
}

#[test]
fn what_lives_in_no_namespace_is_found_at_the_top() {
    let cases = [
        ("GET", "/api/v1/namespaces", "list v1 namespaces  /"),
        ("POST", "/api/v1/namespaces", "create v1 namespaces  /"),
        ("DELETE", "/api/v1/namespaces", "405"),
        ("GET", "/api/v1/namespaces/a", "get v1 namespaces  /a"),
        ("DELETE", "/api/v1/namespaces/a", "delete v1 namespaces  /a"),
        (
            "PUT",
            "/api/v1/namespaces/a/finalize",
            "update v1 namespaces finalize /a",
        ),
        ("GET", "/api/v1/namespaces/a/finalize", "405"),
        ("PATCH", "/api/v1/namespaces/a/status", "patch v1 namespaces status /a"),
        ("DELETE", "/api/v1/namespaces/a/status", "405"),
        ("POST", "/api/v1/namespaces/a/status", "405"),
        ("GET", "/api/v1/nodes", "list v1 nodes  /"),
        ("DELETE", "/api/v1/nodes", "deletecollection v1 nodes  /"),
        ("GET", "/api/v1/nodes/n/status", "get v1 nodes status /n"),
        ("GET", "/api/v1/namespaces/a/nodes", "404"),
        ("GET", "/api/v1/namespaces/a/nodes/n", "404"),
        ("GET", "/api/v1/namespaces/a/events", "list v1 events  a/"),
    ];
    for (method, path, want) in cases {
        assert_eq!(outcome(method, path), want, "{method} {path}");
    }
}

#[test]
fn there_is_nothing_elsewhere() {
    let cases = [
        ("/apis/coordination.k8s.io/v1/namespaces/a/nothing", "404"),
        ("/apis/coordination.k8s.io/v9/leases", "404"),
        ("/apis/coordination.k8s.io/v1/leasecandidates", "404"),
        ("/apis/coordination.k8s.io/v1/leases/a", "404"),
        ("/apis/coordination.k8s.io/v1/namespaces/a", "404"),
        ("/apis/coordination.k8s.io/v1/namespaces/a/leases/a/status", "404"),
        ("/apis/coordination.k8s.io/v1/namespaces/a/leases/a/b/c", "404"),
        ("/apis/coordination.k8s.io/v1/watch/nothing", "404"),
        ("/apis/coordination.k8s.io/v1/watch/leases/a", "404"),
        ("/api/v1/proxy/nodes/n", "404"),
        ("/api/v1/leases", "404"),
        ("/api/v9/nodes", "404"),
        ("/apis/nothing.example/v1/things", "page"),
        ("/apis/nothing.example/v1/namespaces/a/leases", "page"),
    ];
    for (path, want) in cases {
        assert_eq!(outcome("GET", path), want, "{path}");
    }
}

#[test]
fn the_api_says_itself_what_is_not_in_its_groups() {
    let page = |path| matches!(nothing_at(path, Served::default()), NoRoute::Page);
    for path in ["/apis/coordination.k8s.io/v9", "/api/v9"] {
        assert!(!page(path), "{path}");
    }
    for path in [
        "/nope",
        "/api",
        "/apis/nothing.example/v1",
        "/apis/nothing.example",
        "/healthz/nope",
    ] {
        assert!(page(path), "{path}");
    }
}
