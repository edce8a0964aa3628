//! Real sockets. Deadlines are short here, and every test waits for what must happen, not for a time.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::AtomicUsize;

use futures_util::FutureExt;
use http_body_util::BodyExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::super::test_client::{LARGE, Running, cas, closed, get, identity, root, soon};
use super::*;
use crate::auth::test_pki::Wish;

const SHORT: Duration = Duration::from_millis(50);

async fn start() -> Running {
    Running::start(Limits::default()).await
}

// Certificates

#[tokio::test]
async fn every_client_may_connect_and_is_known_by_its_certificate() {
    let running = start().await;
    let stranger = root("strangers");
    let clients = &running.clients;
    let cases = [
        (None, "nobody"),
        (Some(clients.issue(Wish::client("alice", &[]))), "alice"),
        (Some(clients.issue(Wish::client("old", &[]).valid(0..=1))), "bad"),
        (Some(stranger.issue(Wish::client("alice", &[]))), "bad"),
        (Some(clients.issue(Wish::client("", &[]))), "bad"),
    ];
    for (holder, expected) in cases {
        let mut client = running.http2(holder).await;
        assert_eq!(client.text("/").await.unwrap(), expected);
        assert_eq!(client.text("/").await.unwrap(), expected, "again");
    }
    assert_eq!(running.stop().await, Drained { cut: 0 });
}

#[tokio::test]
async fn both_protocols_are_spoken_over_tls() {
    let running = start().await;
    let alice = running.clients.issue(Wish::client("alice", &[]));
    let mut sender = running.http1(Some(alice)).await;
    let response = sender.send_request(get("/")).await.unwrap();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body, "alice");
    assert_eq!(running.stop().await, Drained { cut: 0 });
}

#[tokio::test]
async fn a_certificate_without_its_key_does_not_connect() {
    let running = start().await;
    let thief = running.clients.issue(Wish::client("thief", &[]));
    let alice = running.clients.issue(Wish::client("alice", &[]));
    let outcome = running.handshake_of_thief(alice.chain, &thief.key).await;
    assert!(outcome.is_err());
    running
        .counted("the handshake fails", |counts| counts.failed_handshakes == 1)
        .await;
    assert_eq!(running.stop().await, Drained { cut: 0 });
}

#[tokio::test]
async fn a_certificate_is_judged_again_when_the_authorities_change() {
    let running = start().await;
    let alice = running.clients.issue(Wish::client("alice", &[]));
    let mut client = running.http2(Some(alice)).await;
    assert_eq!(client.text("/").await.unwrap(), "alice");

    let servers = root("others");
    let replace = |clients| running.tls.replace(identity(&servers), clients).unwrap();
    replace(Some(cas(&root("strangers"))));
    assert_eq!(client.text("/").await.unwrap(), "bad");
    replace(None);
    assert_eq!(client.text("/").await.unwrap(), "nobody");
    replace(Some(cas(&running.clients)));
    assert_eq!(client.text("/").await.unwrap(), "alice");
    assert_eq!(running.stop().await, Drained { cut: 0 });
}

#[tokio::test]
async fn new_connections_get_the_new_certificate() {
    let running = start().await;
    drop(running.handshake(None, "h2").await.unwrap());
    let servers = root("renewed");
    running.tls.replace(identity(&servers), None).unwrap();
    let error = running.handshake(None, "h2").await.unwrap_err();
    assert!(error.to_string().contains("UnknownIssuer"), "{error}");
    assert_eq!(running.stop().await, Drained { cut: 0 });
}

#[test]
fn a_key_that_does_not_fit_is_refused() {
    let authority = root("servers");
    let (one, other) = (authority.server(), authority.server());
    assert!(super::super::Identity::new(one.chain, other.key).is_err());
}

// Deadlines

#[tokio::test]
async fn what_is_not_tls_is_closed() {
    let running = start().await;
    let mut stream = running.tcp().await;
    stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let said = closed("plain HTTP to be refused", &mut stream).await;
    assert!(!said.starts_with(b"HTTP"), "{said:?}");
    assert_eq!(running.stop().await, Drained { cut: 0 });
}

#[tokio::test]
async fn a_client_that_says_nothing_is_closed() {
    let limits = Limits {
        handshake: SHORT,
        first_request: SHORT,
        ..Limits::default()
    };
    let running = Running::start(limits).await;
    closed("a silent handshake", &mut running.tcp().await).await;
    closed("a silent plain connection", &mut running.plain_tcp().await).await;
    for protocol in ["h2", "http/1.1"] {
        let mut stream = running.handshake(None, protocol).await.unwrap();
        let mut said = Vec::new();
        let _ = soon(protocol, stream.read_to_end(&mut said)).await;
    }
    let mut begun = running.plain_tcp().await;
    begun.write_all(b"PRI * HT").await.unwrap();
    closed("half an HTTP/2 preface", &mut begun).await;
    running.counted("all slots are free", |counts| counts.open == 0).await;
    assert_eq!(running.stop().await, Drained { cut: 0 });
}

