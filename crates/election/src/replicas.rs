//! Several servers of the same leases: replicas over one etcd.
//!
//! One of them is asked, until it fails to answer; then the next. So an election outlives the loss of a server, and neither
//! leadership nor the watch for vacancies waits for it to come back. A read is asked of each in turn. A write is not: the
//! one that was not answered may have been done, and what to do then is for its sender to decide; his next request goes
//! elsewhere.
//!
//! The servers must be of one store, and read it consistently: a read through one must show what another has acknowledged.
//! Replicas of Leasehold and of kube-apiserver do, as long as they share an etcd. Two clusters never are: they elect two leaders.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use leasehold_api::coordination::{Lease, LeaseCandidate};
use leasehold_api::core::Event;

use crate::{ApiFailure, CandidateApi, CandidateSights, EventApi, LeaseApi, LeaseEvents};

/// The same leases through several servers. See the module.
#[derive(Clone, Debug)]
pub struct Replicas<A> {
    servers: Arc<[A]>,
    turn: Turn,
}

/// Whose turn it is.
#[derive(Clone, Debug)]
struct Turn {
    current: Arc<AtomicUsize>,
    servers: usize,
}

/// A request under way. Unless it is answered the turn is the next server's, also when nobody waits for it any more.
struct Asked<'a> {
    turn: &'a Turn,
    server: usize,
    answered: bool,
}

impl<A> Replicas<A> {
    /// The first is asked first. With no others this is as good as `first` itself.
    #[must_use]
    pub fn new(first: A, others: impl IntoIterator<Item = A>) -> Self {
        let servers: Arc<[A]> = std::iter::once(first).chain(others).collect();
        Self {
            turn: Turn {
                current: Arc::default(),
                servers: servers.len(),
            },
            servers,
        }
    }

    /// Asks the server whose turn it is.
    async fn ask<'a, T, F>(&'a self, request: impl FnOnce(usize, &'a A) -> F) -> Result<T, ApiFailure>
    where
        F: Future<Output = Result<T, ApiFailure>>,
    {
        let mut asked = self.turn.begin();
        let reply = request(asked.server, &self.servers[asked.server]).await;
        asked.answered = !matches!(reply, Err(ApiFailure::Unknown(_)));
        reply
    }

    /// Asks one after the other, each once at most.
    async fn ask_each<'a, T, F>(&'a self, request: impl Fn(usize, &'a A) -> F) -> Result<T, ApiFailure>
    where
        F: Future<Output = Result<T, ApiFailure>>,
    {
        for _ in 1..self.servers.len() {
            match self.ask(&request).await {
                Err(ApiFailure::Unknown(_)) => {}
                answer => return answer,
            }
        }
        self.ask(&request).await
    }

    /// A watch, whose failure is its server's.
    async fn watch_one<'a, T: 'static, F>(
        &'a self,
        request: impl Fn(&'a A) -> F,
    ) -> Result<BoxStream<'static, Result<T, ApiFailure>>, ApiFailure>
    where
        F: Future<Output = Result<BoxStream<'static, Result<T, ApiFailure>>, ApiFailure>>,
    {
        let begun = self.ask_each(async |at, server| {
            let events = request(server).await?;
            Ok((at, events))
        });
        let (at, events) = begun.await?;
        let turn = self.turn.clone();
        let events = events.inspect(move |event| {
            if matches!(event, Err(ApiFailure::Unknown(_))) {
                turn.pass(at);
            }
        });
        Ok(events.boxed())
    }
}

impl Turn {
    fn begin(&self) -> Asked<'_> {
        Asked {
            turn: self,
            server: self.current.load(Ordering::Relaxed),
            answered: false,
        }
    }

    /// The next one's turn, unless this server's is over already.
    fn pass(&self, server: usize) {
        let next = (server + 1) % self.servers;
        // Where it fails, somebody else has passed it on.
        let _ = self
            .current
            .compare_exchange(server, next, Ordering::Relaxed, Ordering::Relaxed);
    }
}

impl Drop for Asked<'_> {
    fn drop(&mut self) {
        if !self.answered {
            self.turn.pass(self.server);
        }
    }
}

impl<A: LeaseApi> LeaseApi for Replicas<A> {
    fn get<'a>(&'a self, namespace: &'a str, name: &'a str) -> BoxFuture<'a, Result<Option<Lease>, ApiFailure>> {
        Box::pin(self.ask_each(move |_, server| server.get(namespace, name)))
    }

    fn create(&self, lease: Lease) -> BoxFuture<'_, Result<Lease, ApiFailure>> {
        Box::pin(self.ask(|_, server| server.create(lease)))
    }

    fn update(&self, lease: Lease) -> BoxFuture<'_, Result<Lease, ApiFailure>> {
        Box::pin(self.ask(|_, server| server.update(lease)))
    }

    fn watch<'a>(
        &'a self,
        namespace: &'a str,
        name: Option<&'a str>,
    ) -> BoxFuture<'a, Result<LeaseEvents, ApiFailure>> {
        Box::pin(self.watch_one(move |server| server.watch(namespace, name)))
    }
}

impl<A: CandidateApi> CandidateApi for Replicas<A> {
    fn get_candidate<'a>(
        &'a self,
        namespace: &'a str,
        name: &'a str,
    ) -> BoxFuture<'a, Result<Option<LeaseCandidate>, ApiFailure>> {
        Box::pin(self.ask_each(move |_, server| server.get_candidate(namespace, name)))
    }

    fn create_candidate(&self, candidate: LeaseCandidate) -> BoxFuture<'_, Result<LeaseCandidate, ApiFailure>> {
        Box::pin(self.ask(|_, server| server.create_candidate(candidate)))
    }

    fn update_candidate(&self, candidate: LeaseCandidate) -> BoxFuture<'_, Result<LeaseCandidate, ApiFailure>> {
        Box::pin(self.ask(|_, server| server.update_candidate(candidate)))
    }

    fn delete_candidate<'a>(&'a self, namespace: &'a str, name: &'a str) -> BoxFuture<'a, Result<(), ApiFailure>> {
        Box::pin(self.ask(move |_, server| server.delete_candidate(namespace, name)))
    }

    fn watch_candidate<'a>(
        &'a self,
        namespace: &'a str,
        name: &'a str,
    ) -> BoxFuture<'a, Result<CandidateSights, ApiFailure>> {
        Box::pin(self.watch_one(move |server| server.watch_candidate(namespace, name)))
    }
}

impl<A: EventApi> EventApi for Replicas<A> {
    fn create_event(&self, event: Event) -> BoxFuture<'_, Result<(), ApiFailure>> {
        Box::pin(self.ask(|_, server| server.create_event(event)))
    }
}
