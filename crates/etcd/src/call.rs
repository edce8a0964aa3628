//! One gRPC call on a connection: its head, its messages, its end.

use std::time::Duration;

use h2::client::ResponseFuture;
use h2::{Reason, RecvStream};
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue, TE};
use http::uri::{PathAndQuery, Uri};
use http::{HeaderMap, Method, Request, StatusCode};
use prost::Message;

use crate::Error;
use crate::connection::{Connection, Waiting};
use crate::frames::Frames;
use crate::status::Status;
use crate::target::Target;

/// What is called.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rpc {
    path: &'static str,
    /// Whether a member without a leader shall refuse at once, before it does anything. It would try for seconds otherwise.
    needs_leader: bool,
    /// Whether it may be carried out twice.
    pub(crate) is_read: bool,
}

impl Rpc {
    pub(crate) const RANGE: Self = Self::new("/etcdserverpb.KV/Range", true, true);
    pub(crate) const TXN: Self = Self::new("/etcdserverpb.KV/Txn", true, false);
    pub(crate) const COMPACT: Self = Self::new("/etcdserverpb.KV/Compact", true, false);
    pub(crate) const WATCH: Self = Self::new("/etcdserverpb.Watch/Watch", true, true);
    pub(crate) const STATUS: Self = Self::new("/etcdserverpb.Maintenance/Status", false, true);

    const fn new(path: &'static str, needs_leader: bool, is_read: bool) -> Self {
        Self {
            path,
            needs_leader,
            is_read,
        }
    }

    /// The head of a request to that endpoint.
    pub(crate) fn request(self, target: &Target) -> Request<()> {
        let mut uri = http::uri::Parts::default();
        uri.scheme = Some(target.scheme());
        uri.authority = Some(target.authority.clone());
        uri.path_and_query = Some(PathAndQuery::from_static(self.path));
        let mut headers = HeaderMap::with_capacity(3);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
        headers.insert(TE, HeaderValue::from_static("trailers"));
        if self.needs_leader {
            let name = HeaderName::from_static("hasleader");
            headers.insert(name, HeaderValue::from_static("true"));
        }
        let mut request = Request::new(());
        *request.method_mut() = Method::POST;
        *request.uri_mut() = Uri::from_parts(uri).expect("scheme, authority and path make a URI");
        *request.headers_mut() = headers;
        request
    }
}

/// What comes back, message by message.
pub(crate) struct Reply {
    waiting: Waiting,
    body: RecvStream,
    frames: Frames,
}

impl Reply {
    /// Waits for the head. An error that the head itself carries is the call's.
    pub(crate) async fn begin(connection: Connection, response: ResponseFuture) -> Result<Self, Error> {
        let waiting = connection.wait();
        let (head, body) = response.await.map_err(|error| broken(&error))?.into_parts();
        waiting.heard();
        if let Some(status) = Status::read(&head.headers)
            && !status.is_ok()
        {
            return Err(status.error());
        }
        if head.status != StatusCode::OK {
            return Err(Error::Unknown(format!("not gRPC: HTTP status {}", head.status)));
        }
        Ok(Self {
            waiting,
            body,
            frames: Frames::default(),
        })
    }

    /// The next message; `None` at the end of all. Cancel safe.
    pub(crate) async fn next<M: Message + Default>(&mut self) -> Result<Option<M>, Error> {
        loop {
            if let Some(message) = self.frames.next().map_err(Error::Unknown)? {
                return Ok(Some(message));
            }
            let Some(piece) = self.body.data().await else {
                return self.end().await.map(|()| None);
            };
            let piece = piece.map_err(|error| broken(&error))?;
            self.waiting.heard();
            let released = self.body.flow_control().release_capacity(piece.len());
            released.map_err(|error| broken(&error))?;
            self.frames.push(piece);
        }
    }

    async fn end(&mut self) -> Result<(), Error> {
        let trailers = self.body.trailers().await.map_err(|error| broken(&error))?;
        let status = trailers.as_ref().and_then(Status::read);
        match status {
            Some(status) if !status.is_ok() => Err(status.error()),
            Some(_) if self.frames.is_empty() => Ok(()),
            _ => Err(Error::Unknown("the reply was cut off".to_owned())),
        }
    }
}

/// Waits for the one message of a call that has one.
pub(crate) async fn unary<M: Message + Default>(connection: Connection, response: ResponseFuture) -> Result<M, Error> {
    let mut reply = Reply::begin(connection, response).await?;
    let message = reply.next().await?;
    // Only the end tells that it was all.
    if reply.next::<M>().await?.is_some() {
        return Err(Error::Unknown("more than one message".to_owned()));
    }
    message.ok_or_else(|| Error::Unknown("no message".to_owned()))
}

/// What the end of a stream tells about a request that was sent on it. Only two things prove that the server never looked at it:
/// its refusal of the stream, and its farewell naming an earlier stream as the last.
fn broken(error: &h2::Error) -> Error {
    let is_refused = error.is_reset() && error.reason() == Some(Reason::REFUSED_STREAM);
    if error.is_remote() && (is_refused || error.is_go_away()) {
        Error::NotSent(error.to_string())
    } else {
        Error::Unknown(error.to_string())
    }
}

/// The text of a deadline that has passed.
pub(crate) fn too_late(bound: Duration) -> String {
    format!("no answer within {bound:?}")
}
