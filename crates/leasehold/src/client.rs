//! One GET over HTTPS, as the user of a kubeconfig.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, HOST, USER_AGENT};
use http::{Request, Response, Uri};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls_pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_util::task::AbortOnDropHandle;

use crate::access::Access;
use crate::client_tls;
use crate::failure::{Failure, Kind};

/// Bound on each step: connecting, the handshake, the head of the reply, every piece of its body.
const STEP: Duration = Duration::from_secs(30);

/// Of a refusal; it is one line.
const MAX_REFUSAL: usize = 16 << 10;

/// A reply whose body comes in pieces.
pub(crate) struct Reply {
    response: Response<Incoming>,
    server: String,
    /// Moves the bytes for as long as this is here.
    _connection: AbortOnDropHandle<hyper::Result<()>>,
}

/// Asks for what is at `path`.
pub(crate) async fn get(access: &Access, path: &str) -> Result<Reply, Failure> {
    let uri: Uri = access.server.parse().map_err(|_| not_a_server(access))?;
    let (Some("https"), Some(host)) = (uri.scheme_str(), uri.host()) else {
        return Err(not_a_server(access));
    };
    let address = (host.trim_matches(['[', ']']), uri.port_u16().unwrap_or(443));
    let name = access.tls_server_name.as_deref().unwrap_or(address.0).to_owned();
    let name = ServerName::try_from(name).map_err(|_| not_a_server(access))?;
    let tls = TlsConnector::from(Arc::new(client_tls::config(access)?));
    let stream = step(access, TcpStream::connect(address)).await?;
    let stream = step(access, tls.connect(name, stream)).await?;
    let (mut sender, connection) = step(access, http1::handshake(TokioIo::new(stream))).await?;
    let connection = AbortOnDropHandle::new(tokio::spawn(connection));
    let request = request(access, &uri, path)?;
    let response = step(access, sender.send_request(request)).await?;
    Ok(Reply {
        response,
        server: access.server.clone(),
        _connection: connection,
    })
}

impl Reply {
    /// The status code.
    pub(crate) fn code(&self) -> u16 {
        self.response.status().as_u16()
    }

    /// The whole body, of at most so many bytes.
    pub(crate) async fn whole(mut self, most: usize) -> Result<Vec<u8>, Failure> {
        let mut body = Vec::new();
        while let Some(piece) = self.piece().await? {
            body.extend_from_slice(&piece);
            if body.len() > most {
                return Err(failed(&self.server, &format!("its answer is longer than {most} bytes")));
            }
        }
        Ok(body)
    }

    /// What the server says in place of what it was asked for, such as a `backup`.
    pub(crate) async fn refused(mut self, what: &str) -> Failure {
        let (code, mut body) = (self.code(), Vec::new());
        while let Ok(Some(piece)) = self.piece().await
            && body.len() < MAX_REFUSAL
        {
            body.extend_from_slice(&piece);
        }
        let status: Option<serde_json::Value> = serde_json::from_slice(&body).ok();
        let message = status.as_ref().and_then(|status| status["message"].as_str());
        let message = message.map_or_else(|| format!("it has no {what}"), str::to_owned);
        let failure = Failure::new(Kind::Runtime, format!("the server answers {code}: {message}"));
        match code {
            401 | 403 => failure.hint(format!("a {what} takes the credentials of someone in system:masters")),
            _ => failure,
        }
    }

    /// The next piece of the body; `None` at its end.
    pub(crate) async fn piece(&mut self) -> Result<Option<Bytes>, Failure> {
        loop {
            let frame = timeout(STEP, self.response.body_mut().frame()).await;
            let frame = frame.map_err(|_| failed(&self.server, &"it sends nothing any more"))?;
            let Some(frame) = frame else { return Ok(None) };
            // What is not data are trailers, which nobody sends.
            if let Ok(data) = frame.map_err(|error| failed(&self.server, &error))?.into_data() {
                return Ok(Some(data));
            }
        }
    }
}

fn request(access: &Access, uri: &Uri, path: &str) -> Result<Request<Empty<Bytes>>, Failure> {
    let prefix = uri.path().trim_end_matches('/');
    let authority = uri.authority().map_or("", http::uri::Authority::as_str);
    let mut request = Request::get(format!("{prefix}{path}"))
        .header(HOST, authority)
        .header(USER_AGENT, concat!("leasehold/", env!("CARGO_PKG_VERSION")));
    if let Some(token) = &access.token {
        request = request.header(AUTHORIZATION, format!("Bearer {}", token.expose()));
    }
    request.body(Empty::new()).map_err(|_| not_a_server(access))
}

async fn step<T, E: std::fmt::Display>(
    access: &Access,
    doing: impl Future<Output = Result<T, E>>,
) -> Result<T, Failure> {
    match timeout(STEP, doing).await {
        Ok(done) => done.map_err(|error| failed(&access.server, &error)),
        Err(_) => Err(failed(&access.server, &"it does not answer")),
    }
}

fn failed(server: &str, why: &dyn std::fmt::Display) -> Failure {
    Failure::new(Kind::Runtime, format!("{server}: {why}"))
}

fn not_a_server(access: &Access) -> Failure {
    let what = format!("'{}' in the kubeconfig is not the URL of a server", access.server);
    Failure::new(Kind::Certificates, what)
}
