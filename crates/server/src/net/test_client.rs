//! A server on a real socket and clients for it.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Empty, Full, StreamBody, combinators::UnsyncBoxBody};
use hyper::body::{Frame, Incoming};
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::client::WantsClientCert;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ClientConfig, ConfigBuilder, RootCertStore};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::auth::ClientCas;
use crate::auth::test_pki::{Authority, Holder, LATE};

/// Longer than anything here takes when it works.
pub(super) const SOON: Duration = Duration::from_secs(20);

/// Bytes of the body at `/large`: more than the kernel keeps for a client that does not read.
pub(super) const LARGE: usize = 32 << 20;

/// Fails the test when `future` does not end.
pub(super) async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(SOON, future)
        .await
        .unwrap_or_else(|_| panic!("still waiting: {what}"))
}

/// Answers by path.
pub(super) struct TestHandler {
    /// `/wait` is answered when there is a permit.
    pub(super) go: Semaphore,
    /// Has a permit for each request to `/wait` that has come in.
    pub(super) waiting: Semaphore,
}

type TestBody = UnsyncBoxBody<Bytes, Infallible>;

fn full(text: impl Into<Bytes>) -> TestBody {
    Full::new(text.into()).boxed_unsync()
}

impl Handler for TestHandler {
    type Body = TestBody;

    async fn handle(&self, request: Request<Incoming>, peer: &Arc<Peer>) -> Response<TestBody> {
        match request.uri().path() {
            "/wait" => {
                self.waiting.add_permits(1);
                self.go.acquire().await.unwrap().forget();
                Response::new(full("done"))
            }
            "/close" => Response::builder()
                .header("connection", "close")
                .body(full("bye"))
                .unwrap(),
            "/large" => Response::new(full(vec![7; LARGE])),
            "/silent" => Response::new(
                StreamBody::new(futures_util::stream::pending::<Result<Frame<Bytes>, Infallible>>()).boxed_unsync(),
            ),
            _ => Response::new(full(describe(peer))),
        }
    }
}

fn describe(peer: &Peer) -> String {
    match peer.certificate.as_deref() {
        None => "nobody".to_owned(),
        Some(PeerCertificate::Good { user, .. }) => user.name.to_string(),
        Some(PeerCertificate::Bad(_)) => "bad".to_owned(),
    }
}

/// A server that serves.
pub(super) struct Running {
    pub(super) server: Arc<Server<TestHandler>>,
    pub(super) handler: Arc<TestHandler>,
    pub(super) address: SocketAddr,
    pub(super) plain: SocketAddr,
    pub(super) tls: Arc<Tls>,
    pub(super) clients: Authority,
    authority: Authority,
    drain: CancellationToken,
    serving: JoinHandle<Drained>,
}

pub(super) fn root(name: &str) -> Authority {
    Authority::root(name, 0..=LATE)
}

pub(super) fn cas(authority: &Authority) -> ClientCas {
    ClientCas::from_pem(authority.pem().as_bytes()).unwrap()
}

pub(super) fn identity(authority: &Authority) -> Identity {
    let Holder { chain, key } = authority.server();
    Identity::new(chain, key).expect("a certificate and its key")
}

