//! HTTP/1.1 that two servers could take for different requests, over plain TCP and TLS, and clients that dawdle.

use leasehold_hostile::{Arena, LEASES, Reply, Request, lease, soon};
use serde_json::json;

/// Requests whose end is in doubt: what follows them must not be taken for a request.
fn smuggled() -> Vec<(&'static str, Vec<u8>)> {
    let body = String::from_utf8(lease("smuggled", &json!({}))).expect("JSON");
    let head = |line: &str, more: &str| {
        format!(
            "{line} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer admin-token\r\nContent-Type: application/json\r\n{more}\r\n"
        )
    };
    let post = format!("POST {LEASES}");
    let second = head(&post, &format!("Content-Length: {}\r\n", body.len())) + &body;
    let with = |more: &str, first: &str| (head(&post, more) + first + &second).into_bytes();
    let obs_fold = head(&post, "X-Folded: a\r\n b\r\nContent-Length: 0\r\n");
    vec![
        (
            "a length and chunks",
            with("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
        ),
        (
            "chunks and a length",
            with("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n"),
        ),
        ("two lengths", with("Content-Length: 0\r\nContent-Length: 5\r\n", "")),
        ("a list of lengths", with("Content-Length: 0, 5\r\n", "")),
        ("a length with a sign", with("Content-Length: +0\r\n", "")),
        ("a length with a space", with("Content-Length : 0\r\n", "")),
        (
            "chunks in disguise",
            with("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n"),
        ),
        (
            "chunks not at last",
            with("Transfer-Encoding: chunked, identity\r\n", "0\r\n\r\n"),
        ),
        (
            "an encoding folded",
            with("Transfer-Encoding:\r\n chunked\r\n", "0\r\n\r\n"),
        ),
        ("a folded header", (obs_fold + &second).into_bytes()),
        ("a NUL in a header", with("X-Nul: a\0b\r\nContent-Length: 0\r\n", "")),
        (
            "a bare return in a header",
            with("X-Return: a\rb\r\nContent-Length: 0\r\n", ""),
        ),
        ("HTTP/1.2", second.replace("HTTP/1.1", "HTTP/1.2").into_bytes()),
        ("HTTP/9", second.replace("HTTP/1.1", "HTTP/9").into_bytes()),
        ("no version", second.replace(" HTTP/1.1", "").into_bytes()),
        ("no method", second.replacen("POST ", "", 1).into_bytes()),
        ("noise", vec![0xff; 20_000]),
        (
            "a TLS hello",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".repeat(1000),
        ),
    ]
}

#[tokio::test]
async fn a_request_whose_end_is_in_doubt_lets_nothing_through() {
    let arena = Arena::start().await;
    let before = arena.revision().await;
    for (name, bytes) in smuggled() {
        for tls in [false, true] {
            let wire = if tls {
                arena.connect_tls(&["http/1.1"]).await
            } else {
                arena.connect().await
            };
            let reply = soon(name, wire.exchange(&bytes)).await;
            let text = String::from_utf8_lossy(&reply).into_owned();
            assert!(!text.contains("201 Created"), "{name}: {text}");
            assert!(
                matches!(Reply::parse(&reply).code, None | Some(400..500)),
                "{name}: {text}"
            );
        }
        assert_eq!(arena.revision().await, before, "{name}");
        arena.must_serve(name).await;
    }
    arena.must_be_unharmed();
}

#[tokio::test]
async fn a_bare_line_feed_ends_a_line_and_nothing_else() {
    // RFC 9112 allows it (section 2.2), and Go does it. What counts is that headers and requests end where they should.
    let arena = Arena::start().await;
    let get = Request::get("/readyz").header("X-Bare", "a\nContent-Length: 3\r\nX-More: b");
    let both = [get.bytes(), b"abcGET / HTTP/1.1\r\n\r\n".to_vec()].concat();
    let replies = soon("both", arena.connect().await.exchange(&both)).await;
    assert_eq!(String::from_utf8_lossy(&replies).matches("HTTP/1.1 200 OK").count(), 1);
    let bare = String::from_utf8(Request::get("/readyz").bytes()).expect("ASCII");
    let reply = arena
        .ask_raw("bare line feeds", bare.replace("\r\n", "\n").as_bytes())
        .await;
    assert_eq!(reply.code, Some(200));
}

#[tokio::test]
async fn a_refusal_leaves_a_connection_that_can_be_used_again() {
    let arena = Arena::start().await;
    let keep = |request: Request| request.header("Connection", "keep-alive").bytes();
    let refused = [
        keep(Request::post(LEASES, "{")),
        keep(Request::get("/nope")),
        keep(Request::new("PROPFIND", LEASES)),
        keep(Request::get(LEASES).token("wrong")),
        keep(Request::get(LEASES).token("nobody-token")),
        keep(Request::post(LEASES, "{}").header("Content-Type", "text/plain")),
    ];
    let all = [refused.concat(), Request::get("/readyz").bytes()].concat();
    let replies = soon("all replies", arena.connect().await.exchange(&all)).await;
    let replies = String::from_utf8_lossy(&replies).into_owned();
    let codes: Vec<_> = replies
        .match_indices("HTTP/1.1 ")
        .map(|(at, _)| &replies[at + 9..at + 12])
        .collect();
    assert_eq!(codes, ["400", "404", "405", "401", "403", "415", "200"]);
}

#[tokio::test]
async fn a_body_is_not_read_for_those_who_may_not() {
    let arena = Arena::start().await;
    for (token, code) in [("nobody-token", 403), ("wrong", 401)] {
        // The body is said to come, and never does.
        let request = Request::new("POST", LEASES)
            .token(token)
            .header("Content-Length", "1000000");
        let reply = arena.ask(&request).await;
        assert_eq!(reply.code, Some(code), "{token}");
    }
    let expecting = Request::new("POST", LEASES)
        .token("nobody-token")
        .header("Content-Length", "9")
        .header("Expect", "100-continue");
    assert_eq!(arena.ask(&expecting).await.code, Some(403), "it is not told to go on");
}

#[tokio::test]
async fn those_who_dawdle_keep_nobody_waiting() {
    let arena = Arena::start().await;
    let half_a_body = Request::new("POST", LEASES).header("Content-Length", "100").bytes();
    let watch = Request::get(format!("{LEASES}?watch=1")).bytes();
    let starts: [&[u8]; 5] = [
        b"",
        b"GET /api HT",
        b"GET /api HTTP/1.1\r\nHost: x\r\nX-Slow: ",
        &half_a_body,
        &watch,
    ];
    let mut waiting = Vec::new();
    for start in starts.into_iter().cycle().take(400) {
        let mut wire = arena.connect().await;
        wire.send(start).await.expect("the server takes it");
        waiting.push(wire);
    }
    for start in [b"".as_slice(), b"\x16\x03\x01\x02\x00\x01"]
        .into_iter()
        .cycle()
        .take(200)
    {
        let mut wire = leasehold_hostile::Wire::plain(arena.tls_address()).await;
        wire.send(start).await.expect("the server takes it");
        waiting.push(wire);
    }
    arena.must_serve("six hundred that dawdle").await;
    let reply = soon(
        "TLS too",
        arena.connect_tls(&[]).await.exchange(&Request::get("/readyz").bytes()),
    )
    .await;
    assert_eq!(Reply::parse(&reply).code, Some(200));
    drop(waiting);
    arena.must_serve("they have gone").await;
    arena.must_be_unharmed();
}
