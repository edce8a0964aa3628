//! The client's side of the server: requests that travel, and may get lost on either way.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::future::BoxFuture;
use futures_util::{FutureExt, Stream, StreamExt};
use leasehold_api::coordination::Lease;
use leasehold_election::{ApiFailure, LeaseApi, LeaseEvent, LeaseEvents};

use crate::event::Event;
use crate::network::{Fate, Way};
use crate::oracle::Oracle;
use crate::request::{Answer, Call, Pipe, Request, Slot};
use crate::trace::Entry;
use crate::world::{ProcessId, World};

/// The namespace of the one lease that everybody is after.
pub(crate) const NAMESPACE: &str = "default";

/// The server as one process reaches it. No request is bounded here: one whose reply is lost waits for ever.
pub(crate) struct NodeApi {
    pub(crate) world: Arc<World>,
    pub(crate) oracle: Arc<Oracle>,
    pub(crate) process: ProcessId,
    /// Whether it is allowed to.
    pub(crate) may_watch: bool,
}

impl NodeApi {
    async fn lease(&self, call: Call) -> Result<Option<Lease>, ApiFailure> {
        match self.exchange(call).await? {
            Answer::Lease(lease) => Ok(lease.map(|lease| *lease)),
            Answer::Watching(_) => Err(unknown("a watch in answer to something else")),
        }
    }

    async fn exchange(&self, call: Call) -> Result<Answer, ApiFailure> {
        let reply = Arc::new(Slot::default());
        self.send(call, &reply);
        reply.wait().await
    }

    fn send(&self, call: Call, reply: &Arc<Slot>) {
        if let Call::Update(lease) = &call {
            self.oracle.sends(self.process, lease);
        }
        let mut inner = self.world.lock();
        let inner = &mut *inner;
        if !inner.is_alive(self.process) {
            return;
        }
        inner.note(Entry::Sends(self.process, call.verb()));
        let node = inner.node_of(self.process);
        let reply = Arc::clone(reply);
        match inner.network.fate(&mut inner.rng, node, Way::ToServer) {
            Fate::Vanishes => {}
            Fate::Arrives(after) => {
                let process = self.process;
                let request = Request { process, call, reply };
                inner.schedule(inner.now + after, Event::Arrives(Box::new(request)));
            }
            Fate::Fails(after) => {
                let failed = move || reply.put(Err(unknown("the connection broke")));
                inner.wake_at(inner.now + after, self.process, Box::new(failed));
            }
        }
    }
}

pub(crate) fn unknown(why: &str) -> ApiFailure {
    ApiFailure::Unknown(why.to_owned())
}

fn present(lease: Option<Lease>) -> Result<Lease, ApiFailure> {
    lease.ok_or_else(|| unknown("no lease in the answer to a write"))
}

impl LeaseApi for NodeApi {
    fn get<'a>(&'a self, _: &'a str, name: &'a str) -> BoxFuture<'a, Result<Option<Lease>, ApiFailure>> {
        self.lease(Call::Get(name.to_owned())).boxed()
    }

    fn create(&self, lease: Lease) -> BoxFuture<'_, Result<Lease, ApiFailure>> {
        async move { present(self.lease(Call::Create(lease)).await?) }.boxed()
    }

    fn update(&self, lease: Lease) -> BoxFuture<'_, Result<Lease, ApiFailure>> {
        async move { present(self.lease(Call::Update(lease)).await?) }.boxed()
    }

    fn watch<'a>(&'a self, _: &'a str, name: Option<&'a str>) -> BoxFuture<'a, Result<LeaseEvents, ApiFailure>> {
        async move {
            if !self.may_watch {
                return Err(ApiFailure::Forbidden("no watching here".to_owned()));
            }
            match self.exchange(Call::Watch(name.map(str::to_owned))).await? {
                Answer::Watching(pipe) => Ok(Reader(pipe).boxed()),
                Answer::Lease(_) => Err(unknown("no watch in answer to one")),
            }
        }
        .boxed()
    }
}

/// Reads a watch until it is dropped.
struct Reader(Arc<Pipe>);

impl Stream for Reader {
    type Item = Result<LeaseEvent, ApiFailure>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_next(cx)
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.0.close();
    }
}
