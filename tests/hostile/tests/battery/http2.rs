//! HTTP/2: floods of every kind of frame, and frames that make no sense. Written by hand, as no client would.

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use leasehold_hostile::frames::{END_HEADERS, END_STREAM, frame, goaway, header_block, hello, kind, parse, request};
use leasehold_hostile::{Arena, LEASES, soon};
use tokio::net::TcpStream;

/// What a server may hold on to of a flood.
const GROWTH_MAX: u64 = 32 << 20;

fn headers(stream: u32, path: &str) -> Vec<u8> {
    frame(kind::HEADERS, END_HEADERS | END_STREAM, stream, &request("GET", path))
}

/// Sends this after a hello over plain HTTP and over TLS, and gives what came back until the server closed.
async fn flood(arena: &Arena, name: &str, bytes: &[u8]) -> Vec<Vec<u8>> {
    let all = [hello(), bytes.to_vec()].concat();
    let mut answers = Vec::new();
    for wire in [arena.connect().await, arena.connect_tls(&["h2"]).await] {
        answers.push(soon(name, wire.exchange(&all)).await);
        arena.must_serve(name).await;
    }
    answers
}

#[tokio::test]
async fn floods_end_the_connection_that_they_come_over() {
    let streams = || (0..20_000).map(|i| 2 * i + 1);
    let reset = |stream| {
        [
            headers(stream, LEASES),
            frame(kind::RST_STREAM, 0, stream, &[0, 0, 0, 8]),
        ]
        .concat()
    };
    let open = frame(kind::HEADERS, END_STREAM, 1, &request("GET", LEASES));
    let post = frame(kind::HEADERS, END_HEADERS, 1, &request("POST", LEASES));
    let more = frame(
        kind::CONTINUATION,
        0,
        1,
        &header_block(&[("x-more", &"a".repeat(16_000))]),
    );
    let floods = [
        ("rapid resets", streams().flat_map(reset).collect::<Vec<u8>>()),
        (
            "resets by our errors",
            streams()
                .flat_map(|s| [headers(s, LEASES), frame(kind::WINDOW_UPDATE, 0, s, &[0; 4])].concat())
                .collect(),
        ),
        ("headers without an end", [open.clone(), more.repeat(1000)].concat()),
        (
            "empty headers without an end",
            [open, frame(kind::CONTINUATION, 0, 1, &[]).repeat(100_000)].concat(),
        ),
        (
            "empty data",
            [post, frame(kind::DATA, 0, 1, &[]).repeat(200_000)].concat(),
        ),
    ];
    let arena = Arena::start().await;
    let before = arena.resident();
    for (name, bytes) in floods {
        for answer in flood(&arena, name, &bytes).await {
            assert_ne!(goaway(&answer), Some(0), "{name}: it is told that it did wrong");
        }
        let grown = arena.resident().saturating_sub(before);
        assert!(grown < GROWTH_MAX, "{name}: {grown} bytes more");
    }
    arena.must_be_unharmed();
}

#[tokio::test]
async fn floods_that_are_not_read_from_take_no_memory() {
    let arena = Arena::start().await;
    let windowless = frame(kind::SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 0]);
    let floods = [
        ("PING", frame(kind::PING, 0, 0, &[7; 8]).repeat(200_000)),
        (
            "SETTINGS",
            frame(kind::SETTINGS, 0, 0, &[0, 3, 0, 0, 0, 9]).repeat(200_000),
        ),
        (
            "windows",
            frame(kind::WINDOW_UPDATE, 0, 0, &[0, 0, 0, 1]).repeat(200_000),
        ),
        (
            "no window",
            [
                windowless,
                (0..250).flat_map(|i| headers(2 * i + 1, "/openapi/v2")).collect(),
            ]
            .concat(),
        ),
    ];
    let before = arena.resident();
    let mut wires = Vec::new();
    for (name, bytes) in floods {
        for mut wire in [arena.connect().await, arena.connect_tls(&["h2"]).await] {
            let all = [hello(), bytes.clone()].concat();
            // It stops taking them, closes, or takes all: in any case we read nothing.
            let _ = tokio::time::timeout(std::time::Duration::from_millis(500), wire.send(&all)).await;
            wires.push(wire);
        }
        arena.must_serve(name).await;
        let grown = arena.resident().saturating_sub(before);
        assert!(grown < 2 * GROWTH_MAX, "{name}: {grown} bytes more");
    }
    drop(wires);
    arena.must_be_unharmed();
}

