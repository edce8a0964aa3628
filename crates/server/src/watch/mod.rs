//! A watch as the body of a reply: frames as long as it lasts.
//!
//! Nothing is queued here: what happens is in the store's history, the watch is a cursor into it, and the cursor moves
//! only when the client takes what it was given. A client that does not read costs its cursor and one chunk; when it has
//! fallen off the history it is told 410. Whatever happens, the stream ends as a complete body: clients then begin again
//! where they were.

mod encoder;

use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{FutureExt, StreamExt, stream};
use leasehold_api::ApiError;
use leasehold_api::codec::Format;
use leasehold_registry::{Watch, WatchItem, errors};
use prometheus_client::metrics::counter::Counter;
use tokio::time::Sleep;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use crate::Body;
use crate::in_flight::Slot;
use crate::metrics::LongRunning;
use crate::standing::Standing;
use crate::watches_per_user::Watched;

pub(crate) use encoder::EventEncoder;

/// How many bytes are put together before they are handed on. One object may make it more.
const CHUNK: usize = 64 * 1024;

/// Room that is kept for items between two looks.
const ITEMS: usize = 32;

/// How often a watcher is told where it stands, and asked whether it still may watch, give or take a quarter.
const TICK: Duration = Duration::from_secs(60);

/// How long a watch lasts when the client does not say: 30 to 60 minutes, so that clients do not all come back at once.
pub(crate) fn server_timeout() -> Duration {
    Duration::from_secs(30 * 60).mul_f64(1.0 + rand::random::<f64>())
}

fn until_tick() -> Duration {
    TICK.mul_f64(0.75 + rand::random::<f64>() / 2.0)
}

/// The content type of a stream.
pub(crate) const fn content_type(format: Format) -> &'static str {
    match format {
        Format::Protobuf => "application/vnd.kubernetes.protobuf;stream=watch",
        Format::Json | Format::Yaml => crate::negotiate::JSON,
    }
}

/// A watch about to be streamed.
pub(crate) struct Watching {
    pub(crate) watch: Watch,
    pub(crate) encoder: EventEncoder,
    /// Whether the client understands bookmarks.
    pub(crate) bookmarks: bool,
    pub(crate) timeout: Duration,
    /// By what it was let in.
    pub(crate) standing: Standing,
    /// Ends the stream when the server goes down.
    pub(crate) drain: CancellationToken,
    /// Counts the events.
    pub(crate) events: Counter<u64, AtomicU64>,
    /// Says that the watch goes on, as long as it does.
    pub(crate) counted: (Slot, Watched, LongRunning),
}

impl Watching {
    /// The stream. It is driven by whoever polls it; there is no task behind it.
    pub(crate) fn into_body(self) -> Body {
        let stream = Stream {
            watch: self.watch,
            encoder: self.encoder,
            bookmarks: self.bookmarks,
            standing: self.standing,
            tick: Box::pin(tokio::time::sleep(until_tick())),
            timeout: Box::pin(tokio::time::sleep(self.timeout)),
            drained: Box::pin(self.drain.cancelled_owned()),
            events: self.events,
            items: Vec::new(),
            encoded: 0,
            chunk: Vec::new(),
            ended: false,
            _counted: self.counted,
        };
        let chunks = stream::unfold(stream, |mut stream| async move {
            // A panic while one watch is encoded must not take the connection's other requests along.
            let next = AssertUnwindSafe(stream.next_chunk()).catch_unwind().await;
            let chunk = next.unwrap_or_else(|_| {
                tracing::error!("a watch ended with a panic");
                None
            })?;
            Some((chunk, stream))
        });
        Body::Stream(chunks.fuse().boxed())
    }
}

/// What a watch waits for.
enum Wake {
    Items(Result<(), ApiError>),
    Tick,
    Timeout,
    Drain,
}

