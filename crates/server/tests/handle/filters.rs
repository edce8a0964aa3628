//! What a request meets before it is understood as one about objects.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Version};
use http_body::Frame;
use http_body_util::Full;
use leasehold_server::Limits;

use crate::fixture::{LEASES, Reply, Server, lease_path, request};

/// A body that must not be looked at.
struct Untouchable;

impl http_body::Body for Untouchable {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        panic!("the body was read");
    }
}

#[tokio::test]
async fn no_body_is_read_before_its_sender_may_send_it() {
    let server = Server::start().await;
    server.lease("there").await;
    let cases = [
        (Method::POST, LEASES.to_owned(), "Bearer wrong", 401),
        (Method::POST, LEASES.to_owned(), "Bearer nobody", 403),
        (Method::PUT, lease_path("there"), "Bearer nobody", 403),
        (Method::PUT, lease_path("absent"), "Bearer nobody", 403),
        (Method::PATCH, lease_path("there"), "Bearer reader", 403),
        (Method::DELETE, lease_path("absent"), "Bearer updater", 403),
        (
            Method::POST,
            "/apis/coordination.k8s.io/v1/leases".to_owned(),
            "Bearer admin",
            405,
        ),
        (
            Method::POST,
            "/apis/coordination.k8s.io/v1/namespaces/a/things".to_owned(),
            "Bearer admin",
            404,
        ),
        (Method::PATCH, lease_path("there"), "Bearer admin", 415),
    ];
    for (method, path, token, code) in cases {
        let what = format!("{method} {path} {token}");
        let response = server
            .send(request(method, &path, &[("authorization", token)], Untouchable))
            .await;
        let reply = Reply::of(response).await;
        assert_eq!(reply.code, code, "{what}");
        assert_eq!(reply.json()["code"], code, "{what}");
    }
}

#[tokio::test]
async fn nothing_is_said_about_what_exists_to_those_who_may_not_ask() {
    let server = Server::start().await;
    server.lease("there").await;
    let ask = async |path: &str| server.get(path, &[("authorization", "Bearer nobody")]).await;
    for path in [
        &lease_path("there"),
        &lease_path("absent"),
        "/apis/made.up/v1/things/x",
        "/api/v9/x",
        "/nope",
        "/metrics",
    ] {
        assert_eq!(ask(path).await.code, 403, "{path}");
    }
    assert_eq!(server.get("/healthz", &[("authorization", "")]).await.code, 200);
}

#[tokio::test]
async fn a_panic_is_a_500_and_frees_its_place() {
    let server = Server::limited(Limits {
        read_only: 1,
        ..Limits::default()
    })
    .await;
    for _ in 0..3 {
        let reply = server.get(LEASES, &[("authorization", "Bearer bug")]).await;
        assert_eq!(reply.code, 500);
        assert_eq!(reply.json()["reason"], "InternalError");
        assert!(!reply.text().contains("planted"), "what is wrong is for the log");
    }
    assert_eq!(
        server.get(LEASES, &[("authorization", "Bearer reader")]).await.code,
        200
    );
}

#[tokio::test]
async fn work_beyond_the_limit_is_told_to_come_back() {
    let server = Server::limited(Limits {
        mutating: 0,
        ..Limits::default()
    })
    .await;
    let put = async |token| {
        server
            .ask(Method::PUT, &lease_path("a"), &[("authorization", token)], "{}")
            .await
    };
    let reply = put("Bearer updater").await;
    assert_eq!((reply.code, reply.header("retry-after")), (429, "1"));
    assert_eq!(reply.json()["reason"], "TooManyRequests");
    assert_ne!(put("Bearer admin").await.code, 429, "operators always get in");
    assert_eq!(
        server.get(LEASES, &[("authorization", "Bearer reader")]).await.code,
        200,
        "reads have room of their own"
    );
    assert_eq!(
        server
            .metric("apiserver_current_inflight_requests{request_kind=\"mutating\"}")
            .await,
        0
    );
}

