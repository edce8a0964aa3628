//! [`Connection`]: a connection that carries one request after another, and shows when it is cut.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Method, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_util::task::AbortOnDropHandle;

use crate::exchange::Outgoing;
use crate::{Error, Target};

/// An open connection with the credentials of its target. Nothing is ever sent twice: a request that fails may have
/// been carried out, and whoever sent it knows that.
pub struct Connection {
    target: Target,
    sender: SendRequest<Full<Bytes>>,
    _driver: AbortOnDropHandle<()>,
}

impl Connection {
    /// Connects.
    pub async fn open(target: &Target) -> Result<Self, Error> {
        let tcp = TcpStream::connect(&*target.authority).await?;
        tcp.set_nodelay(true)?;
        match &target.tls {
            None => Self::over(target, tcp).await,
            Some(tls) => {
                let stream = tls.identified.connect(tls.server.clone(), tcp).await?;
                Self::over(target, stream).await
            }
        }
    }

    async fn over<S>(target: &Target, stream: S) -> Result<Self, Error>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        let driver = tokio::spawn(async move {
            // What goes wrong shows as an error of the request or of its body.
            let _ = connection.await;
        });
        Ok(Self {
            target: target.clone(),
            sender,
            _driver: AbortOnDropHandle::new(driver),
        })
    }

    /// Sends a request, with a body of this content type if there is one, and waits for the head of the reply. The body
    /// of the reply has to be read, or the connection dropped, before the next.
    pub async fn send(
        &mut self,
        method: Method,
        path: &str,
        body: Option<(&'static str, Vec<u8>)>,
    ) -> Result<Response<Incoming>, Error> {
        let (kind, body) = body.unzip();
        let mut request = Outgoing::new(method, path, body).into_request(&self.target)?;
        if let Some(kind) = kind {
            request
                .headers_mut()
                .insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        }
        self.sender.ready().await?;
        Ok(self.sender.send_request(request).await?)
    }
}