#[tokio::test]
async fn frames_that_make_no_sense_end_the_connection() {
    let settings = |id: u8, value: [u8; 4]| frame(kind::SETTINGS, 0, 0, &[&[0, id], value.as_slice()].concat());
    let odd = [
        ("data on stream 0", frame(kind::DATA, 0, 0, b"x")),
        ("data on an idle stream", frame(kind::DATA, 0, 1, b"x")),
        ("headers on stream 0", headers(0, LEASES)),
        ("headers on an even stream", headers(2, LEASES)),
        ("a stream twice", [headers(3, LEASES), headers(1, LEASES)].concat()),
        ("a promise", frame(kind::PUSH_PROMISE, END_HEADERS, 1, &[0, 0, 0, 2])),
        ("a long PING", frame(kind::PING, 0, 0, &[0; 9])),
        ("SETTINGS of half", frame(kind::SETTINGS, 0, 0, &[0; 5])),
        ("SETTINGS on a stream", frame(kind::SETTINGS, 0, 1, &[])),
        ("an acknowledgement with more", frame(kind::SETTINGS, 1, 0, &[0; 6])),
        ("a window beyond numbers", settings(4, [0xff; 4])),
        ("a frame size beyond numbers", settings(5, [0xff; 4])),
        (
            "a window too full",
            frame(kind::WINDOW_UPDATE, 0, 0, &[0x7f, 0xff, 0xff, 0xff]).repeat(2),
        ),
        (
            "a frame too large",
            frame(kind::HEADERS, END_HEADERS | END_STREAM, 1, &[0; 1 << 20]),
        ),
        (
            "a continuation of nothing",
            frame(kind::CONTINUATION, END_HEADERS, 1, &[]),
        ),
        (
            "something else within headers",
            [
                frame(kind::HEADERS, 0, 1, &request("GET", LEASES)),
                frame(kind::PING, 0, 0, &[0; 8]),
            ]
            .concat(),
        ),
        (
            "no HPACK",
            frame(kind::HEADERS, END_HEADERS | END_STREAM, 1, &[0xff; 100]),
        ),
        (
            "a table beyond its size",
            frame(
                kind::HEADERS,
                END_HEADERS | END_STREAM,
                1,
                &[0x3f, 0xff, 0xff, 0xff, 0x7f],
            ),
        ),
        ("padding longer than the frame", frame(kind::DATA, 8, 1, &[255, 0])),
    ];
    let arena = Arena::start().await;
    for (name, bytes) in odd {
        for answer in flood(&arena, name, &bytes).await {
            assert!(goaway(&answer).is_none_or(|code| code != 0), "{name}: {answer:?}");
        }
    }
    let wire = arena.connect_tls(&["h2"]).await;
    let answer = soon(
        "HTTP/1.1 where HTTP/2 was agreed on",
        wire.exchange(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
    )
    .await;
    assert_ne!(goaway(&answer), Some(0));
    arena.must_be_unharmed();
}

#[tokio::test]
async fn bad_requests_end_their_stream_and_not_the_connection() {
    let get = [(":method", "GET"), (":scheme", "https"), (":path", "/api")];
    let with = |more: &[(&str, &str)]| header_block(&[&get, more].concat());
    let large = "a".repeat(14_000);
    let bad = [
        ("no method", header_block(&[(":scheme", "https"), (":path", "/api")])),
        ("no path", header_block(&[(":method", "GET"), (":scheme", "https")])),
        (
            "an empty path",
            header_block(&[(":method", "GET"), (":scheme", "https"), (":path", "")]),
        ),
        ("upper case", with(&[("X-Upper", "y")])),
        ("a connection header", with(&[("connection", "close")])),
        ("chunks", with(&[("transfer-encoding", "chunked")])),
        ("a line in a value", with(&[("x-line", "a\r\nx: y")])),
        ("a NUL in a value", with(&[("x-nul", "\0")])),
        ("an unknown pseudo-header", with(&[(":x", "y")])),
        ("a pseudo-header at the end", with(&[("x", "y"), (":authority", "x")])),
        ("a path twice", with(&[(":path", "/apis")])),
        ("too large", with(&[("x", &large), ("y", "z")])),
        ("a length that is wrong", with(&[("content-length", "5")])),
    ];
    let arena = Arena::start().await;
    for (name, block) in bad {
        let mut wire = arena.connect_tls(&["h2"]).await;
        let bad = frame(kind::HEADERS, END_HEADERS | END_STREAM, 1, &block);
        let ping = frame(kind::PING, 0, 0, &[9; 8]);
        wire.send(&[hello(), bad, ping].concat())
            .await
            .expect("the server takes it");
        let ended = |bytes: &[u8]| {
            parse(bytes).iter().any(|(kind, stream, _)| {
                (*stream == 1 && matches!(*kind, kind::RST_STREAM | kind::HEADERS)) || *kind == kind::GOAWAY
            })
        };
        let answer = soon(name, wire.read_until(ended)).await;
        assert!(ended(&answer), "{name}: {answer:?}");
        arena.must_serve(name).await;
    }
    arena.must_be_unharmed();
}

#[tokio::test]
async fn a_body_that_is_too_large_is_413_over_http2_as_well() {
    let arena = Arena::start().await;
    let before = arena.revision().await;
    let socket = TcpStream::connect(arena.plain_address())
        .await
        .expect("the server listens");
    let (mut sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(socket))
        .await
        .expect("HTTP/2");
    let driver = tokio::spawn(connection);
    for size in [(3 << 20) + 1, 16 << 20] {
        let request = hyper::Request::post(format!("http://leasehold.test{LEASES}"))
            .header("authorization", "Bearer admin-token")
            .header("content-type", "application/json")
            .body(Full::new(Bytes::from(vec![b' '; size])))
            .expect("a request");
        let response = soon("413", sender.send_request(request)).await.expect("a response");
        assert_eq!(response.status(), 413);
        let body = soon("the Status", response.into_body().collect())
            .await
            .expect("a body")
            .to_bytes();
        let status: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
        assert_eq!((&status["kind"], &status["code"]), (&"Status".into(), &413.into()));
    }
    driver.abort();
    assert_eq!(arena.revision().await, before);
    arena.must_be_unharmed();
}
