//! The few requests that elections need, whoever answers them.

use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use leasehold_api::coordination::Lease;

/// Leases, as an API server offers them. Implementations bound how long a request may take; callers bound it again.
pub trait LeaseApi: Send + Sync + 'static {
    /// The lease now, from a read that is not older than any reply to an earlier request; `None` when there is none.
    fn get<'a>(&'a self, namespace: &'a str, name: &'a str) -> BoxFuture<'a, Result<Option<Lease>, ApiFailure>>;

    /// Creates it. [`ApiFailure::Conflict`] when there is one already.
    fn create(&self, lease: Lease) -> BoxFuture<'_, Result<Lease, ApiFailure>>;

    /// Replaces it, if its resourceVersion is still the current one: [`ApiFailure::Conflict`] when it is not, or when the
    /// lease is gone.
    fn update(&self, lease: Lease) -> BoxFuture<'_, Result<Lease, ApiFailure>>;

    /// What happens from now on to the leases of a namespace, or to one of them. It begins with what there is. The stream
    /// ends when the server or the connection does; that says nothing about any lease.
    fn watch<'a>(&'a self, namespace: &'a str, name: Option<&'a str>)
    -> BoxFuture<'a, Result<LeaseEvents, ApiFailure>>;
}

/// What a watch brings, until it fails or ends.
pub type LeaseEvents = BoxStream<'static, Result<LeaseEvent, ApiFailure>>;

/// A step of a watch.
#[derive(Clone, Debug)]
pub enum LeaseEvent {
    /// The lease as it is now: it was there at the start, came or changed.
    Applied(Lease),
    /// The lease as it was when it was deleted, with the deletion's resourceVersion.
    Deleted(Lease),
    /// Everything that was there at the start has been told.
    Synced,
    /// Nothing happened: the watch is alive.
    Bookmark,
}

/// Why a request did not do what it was sent for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ApiFailure {
    /// Someone else's write came first: 409, whatever its reason.
    #[error("the lease has changed: {0}")]
    Conflict(String),
    /// There is no such lease, namespace or resource: 404.
    #[error("not found: {0}")]
    NotFound(String),
    /// The credentials do not allow it: 401 or 403. Trying again will hardly help.
    #[error("not allowed: {0}")]
    Forbidden(String),
    /// The server refused it as wrong: another 4xx. Trying again will not help.
    #[error("refused: {0}")]
    Invalid(String),
    /// No usable answer: the connection failed, it took too long, or the server is unwell (429, 5xx). **The write may have
    /// been done, or may yet be.**
    #[error("no answer: {0}")]
    Unknown(String),
}

impl ApiFailure {
    /// That there is no such object is an answer to who asks for one.
    ///
    /// # Errors
    /// Any other failure.
    pub fn absent_is_none<T>(result: Result<T, Self>) -> Result<Option<T>, Self> {
        match result {
            Ok(object) => Ok(Some(object)),
            Err(Self::NotFound(_)) => Ok(None),
            Err(failure) => Err(failure),
        }
    }
}
