//! Paths that two readers could read differently, methods that do not exist, and the places in between.

use leasehold_hostile::{Arena, LEASES, Request, Row, Want, lease, pages, refused};
use serde_json::json;

#[tokio::test]
async fn a_path_that_could_be_read_in_two_ways_leads_nowhere() {
    let paths = [
        (format!("{LEASES}/../leases"), 404),
        (format!("{LEASES}/a/.."), 404),
        (format!("{LEASES}/./a"), 404),
        (format!("{LEASES}//a"), 404),
        (format!("{LEASES}/%2e%2e"), 404),
        (format!("{LEASES}/%2E"), 404),
        ("/apis/coordination.k8s.io/v1/namespaces/../leases".to_owned(), 404),
        (
            "/apis/coordination.k8s.io/v1/namespaces/%2e%2e/leases/a".to_owned(),
            404,
        ),
        ("/api/v1/namespaces/..".to_owned(), 404),
        ("//api/v1/namespaces".to_owned(), 404),
        ("/readyz/..".to_owned(), 404),
        ("/openapi/v3/../../api".to_owned(), 404),
        ("/debug/pprof".to_owned(), 404),
    ];
    let arena = Arena::start().await;
    arena
        .withstand(paths.map(|(path, code)| pages(&path, Request::get(&path), code)))
        .await;
    let malformed = [
        "a%2fb",
        "..%2f..",
        "%00",
        "a%0ab",
        "%7f",
        "%c0%ae%c0%ae",
        "%ff",
        "%",
        "%2",
        "%zz",
        "%+1",
        "%ed%a0%80",
    ];
    let rows = malformed.map(|name| refused(name, Request::get(format!("{LEASES}/{name}")), 400));
    arena.withstand(rows).await;
    let names = [
        "é",
        "%e2%82%ac",
        "a%20b",
        "A_b",
        "a;x=1",
        "a\\b",
        "a%25",
        "%252e%252e",
        "*",
        "a%3ab",
        "-",
        &"a".repeat(300),
        &"a".repeat(6000),
    ];
    let rows = names.map(|name| refused(name, Request::get(format!("{LEASES}/{name}")), 404));
    arena.withstand(rows).await;
}

#[tokio::test]
async fn every_verb_refuses_a_strange_path_alike() {
    let arena = Arena::start().await;
    let bodies = |method: &str, path: &str| match method {
        "GET" | "DELETE" => Request::new(method, path),
        _ => Request::new(method, path).body("application/json", lease("..", &json!({}))),
    };
    let mut rows = Vec::new();
    for method in ["GET", "POST", "PUT", "DELETE"] {
        rows.push(pages(method, bodies(method, &format!("{LEASES}/..")), 404));
        rows.push(refused(method, bodies(method, &format!("{LEASES}/..%2fa")), 400));
        rows.push(refused(
            method,
            bodies(method, "/apis/coordination.k8s.io/v1/namespaces/a%2fb/leases"),
            400,
        ));
    }
    for (path, name) in [("A_b", "A_b"), ("a%20b", "a b"), ("%252e%252e", "%2e%2e")] {
        let put = Request::put(format!("{LEASES}/{path}"), lease(name, &json!({})));
        rows.push(refused(path, put, 422));
    }
    rows.push(refused(
        "POST into no namespace",
        Request::post("/apis/coordination.k8s.io/v1/leases", lease("x", &json!({}))),
        405,
    ));
    rows.push(refused(
        "DELETE of all namespaces",
        Request::new("DELETE", "/apis/coordination.k8s.io/v1/leases"),
        405,
    ));
    rows.push(refused(
        "POST to a name",
        Request::post(format!("{LEASES}/a"), lease("a", &json!({}))),
        405,
    ));
    rows.push(refused(
        "POST into a missing namespace",
        Request::post(
            "/apis/coordination.k8s.io/v1/namespaces/nope/leases",
            lease("x", &json!({})),
        ),
        404,
    ));
    arena.withstand(rows).await;
}

#[tokio::test]
async fn what_does_not_exist_is_404() {
    let arena = Arena::start().await;
    let resources = [
        "/apis/coordination.k8s.io/v9/leases",
        "/api/v1/pods",
        "/api/v1/watch/pods",
        "/api/v1/proxy/namespaces/x",
        &format!("{LEASES}/a/b"),
        &format!("{LEASES}/a/status"),
        &format!("{LEASES}/a/b/c/d/e/f"),
    ];
    arena
        .withstand(resources.map(|path| refused(path, Request::get(path), 404)))
        .await;
    let pages_of_none = [
        "/apis/x/y/z",
        "/nope",
        "/watch",
        "/logs",
        "/healthz/nope",
        "/.git/config",
    ];
    arena
        .withstand(pages_of_none.map(|path| pages(path, Request::get(path), 404)))
        .await;
}

#[tokio::test]
async fn a_target_that_is_no_path_is_refused() {
    let arena = Arena::start().await;
    arena
        .withstand([
            refused("a star", Request::get("*"), 400),
            refused("an authority", Request::get("evil:80"), 400),
            Row::raw("a query only", Request::get("?x").bytes(), Want::Cut(400)),
            Row::raw("nothing", Request::get("").bytes(), Want::Cut(400)),
            Row::raw("raw bytes", Request::get(b"/\x01\x02").bytes(), Want::Cut(400)),
            Row::raw("two spaces", Request::get("/api  /x").bytes(), Want::Cut(400)),
            Row::raw(
                "too long",
                Request::get(format!("/{}", "a".repeat(20_000))).bytes(),
                Want::Cut(431),
            ),
            pages(
                "a whole URL of elsewhere is ours",
                Request::get("http://evil.test/api"),
                200,
            ),
            pages("a fragment", Request::get("/api#x"), 200),
        ])
        .await;
}

#[tokio::test]
async fn methods_that_are_not_ours_are_405() {
    let arena = Arena::start().await;
    let mut rows = Vec::new();
    for method in [
        "TRACE",
        "CONNECT",
        "OPTIONS",
        "PROPFIND",
        "get",
        "GETX",
        "PRI",
        &"A".repeat(1000),
    ] {
        for path in [&format!("{LEASES}/a"), LEASES, "/api", "/readyz"] {
            rows.push(refused(method, Request::new(method, path), 405));
        }
    }
    for method in ["POST", "PUT", "PATCH", "DELETE"] {
        rows.extend(
            ["/api", "/readyz", "/version", "/metrics"].map(|path| refused(method, Request::new(method, path), 405)),
        );
    }
    for method in ["\u{1}", "G\tET", "GE(T", ""] {
        rows.push(Row::raw(
            "no method at all",
            Request::new(method, "/api").bytes(),
            Want::Cut(400),
        ));
    }
    arena.withstand(rows).await;
    let trace = Request::new("TRACE", "/api").header("X-Secret", "canary");
    assert!(!arena.ask(&trace).await.text().contains("canary"));
}
