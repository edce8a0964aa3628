//! One watch: a stream of its own, on the connection of the endpoint that serves it.

use std::sync::Arc;

use bytes::Bytes;
use h2::SendStream;

use crate::call::{Reply, Rpc};
use crate::client::Cluster;
use crate::endpoint::Sent;
use crate::events::{Assembler, opening};
use crate::frames::framed;
use crate::proto::{WatchAsk, WatchCreate, WatchProgress, WatchRequest, WatchResponse};
use crate::{Error, WatchError, WatchReply};

/// What to watch.
#[derive(Debug, Clone, Default)]
pub struct WatchOptions {
    /// The key, or the first of a range.
    pub key: Bytes,
    /// The first key after the range; empty for `key` alone.
    pub range_end: Bytes,
    /// The first revision to tell; 0 for what comes after now.
    pub revision: i64,
    /// Whether etcd shall tell progress by itself while nothing happens: about every ten minutes, unless its operator chose
    /// otherwise. [`WatchStream::request_progress`] works in any case.
    pub progress: bool,
}

/// An open watch. Dropping it ends it.
pub struct WatchStream {
    cluster: Arc<Cluster>,
    endpoint: usize,
    stream: SendStream<Bytes>,
    reply: Reply,
    assembler: Assembler,
    /// The response that confirmed the watch, until it has been looked at: it may have ended it, too.
    first: Option<WatchResponse>,
    end: Option<WatchError>,
}

impl WatchStream {
    pub(crate) async fn open(cluster: &Arc<Cluster>, options: WatchOptions) -> Result<Self, Error> {
        let create = WatchCreate {
            key: options.key,
            range_end: options.range_end,
            start_revision: options.revision,
            progress_notify: options.progress,
            fragment: true,
        };
        let frame = request(WatchAsk::Create(create));
        let (endpoint, (stream, reply, first)) = cluster.attempts(Rpc::WATCH, &frame, false, confirmed).await?;
        Ok(Self {
            cluster: cluster.clone(),
            endpoint,
            stream,
            reply,
            assembler: Assembler::default(),
            first: Some(first),
            end: None,
        })
    }

    /// The next reply. Cancel safe: nothing is lost when the future is dropped.
    ///
    /// # Errors
    /// Once the watch has ended; from then on always the same. The client then prefers another endpoint.
    pub async fn next(&mut self) -> Result<WatchReply, WatchError> {
        if let Some(end) = &self.end {
            return Err(end.clone());
        }
        loop {
            let taken = match self.response().await {
                Ok(response) => self.assembler.take(response),
                Err(error) => Err(WatchError::Lost(error.at(self.endpoint()).to_string())),
            };
            match taken {
                Ok(Some(reply)) => return Ok(reply),
                Ok(None) => {}
                Err(end) => return Err(self.ended(end)),
            }
        }
    }

    /// Asks for a progress reply. etcd gives one once the watch has told everything, and none before.
    ///
    /// # Errors
    /// The watch has ended; [`WatchStream::next`] tells why.
    pub fn request_progress(&mut self) -> Result<(), WatchError> {
        let frame = request(WatchAsk::Progress(WatchProgress {}));
        let sent = self.stream.send_data(frame, false);
        sent.map_err(|error| WatchError::Lost(error.to_string()))
    }

    /// The endpoint that serves it.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        self.cluster.name(self.endpoint)
    }

    async fn response(&mut self) -> Result<WatchResponse, Error> {
        if let Some(first) = self.first.take() {
            return Ok(first);
        }
        let response = self.reply.next().await?;
        response.ok_or_else(|| Error::Unknown("etcd ended the stream".to_owned()))
    }

    fn ended(&mut self, end: WatchError) -> WatchError {
        if matches!(end, WatchError::Lost(_)) {
            self.cluster.rotation.turn_away(self.endpoint);
        }
        self.end.insert(end).clone()
    }
}

impl std::fmt::Debug for WatchStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WatchStream")
            .field("endpoint", &self.endpoint())
            .field("end", &self.end)
            .finish_non_exhaustive()
    }
}

fn request(ask: WatchAsk) -> Bytes {
    framed(&WatchRequest { ask: Some(ask) })
}

/// Waits until etcd has confirmed the watch.
async fn confirmed(sent: Sent) -> Result<(SendStream<Bytes>, Reply, WatchResponse), Error> {
    let mut reply = Reply::begin(sent.connection, sent.response).await?;
    let first = reply.next().await?;
    let first = first.ok_or_else(|| Error::Unknown("etcd ended the stream".to_owned()))?;
    opening(&first)?;
    Ok((sent.stream, reply, first))
}
