//! `--serve-only coordination`, as an operator meets it.

use super::asked::Asked;
use super::status::until;

#[test]
fn beside_a_cluster_only_what_coordinates_is_served_and_only_its_controllers_run() {
    let dir = tempfile::tempdir().unwrap();
    let server = Asked::start(dir.path(), &["--serve-only", "coordination"]);
    // Nobody has made this namespace.
    let path = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/leasehold-controllers";
    until(&server, path, |lease| lease["spec"]["holderIdentity"].is_string());
    for path in ["/api/v1/namespaces", "/api/v1/nodes", "/apis/events.k8s.io/v1/events"] {
        assert_eq!(server.ask("GET", path, "").0, 404, "{path}");
    }
    let (_, status) = server.ask("GET", "/debug/controllers", "");
    let mut names: Vec<_> = status["controllers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["name"])
        .collect();
    names.sort_by_key(|name| name.as_str());
    let wanted = [
        "controllers-lease",
        "identity-expiry",
        "leader-election-controller",
        "lease-ttl",
        "server-identity",
    ];
    assert_eq!(names, wanted);
    server.stop();

    let server = Asked::start(dir.path(), &[]);
    let (code, namespaces) = server.ask("GET", "/api/v1/namespaces", "");
    assert_eq!((code, namespaces["items"].as_array().map(Vec::len)), (200, Some(4)));
    server.stop();
}
