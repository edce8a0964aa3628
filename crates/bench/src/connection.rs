//! One connection: opens it, sends requests on it, reads replies.
//!
//! HTTP/2 goes through h2 itself: hyper would start a task and a channel for each request, which costs as much as all the
//! rest of a renewal. HTTP/1.1 is hyper's.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, HOST};
use http::uri::{PathAndQuery, Scheme};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_util::task::AbortOnDropHandle;

use crate::Error;
use crate::target::{Protocol, Target, Windows};

/// Bound on connecting and on each handshake.
const STEP: Duration = Duration::from_secs(30);
/// Bytes of small frames on top of the windows. A watch is nothing but small frames.
const FRAME_BUDGET: usize = 256 << 20;
/// Bytes of an HTTP/2 frame that we take. With larger ones a long list costs less.
const FRAME: u32 = 256 << 10;

/// A connection that carries requests: any number of them at once over HTTP/2, one over HTTP/1.1.
pub(crate) struct Connection {
    sender: Sender,
    /// Moves the bytes for as long as this, or a clone of it, is here.
    driver: Arc<AbortOnDropHandle<()>>,
}

enum Sender {
    H2(h2::client::SendRequest<Bytes>),
    Http1(http1::SendRequest<Full<Bytes>>),
}

/// What is asked for.
pub(crate) struct Call {
    pub(crate) method: Method,
    /// With the query, if there is one.
    pub(crate) path: PathAndQuery,
    pub(crate) headers: HeaderMap,
    /// Empty for none.
    pub(crate) body: Bytes,
}

/// A reply whose body comes in pieces.
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    body: Body,
}

enum Body {
    H2(h2::RecvStream),
    Http1(Incoming),
}

/// An exchange that did not come to its end.
#[derive(Debug)]
pub(crate) struct Broken {
    pub(crate) why: String,
    /// Whether other requests on the connection can still be answered.
    pub(crate) usable: bool,
}

impl Connection {
    /// Connects to the server. Needs a tokio runtime.
    pub(crate) async fn open(target: &Target) -> Result<Self, Error> {
        let stream = step(target, TcpStream::connect((&*target.host, target.port))).await?;
        stream.set_nodelay(true)?;
        let Some((connector, name)) = &target.tls else {
            return Self::over(target, stream).await;
        };
        let stream = step(target, connector.connect(name.clone(), stream)).await?;
        Self::over(target, stream).await
    }

    async fn over<S>(target: &Target, stream: S) -> Result<Self, Error>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        // What goes wrong on a connection shows in the requests on it.
        let (sender, driver) = match target.protocol {
            Protocol::H2 => {
                let (sender, driver) = step(target, h2_settings(target.windows).handshake(stream)).await?;
                (Sender::H2(sender), tokio::spawn(async { drop(driver.await) }))
            }
            Protocol::Http1 => {
                let (sender, driver) = step(target, http1::handshake(TokioIo::new(stream))).await?;
                (Sender::Http1(sender), tokio::spawn(async { drop(driver.await) }))
            }
        };
        Ok(Self {
            sender,
            driver: Arc::new(AbortOnDropHandle::new(driver)),
        })
    }

    /// Whether it carries several requests at once.
    pub(crate) fn is_shared(&self) -> bool {
        matches!(self.sender, Sender::H2(_))
    }

    /// Another handle on the same connection, where it can carry several requests.
    pub(crate) fn share(&self) -> Option<Self> {
        match &self.sender {
            Sender::H2(sender) => Some(Self {
                sender: Sender::H2(sender.clone()),
                driver: self.driver.clone(),
            }),
            Sender::Http1(_) => None,
        }
    }

    /// Sends the request and waits for the head of its reply.
    pub(crate) async fn send(&mut self, target: &Target, call: Call) -> Result<Reply, Broken> {
        match &mut self.sender {
            Sender::H2(sender) => over_h2(sender, target, call).await,
            Sender::Http1(sender) => over_http1(sender, target, call).await,
        }
    }
}

