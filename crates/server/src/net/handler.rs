//! What answers requests.

use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;

use super::Peer;

/// Answers requests. Bounds its own time and what it reads of the body; everything below that is done by
/// [`super::Server`].
pub trait Handler: Send + Sync + 'static {
    /// The body of a response.
    type Body: Body<Data = Bytes, Error: std::error::Error + Send + Sync> + Send + Unpin + 'static;

    /// Answers one request.
    ///
    /// The future is dropped when the client goes away, so what must run to its end may not be part of it. A response
    /// with `Connection: close` closes the connection after the requests in progress, over HTTP/2 too: as Kubernetes
    /// does for callers that it does not know (CVE-2023-44487).
    fn handle(&self, request: Request<Incoming>, peer: &Arc<Peer>)
    -> impl Future<Output = Response<Self::Body>> + Send;
}
