//! `/leasehold/backup`: everything there is, as one file. Not Kubernetes', and only for those who may do everything.

use bytes::Bytes;
use futures_util::stream;
use http::{Response, StatusCode};

use crate::{Body, reply};

/// Where it is.
pub(crate) const PATH: &str = "/leasehold/backup";

/// Begins a backup: what comes out of it piece by piece is the store at that moment. A piece is made when the client has
/// room for it.
pub type BackupSource = Box<dyn Fn() -> Box<dyn Iterator<Item = Bytes> + Send> + Send + Sync>;

/// Sends a backup.
pub(crate) fn reply(source: &BackupSource) -> Response<Body> {
    let pieces = Body::Stream(Box::pin(stream::iter(source())));
    reply::new(StatusCode::OK, "application/octet-stream", pieces)
}