#[tokio::test]
async fn slow_headers_are_closed_also_on_a_connection_in_use() {
    let limits = Limits {
        headers: Duration::from_millis(500),
        ..Limits::default()
    };
    let running = Running::start(limits).await;
    let mut stream = running.plain_tcp().await;
    stream
        .write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\nGET / HTTP/1.1\r\nhost: ")
        .await
        .unwrap();
    let said = closed("slow headers", &mut stream).await;
    assert!(said.starts_with(b"HTTP/1.1 200 OK"), "{said:?}");
    assert_eq!(running.stop().await, Drained { cut: 0 });
}

#[tokio::test]
async fn an_idle_connection_is_closed_in_order_but_not_one_with_a_silent_watch() {
    let limits = Limits {
        first_request: Duration::from_secs(1),
        idle: SHORT,
        ..Limits::default()
    };
    let running = Running::start(limits).await;
    let mut watcher = running.http2(None).await;
    let watch = watcher.sender.send_request(get("/silent")).await.unwrap();
    let mut idler = running.http2(None).await;
    idler.text("/").await.unwrap();
    assert!(soon("the idle connection's end", idler.connection).await.unwrap());
    running.counted("its slot is free", |counts| counts.open == 1).await;
    assert_eq!(watcher.text("/").await.unwrap(), "nobody");
    drop(watch);
    assert!(soon("the watcher's end", watcher.connection).await.unwrap());
    assert_eq!(running.stop().await, Drained { cut: 0 });
}

#[tokio::test]
async fn headers_over_the_limit_are_refused() {
    let running = start().await;
    let mut stream = running.plain_tcp().await;
    let request = format!("GET / HTTP/1.1\r\nhost: x\r\nx: {}\r\n\r\n", "y".repeat(64 << 10));
    // The server may close before it has read everything.
    let _ = stream.write_all(request.as_bytes()).await;
    let said = closed("long headers", &mut stream).await;
    assert!(said.is_empty() || said.starts_with(b"HTTP/1.1 431"), "{said:?}");
    assert_eq!(running.stop().await, Drained { cut: 0 });
}

// Clients that do not read

#[tokio::test]
async fn a_client_that_does_not_read_is_cut_while_others_are_served() {
    let limits = Limits {
        stall: SHORT,
        ..Limits::default()
    };
    let running = Running::start(limits).await;
    let mut stuck = running.plain_tcp().await;
    stuck
        .write_all(b"GET /large HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    running.counted("it is served", |counts| counts.accepted == 1).await;
    let mut other = running.http2(None).await;
    assert_eq!(other.text("/").await.unwrap(), "nobody");
    running
        .counted("the stuck one is gone", |counts| counts.open == 1)
        .await;
    let said = closed("the stuck connection", &mut stuck).await;
    assert!(said.len() < LARGE, "{} bytes", said.len());
    assert_eq!(running.stop().await, Drained { cut: 0 });
}

#[tokio::test]
async fn a_stream_that_is_not_read_is_reset_while_its_connection_goes_on() {
    let limits = Limits {
        stall: SHORT,
        ..Limits::default()
    };
    let running = Running::start(limits).await;
    let mut client = running.http2(None).await;
    let stuck = client.sender.send_request(get("/large")).await.unwrap();
    let mut body = stuck.into_body();
    running.streams("the stuck stream is gone", 0).await;
    assert_eq!(client.text("/").await.unwrap(), "nobody");
    let mut received = 0;
    let error = loop {
        match soon("the rest of the body", body.frame()).await.unwrap() {
            Ok(frame) => received += frame.into_data().unwrap().len(),
            Err(error) => break error,
        }
    };
    assert!(received < LARGE, "{received} bytes, then {error}");
    assert_eq!(running.stop().await, Drained { cut: 0 });
}

#[tokio::test]
async fn a_stream_that_waits_for_us_outlives_the_bound_for_clients() {
    let limits = Limits {
        stall: SHORT,
        ..Limits::default()
    };
    let running = Running::start(limits).await;
    let mut client = running.http2(None).await;
    let mut sender = client.sender.clone();
    let waiting = tokio::spawn(async move { sender.send_request(get("/wait")).await });
    let watch = client.sender.send_request(get("/silent")).await.unwrap();
    let stuck = client.sender.send_request(get("/large")).await.unwrap();
    running.streams("one stream is gone", 2).await;
    let rest = soon("the end of the stuck one", stuck.into_body().collect()).await;
    assert!(rest.is_err(), "it is the one that is not read");
    let mut watch = watch.into_body();
    assert!(watch.frame().now_or_never().is_none(), "the watch goes on");
    running.handler.go.add_permits(1);
    assert!(soon("the answer", waiting).await.unwrap().is_ok());
    drop(watch);
    assert_eq!(running.stop().await, Drained { cut: 0 });
}

#[tokio::test]
async fn a_large_response_reaches_a_client_that_reads() {
    let running = start().await;
    let mut client = running.http2(None).await;
    assert_eq!(client.text("/large").await.unwrap().len(), LARGE);
    let mut sender = running.http1(None).await;
    let response = sender.send_request(get("/large")).await.unwrap();
    assert_eq!(response.headers()["content-length"], LARGE.to_string());
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body.len(), LARGE);
    assert_eq!(running.stop().await, Drained { cut: 0 });
}

