//! One endpoint: its connection, made when first needed and made anew when it has ended.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use h2::SendStream;
use h2::client::ResponseFuture;
use parking_lot::Mutex;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::call::{Rpc, too_late};
use crate::connection::Connection;
use crate::target::Target;
use crate::{Error, Options};

/// A member of the cluster, or something in front of some.
pub(crate) struct Endpoint {
    /// As its user wrote it.
    pub(crate) name: String,
    target: Target,
    tls: TlsConnector,
    connect_timeout: Duration,
    keep_alive: Duration,
    connection: Mutex<Option<Connection>>,
    /// How many attempts to connect have ended. Changes while `attempt` is held.
    ended: AtomicU64,
    /// How the last attempt failed. Whoever waited for it shares its fate, instead of waiting for another.
    attempt: tokio::sync::Mutex<Option<Error>>,
}

/// A request that is on its way.
pub(crate) struct Sent {
    pub(crate) connection: Connection,
    pub(crate) response: ResponseFuture,
    pub(crate) stream: SendStream<Bytes>,
}

impl Endpoint {
    pub(crate) fn new(name: &str, tls: TlsConnector, options: &Options) -> Result<Self, Error> {
        Ok(Self {
            name: name.to_owned(),
            target: Target::parse(name)?,
            tls,
            connect_timeout: options.connect_timeout,
            keep_alive: options.keep_alive,
            connection: Mutex::new(None),
            ended: AtomicU64::new(0),
            attempt: tokio::sync::Mutex::new(None),
        })
    }

    /// Sends a request. A connection that turns out to have ended is replaced by a new one, once. What fails here was surely
    /// not sent.
    pub(crate) async fn send(&self, rpc: Rpc, frame: Bytes, is_whole: bool) -> Result<Sent, Error> {
        if let Some(connection) = self.live() {
            match self.send_on(connection, rpc, frame.clone(), is_whole).await {
                Ok(sent) => return Ok(sent),
                Err(error) => tracing::debug!(endpoint = self.name, %error, "reconnecting to etcd"),
            }
        }
        let connection = self.connect().await?;
        self.send_on(connection, rpc, frame, is_whole).await
    }

    /// Makes sure that the next call gets another connection, without ending this one: a call on it may still end well.
    pub(crate) fn abandon(&self, connection: &Connection) {
        let mut current = self.connection.lock();
        if current.as_ref().is_some_and(|current| current.is(connection)) {
            *current = None;
        }
    }

    async fn send_on(&self, connection: Connection, rpc: Rpc, frame: Bytes, is_whole: bool) -> Result<Sent, Error> {
        match connection.send(rpc.request(&self.target), frame, is_whole).await {
            Ok((response, stream)) => Ok(Sent {
                connection,
                response,
                stream,
            }),
            Err(error) => {
                self.abandon(&connection);
                Err(error)
            }
        }
    }

    fn live(&self) -> Option<Connection> {
        let connection = self.connection.lock();
        connection
            .as_ref()
            .filter(|connection| !connection.has_ended())
            .cloned()
    }

    /// Connects, or waits for whoever is connecting.
    async fn connect(&self) -> Result<Connection, Error> {
        let ended_before = self.ended.load(Ordering::Acquire);
        let mut failure = self.attempt.lock().await;
        if let Some(connection) = self.live() {
            return Ok(connection);
        }
        if self.ended.load(Ordering::Acquire) != ended_before
            && let Some(error) = &*failure
        {
            return Err(error.clone());
        }
        // Boxed, because a handshake is large and rare, and a call small and frequent.
        let opening = Box::pin(Connection::open(&self.target, &self.tls, self.keep_alive));
        let opened = match timeout(self.connect_timeout, opening).await {
            Ok(opened) => opened,
            Err(_) => Err(Error::NotSent(too_late(self.connect_timeout))),
        };
        *failure = opened.as_ref().err().cloned();
        self.ended.fetch_add(1, Ordering::Release);
        let connection = opened?;
        *self.connection.lock() = Some(connection.clone());
        Ok(connection)
    }
}
