//! One connection to one endpoint: opened, kept, and watched over.
//!
//! h2 itself, without a layer on top: a call is then a stream that its caller opens and reads, and what it ended with says
//! whether the server ever saw it. One task for each connection moves its bytes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use h2::client::{ResponseFuture, SendRequest};
use h2::{Ping, PingPong, SendStream};
use http::Request;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_util::task::AbortOnDropHandle;
use tracing::debug;

use crate::Error;
use crate::keep_alive::KeepAlive;
use crate::last_word::LastWord;
use crate::target::Target;

/// Bytes that etcd may send ahead of our reading, of one stream and of all: a watch whose reader is slow leaves room for calls.
const STREAM_WINDOW: u32 = 4 << 20;
const CONNECTION_WINDOW: u32 = 32 << 20;
/// Bytes of small frames on top of that. A watch is nothing but small frames.
const FRAME_BUDGET: usize = 64 << 20;

/// A connection that carries any number of calls. Clones are handles on the same one.
#[derive(Clone)]
pub(crate) struct Connection {
    sender: SendRequest<Bytes>,
    shared: Arc<Shared>,
}

struct Shared {
    pulse: Arc<Pulse>,
    driver: AbortOnDropHandle<()>,
}

/// What the keep-alive goes by.
#[derive(Default)]
struct Pulse {
    /// How many calls wait for the other side.
    calls: AtomicUsize,
    /// Whether something of a call came since the last look.
    heard: AtomicBool,
}

/// A call that waits for something to come, until this is dropped. It holds the connection.
pub(crate) struct Waiting(Connection);

impl Connection {
    /// Connects, and waits for a first sign that the other side speaks HTTP/2 and takes our certificate: with TLS 1.3 that
    /// shows only after the handshake.
    pub(crate) async fn open(target: &Target, tls: &TlsConnector, keep_alive: Duration) -> Result<Self, Error> {
        let not_sent = |error: std::io::Error| Error::NotSent(error.to_string());
        let stream = TcpStream::connect((&*target.host, target.port))
            .await
            .map_err(not_sent)?;
        stream.set_nodelay(true).map_err(not_sent)?;
        match &target.name {
            None => Self::over(stream, keep_alive).await,
            Some(name) => {
                let stream = tls
                    .connect(name.clone(), stream)
                    .await
                    .map_err(|error| refusal(&error))?;
                Self::over(LastWord::new(stream), keep_alive).await
            }
        }
    }

    async fn over<S>(stream: S, keep_alive: Duration) -> Result<Self, Error>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let (sender, mut connection) = settings().handshake(stream).await.map_err(|error| no_start(&error))?;
        let mut pings = connection.ping_pong().expect("a new connection has its pings");
        tokio::select! {
            biased;
            ended = &mut connection => {
                return Err(match ended {
                    Ok(()) => Error::NotSent("it closed the connection".to_owned()),
                    Err(error) => no_start(&error),
                });
            }
            pong = pings.ping(Ping::opaque()) => pong.map_err(|error| no_start(&error))?,
        };
        let pulse = Arc::new(Pulse::default());
        let watcher = watch_over(pings, pulse.clone(), keep_alive);
        let driver = tokio::spawn(async move {
            tokio::select! {
                ended = connection => debug!(?ended, "a connection to etcd ended"),
                () = watcher => debug!("a connection to etcd was silent for too long"),
            }
        });
        let driver = AbortOnDropHandle::new(driver);
        let shared = Arc::new(Shared { pulse, driver });
        Ok(Self { sender, shared })
    }

    /// Sends a request; with `is_whole` there is no more to come. What fails here was surely not sent.
    pub(crate) async fn send(
        &self,
        request: Request<()>,
        body: Bytes,
        is_whole: bool,
    ) -> Result<(ResponseFuture, SendStream<Bytes>), Error> {
        let not_sent = |error: h2::Error| Error::NotSent(error.to_string());
        let mut sender = self.sender.clone().ready().await.map_err(not_sent)?;
        let (response, mut stream) = sender.send_request(request, false).map_err(not_sent)?;
        // The stream has begun: from here on it is the response that tells what became of it.
        let _ = stream.send_data(body, is_whole);
        Ok((response, stream))
    }

    /// Whether it has ended.
    pub(crate) fn has_ended(&self) -> bool {
        self.shared.driver.is_finished()
    }

    /// Whether both are handles on the same connection.
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }

    /// Counts a call as one that waits.
    pub(crate) fn wait(self) -> Waiting {
        self.shared.pulse.calls.fetch_add(1, Ordering::Relaxed);
        Waiting(self)
    }
}

impl Waiting {
    /// To be told whenever something came.
    pub(crate) fn heard(&self) {
        let heard = &self.0.shared.pulse.heard;
        // Read first: the line stays shared among those who only find it set.
        if !heard.load(Ordering::Relaxed) {
            heard.store(true, Ordering::Relaxed);
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.shared.pulse.calls.fetch_sub(1, Ordering::Relaxed);
    }
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection").field("ended", &self.has_ended()).finish()
    }
}

/// Returns when the other side has been silent for too long.
async fn watch_over(mut pings: PingPong, pulse: Arc<Pulse>, keep_alive: Duration) {
    // Half of it: a ping goes out after at most the whole time in silence.
    let tick = keep_alive / 2;
    let mut decides = KeepAlive::new(tick);
    loop {
        tokio::time::sleep(tick).await;
        let was_heard = pulse.heard.swap(false, Ordering::Relaxed);
        if !decides.tick(was_heard, pulse.calls.load(Ordering::Relaxed) > 0) {
            continue;
        }
        match timeout(keep_alive, pings.ping(Ping::opaque())).await {
            Ok(Ok(_)) => {}
            // The connection's own end tells more.
            Ok(Err(_)) => std::future::pending().await,
            Err(_) => return,
        }
    }
}

fn settings() -> h2::client::Builder {
    let mut settings = h2::client::Builder::new();
    settings
        .enable_push(false)
        .initial_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .data_frame_budget(FRAME_BUDGET)
        // Frames of a call that was given up are no fault of the server's.
        .max_local_error_reset_streams(None);
    settings
}

/// Why there is no connection after all.
fn no_start(error: &h2::Error) -> Error {
    error
        .get_io()
        .map_or_else(|| Error::NotSent(error.to_string()), refusal)
}

/// Tells what TLS refuses from what the network does: rustls marks its errors as invalid data.
fn refusal(error: &std::io::Error) -> Error {
    match error.kind() {
        std::io::ErrorKind::InvalidData => Error::Denied(format!("TLS: {error}")),
        _ => Error::NotSent(error.to_string()),
    }
}
