//! Reading a request's body, up to a limit and not for ever.

use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use http::HeaderMap;
use http::header::CONTENT_LENGTH;
use http_body_util::BodyExt;
use leasehold_api::ApiError;

use crate::negotiate;

/// The largest body that is read, in bytes: as in Kubernetes, just above what etcd takes.
pub(crate) const BODY_MAX: usize = 3 * 1024 * 1024;

/// How long a client may take to send a body.
pub(crate) const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// Reads a body. Stops at the first byte too many.
///
/// # Errors
/// 413 beyond [`BODY_MAX`], 415 for a compressed one, 408 after [`BODY_TIMEOUT`], 400 when the connection fails.
pub(crate) async fn read<B>(headers: &HeaderMap, body: B) -> Result<Bytes, ApiError>
where
    B: http_body::Body,
    B::Error: std::fmt::Display,
{
    if declared_length(headers).is_some_and(|length| length > BODY_MAX as u64) {
        return Err(too_large());
    }
    let timed = tokio::time::timeout(BODY_TIMEOUT, collect(body));
    let bytes = timed.await.unwrap_or_else(|_| Err(too_slow()))?;
    if !bytes.is_empty() {
        negotiate::refuse_encoded(headers)?;
    }
    Ok(bytes)
}

fn declared_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

async fn collect<B>(body: B) -> Result<Bytes, ApiError>
where
    B: http_body::Body,
    B::Error: std::fmt::Display,
{
    let mut body = std::pin::pin!(body);
    let mut first = Bytes::new();
    let mut rest = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|e| ApiError::bad_request(format!("cannot read the body of the request: {e}")))?;
        let Ok(mut data) = frame.into_data() else { continue };
        if first.len() + rest.len() + data.remaining() > BODY_MAX {
            return Err(too_large());
        }
        let chunk = data.copy_to_bytes(data.remaining());
        if first.is_empty() {
            // Nearly every body comes in one piece, which is then not copied.
            first = chunk;
        } else {
            rest.extend_from_slice(&chunk);
        }
    }
    if rest.is_empty() {
        return Ok(first);
    }
    let mut whole = BytesMut::with_capacity(first.len() + rest.len());
    whole.extend_from_slice(&first);
    whole.extend_from_slice(&rest);
    Ok(whole.freeze())
}

fn too_large() -> ApiError {
    ApiError::too_large(format!("Request entity too large: limit is {BODY_MAX}"))
}

fn too_slow() -> ApiError {
    ApiError::new(408, "Timeout", "the body of the request did not arrive in time")
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures_util::stream;
    use http::HeaderValue;
    use http::header::CONTENT_ENCODING;
    use http_body::Frame;
    use http_body_util::{Full, StreamBody};

    use super::*;

    fn chunks(count: usize, size: usize) -> impl http_body::Body<Data = Bytes, Error = Infallible> {
        let chunk = Bytes::from(vec![b'x'; size]);
        StreamBody::new(stream::iter((0..count).map(move |_| Ok(Frame::data(chunk.clone())))))
    }

    #[tokio::test]
    async fn a_body_is_read_whole() {
        let none = HeaderMap::new();
        assert_eq!(read(&none, Full::new(Bytes::from("abc"))).await, Ok(Bytes::from("abc")));
        assert_eq!(read(&none, Full::new(Bytes::new())).await, Ok(Bytes::new()));
        assert_eq!(read(&none, chunks(5, 7)).await.unwrap().len(), 35);
        assert_eq!(read(&none, chunks(3, 1024 * 1024)).await.unwrap().len(), BODY_MAX);
    }

    #[tokio::test]
    async fn one_byte_too_many_is_413() {
        let error = read(&HeaderMap::new(), chunks(BODY_MAX + 1, 1)).await.unwrap_err();
        assert_eq!(error.code(), 413);
        assert_eq!(error.to_string(), "Request entity too large: limit is 3145728");
    }

    #[tokio::test]
    async fn a_body_that_says_it_is_too_large_is_not_read() {
        let headers = HeaderMap::from_iter([(CONTENT_LENGTH, HeaderValue::from(BODY_MAX as u64 + 1))]);
        let unread = StreamBody::new(stream::pending::<Result<Frame<Bytes>, Infallible>>());
        assert_eq!(read(&headers, unread).await.unwrap_err().code(), 413);
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_does_not_come_is_given_up() {
        let stuck = StreamBody::new(stream::pending::<Result<Frame<Bytes>, Infallible>>());
        assert_eq!(read(&HeaderMap::new(), stuck).await.unwrap_err().code(), 408);
    }

    #[tokio::test]
    async fn a_compressed_body_is_415() {
        let headers = HeaderMap::from_iter([(CONTENT_ENCODING, HeaderValue::from_static("gzip"))]);
        assert_eq!(
            read(&headers, Full::new(Bytes::from("abc"))).await.unwrap_err().code(),
            415
        );
        assert_eq!(read(&headers, Full::new(Bytes::new())).await, Ok(Bytes::new()));
    }
}
