//! The requests that candidates of a coordinated election need.

use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use leasehold_api::coordination::LeaseCandidate;

use crate::ApiFailure;

/// Lease candidates, as an API server offers them: as [`crate::LeaseApi`] for leases.
pub trait CandidateApi: Send + Sync + 'static {
    /// The candidate now; `None` when there is none.
    fn get_candidate<'a>(
        &'a self,
        namespace: &'a str,
        name: &'a str,
    ) -> BoxFuture<'a, Result<Option<LeaseCandidate>, ApiFailure>>;

    /// Creates it. [`ApiFailure::Conflict`] when there is one already.
    fn create_candidate(&self, candidate: LeaseCandidate) -> BoxFuture<'_, Result<LeaseCandidate, ApiFailure>>;

    /// Replaces it, if its resourceVersion is still the current one.
    fn update_candidate(&self, candidate: LeaseCandidate) -> BoxFuture<'_, Result<LeaseCandidate, ApiFailure>>;

    /// Deletes it; it does not matter if it is gone already.
    fn delete_candidate<'a>(&'a self, namespace: &'a str, name: &'a str) -> BoxFuture<'a, Result<(), ApiFailure>>;

    /// The candidate as it is and then as it changes; `None` where it is deleted, or not there at the start. Ends when the
    /// server or the connection does.
    fn watch_candidate<'a>(
        &'a self,
        namespace: &'a str,
        name: &'a str,
    ) -> BoxFuture<'a, Result<CandidateSights, ApiFailure>>;
}

/// What a watch on one candidate brings.
pub type CandidateSights = BoxStream<'static, Result<Option<LeaseCandidate>, ApiFailure>>;