#[tokio::test]
async fn bad_paths_are_refused_before_anyone_is_asked() {
    let server = Server::start().await;
    for path in [
        "/api/v1/namespaces/a%2fb",
        "/api/v1/nodes/%00",
        "/api/v1/nodes/%ff",
        "/api/v1/nodes/%",
    ] {
        let reply = server.get(path, &[("authorization", "Bearer bug")]).await;
        assert_eq!(
            (reply.code, reply.json()["reason"].as_str()),
            (400, Some("BadRequest")),
            "{path}"
        );
    }
    for path in [
        "//",
        "/api//v1",
        "/api/v1/namespaces/../nodes",
        "/api/v1/namespaces/%2e%2e/leases",
        "/./healthz",
    ] {
        let reply = server.get(path, &[("authorization", "Bearer bug")]).await;
        assert_eq!((reply.code, reply.text()), (404, "404 page not found\n"), "{path}");
    }
}

#[tokio::test]
async fn a_request_ends_at_its_deadline() {
    let server = Server::start().await;
    tokio::time::pause();
    // A version that has not come is waited for, three seconds; the client gives it one.
    let path = format!("{LEASES}?resourceVersion=999999999&timeout=1s");
    let started = tokio::time::sleep(Duration::from_secs(2));
    let reply = tokio::select! {
        reply = server.get(&path, &[]) => reply,
        () = started => panic!("it was given one second"),
    };
    assert_eq!((reply.code, reply.json()["reason"].as_str()), (504, Some("Timeout")));
    assert_eq!(server.get(&format!("{LEASES}?timeout=xyz"), &[]).await.code, 400);
}

#[tokio::test]
async fn pages_are_for_reading() {
    let server = Server::start().await;
    assert_eq!(server.get("/version", &[]).await.json()["minor"], "36");
    let metrics = server.get("/metrics", &[]).await;
    assert!(metrics.header("content-type").starts_with("text/plain; version=0.0.4"));
    for path in ["/version", "/healthz", "/metrics"] {
        let reply = server.ask(Method::POST, path, &[], "").await;
        assert_eq!(
            (reply.code, reply.json()["reason"].as_str()),
            (405, Some("MethodNotAllowed")),
            "{path}"
        );
    }
    let index = server.get("/", &[]).await.json();
    for path in [
        "/api/v1",
        "/healthz/ping",
        "/metrics",
        "/openapi/v3",
        "/readyz",
        "/readyz/store",
        "/version",
    ] {
        assert!(index["paths"].as_array().unwrap().contains(&path.into()), "{path}");
        assert_eq!(server.get(path, &[]).await.code, 200, "{path}");
    }
    let head = server.ask(Method::HEAD, "/readyz", &[], "").await;
    assert_eq!((head.code, head.body.len()), (200, 0));
    server.app.drain.cancel();
    assert_eq!(server.get("/readyz", &[]).await.code, 500);
    assert_eq!(server.get("/livez", &[]).await.code, 200);
}

#[tokio::test]
async fn strangers_get_one_request_per_connection_where_streams_are_cheap() {
    let server = Server::start().await;
    for (token, version, closes) in [
        ("", Version::HTTP_2, true),
        ("Bearer wrong", Version::HTTP_2, true),
        ("", Version::HTTP_11, false),
        ("Bearer reader", Version::HTTP_2, false),
    ] {
        let mut request = request(
            Method::GET,
            LEASES,
            &[("authorization", token)],
            Full::new(Bytes::new()),
        );
        *request.version_mut() = version;
        let reply = Reply::of(server.send(request).await).await;
        assert_eq!(reply.header("connection") == "close", closes, "{token:?} {version:?}");
    }
}

#[tokio::test]
async fn probes_are_answered_whatever_else_goes_on() {
    let server = Server::limited(Limits {
        read_only: 0,
        ..Limits::default()
    })
    .await;
    let reader = [("authorization", "Bearer reader")];
    assert_eq!(server.get("/version", &reader).await.code, 429);
    // Who is restarted for being busy loses all that goes on, and is as busy again.
    for path in ["/livez", "/readyz", "/healthz/store"] {
        assert_eq!(server.get(path, &reader).await.code, 200, "{path}");
    }
}
