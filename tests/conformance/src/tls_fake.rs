//! A TLS server that tells whether the client showed a certificate, and the kubeconfig that leads to it.

use std::convert::Infallible;
use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::Response;
use http_body_util::Full;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use rustls_pki_types::PrivateKeyDer;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_util::task::AbortOnDropHandle;

/// Dropping it stops the server.
pub(crate) struct TlsFake {
    pub(crate) kubeconfig: String,
    _server: AbortOnDropHandle<()>,
}

impl TlsFake {
    /// Answers 200 to everything; the body is `identified` or `anonymous`.
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let (certificate, key) = issue(&ca, "127.0.0.1");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut roots = RootCertStore::empty();
        roots.add(ca.der().clone()).unwrap();
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone());
        let verifier = verifier.allow_unauthenticated().build().unwrap();
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_client_cert_verifier(verifier)
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivateKeyDer::Pkcs8(key.serialize_der().into()),
            )
            .unwrap();
        let (client, client_key) = issue(&ca, "admin");
        let data = |pem: String| BASE64_STANDARD.encode(pem);
        let kubeconfig = format!(
            "clusters:\n- name: c\n  cluster:\n    server: https://127.0.0.1:{port}\n    \
             certificate-authority-data: {}\nusers:\n- name: u\n  user:\n    client-certificate-data: {}\n    \
             client-key-data: {}\n",
            data(ca.pem()),
            data(client.pem()),
            data(client_key.serialize_pem()),
        );
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let server = AbortOnDropHandle::new(tokio::spawn(serve(listener, acceptor)));
        Self {
            kubeconfig,
            _server: server,
        }
    }
}

type Ca = CertifiedIssuer<'static, KeyPair>;

fn issue(ca: &Ca, name: &str) -> (rcgen::Certificate, KeyPair) {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new([name.to_owned()]).unwrap();
    (params.signed_by(&key, ca).unwrap(), key)
}

async fn serve(listener: TcpListener, acceptor: TlsAcceptor) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        connections.spawn(converse(stream, acceptor.clone()));
    }
}

async fn converse(stream: TcpStream, acceptor: TlsAcceptor) {
    let Ok(stream) = acceptor.accept(stream).await else {
        return;
    };
    let identified = stream.get_ref().1.peer_certificates().is_some();
    let body = if identified { "identified" } else { "anonymous" };
    let service = service_fn(move |_| async move {
        let body = Full::new(Bytes::from_static(body.as_bytes()));
        Ok::<_, Infallible>(Response::new(body))
    });
    // A client may hang up at any time.
    let _ = http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}