struct Stream {
    watch: Watch,
    encoder: EventEncoder,
    bookmarks: bool,
    standing: Standing,
    tick: Pin<Box<Sleep>>,
    timeout: Pin<Box<Sleep>>,
    drained: Pin<Box<WaitForCancellationFutureOwned>>,
    events: Counter<u64, AtomicU64>,
    /// What the watch handed out last, and how much of it has been encoded.
    items: Vec<WatchItem>,
    encoded: usize,
    chunk: Vec<u8>,
    ended: bool,
    _counted: (Slot, Watched, LongRunning),
}

impl Stream {
    /// The next bytes; `None` at the end.
    async fn next_chunk(&mut self) -> Option<Bytes> {
        loop {
            self.encode_items();
            if !self.chunk.is_empty() {
                return Some(std::mem::take(&mut self.chunk).into());
            }
            if self.ended {
                return None;
            }
            match self.wait().await {
                Wake::Items(Ok(())) => {}
                Wake::Items(Err(error)) => self.fail(&error),
                Wake::Tick => self.tick(),
                Wake::Timeout => {
                    self.write_bookmark();
                    self.ended = true;
                }
                Wake::Drain => self.ended = true,
            }
        }
    }

    /// Everything that was handed out has been encoded when this is called, so that a bookmark promises no more than was
    /// sent.
    async fn wait(&mut self) -> Wake {
        tokio::select! {
            biased;
            () = &mut self.drained => Wake::Drain,
            () = &mut self.timeout => Wake::Timeout,
            () = &mut self.tick => Wake::Tick,
            outcome = self.watch.next(&mut self.items) => Wake::Items(outcome),
        }
    }

    /// Encodes what was handed out, up to a chunk.
    fn encode_items(&mut self) {
        while !self.ended && self.chunk.len() < CHUNK {
            let Some(item) = self.items.get(self.encoded) else {
                forget(&mut self.items);
                self.encoded = 0;
                return;
            };
            self.encoded += 1;
            let outcome = match item {
                WatchItem::Event(event) => {
                    self.events.inc();
                    self.encoder.event(event, &mut self.chunk)
                }
                WatchItem::InitialEnd(revision) if self.bookmarks => {
                    self.encoder.bookmark(*revision, true, &mut self.chunk)
                }
                WatchItem::InitialEnd(_) => Ok(()),
            };
            if let Err(error) = outcome {
                self.fail(&error);
            }
        }
    }

    /// Goes on if the watcher still may, and tells it where it stands. One that may not any more is told when it comes
    /// back.
    fn tick(&mut self) {
        self.tick.set(tokio::time::sleep(until_tick()));
        if self.standing.holds() {
            self.write_bookmark();
        } else {
            tracing::info!("a watch ended: who watches may not any more");
            self.ended = true;
        }
    }

    /// Tells where the watch stands to those who understand it.
    fn write_bookmark(&mut self) {
        let Some(revision) = self.watch.progress().filter(|_| self.bookmarks) else {
            return;
        };
        if let Err(error) = self.encoder.bookmark(revision, false, &mut self.chunk) {
            self.fail(&error);
        }
    }

    /// Ends with an ERROR event; a server that goes down ends without one, and the client tries elsewhere.
    fn fail(&mut self, error: &ApiError) {
        self.ended = true;
        if !errors::is_closing(error) {
            self.encoder.error(error, &mut self.chunk);
        }
    }
}

/// Empties the list without keeping the room that what existed at the start of the watch took.
fn forget(items: &mut Vec<WatchItem>) {
    items.clear();
    items.shrink_to(ITEMS);
}

#[cfg(test)]
mod tests {
    use leasehold_store::Revision;

    use super::*;

    #[test]
    fn a_watch_does_not_keep_the_room_that_its_beginning_took() {
        let mut items = vec![WatchItem::InitialEnd(Revision(1)); 10_000];
        forget(&mut items);
        assert!(items.is_empty() && items.capacity() <= ITEMS, "{}", items.capacity());
    }
}
