//! Who claims to be whom: tokens, names that a proxy would set, and names of others.

use leasehold_hostile::{Arena, LEASES, Request, lease, pages, refused};
use serde_json::json;

#[tokio::test]
async fn a_bad_token_is_401_and_none_is_nobody() {
    let arena = Arena::start().await;
    let get = |value: &[u8]| Request::get(LEASES).header("Authorization", value);
    let bad = [
        "Bearer wrong",
        "Bearer admin-toke",
        "Bearer admin-tokens",
        "Bearer ADMIN-TOKEN",
        "bearer wrong",
        "Bearer admin-token,node-token",
    ];
    let rows = bad.map(|value| refused(value, get(value.as_bytes()), 401));
    arena.withstand(rows).await;
    let none = [
        "",
        "Bearer",
        "Bearer ",
        "Basic YWRtaW46YWRtaW4=",
        "admin-token",
        "Digest admin-token",
        "Bearer\u{a0}admin-token",
    ];
    let rows = none.map(|value| refused(value, get(value.as_bytes()), 403));
    arena.withstand(rows).await;
    let more = get(b"Bearer admin-token more");
    arena
        .withstand([pages(
            "what follows a token is passed over, as Kubernetes does",
            more,
            200,
        )])
        .await;
    let twice = Request::get(LEASES)
        .token("nobody-token")
        .also("Authorization", "Bearer admin-token");
    arena
        .withstand([
            refused("the first token counts", twice, 403),
            refused(
                "in the query",
                Request::get(format!("{LEASES}?token=admin-token&access_token=admin-token")).anonymous(),
                403,
            ),
        ])
        .await;
}

#[tokio::test]
async fn nobody_sees_more_than_health_and_version() {
    let arena = Arena::start().await;
    let open = ["/healthz", "/livez", "/readyz", "/version"];
    arena
        .withstand(open.map(|path| pages(path, Request::get(path).anonymous(), 200)))
        .await;
    let closed = [
        "/",
        "/api",
        "/apis",
        "/openapi/v2",
        "/openapi/v3",
        "/metrics",
        "/nope",
        LEASES,
        "/api/v1/namespaces",
        "/api/v1/nodes",
        "/apis/nope/v1/nopes",
    ];
    arena
        .withstand(closed.map(|path| refused(path, Request::get(path).anonymous(), 403)))
        .await;
    let known = [
        "/metrics",
        LEASES,
        "/api/v1/namespaces",
        "/api/v1/nodes",
        "/apis/nope/v1/nopes",
        "/api/v1/namespaces/default",
    ];
    arena
        .withstand(known.map(|path| refused(path, Request::get(path).token("nobody-token"), 403)))
        .await;
}

#[tokio::test]
async fn what_is_there_and_what_is_not_are_refused_alike() {
    let arena = Arena::start().await;
    for method in ["GET", "PUT", "PATCH", "DELETE"] {
        let mut said = Vec::new();
        for name in ["a", "z"] {
            let request = Request::new(method, format!("{LEASES}/{name}")).token("nobody-token");
            let reply = arena.ask(&request).await;
            assert_eq!(reply.code, Some(403), "{method} {name}");
            said.push(
                reply
                    .text()
                    .replace(&format!("\"{name}\""), "NAME")
                    .replace(&format!("\\\"{name}\\\""), "NAME"),
            );
        }
        assert_eq!(said[0], said[1], "{method}");
    }
}

#[tokio::test]
async fn a_name_that_a_proxy_would_set_is_not_believed() {
    let arena = Arena::start().await;
    let names = [
        "X-Remote-User",
        "x-remote-user",
        "X_Remote_User",
        "X-REMOTE-USER",
        "X-Forwarded-User",
        "X-Webauth-User",
        "Remote-User",
    ];
    let rows = names.map(|name| {
        let request = Request::get(LEASES)
            .anonymous()
            .header(name, "admin")
            .header("X-Remote-Group", "system:masters")
            .also("X-Remote-Group", "x")
            .header("X-Remote-Extra-Scopes", "all");
        refused(name, request, 403)
    });
    arena.withstand(rows).await;
    let with_token = Request::get(LEASES)
        .token("nobody-token")
        .header("X-Remote-User", "admin")
        .header("X-Remote-Group", "system:masters");
    arena.withstand([refused("beside a token", with_token, 403)]).await;
}

#[tokio::test]
async fn whoever_wants_to_be_another_is_refused_and_not_taken_for_himself() {
    let arena = Arena::start().await;
    let headers = [
        "Impersonate-User",
        "impersonate-user",
        "IMPERSONATE-GROUP",
        "Impersonate-Uid",
        "Impersonate-Extra-Scopes",
        "Impersonate-",
        "Impersonate-Anything",
    ];
    let mut rows = Vec::new();
    for header in headers {
        for request in [
            Request::get(LEASES),
            Request::get("/readyz"),
            Request::post(LEASES, lease("x", &json!({}))),
        ] {
            rows.push(refused(header, request.clone().header(header, "nobody"), 403));
            rows.push(refused(header, request.clone().header(header, ""), 403));
            rows.push(refused(
                header,
                request.header(header, "system:masters").token("nobody-token"),
                403,
            ));
        }
    }
    arena.withstand(rows).await;
}
