//! The calls, and how often each is tried.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use prost::Message;
use tokio::time::{sleep, timeout};

use crate::call::{Rpc, too_late, unary};
use crate::endpoint::{Endpoint, Sent};
use crate::frames::framed;
use crate::proto::{CompactionRequest, CompactionResponse, RangeResponse, StatusRequest, StatusResponse, TxnResponse};
use crate::rotation::Rotation;
use crate::{Error, Options, RangeReply, RangeRequest, Status, Txn, TxnReply, WatchOptions, WatchStream, tls};

/// Pause after all endpoints have failed: the first, and the longest it grows to by doubling.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// A client of one etcd cluster. Clones share its connections, one for each endpoint, opened when first needed and closed with
/// the last clone and watch. Needs a tokio runtime.
#[derive(Clone)]
pub struct Client {
    cluster: Arc<Cluster>,
}

/// What the clones of a client, and its watches, share.
pub(crate) struct Cluster {
    names: Vec<String>,
    endpoints: Vec<Endpoint>,
    pub(crate) rotation: Rotation,
    request_timeout: Duration,
}

/// How far a call has come, for the moment its time is up.
#[derive(Default)]
struct Course {
    endpoint: usize,
    /// Whether the attempt that goes on has been sent.
    is_sent: bool,
    /// How the attempt before failed.
    last: Option<Error>,
}

impl Client {
    /// Connects to nothing yet.
    ///
    /// # Errors
    /// [`Error::Invalid`] for endpoints, certificates or a key that cannot be used.
    pub fn new(options: Options) -> Result<Self, Error> {
        if options.endpoints.is_empty() {
            return Err(Error::Invalid("no etcd endpoint is given".to_owned()));
        }
        let tls = tls::connector(options.tls.as_ref())?;
        let endpoints = options
            .endpoints
            .iter()
            .map(|name| Endpoint::new(name, tls.clone(), &options))
            .collect::<Result<Vec<_>, _>>()?;
        let cluster = Cluster {
            rotation: Rotation::new(endpoints.len()),
            endpoints,
            request_timeout: options.request_timeout,
            names: options.endpoints,
        };
        Ok(Self {
            cluster: Arc::new(cluster),
        })
    }

    /// Reads keys, linearizably. Tried again, at other endpoints too, until the deadline.
    ///
    /// # Errors
    /// [`Error::Compacted`] and [`Error::FutureRevision`] for reads of the past, and what hinders any call.
    pub async fn range(&self, request: RangeRequest) -> Result<RangeReply, Error> {
        let response: RangeResponse = self.cluster.call(Rpc::RANGE, &request).await?;
        Ok(response.into())
    }

    /// Carries out a transaction. Tried again, at other endpoints too, only while it is sure that none carried it out. It goes
    /// on to its deadline only as long as the future is polled: dropped, it may still be carried out.
    ///
    /// # Errors
    /// If [`Error::is_unknown`], it may have been carried out; otherwise it surely was not.
    pub async fn txn(&self, txn: Txn) -> Result<TxnReply, Error> {
        let response: TxnResponse = self.cluster.call(Rpc::TXN, &txn).await?;
        Ok(response.into())
    }

    /// Forgets all that was overwritten or deleted before `revision`.
    ///
    /// # Errors
    /// [`Error::Compacted`] if that has been done already, [`Error::FutureRevision`], and what hinders any write.
    pub async fn compact(&self, revision: i64) -> Result<(), Error> {
        let request = CompactionRequest { revision };
        let CompactionResponse {} = self.cluster.call(Rpc::COMPACT, &request).await?;
        Ok(())
    }

    /// Opens a watch, and returns when etcd has confirmed it.
    ///
    /// # Errors
    /// When no endpoint confirms it in time. That its revision is compacted is told by the stream.
    pub async fn watch(&self, options: WatchOptions) -> Result<WatchStream, Error> {
        WatchStream::open(&self.cluster, options).await
    }

    /// How the member at this endpoint is, one of [`Client::endpoints`].
    ///
    /// # Errors
    /// When that endpoint gives no answer in time. No other is tried.
    pub async fn status(&self, endpoint: &str) -> Result<Status, Error> {
        let endpoint = self.cluster.endpoints.iter().find(|known| known.name == endpoint);
        let endpoint = endpoint.ok_or_else(|| Error::Invalid("not an endpoint of this client".to_owned()))?;
        let asking = async {
            let sent = endpoint.send(Rpc::STATUS, framed(&StatusRequest {}), true).await?;
            unary::<StatusResponse>(sent.connection, sent.response).await
        };
        let bound = self.cluster.request_timeout;
        let response = match timeout(bound, asking).await {
            Ok(response) => response,
            Err(_) => Err(Error::Unknown(too_late(bound))),
        };
        response.map(Status::from).map_err(|error| error.at(&endpoint.name))
    }