impl Running {
    pub(super) async fn start(limits: Limits) -> Self {
        let handler = Arc::new(TestHandler {
            go: Semaphore::new(0),
            waiting: Semaphore::new(0),
        });
        let (authority, clients) = (root("servers"), root("clients"));
        let tls = Arc::new(Tls::new(identity(&authority), Some(cas(&clients))).unwrap());
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let plain = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, plain_address) = (socket.local_addr().unwrap(), plain.local_addr().unwrap());
        let listeners = vec![Listener::tls(socket, Arc::clone(&tls)), Listener::plain(plain).unwrap()];
        let server = Arc::new(Server::new(Arc::clone(&handler), limits));
        let drain = CancellationToken::new();
        let serving = tokio::spawn({
            let (server, drain) = (Arc::clone(&server), drain.clone());
            async move { server.serve(listeners, drain).await }
        });
        Self {
            server,
            handler,
            address,
            plain: plain_address,
            tls,
            clients,
            authority,
            drain,
            serving,
        }
    }

    /// Tells it to end.
    pub(super) fn drain(&self) {
        self.drain.cancel();
    }

    /// Waits for its end.
    pub(super) async fn joined(self) -> Drained {
        soon("the server's end", self.serving).await.unwrap()
    }

    pub(super) async fn stop(self) -> Drained {
        self.drain();
        self.joined().await
    }

    /// Waits until the counts are as they should be.
    pub(super) async fn counted(&self, what: &str, fits: impl Fn(ConnectionCounts) -> bool) {
        let polled = async {
            while !fits(self.server.counts()) {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        if tokio::time::timeout(SOON, polled).await.is_err() {
            panic!("{what}: {:?}", self.server.counts());
        }
    }

    /// Waits until this many streams of HTTP/2 are in progress.
    pub(super) async fn streams(&self, what: &str, expected: usize) {
        let polled = async {
            while self.server.streams.len() != expected {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        soon(what, polled).await;
    }

    pub(super) async fn tcp(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    pub(super) async fn plain_tcp(&self) -> TcpStream {
        TcpStream::connect(self.plain).await.unwrap()
    }

    pub(super) async fn handshake(
        &self,
        holder: Option<Holder>,
        protocol: &str,
    ) -> std::io::Result<TlsStream<TcpStream>> {
        self.handshake_by(
            |builder| match holder {
                Some(Holder { chain, key }) => builder.with_client_auth_cert(chain, key).unwrap(),
                None => builder.with_no_client_auth(),
            },
            protocol,
        )
        .await
    }

    /// Shows a certificate without having its key.
    pub(super) async fn handshake_of_thief(
        &self,
        chain: Vec<CertificateDer<'static>>,
        key: &PrivateKeyDer<'static>,
    ) -> std::io::Result<TlsStream<TcpStream>> {
        let key = rustls::crypto::ring::sign::any_supported_type(key).unwrap();
        // Unlike `with_client_auth_cert` this does not look whether they belong together.
        let stolen = Arc::new(SingleCertAndKey::from(CertifiedKey::new(chain, key)));
        let mut stream = self
            .handshake_by(|builder| builder.with_client_cert_resolver(stolen), "h2")
            .await?;
        // In TLS 1.3 the client is done before the server has looked: its verdict comes with the first bytes.
        let mut first = [0];
        stream.read_exact(&mut first).await?;
        Ok(stream)
    }

    async fn handshake_by(
        &self,
        configure: impl FnOnce(ConfigBuilder<ClientConfig, WantsClientCert>) -> ClientConfig,
        protocol: &str,
    ) -> std::io::Result<TlsStream<TcpStream>> {
        let mut roots = RootCertStore::empty();
        roots.add(self.authority.der()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        let mut config = configure(builder);
        config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
        let name = ServerName::try_from("127.0.0.1").unwrap();
        TlsConnector::from(Arc::new(config))
            .connect(name, self.tcp().await)
            .await
    }

    pub(super) async fn http2(&self, holder: Option<Holder>) -> Http2 {
        let stream = self.handshake(holder, "h2").await.unwrap();
        let (sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .unwrap();
        Http2 {
            sender,
            connection: tokio::spawn(async move { connection.await.is_ok() }),
        }
    }

    pub(super) async fn http1(&self, holder: Option<Holder>) -> http1::SendRequest<Empty<Bytes>> {
        let stream = self.handshake(holder, "http/1.1").await.unwrap();
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        sender
    }
}

/// A client's HTTP/2 connection.
pub(super) struct Http2 {
    pub(super) sender: http2::SendRequest<Empty<Bytes>>,
    /// Ends with the connection: whether it did in order.
    pub(super) connection: JoinHandle<bool>,
}

pub(super) fn get(path: &str) -> Request<Empty<Bytes>> {
    Request::get(format!("https://127.0.0.1{path}"))
        .header("host", "127.0.0.1")
        .body(Empty::new())
        .unwrap()
}

impl Http2 {
    /// The text at `path`.
    pub(super) async fn text(&mut self, path: &str) -> hyper::Result<String> {
        self.sender.ready().await?;
        let response = self.sender.send_request(get(path)).await?;
        assert_eq!(response.status(), StatusCode::OK);
        let body = response.into_body().collect().await?.to_bytes();
        Ok(String::from_utf8(body.to_vec()).unwrap())
    }
}

/// Waits until the other side closes; what it had to say before.
pub(super) async fn closed(what: &str, stream: &mut TcpStream) -> Vec<u8> {
    let mut said = Vec::new();
    // A reset is as good an end as any.
    let _ = soon(what, stream.read_to_end(&mut said)).await;
    said
}
