//! One request and its reply, over a connection of its own.

use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, HOST, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::task::AbortOnDropHandle;

use crate::doc::Doc;
use crate::{Error, Target};

/// How long a server may take for a reply, or for a body after it.
const PATIENCE: Duration = Duration::from_secs(30);

/// What to send.
#[derive(Clone)]
pub(crate) struct Outgoing {
    pub(crate) method: Method,
    /// Path and query.
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Option<Vec<u8>>,
}

/// A reply whose body is still to be read. Dropping it closes the connection.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    body: Incoming,
    _connection: AbortOnDropHandle<()>,
}

impl Outgoing {
    /// A request with a JSON body or none, as the transcripts send it if they say nothing else.
    pub(crate) fn new(method: Method, path: &str, body: Option<Vec<u8>>) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(USER_AGENT, HeaderValue::from_static("transcript/1.0"));
        if body.is_some() {
            headers.insert(http::header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        let path = path.to_owned();
        Self {
            method,
            path,
            headers,
            body,
        }
    }

    /// Adds a header or replaces it.
    pub(crate) fn header(&mut self, name: &str, value: &str) -> Result<(), Error> {
        self.headers
            .insert(HeaderName::try_from(name)?, HeaderValue::try_from(value)?);
        Ok(())
    }

    pub(crate) fn into_request(self, target: &Target) -> Result<Request<Full<Bytes>>, Error> {
        let body = Full::new(Bytes::from(self.body.unwrap_or_default()));
        let mut request = Request::builder().method(self.method).uri(self.path).body(body)?;
        *request.headers_mut() = self.headers;
        request
            .headers_mut()
            .insert(HOST, HeaderValue::try_from(&*target.authority)?);
        if let Some(token) = &target.token {
            let bearer = HeaderValue::try_from(format!("Bearer {token}"))?;
            request.headers_mut().entry(AUTHORIZATION).or_insert(bearer);
        }
        Ok(request)
    }
}

/// Sends a request and waits for the head of the reply.
pub(crate) async fn send(target: &Target, outgoing: Outgoing) -> Result<Reply, Error> {
    timeout(PATIENCE, connect_and_send(target, outgoing))
        .await
        .map_err(|_| format!("no reply within {PATIENCE:?}"))?
}

async fn connect_and_send(target: &Target, outgoing: Outgoing) -> Result<Reply, Error> {
    let brings_credentials = outgoing.headers.contains_key(AUTHORIZATION);
    let request = outgoing.into_request(target)?;
    let tcp = TcpStream::connect(&*target.authority).await?;
    tcp.set_nodelay(true)?;
    match &target.tls {
        None => converse(tcp, request).await,
        Some(tls) => {
            let connector = if brings_credentials {
                &tls.anonymous
            } else {
                &tls.identified
            };
            converse(connector.connect(tls.server.clone(), tcp).await?, request).await
        }
    }
}

async fn converse<S>(stream: S, request: Request<Full<Bytes>>) -> Result<Reply, Error>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let driver = tokio::spawn(async move {
        // What goes wrong shows as an error of the reply or of its body.
        let _ = connection.await;
    });
    let connection = AbortOnDropHandle::new(driver);
    let (head, body) = sender.send_request(request).await?.into_parts();
    Ok(Reply {
        status: head.status.as_u16(),
        headers: head.headers,
        body,
        _connection: connection,
    })
}

impl Reply {
    /// The whole body.
    pub(crate) async fn bytes(self) -> Result<Bytes, Error> {
        let body = timeout(PATIENCE, self.body.collect()).await;
        Ok(body
            .map_err(|_| format!("the body did not end within {PATIENCE:?}"))??
            .to_bytes())
    }

    /// The events of a watch, one JSON text per line: the first `count` of them, or those that came before the watch
    /// ended or the time was up.
    pub(crate) async fn events(&mut self, count: usize, within: Duration) -> Result<Vec<Doc>, Error> {
        let deadline = Instant::now() + within;
        let (mut events, mut unread) = (Vec::new(), Vec::new());
        while events.len() < count {
            let Ok(Some(Ok(frame))) = timeout_at(deadline, self.body.frame()).await else {
                break;
            };
            unread.extend_from_slice(frame.data_ref().map_or(&[][..], |data| data));
            while let Some(end) = unread.iter().position(|b| *b == b'\n') {
                let line: Vec<u8> = unread.drain(..=end).collect();
                if !line.trim_ascii().is_empty() {
                    events.push(serde_json::from_slice(&line)?);
                }
            }
        }
        Ok(events)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    /// A server that sends this after the first request and then keeps the connection open until it is dropped.
    async fn stuck_server(reply: &'static str) -> (Target, AbortOnDropHandle<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let target = Target::plain(&listener.local_addr().unwrap().to_string(), None);
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 1024];
            let _ = stream.read(&mut request).await.unwrap();
            stream.write_all(reply.as_bytes()).await.unwrap();
            let _ = stream.read(&mut request).await;
        });
        (target, AbortOnDropHandle::new(server))
    }

    #[tokio::test]
    async fn events_are_read_until_there_are_enough_or_the_time_is_up() {
        let reply = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\
                     5\r\n{\"a\":\r\n7\r\n1}\n\n{\"b\r\n5\r\n\":2}\n\r\n";
        for (count, within, want) in [(2, PATIENCE, 2), (1, PATIENCE, 2), (3, Duration::from_millis(200), 2)] {
            let (target, _server) = stuck_server(reply).await;
            let outgoing = Outgoing::new(Method::GET, "/", None);
            let mut watch = send(&target, outgoing).await.unwrap();
            let events = watch.events(count, within).await.unwrap();
            assert!(events.len() >= count.min(want) && events.len() <= want, "{events:?}");
            assert_eq!(events[0].pointer("/a").and_then(Doc::to_text).as_deref(), Some("1"));
        }
    }

    #[test]
    fn the_token_gives_way_to_credentials_of_the_request() {
        let target = Target::plain("localhost:1", Some("secret"));
        let mut outgoing = Outgoing::new(Method::GET, "/x?y=1", None);
        let request = outgoing.clone().into_request(&target).unwrap();
        assert_eq!(request.headers()[AUTHORIZATION], "Bearer secret");
        assert_eq!(request.headers()[HOST], "localhost:1");
        outgoing.header("Authorization", "Bearer wrong").unwrap();
        let request = outgoing.into_request(&target).unwrap();
        assert_eq!(request.headers()[AUTHORIZATION], "Bearer wrong");
    }
}
