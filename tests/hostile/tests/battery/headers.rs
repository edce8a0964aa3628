//! Headers: too many, too large, and content types that do not exist.

use leasehold_hostile::{Arena, LEASES, Request, Row, Want, lease, pages, refused, taken};
use serde_json::json;

#[tokio::test]
async fn headers_are_bounded() {
    let get = || Request::get("/api");
    let many = |count: usize| (0..count).fold(get(), |request, i| request.also(&format!("X-{i}"), "y"));
    let arena = Arena::start().await;
    arena
        .withstand([
            Row::raw(
                "one large header",
                get().header("X-Large", "a".repeat(20 << 10)).bytes(),
                Want::Cut(431),
            ),
            Row::raw(
                "one huge header",
                get().header("X-Huge", "a".repeat(4 << 20)).bytes(),
                Want::Cut(431),
            ),
            Row::raw(
                "a long name",
                get().header(&"X".repeat(70_000), "y").bytes(),
                Want::Cut(431),
            ),
            Row::raw("ten thousand headers", many(10_000).bytes(), Want::Cut(431)),
            Row::raw("two hundred headers", many(200).bytes(), Want::Cut(431)),
            Row::raw(
                "a long token",
                get().token(&"a".repeat(20 << 10)).bytes(),
                Want::Cut(431),
            ),
            refused("a long token that fits", get().token(&"a".repeat(10 << 10)), 401),
            pages("eighty headers", many(80), 200),
        ])
        .await;
}

#[tokio::test]
async fn content_types_that_do_not_exist_are_415() {
    let post = |content_type: &[u8]| Request::post(LEASES, lease("x", &json!({}))).header("Content-Type", content_type);
    let types = [
        "text/plain",
        "application/xml",
        "application/cbor",
        "application/",
        "é",
        "application/json,application/yaml",
        ";",
        "*/*",
        "json",
    ];
    let arena = Arena::start().await;
    arena
        .withstand(types.map(|kind| refused(kind, post(kind.as_bytes()), 415)))
        .await;
    arena.withstand([refused("not UTF-8", post(b"\xff"), 415)]).await;
    arena
        .withstand([taken(
            "with parameters",
            post(b"application/json; charset=utf-8; x=\"y;z\""),
            201,
        )])
        .await;
}

#[tokio::test]
async fn what_cannot_be_accepted_is_406_and_oddities_are_passed_over() {
    let get = |accept: &[u8]| Request::get(LEASES).header("Accept", accept);
    let impossible = [
        "text/html",
        "application/json;as=Table",
        "application/json;as=Table;g=meta.k8s.io;v=v9",
        "application/xml;q=1",
        ",",
    ];
    let arena = Arena::start().await;
    arena
        .withstand(impossible.map(|accept| refused(accept, get(accept.as_bytes()), 406)))
        .await;
    let commas = ",".repeat(6000);
    let parameters = format!("application/json;{}", "a;".repeat(3000));
    arena.withstand([refused("commas", get(commas.as_bytes()), 406)]).await;
    let odd = ["", "*/*", "application/json;q=zz", "application/json;q=-5", &parameters];
    arena
        .withstand(odd.map(|accept| pages(accept, get(accept.as_bytes()), 200)))
        .await;
    arena.withstand([pages("not UTF-8", get(b"\xff"), 200)]).await;
}

#[tokio::test]
async fn nobody_is_upgraded() {
    let upgrade = |protocol: &str, path: &str| {
        Request::get(path)
            .header("Connection", "Upgrade, close")
            .header("Upgrade", protocol)
            .header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
            .header("Sec-WebSocket-Version", "13")
            .header("HTTP2-Settings", "AAMAAABkAAQCAAAAAAIAAAAA")
    };
    let watch = format!("{LEASES}?watch=1&timeoutSeconds=1");
    let arena = Arena::start().await;
    for protocol in ["websocket", "h2c", "SPDY/3.1", "TLS/1.2"] {
        arena
            .withstand([
                pages(protocol, upgrade(protocol, &watch), 200),
                pages(protocol, upgrade(protocol, LEASES), 200),
            ])
            .await;
    }
    let reply = arena.ask(&upgrade("websocket", &watch)).await;
    assert_eq!(
        (reply.header("upgrade"), reply.header("sec-websocket-accept")),
        (None, None)
    );
    assert!(reply.text().starts_with(r#"{"type":"ADDED""#), "{}", reply.text());
}
