//! The body of a reply: all of it at hand, or made while it is sent.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::stream::Stream;
use http_body::{Frame, SizeHint};
use prometheus_client::metrics::histogram::Histogram;

/// The body of a reply.
pub enum Body {
    /// All of it; empty once it has been handed over.
    Full(Bytes),
    /// What is made piece by piece.
    Pieces(Pieces),
    /// A watch or a backup. It ends without an error whatever happens.
    Stream(Pin<Box<dyn Stream<Item = Bytes> + Send>>),
}

/// The rest of a body cannot be made. The client is not left to take what it has for the whole: its stream is reset, or
/// its connection closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the rest of the reply cannot be made")]
pub struct Broken;

/// A body whose pieces are made when the client has taken those before.
pub struct Pieces {
    source: Box<dyn Iterator<Item = Result<Bytes, Broken>> + Send>,
    sent: usize,
    sizes: Option<Histogram>,
}

impl Pieces {
    /// A body of these. What comes after an error is not asked for.
    pub(crate) fn new(source: impl Iterator<Item = Result<Bytes, Broken>> + Send + 'static) -> Self {
        Self {
            source: Box::new(source),
            sent: 0,
            sizes: None,
        }
    }

    /// Counts there how long it was, once that is known.
    pub(crate) fn count_in(&mut self, sizes: Histogram) {
        self.sizes = Some(sizes);
    }

    fn next(&mut self) -> Option<Result<Frame<Bytes>, Broken>> {
        let piece = self.source.next()?;
        Some(piece.map(|bytes| {
            self.sent += bytes.len();
            Frame::data(bytes)
        }))
    }
}

impl Drop for Pieces {
    fn drop(&mut self) {
        if let Some(sizes) = &self.sizes {
            sizes.observe(self.sent as f64);
        }
    }
}

impl Body {
    /// No bytes at all.
    #[must_use]
    pub const fn empty() -> Self {
        Self::Full(Bytes::new())
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Self::Full(bytes)
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Full(bytes.into())
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        match &mut *self {
            Self::Full(bytes) if bytes.is_empty() => Poll::Ready(None),
            Self::Full(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Self::Pieces(pieces) => Poll::Ready(pieces.next()),
            Self::Stream(stream) => stream
                .as_mut()
                .poll_next(cx)
                .map(|chunk| chunk.map(|bytes| Ok(Frame::data(bytes)))),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Full(bytes) if bytes.is_empty())
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Full(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Self::Pieces(_) | Self::Stream(_) => SizeHint::default(),
        }
    }
}

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Full(bytes) => write!(f, "Full({} bytes)", bytes.len()),
            Self::Pieces(_) => f.write_str("Pieces"),
            Self::Stream(_) => f.write_str("Stream"),
        }
    }
}

#[cfg(test)]
mod tests {
    use http_body::Body as _;
    use http_body_util::BodyExt;
    use prometheus_client::encoding::text;
    use prometheus_client::registry::Registry;

    use super::*;

    #[tokio::test]
    async fn a_body_that_breaks_off_says_so_and_is_counted_as_far_as_it_went() {
        let sizes = Histogram::new([1.0]);
        let mut pieces = Pieces::new([Ok(Bytes::from_static(b"abc")), Err(Broken)].into_iter());
        pieces.count_in(sizes.clone());
        let mut body = Body::Pieces(pieces);
        assert_eq!(body.size_hint().exact(), None);
        let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
        assert_eq!(first, "abc");
        assert!(!body.is_end_stream());
        assert_eq!(body.frame().await.unwrap().unwrap_err(), Broken);
        drop(body);
        let (mut registry, mut page) = (Registry::default(), String::new());
        registry.register("sizes", "", sizes);
        text::encode(&mut page, &registry).unwrap();
        assert!(page.contains("sizes_sum 3.0\nsizes_count 1\n"), "{page}");
    }
}
