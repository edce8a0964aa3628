//! Accepts connections until told to end, and then sees every one of them to its end.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use tokio::net::TcpStream;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, sleep_until, timeout_at};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::connection::{Common, Protocols};
use super::listener::{Accept, pause_after};
use super::slots::{Slot, Slots};
use super::stall::StreamExecutor;
use super::{Handler, Limits, Listener, Tls};

/// Serves HTTP/1 and HTTP/2 on listeners.
///
/// Each connection is a task of its own, and over HTTP/2 each request too. None outlives [`Server::serve`].
pub struct Server<H> {
    common: Arc<Common<H>>,
    slots: Arc<Slots>,
    pub(super) streams: TaskTracker,
    counters: Arc<Counters>,
}

#[derive(Debug, Default)]
struct Counters {
    accepted: AtomicU64,
    refused: AtomicU64,
    failed_handshakes: AtomicU64,
}

/// What there has been of connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectionCounts {
    /// Open now.
    pub open: usize,
    /// Accepted since the start, without the refused.
    pub accepted: u64,
    /// Closed at once since the start, because there were too many.
    pub refused: u64,
    /// Ended before their TLS handshake had, since the start.
    pub failed_handshakes: u64,
}

/// Where connections are counted, for as long as anybody wants to know.
#[derive(Clone, Debug)]
pub struct Connections {
    slots: Arc<Slots>,
    counters: Arc<Counters>,
}

impl Connections {
    /// The counts of this moment.
    #[must_use]
    pub fn counts(&self) -> ConnectionCounts {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        ConnectionCounts {
            open: self.slots.taken(),
            accepted: load(&self.counters.accepted),
            refused: load(&self.counters.refused),
            failed_handshakes: load(&self.counters.failed_handshakes),
        }
    }
}

/// How serving ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Drained {
    /// Connections that had requests in progress when their time was up.
    pub cut: usize,
}

impl<H: Handler> Server<H> {
    /// A server that has `handler` answer.
    #[must_use]
    pub fn new(handler: Arc<H>, limits: Limits) -> Self {
        let streams = TaskTracker::new();
        let executor = StreamExecutor {
            tasks: streams.clone(),
            bound: limits.stall,
        };
        Self {
            slots: Slots::new(limits.connections, limits.connections_per_address),
            streams,
            counters: Arc::default(),
            common: Arc::new(Common {
                handler,
                protocols: Protocols::new(&limits, executor),
                limits,
            }),
        }
    }

    /// Where its connections are counted.
    #[must_use]
    pub fn connections(&self) -> Connections {
        Connections {
            slots: Arc::clone(&self.slots),
            counters: Arc::clone(&self.counters),
        }
    }

    /// The counts of this moment.
    #[must_use]
    pub fn counts(&self) -> ConnectionCounts {
        self.connections().counts()
    }

    /// Serves until `drain` is cancelled. Then no connection and no request is taken any more (GOAWAY over HTTP/2), the
    /// requests in progress may end for as long as [`Limits::drain`] allows, and the rest is cut. To be called once.
    ///
    /// It is for the handler to end its watches when the same `drain` is cancelled.
    pub async fn serve(&self, listeners: Vec<Listener>, drain: CancellationToken) -> Drained {
        let accepting = listeners
            .iter()
            .map(|listener| self.accept(&listener.socket, listener.tls.as_ref(), &drain));
        let connections = join_all(accepting).await;
        drop(listeners);
        self.drain(connections).await
    }

    /// Accepts connections until `drain` is cancelled; returns those that are still open.
    async fn accept<A: Accept>(&self, acceptor: &A, tls: Option<&Arc<Tls>>, drain: &CancellationToken) -> JoinSet<()> {
        let mut connections = JoinSet::new();
        let mut pause = Duration::ZERO;
        let mut resume = Instant::now();
        loop {
            let accepted = tokio::select! {
                biased;
                () = drain.cancelled() => return connections,
                Some(ended) = connections.join_next() => {
                    report(ended);
                    continue;
                }
                accepted = async {
                    sleep_until(resume).await;
                    acceptor.accept().await
                } => accepted,
            };
            match accepted {
                Ok((stream, address)) => {
                    pause = Duration::ZERO;
                    if let Some(slot) = self.slot(address.ip()) {
                        let close = drain.child_token();
                        let tls = tls.cloned();
                        connections.spawn(self.connection(stream, address, tls, close, slot));
                    }
                }
                Err(error) => {
                    pause = pause_after(&error, pause);
                    resume = Instant::now() + pause;
                    tracing::warn!(%error, ?pause, "cannot accept a connection");
                }
            }
        }
    }

    fn slot(&self, address: std::net::IpAddr) -> Option<Slot> {
        let slot = self.slots.take(address);
        let counter = match slot {
            Some(_) => &self.counters.accepted,
            None => &self.counters.refused,
        };
        counter.fetch_add(1, Ordering::Relaxed);
        slot
    }

    fn connection(
        &self,
        stream: TcpStream,
        address: std::net::SocketAddr,
        tls: Option<Arc<Tls>>,
        close: CancellationToken,
        slot: Slot,
    ) -> impl Future<Output = ()> + Send + 'static {
        let common = Arc::clone(&self.common);
        let counters = Arc::clone(&self.counters);
        async move {
            match tls {
                None => common.serve_plain(stream, address, close).await,
                Some(tls) => {
                    if !common.serve_tls(stream, address, tls, close).await {
                        counters.failed_handshakes.fetch_add(1, Ordering::Relaxed);
                    }
                }
            }
            drop(slot);
        }
    }

    async fn drain(&self, mut connections: Vec<JoinSet<()>>) -> Drained {
        let deadline = Instant::now() + self.common.limits.drain;
        let mut cut = 0;
        for set in &mut connections {
            while let Ok(Some(ended)) = timeout_at(deadline, set.join_next()).await {
                report(ended);
            }
            cut += set.len();
            set.shutdown().await;
        }
        // The streams of a connection that is gone find that out when they are polled next, which is now.
        self.streams.close();
        self.streams.wait().await;
        Drained { cut }
    }
}

fn report(ended: Result<(), JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        tracing::error!(%error, "a connection's task panicked");
    }
}

#[cfg(test)]
#[path = "server_tests.rs"]
mod tests;