// Limits

#[tokio::test]
async fn connections_over_the_limit_are_closed_at_once() {
    let limits = Limits {
        connections_per_address: 2,
        ..Limits::default()
    };
    let running = Running::start(limits).await;
    let mut first = running.http2(None).await;
    let second = running.plain_tcp().await;
    running.counted("two are accepted", |counts| counts.accepted == 2).await;
    let said = closed("the third", &mut running.plain_tcp().await).await;
    assert_eq!(said, b"");
    assert_eq!(running.server.counts().refused, 1);
    assert_eq!(first.text("/").await.unwrap(), "nobody");

    drop(second);
    running.counted("a slot is free", |counts| counts.open == 1).await;
    let mut third = running.http2(None).await;
    assert_eq!(third.text("/").await.unwrap(), "nobody");
    assert_eq!(running.stop().await, Drained { cut: 0 });
}

#[tokio::test]
async fn a_response_can_close_its_http2_connection() {
    let running = start().await;
    let mut client = running.http2(None).await;
    let mut other = running.http2(None).await;
    assert_eq!(client.text("/").await.unwrap(), "nobody");
    assert_eq!(client.text("/close").await.unwrap(), "bye");
    assert!(soon("the connection's end", client.connection).await.unwrap());
    assert_eq!(other.text("/").await.unwrap(), "nobody");
    assert_eq!(running.stop().await, Drained { cut: 0 });
}

/// Fails as a system without file descriptors does, then works.
struct Failing {
    failures: AtomicUsize,
    socket: TcpListener,
}

impl Accept for Failing {
    async fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        let errors = [
            rustix::io::Errno::MFILE,
            rustix::io::Errno::CONNABORTED,
            rustix::io::Errno::NFILE,
        ];
        match errors.get(self.failures.fetch_add(1, Ordering::Relaxed)) {
            Some(error) => Err((*error).into()),
            None => self.socket.accept().await,
        }
    }
}

#[tokio::test]
async fn accepting_goes_on_after_errors() {
    let running = start().await;
    let acceptor = Failing {
        failures: AtomicUsize::new(0),
        socket: TcpListener::bind("127.0.0.1:0").await.unwrap(),
    };
    let address = acceptor.socket.local_addr().unwrap();
    let drain = CancellationToken::new();
    let server = Server::new(Arc::clone(&running.handler), Limits::default());
    let client = async {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream
            .write_all(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
            .await
            .unwrap();
        let said = closed("the answer", &mut stream).await;
        drain.cancel();
        said
    };
    let (said, connections) = tokio::join!(client, server.accept(&acceptor, None, &drain));
    assert!(said.starts_with(b"HTTP/1.1 200 OK"), "{said:?}");
    assert_eq!(server.drain(vec![connections]).await, Drained { cut: 0 });
    assert_eq!(running.stop().await, Drained { cut: 0 });
}

// The end

#[tokio::test]
async fn requests_in_progress_end_and_idle_connections_do_not_delay_that() {
    let running = start().await;
    let _idle = running.http2(None).await;
    let _idle_http1 = running.http1(None).await;
    let _in_handshake = running.tcp().await;
    running
        .counted("they are accepted", |counts| counts.accepted == 3)
        .await;
    let mut client = running.http2(None).await;
    let handler = Arc::clone(&running.handler);
    let request = tokio::spawn(async move { client.text("/wait").await });
    soon("the request", handler.waiting.acquire()).await.unwrap().forget();

    running.drain();
    let (plain, secure) = (running.plain, running.address);
    running
        .counted("only that one is left", |counts| counts.open == 1)
        .await;
    for address in [plain, secure] {
        assert!(TcpStream::connect(address).await.is_err(), "no more listening");
    }
    handler.go.add_permits(1);
    assert_eq!(soon("its response", request).await.unwrap().unwrap(), "done");
    assert_eq!(running.joined().await, Drained { cut: 0 });
}

#[tokio::test]
async fn requests_that_do_not_end_in_time_are_cut_and_counted() {
    let limits = Limits {
        drain: SHORT,
        ..Limits::default()
    };
    let running = Running::start(limits).await;
    let mut clients = Vec::new();
    for path in ["/wait", "/silent"] {
        let mut client = running.http2(None).await;
        clients.push(tokio::spawn(async move { client.text(path).await }));
    }
    soon("the request", running.handler.waiting.acquire())
        .await
        .unwrap()
        .forget();
    running.streams("both are in progress", 2).await;
    let handler = Arc::clone(&running.handler);
    assert_eq!(running.stop().await, Drained { cut: 2 });
    assert_eq!(Arc::strong_count(&handler), 1, "nothing is left running");
    for client in clients {
        assert!(soon("the client's end", client).await.unwrap().is_err());
    }
}
