//! A table of what matters, and a second evaluator that shares nothing with the first: every rule written out as a row
//! of who, verbs, where and names, and compared on random requests.

use proptest::prelude::*;
use proptest::sample::select;

use super::*;

const NO_PATH: Attributes<'_> = Attributes {
    verb: "get",
    group: "",
    version: "v1",
    resource: "",
    subresource: "",
    namespace: "",
    name: "",
    path: "/",
};

/// `[group/]resource[/subresource]`, namespace, name.
fn on<'a>(verb: &'a str, what: &'a str, namespace: &'a str, name: &'a str) -> Attributes<'a> {
    let (group, rest) = what
        .strip_prefix("coordination.k8s.io/")
        .map_or(("", what), |rest| ("coordination.k8s.io", rest));
    let (resource, subresource) = rest.split_once('/').unwrap_or((rest, ""));
    Attributes {
        verb,
        group,
        resource,
        subresource,
        namespace,
        name,
        ..NO_PATH
    }
}

fn allows(user: &User, attributes: &Attributes<'_>) -> bool {
    BuiltIn.decide(user, attributes) == Decision::Allow
}

fn node() -> User {
    User::authenticated("system:node:n1", ["system:nodes"])
}

const LEASES: &str = "coordination.k8s.io/leases";

#[test]
fn a_node_may_keep_its_own_lease_and_no_other() {
    for verb in ["get", "update", "patch", "delete", "create"] {
        assert!(allows(&node(), &on(verb, LEASES, NODE_LEASES, "n1")), "{verb}");
        assert!(!allows(&node(), &on(verb, LEASES, NODE_LEASES, "n2")), "{verb}");
        assert!(!allows(&node(), &on(verb, LEASES, "default", "n1")), "{verb}");
    }
    assert!(allows(&node(), &on("create", LEASES, NODE_LEASES, "")));
    for verb in ["list", "watch", "deletecollection"] {
        assert!(!allows(&node(), &on(verb, LEASES, NODE_LEASES, "")), "{verb}");
        assert!(!allows(&node(), &on(verb, LEASES, NODE_LEASES, "n1")), "{verb}");
    }
}

#[test]
fn a_node_may_touch_its_own_node_and_its_status() {
    for verb in ["get", "create", "update", "patch", "delete", "list", "watch"] {
        assert!(allows(&node(), &on(verb, "nodes", "", "n1")), "{verb}");
        assert!(!allows(&node(), &on(verb, "nodes", "", "n2")), "{verb}");
    }
    for verb in ["get", "update", "patch"] {
        assert!(allows(&node(), &on(verb, "nodes/status", "", "n1")), "{verb}");
        assert!(!allows(&node(), &on(verb, "nodes/status", "", "n2")), "{verb}");
    }
    assert!(allows(&node(), &on("create", "nodes", "", "")));
    for (verb, what, namespace, name) in [
        ("list", "nodes", "", ""),
        ("watch", "nodes", "", ""),
        ("deletecollection", "nodes", "", ""),
        ("delete", "nodes/status", "", "n1"),
        ("create", "nodes/status", "", "n1"),
        ("get", "nodes/proxy", "", "n1"),
        ("get", "nodes", "default", "n1"),
    ] {
        assert!(!allows(&node(), &on(verb, what, namespace, name)), "{verb} {what}");
    }
}

#[test]
fn a_node_is_one_only_by_name_and_group() {
    let get = on("get", "nodes", "", "n1");
    for (name, group) in [
        ("system:node:n1", "dev"),
        ("n1", "system:nodes"),
        ("system:node:", "system:nodes"),
        ("system:node:n1x", "system:nodes"),
        ("system:node:N1", "system:nodes"),
    ] {
        assert!(!allows(&User::authenticated(name, [group]), &get), "{name} {group}");
    }
    let nobody = User::authenticated("system:node:", ["system:nodes"]);
    assert!(!allows(&nobody, &on("create", "nodes", "", "")));
    assert!(!allows(&nobody, &on("get", "nodes", "", "")));
}

#[test]
fn everybody_may_ask_for_health_and_only_the_known_for_the_rest() {
    let known = User::authenticated("alice", []);
    let get = |path| Attributes { path, ..NO_PATH };
    for path in [
        "/healthz",
        "/livez",
        "/readyz",
        "/version",
        "/readyz/store",
        "/version/",
    ] {
        assert!(allows(&User::anonymous(), &get(path)), "{path}");
        assert!(allows(&known, &get(path)), "{path}");
    }
    for path in ["/api", "/api/v1", "/apis", "/apis/coordination.k8s.io", "/openapi/v3"] {
        assert!(!allows(&User::anonymous(), &get(path)), "{path}");
        assert!(allows(&known, &get(path)), "{path}");
    }
    for path in [
        "/",
        "",
        "/metrics",
        "/leasehold/backup",
        "/healthzz",
        "/apiserver",
        "/debug/pprof",
        "/API",
    ] {
        assert!(!allows(&User::anonymous(), &get(path)), "{path}");
        assert!(!allows(&known, &get(path)), "{path}");
    }
    for verb in ["post", "head", "delete", "GET"] {
        let attributes = Attributes {
            verb,
            ..get("/healthz")
        };
        assert!(!allows(&known, &attributes), "{verb}");
    }
}

