//! The connections of one thread: hands them out, and opens those anew that break.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http::StatusCode;
use parking_lot::Mutex;
use tokio::time::timeout;

use crate::Error;
use crate::connection::{Broken, Call, Connection, Reply};
use crate::target::Target;

/// Between two tries to reach a server that is gone.
const PAUSE: Duration = Duration::from_millis(200);

/// Connections to one server.
pub(crate) struct Pool {
    target: Target,
    /// Bound on a whole exchange.
    limit: Duration,
    /// Shared ones stay here while they are used; those for one request at a time are taken out.
    lanes: Mutex<Vec<Lane>>,
    next: AtomicUsize,
    /// Held while a connection is opened anew, so that one failure does not open a hundred.
    repairing: tokio::sync::Mutex<usize>,
}

struct Lane {
    id: usize,
    connection: Connection,
}

/// A reply that goes on and on, and the connection that it comes on.
pub(crate) struct Stream {
    pub(crate) reply: Reply,
    _connection: Connection,
}

/// Why an exchange failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Failed {
    #[error("timed out")]
    TimedOut,
    #[error("{0}")]
    Broken(String),
}

impl Pool {
    /// Opens this many connections; an exchange on one of them may take up to `limit`.
    pub(crate) async fn open(target: &Target, connections: usize, limit: Duration) -> Result<Self, Error> {
        let mut lanes = Vec::with_capacity(connections);
        for id in 0..connections {
            let connection = Connection::open(target).await?;
            lanes.push(Lane { id, connection });
        }
        Ok(Self {
            target: target.clone(),
            limit,
            lanes: Mutex::new(lanes),
            next: AtomicUsize::new(0),
            repairing: tokio::sync::Mutex::new(connections),
        })
    }

    /// Sends the request, and puts the body of the reply in place of what is in `into`. Over HTTP/1.1 no more of them
    /// may run at once than there are connections.
    pub(crate) async fn exchange(&self, call: Call, into: &mut Vec<u8>) -> Result<StatusCode, Failed> {
        let done = self.exchange_head(call, into, usize::MAX).await;
        done.map(|(status, _)| status)
    }

    /// The same, but keeps so many bytes of the body at most; returns how many there were, too.
    pub(crate) async fn exchange_head(
        &self,
        call: Call,
        into: &mut Vec<u8>,
        at_most: usize,
    ) -> Result<(StatusCode, u64), Failed> {
        let mut lane = self.take();
        let sent = timeout(self.limit, async {
            let mut reply = lane.connection.send(&self.target, call).await?;
            let bytes = reply.read(into, at_most).await?;
            Ok::<_, Broken>((reply.status, bytes))
        });
        match sent.await {
            Ok(Ok(done)) => {
                self.give_back(lane);
                Ok(done)
            }
            Ok(Err(broken)) => {
                self.repair(lane, broken.usable).await;
                Err(Failed::Broken(broken.why))
            }
            Err(_) => {
                // The request is cancelled. HTTP/1.1 can do that only by ending its connection.
                let usable = lane.connection.is_shared();
                self.repair(lane, usable).await;
                Err(Failed::TimedOut)
            }
        }
    }

    /// Sends a request whose reply goes on and on.
    pub(crate) async fn stream(&self, call: Call) -> Result<Stream, Failed> {
        let Lane { mut connection, .. } = self.take();
        match timeout(self.limit, connection.send(&self.target, call)).await {
            Ok(Ok(reply)) => Ok(Stream {
                reply,
                _connection: connection,
            }),
            Ok(Err(broken)) => Err(Failed::Broken(broken.why)),
            Err(_) => Err(Failed::TimedOut),
        }
    }

    fn take(&self) -> Lane {
        let mut lanes = self.lanes.lock();
        let at = self.next.fetch_add(1, Ordering::Relaxed) % lanes.len().max(1);
        let shared = lanes.get(at).and_then(|lane| {
            let connection = lane.connection.share()?;
            Some(Lane {
                id: lane.id,
                connection,
            })
        });
        shared.unwrap_or_else(|| lanes.pop().expect("callers are no more than connections"))
    }

    fn give_back(&self, lane: Lane) {
        if !lane.connection.is_shared() {
            self.lanes.lock().push(lane);
        }
    }

    /// Opens a connection in place of one that broke; waits a little if that fails, so that failures do not spin.
    async fn repair(&self, lane: Lane, usable: bool) {
        if usable {
            return self.give_back(lane);
        }
        let is_shared = lane.connection.is_shared();
        let mut last_id = self.repairing.lock().await;
        if is_shared && !self.lanes.lock().iter().any(|other| other.id == lane.id) {
            return;
        }
        let Ok(connection) = Connection::open(&self.target).await else {
            self.give_back(lane);
            return tokio::time::sleep(PAUSE).await;
        };
        *last_id += 1;
        let fresh = Lane {
            id: *last_id,
            connection,
        };
        let mut lanes = self.lanes.lock();
        lanes.retain(|other| other.id != lane.id);
        lanes.push(fresh);
    }
}
