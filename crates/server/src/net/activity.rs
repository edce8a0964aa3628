//! What goes on on a connection: how it is known to be idle.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use super::stall::{Said, say};

/// Counts of one connection's requests. Cheap enough for every request: no clock is read.
#[derive(Debug, Default)]
pub(super) struct Activity {
    begun: AtomicU64,
    in_progress: AtomicUsize,
}

impl Activity {
    /// How many requests there have been.
    pub(super) fn begun(&self) -> u64 {
        self.begun.load(Ordering::Relaxed)
    }

    /// Whether none is in progress. One is until the last of its response was handed to the connection.
    pub(super) fn is_quiet(&self) -> bool {
        self.in_progress.load(Ordering::Relaxed) == 0
    }
}

/// A request in progress.
#[derive(Debug)]
pub(super) struct InProgress(Arc<Activity>);

impl InProgress {
    pub(super) fn begin(activity: &Arc<Activity>) -> Self {
        activity.begun.fetch_add(1, Ordering::Relaxed);
        activity.in_progress.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(activity))
    }
}

impl Drop for InProgress {
    fn drop(&mut self) {
        self.0.in_progress.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The most that is handed to the connection at once, in bytes. hyper gives a piece away whole as soon as the client
/// would take one byte of it, and nothing bounds how long it then lies there: so this is what one stream of a client
/// that never reads can hold when its response has ended.
const PIECE: usize = 16 << 10;

/// A response's body on its way out: cut into pieces, and part of what goes on on its connection until it ends.
#[derive(Debug)]
pub(super) struct Outgoing<B> {
    body: B,
    rest: Bytes,
    _in_progress: InProgress,
}

impl<B> Outgoing<B> {
    pub(super) fn new(body: B, in_progress: InProgress) -> Self {
        Self {
            body,
            rest: Bytes::new(),
            _in_progress: in_progress,
        }
    }

    fn next_piece(&mut self) -> Bytes {
        let length = self.rest.len().min(PIECE);
        self.rest.split_to(length)
    }
}

impl<B: Body<Data = Bytes> + Unpin> Outgoing<B> {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        if !self.rest.is_empty() {
            return Poll::Ready(Some(Ok(Frame::data(self.next_piece()))));
        }
        Pin::new(&mut self.body).poll_frame(cx).map(|frame| {
            frame.map(|result| {
                result.map(|frame| match frame.into_data() {
                    Ok(data) => {
                        self.rest = data;
                        Frame::data(self.next_piece())
                    }
                    Err(other) => other,
                })
            })
        })
    }
}

impl<B: Body<Data = Bytes> + Unpin> Body for Outgoing<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let outcome = self.poll_next(cx);
        say(if outcome.is_ready() { Said::Gave } else { Said::Wait });
        outcome
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let held = self.rest.len() as u64;
        let inner = self.body.size_hint();
        let mut hint = SizeHint::new();
        hint.set_lower(inner.lower() + held);
        if let Some(upper) = inner.upper() {
            hint.set_upper(upper + held);
        }
        hint
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::{BodyExt, Full};

    use super::*;

    #[tokio::test]
    async fn a_body_leaves_in_pieces_and_is_in_progress_until_it_is_gone() {
        let activity = Arc::new(Activity::default());
        let sent: Bytes = (0..PIECE * 2 + 5).map(|n| u8::try_from(n % 251).unwrap()).collect();
        let mut body = Outgoing::new(Full::new(sent.clone()), InProgress::begin(&activity));
        assert_eq!(body.size_hint().exact(), Some(sent.len() as u64));
        assert!(!activity.is_quiet());

        let mut received = Vec::new();
        while let Some(frame) = body.frame().await {
            let piece = frame.unwrap().into_data().unwrap();
            assert!(piece.len() <= PIECE);
            received.extend_from_slice(&piece);
            let left = (sent.len() - received.len()) as u64;
            assert_eq!(body.size_hint().exact(), Some(left));
            assert_eq!(body.is_end_stream(), left == 0);
        }
        assert_eq!(received, sent);
        drop(body);
        assert!(activity.is_quiet());
        assert_eq!(activity.begun(), 1);
    }
}
