//! The life of one connection: handshake, requests, end.

use std::convert::Infallible;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;

use http::header::CONNECTION;
use http::{HeaderMap, Request, Response, Version};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use rustls::ServerConnection;
use rustls_pki_types::CertificateDer;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;

use super::activity::{Activity, InProgress, Outgoing};
use super::listener::prepare;
use super::proof::Proof;
use super::stall::{Said, StallGuard, StreamExecutor, say};
use super::watchdog::{Verdict, Watchdog};
use super::{Handler, Limits, Tls};

/// How HTTP is spoken, set up once for all connections.
pub(super) struct Protocols {
    http1: Builder<StreamExecutor>,
    http2: Builder<StreamExecutor>,
    /// Whichever the first bytes say; for connections without TLS to agree on it beforehand.
    either: Builder<StreamExecutor>,
}

impl Protocols {
    pub(super) fn new(limits: &Limits, streams: StreamExecutor) -> Self {
        let either = protocol(limits, streams);
        Self {
            http1: either.clone().http1_only(),
            http2: either.clone().http2_only(),
            either,
        }
    }
}

fn protocol(limits: &Limits, streams: StreamExecutor) -> Builder<StreamExecutor> {
    // The least that hyper takes as the size of its buffer.
    const LEAST_BUFFER: usize = 8192;
    let mut builder = Builder::new(streams);
    // Without a timer hyper keeps none of these deadlines, and says so nowhere.
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.headers)
        .max_buf_size(LEAST_BUFFER.max(limits.header_bytes as usize));
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(limits.ping_interval)
        .keep_alive_timeout(limits.ping_timeout)
        .max_header_list_size(limits.header_bytes)
        .max_concurrent_streams(limits.streams)
        .max_pending_accept_reset_streams(limits.pending_resets)
        .max_local_error_reset_streams(limits.error_resets)
        .initial_stream_window_size(limits.stream_window)
        .initial_connection_window_size(limits.connection_window)
        .max_send_buf_size(limits.send_buffer);
    builder
}

/// One connection, as its requests see it.
pub(super) struct Connection<H> {
    pub(super) handler: Arc<H>,
    pub(super) proof: Proof,
    pub(super) activity: Arc<Activity>,
    /// Cancelled when no further request is wanted: by a response on this connection, or for all by the drain.
    pub(super) close: CancellationToken,
}

/// What all connections share.
pub(super) struct Common<H> {
    pub(super) handler: Arc<H>,
    pub(super) limits: Limits,
    pub(super) protocols: Protocols,
}

impl<H: Handler> Common<H> {
    fn connection(&self, proof: Proof, close: CancellationToken) -> Connection<H> {
        Connection {
            handler: Arc::clone(&self.handler),
            proof,
            activity: Arc::default(),
            close,
        }
    }

    /// Serves plain HTTP until the connection has ended.
    pub(super) async fn serve_plain(&self, stream: TcpStream, address: SocketAddr, close: CancellationToken) {
        if prepare(&stream).is_err() {
            return;
        }
        let connection = self.connection(Proof::none(address), close);
        let socket = StallGuard::new(stream, self.limits.stall);
        self.serve(socket, &self.protocols.either, connection).await;
    }

    /// Serves TLS until the connection has ended. Says whether there was a handshake.
    pub(super) async fn serve_tls(
        &self,
        stream: TcpStream,
        address: SocketAddr,
        tls: Arc<Tls>,
        close: CancellationToken,
    ) -> bool {
        let handshake = timeout(self.limits.handshake, self.handshake(stream, &tls));
        let stream = tokio::select! {
            biased;
            () = close.cancelled() => return false,
            outcome = Box::pin(handshake) => match outcome {
                Ok(Some(stream)) => stream,
                Ok(None) | Err(_) => return false,
            },
        };
        let session = stream.get_ref().1;
        let protocol = match session.alpn_protocol() {
            Some(b"h2") => &self.protocols.http2,
            _ => &self.protocols.http1,
        };
        let proof = match chain(session) {
            Some(chain) => Proof::certificate(address, chain, tls),
            None => Proof::none(address),
        };
        let connection = self.connection(proof, close);
        self.serve(stream, protocol, connection).await;
        true
    }

    async fn handshake(&self, stream: TcpStream, tls: &Tls) -> Option<TlsStream<StallGuard<TcpStream>>> {
        prepare(&stream).ok()?;
        let socket = StallGuard::new(stream, self.limits.stall);
        let acceptor = TlsAcceptor::from(Arc::clone(&tls.current().config));
        acceptor.accept(socket).await.ok()
    }

    async fn serve<S>(&self, socket: S, protocol: &Builder<StreamExecutor>, connection: Connection<H>)
    where
        S: AsyncRead + AsyncWrite + Unpin + 'static,
    {
        let connection = Arc::new(connection);
        let service = service_fn(|request| answer(Arc::clone(&connection), request));
        let mut http = pin!(protocol.serve_connection(TokioIo::new(socket), service));
        let mut watchdog = Watchdog::new();
        let mut look = pin!(sleep(watchdog.pause(&self.limits)));
        loop {
            let verdict = tokio::select! {
                biased;
                // How it ended is the client's affair: there is nobody to tell.
                _ = http.as_mut() => return,
                () = connection.close.cancelled(), if !watchdog.is_closing() => Verdict::Close,
                () = look.as_mut() => watchdog.look(&connection.activity),
            };
            match verdict {
                Verdict::Keep => {}
                Verdict::Close => {
                    watchdog.closing();
                    http.as_mut().graceful_shutdown();
                }
                Verdict::Cut => return,
            }
            look.as_mut().reset(Instant::now() + watchdog.pause(&self.limits));
        }
    }
}

fn chain(session: &ServerConnection) -> Option<Vec<CertificateDer<'static>>> {
    let shown = session.peer_certificates()?;
    Some(shown.iter().map(|c| c.clone().into_owned()).collect())
}

/// Answers one request.
async fn answer<H: Handler>(
    connection: Arc<Connection<H>>,
    request: Request<Incoming>,
) -> Result<Response<Outgoing<H::Body>>, Infallible> {
    let in_progress = InProgress::begin(&connection.activity);
    let version = request.version();
    let peer = connection.proof.peer();
    let response = saying_wait(pin!(connection.handler.handle(request, &peer))).await;
    // Over HTTP/1 hyper heeds the header itself; over HTTP/2 it only takes it out.
    if version == Version::HTTP_2 && asks_to_close(response.headers()) {
        connection.close.cancel();
    }
    Ok(response.map(|body| Outgoing::new(body, in_progress)))
}

/// Tells the task of the stream that it is for us, not the client, that it waits.
async fn saying_wait<T>(mut future: Pin<&mut impl Future<Output = T>>) -> T {
    poll_fn(|cx| {
        let outcome = future.as_mut().poll(cx);
        if outcome.is_pending() {
            say(Said::Wait);
        }
        outcome
    })
    .await
}

fn asks_to_close(headers: &HeaderMap) -> bool {
    headers
        .get(CONNECTION)
        .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"close"))
}