impl Reply {
    /// The next piece of the body; `None` at its end.
    pub(crate) async fn piece(&mut self) -> Result<Option<Bytes>, Broken> {
        match &mut self.body {
            Body::H2(stream) => {
                let Some(piece) = stream.data().await.transpose()? else {
                    return Ok(None);
                };
                stream.flow_control().release_capacity(piece.len())?;
                Ok(Some(piece))
            }
            Body::Http1(incoming) => loop {
                let Some(frame) = incoming.frame().await.transpose()? else {
                    return Ok(None);
                };
                // What is not data are trailers, which nobody sends.
                if let Ok(piece) = frame.into_data() {
                    return Ok(Some(piece));
                }
            },
        }
    }

    /// Reads the whole body and puts its first bytes in place of what is in `into`; how many bytes it had.
    pub(crate) async fn read(&mut self, into: &mut Vec<u8>, at_most: usize) -> Result<u64, Broken> {
        into.clear();
        let mut total = 0;
        while let Some(piece) = self.piece().await? {
            total += piece.len() as u64;
            let room = at_most - into.len();
            into.extend_from_slice(&piece[..piece.len().min(room)]);
        }
        Ok(total)
    }
}

impl From<h2::Error> for Broken {
    fn from(error: h2::Error) -> Self {
        Self {
            usable: error.is_reset(),
            why: error.to_string(),
        }
    }
}

impl From<hyper::Error> for Broken {
    fn from(error: hyper::Error) -> Self {
        Self {
            usable: false,
            why: error.to_string(),
        }
    }
}

async fn over_h2(sender: &mut h2::client::SendRequest<Bytes>, target: &Target, call: Call) -> Result<Reply, Broken> {
    let scheme = if target.tls.is_some() {
        Scheme::HTTPS
    } else {
        Scheme::HTTP
    };
    let mut uri = http::uri::Parts::default();
    uri.scheme = Some(scheme);
    uri.authority = Some(target.authority.clone());
    uri.path_and_query = Some(call.path);
    let uri = Uri::from_parts(uri).expect("scheme, authority and path make a URI");
    let request = request(call.method, uri, call.headers, &call.body);
    let is_empty = call.body.is_empty();
    let (response, mut stream) = sender.send_request(request, is_empty)?;
    if !is_empty {
        stream.send_data(call.body, true)?;
    }
    let (head, body) = response.await?.into_parts();
    Ok(Reply {
        status: head.status,
        body: Body::H2(body),
    })
}

async fn over_http1(
    sender: &mut http1::SendRequest<Full<Bytes>>,
    target: &Target,
    mut call: Call,
) -> Result<Reply, Broken> {
    sender.ready().await?;
    let host = HeaderValue::from_str(target.authority.as_str()).expect("an authority is visible ASCII");
    call.headers.insert(HOST, host);
    let request = request(call.method, Uri::from(call.path), call.headers, &call.body);
    let response = sender.send_request(request.map(|()| Full::new(call.body))).await?;
    let (head, body) = response.into_parts();
    Ok(Reply {
        status: head.status,
        body: Body::Http1(body),
    })
}

fn request(method: Method, uri: Uri, headers: HeaderMap, body: &Bytes) -> Request<()> {
    let mut request = Request::new(());
    *request.method_mut() = method;
    *request.uri_mut() = uri;
    *request.headers_mut() = headers;
    if !body.is_empty() {
        let length = HeaderValue::from(body.len());
        request.headers_mut().insert(CONTENT_LENGTH, length);
    }
    request
}

fn h2_settings(windows: Windows) -> h2::client::Builder {
    let mut settings = h2::client::Builder::new();
    settings
        .enable_push(false)
        .initial_window_size(windows.stream)
        .initial_connection_window_size(windows.connection)
        .data_frame_budget(FRAME_BUDGET)
        .max_frame_size(FRAME);
    settings
}

async fn step<T, E: std::fmt::Display>(target: &Target, doing: impl Future<Output = Result<T, E>>) -> Result<T, Error> {
    match timeout(STEP, doing).await {
        Ok(done) => done.map_err(|error| target.failed(&error)),
        Err(_) => Err(target.failed(&"it does not answer")),
    }
}