    /// The endpoints, as they were given.
    #[must_use]
    pub fn endpoints(&self) -> &[String] {
        &self.cluster.names
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client")
            .field("endpoints", &self.endpoints())
            .finish_non_exhaustive()
    }
}

impl Cluster {
    /// The name of an endpoint.
    pub(crate) fn name(&self, endpoint: usize) -> &str {
        &self.names[endpoint]
    }

    async fn call<M: Message + Default>(&self, rpc: Rpc, request: &impl Message) -> Result<M, Error> {
        let frame = framed(request);
        let read = |sent: Sent| unary(sent.connection, sent.response);
        self.attempts(rpc, &frame, true, read).await.map(|(_, message)| message)
    }

    /// Sends the request to one endpoint after the other until `finish` gets something out of one of them, or no other may be
    /// tried, or the time is up. Gives the endpoint's index with it.
    pub(crate) async fn attempts<T, F>(
        &self,
        rpc: Rpc,
        frame: &Bytes,
        is_whole: bool,
        finish: impl Fn(Sent) -> F,
    ) -> Result<(usize, T), Error>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let mut course = Course::default();
        let attempts = self.rounds(rpc, frame, is_whole, finish, &mut course);
        match timeout(self.request_timeout, attempts).await {
            Ok(ended) => ended,
            Err(_) => {
                let endpoint = course.endpoint;
                self.rotation.turn_away(endpoint);
                Err(course.too_late(rpc, self.request_timeout).at(self.name(endpoint)))
            }
        }
    }

    async fn rounds<T, F>(
        &self,
        rpc: Rpc,
        frame: &Bytes,
        is_whole: bool,
        finish: impl Fn(Sent) -> F,
        course: &mut Course,
    ) -> Result<(usize, T), Error>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let first = self.rotation.preferred();
        let mut pause = FIRST_PAUSE;
        let mut may_pass = false;
        let mut attempt = 0;
        loop {
            let index = self.rotation.turn(first, attempt);
            course.begin(index);
            let error = match self.attempt(rpc, frame, is_whole, &finish, course).await {
                Ok(done) => return Ok((index, done)),
                Err(error) => error.at(self.name(index)),
            };
            course.is_sent = false;
            if !error.allows_another(rpc.is_read) {
                return Err(error);
            }
            self.rotation.turn_away(index);
            may_pass |= error.is_transient();
            if self.rotation.ends_round(attempt) {
                if !may_pass {
                    return Err(error);
                }
                sleep(pause).await;
                pause = LONGEST_PAUSE.min(pause * 2);
                may_pass = false;
            }
            course.last = Some(error);
            attempt += 1;
        }
    }

    /// One attempt. A read that has somewhere else to go does not wait for one endpoint all the time there is.
    async fn attempt<T, F>(
        &self,
        rpc: Rpc,
        frame: &Bytes,
        is_whole: bool,
        finish: impl Fn(Sent) -> F,
        course: &mut Course,
    ) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let endpoint = &self.endpoints[course.endpoint];
        let exchange = async {
            let sent = endpoint.send(rpc, frame.clone(), is_whole).await?;
            course.is_sent = true;
            finish(sent).await
        };
        if !rpc.is_read || !self.rotation.has_others() {
            return exchange.await;
        }
        let bound = self.request_timeout / 2;
        match timeout(bound, exchange).await {
            Ok(ended) => ended,
            Err(_) => Err(Error::Unknown(too_late(bound))),
        }
    }
}

impl Course {
    fn begin(&mut self, endpoint: usize) {
        self.endpoint = endpoint;
        self.is_sent = false;
    }

    /// What it means that the time is up now.
    fn too_late(self, rpc: Rpc, bound: Duration) -> Error {
        match self.last {
            _ if self.is_sent && !rpc.is_read => Error::Unknown(too_late(bound)),
            Some(last) => last,
            None if self.is_sent => Error::Unknown(too_late(bound)),
            None => Error::NotSent(too_late(bound)),
        }
    }
}
