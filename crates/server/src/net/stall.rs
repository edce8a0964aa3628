//! Notices a client that takes nothing of what there is to send.
//!
//! There are two places where a response can get stuck. Below, when the kernel takes no more bytes: [`StallGuard`] sees
//! that on the socket. Above, within HTTP/2, when the client opens no window for one stream while the connection is
//! fine: there the task of the stream waits without asking our response for more, which [`StreamExecutor`] sees from
//! outside. So a timer exists only while something is stuck, and a request that is not costs nothing.

use std::cell::Cell;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};
use tokio_util::task::TaskTracker;

/// A socket that fails when it could not take a byte for this long.
pub(super) struct StallGuard<S> {
    socket: S,
    bound: Duration,
    timer: Option<Pin<Box<Sleep>>>,
    stuck: bool,
}

impl<S> StallGuard<S> {
    pub(super) fn new(socket: S, bound: Duration) -> Self {
        Self {
            socket,
            bound,
            timer: None,
            stuck: false,
        }
    }

    fn watch<T>(&mut self, cx: &mut Context<'_>, outcome: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if outcome.is_ready() {
            self.stuck = false;
            return outcome;
        }
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep(self.bound)));
        if !self.stuck {
            self.stuck = true;
            timer.as_mut().reset(Instant::now() + self.bound);
        }
        timer
            .as_mut()
            .poll(cx)
            .map(|()| Err(io::Error::new(io::ErrorKind::TimedOut, "the client reads nothing")))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for StallGuard<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for StallGuard<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.socket).poll_write(cx, buf);
        self.watch(cx, outcome)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.socket).poll_write_vectored(cx, bufs);
        self.watch(cx, outcome)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }
}

/// What our side of a stream last said while its task was polled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// It was not asked.
    Nothing,
    /// It has nothing to send at present: if nothing moves, that is our doing.
    Wait,
    /// It gave something to send.
    Gave,
}

thread_local! {
    /// hyper polls the handler and the body of a stream within the poll of the stream's task, on the same thread, and
    /// offers no other way from one to the other.
    static SAID: Cell<Said> = const { Cell::new(Said::Nothing) };
}

/// Tells the task of the stream, if there is one, what our side says to being polled.
pub(super) fn say(said: Said) {
    SAID.set(said);
}

/// Runs the streams of HTTP/2 connections as tasks that can be waited for, and ends one that is stuck for too long.
#[derive(Clone, Debug)]
pub(super) struct StreamExecutor {
    pub(super) tasks: TaskTracker,
    pub(super) bound: Duration,
}

impl<F: Future<Output = ()> + Send + 'static> hyper::rt::Executor<F> for StreamExecutor {
    fn execute(&self, stream: F) {
        // Some kilobytes, which would be copied at each step from here to the task, and be there twice while it runs.
        self.tasks.spawn(unless_stuck(Box::pin(stream), self.bound));
    }
}

/// Polls the task of a stream to its end, or drops it, which resets the stream, once it was stuck for `bound`.
async fn unless_stuck(mut stream: Pin<Box<impl Future<Output = ()>>>, bound: Duration) {
    let mut timer: Option<Pin<Box<Sleep>>> = None;
    poll_fn(|cx| {
        say(Said::Nothing);
        if stream.as_mut().poll(cx).is_ready() {
            return Poll::Ready(());
        }
        match SAID.get() {
            Said::Wait => {
                timer = None;
                return Poll::Pending;
            }
            Said::Gave => timer = None,
            Said::Nothing => {}
        }
        timer.get_or_insert_with(|| Box::pin(sleep(bound))).as_mut().poll(cx)
    })
    .await;
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt;

    use super::*;

    const BOUND: Duration = Duration::from_secs(30);

    #[tokio::test(start_paused = true)]
    async fn a_socket_that_takes_nothing_fails_at_the_bound() {
        let (ours, _theirs) = tokio::io::duplex(4);
        let mut guarded = StallGuard::new(ours, BOUND);
        guarded.write_all(b"1234").await.unwrap();
        let began = Instant::now();
        let error = guarded.write_all(b"5").await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert_eq!(began.elapsed().as_secs(), BOUND.as_secs());
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_reader_is_not_a_stuck_one() {
        let (ours, mut theirs) = tokio::io::duplex(4);
        let mut guarded = StallGuard::new(ours, BOUND);
        let reading = tokio::spawn(async move {
            let mut total = 0;
            while total < 40 {
                tokio::time::sleep(BOUND - Duration::from_secs(1)).await;
                let mut buffer = [0; 4];
                total += tokio::io::AsyncReadExt::read(&mut theirs, &mut buffer).await.unwrap();
            }
        });
        guarded.write_all(&[7; 40]).await.unwrap();
        reading.await.unwrap();
    }

    /// A stream's task that says the same each time it is polled, and never ends.
    async fn forever(said: Said) {
        poll_fn(|_| {
            say(said);
            Poll::<()>::Pending
        })
        .await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_that_waits_for_us_is_left_alone() {
        let outcome = tokio::time::timeout(BOUND * 100, unless_stuck(Box::pin(forever(Said::Wait)), BOUND));
        assert!(outcome.await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_that_waits_for_the_client_ends_at_the_bound() {
        let began = Instant::now();
        unless_stuck(Box::pin(forever(Said::Nothing)), BOUND).await;
        assert_eq!(began.elapsed().as_secs(), BOUND.as_secs());
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_that_moves_on_gets_the_whole_bound_again() {
        let began = Instant::now();
        let mut tick = Some(Box::pin(sleep(BOUND / 2)));
        let moved_once = poll_fn(move |cx| {
            if tick.as_mut().is_some_and(|tick| tick.as_mut().poll(cx).is_ready()) {
                tick = None;
                say(Said::Gave);
            }
            Poll::<()>::Pending
        });
        unless_stuck(Box::pin(moved_once), BOUND).await;
        assert_eq!(began.elapsed().as_secs(), (BOUND / 2 + BOUND).as_secs());
    }
}