#[test]
fn masters_may_do_everything() {
    let root = User::authenticated("root", ["system:masters"]);
    assert!(allows(&root, &on("deletecollection", LEASES, "", "")));
    assert!(allows(
        &root,
        &Attributes {
            verb: "post",
            path: "/anything",
            ..NO_PATH
        }
    ));
}

/// A rule: who, verbs, `group resource subresource`, namespaces, names. `*` is any.
type Rule = (&'static str, &'static str, &'static str, &'static str, &'static str);

/// The rules for the node `n1`; names are of that node.
const NODE_RULES: &[Rule] = &[
    (
        "node",
        "get update patch delete create",
        "coordination.k8s.io leases -",
        "kube-node-lease",
        "n1",
    ),
    ("node", "create", "coordination.k8s.io leases -", "kube-node-lease", "-"),
    (
        "node",
        "get update patch delete create list watch",
        "- nodes -",
        "-",
        "n1",
    ),
    ("node", "create", "- nodes -", "-", "-"),
    ("node", "get update patch", "- nodes status", "-", "n1"),
    ("node", "create patch", "- events -", "*", "*"),
    ("node", "create patch", "events.k8s.io events -", "*", "*"),
];

fn reference(user: &User, attributes: &Attributes<'_>) -> bool {
    let groups: Vec<&str> = user.groups.iter().map(AsRef::as_ref).collect();
    if groups.contains(&"system:masters") {
        return true;
    }
    let dash = |text: &str| {
        if text.is_empty() {
            "-".to_owned()
        } else {
            text.to_owned()
        }
    };
    if !attributes.resource.is_empty() {
        let is_n1 = &*user.name == "system:node:n1" && groups.contains(&"system:nodes");
        let what = [attributes.group, attributes.resource, attributes.subresource]
            .map(dash)
            .join(" ");
        return is_n1
            && NODE_RULES.iter().any(|(_, verbs, on, namespace, name)| {
                verbs.split(' ').any(|verb| verb == attributes.verb)
                    && *on == what
                    && (*namespace == "*" || *namespace == dash(attributes.namespace))
                    && (*name == "*" || *name == dash(attributes.name))
            });
    }
    let first = attributes.path.split('/').nth(1).unwrap_or_default();
    let readable: &[&str] = if groups.contains(&"system:authenticated") {
        &["healthz", "livez", "readyz", "version", "api", "apis", "openapi"]
    } else if groups.contains(&"system:unauthenticated") {
        &["healthz", "livez", "readyz", "version"]
    } else {
        &[]
    };
    attributes.verb == "get" && attributes.path.starts_with('/') && readable.contains(&first)
}

fn users() -> impl Strategy<Value = User> {
    let names = select(vec![
        "system:node:n1",
        "system:node:",
        "n1",
        "alice",
        "system:anonymous",
    ]);
    let groups = proptest::collection::vec(
        select(vec![
            "system:nodes",
            "system:nodes",
            "dev",
            "system:masters",
            "system:unauthenticated",
        ]),
        0..3,
    );
    (names, groups).prop_map(|(name, groups)| User::authenticated(name, groups))
}

prop_compose! {
    fn requests()(
        verb in select(vec![
            "get", "list", "watch", "create", "update", "patch", "delete", "deletecollection", "post", "head",
        ]),
        group in select(vec!["", "coordination.k8s.io", "events.k8s.io", "apps"]),
        resource in select(vec!["", "leases", "nodes", "events", "namespaces", "leasecandidates"]),
        subresource in select(vec!["", "", "status", "finalize", "proxy"]),
        namespace in select(vec!["", "kube-node-lease", "default"]),
        name in select(vec!["", "n1", "n1", "n2"]),
        path in select(vec![
            "/", "/healthz", "/livez/x", "/readyz", "/version", "/api", "/apis/a", "/openapi/v3", "/metrics", "healthz",
            "/healthzz",
        ]),
    ) -> Attributes<'static> {
        Attributes { verb, group, version: "v1", resource, subresource, namespace, name, path }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    #[test]
    fn the_rules_and_their_table_agree(user in users(), attributes in requests()) {
        prop_assert_eq!(allows(&user, &attributes), reference(&user, &attributes));
    }
}
