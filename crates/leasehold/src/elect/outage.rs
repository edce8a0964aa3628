//! Tells people when the API server does not answer, or refuses, and when it answers again: a line for each.

use std::mem::discriminant;

use futures_util::future::BoxFuture;
use leasehold_api::coordination::Lease;
use leasehold_election::{ApiFailure, LeaseApi, LeaseEvents};
use parking_lot::Mutex;

use crate::printer;

/// The way to the leases, with an eye on how requests end.
pub(super) struct Observed<A> {
    api: A,
    is_quiet: bool,
    /// How the last request failed, if it did.
    failure: Mutex<Option<ApiFailure>>,
}

impl<A> Observed<A> {
    pub(super) fn new(api: A, is_quiet: bool) -> Self {
        Self {
            api,
            is_quiet,
            failure: Mutex::new(None),
        }
    }

    fn observe<T>(&self, result: Result<T, ApiFailure>) -> Result<T, ApiFailure> {
        let failure = result.as_ref().err().cloned();
        if let Some(news) = news(&mut self.failure.lock(), failure)
            && !self.is_quiet
        {
            printer::note(&news);
        }
        result
    }
}

/// What there is to say about a request that ended so, after the one before: nothing, if it is the same again.
fn news(last: &mut Option<ApiFailure>, now: Option<ApiFailure>) -> Option<String> {
    // A conflict or a lease that is not there is an answer like any other.
    let now = now.filter(|failure| !matches!(failure, ApiFailure::Conflict(_) | ApiFailure::NotFound(_)));
    let kind = |failure: &Option<ApiFailure>| failure.as_ref().map(discriminant);
    if kind(last) == kind(&now) {
        return None;
    }
    *last = now;
    Some(match last {
        Some(failure) => format!("the server cannot be used: {failure}"),
        None => "the server answers again".to_owned(),
    })
}

impl<A: LeaseApi> LeaseApi for Observed<A> {
    fn get<'a>(&'a self, namespace: &'a str, name: &'a str) -> BoxFuture<'a, Result<Option<Lease>, ApiFailure>> {
        Box::pin(async move { self.observe(self.api.get(namespace, name).await) })
    }

    fn create(&self, lease: Lease) -> BoxFuture<'_, Result<Lease, ApiFailure>> {
        Box::pin(async move { self.observe(self.api.create(lease).await) })
    }

    fn update(&self, lease: Lease) -> BoxFuture<'_, Result<Lease, ApiFailure>> {
        Box::pin(async move { self.observe(self.api.update(lease).await) })
    }

    fn watch<'a>(
        &'a self,
        namespace: &'a str,
        name: Option<&'a str>,
    ) -> BoxFuture<'a, Result<LeaseEvents, ApiFailure>> {
        self.api.watch(namespace, name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_new_is_told() {
        let unknown = || Some(ApiFailure::Unknown("connection refused".into()));
        let conflict = Some(ApiFailure::Conflict("later".into()));
        let mut last = None;
        assert_eq!(news(&mut last, None), None);
        let told = news(&mut last, unknown());
        assert_eq!(
            told.as_deref(),
            Some("the server cannot be used: no answer: connection refused")
        );
        assert_eq!(news(&mut last, unknown()), None);
        assert!(news(&mut last, Some(ApiFailure::Forbidden("no".into()))).is_some());
        assert_eq!(
            news(&mut last, conflict.clone()).as_deref(),
            Some("the server answers again")
        );
        assert_eq!(news(&mut last, conflict), None);
    }
}
