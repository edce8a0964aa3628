//! Watches: the registry's cursors, and the connections that carry what they find.

use std::sync::Arc;
use std::task::{Context, Waker};

use futures_util::FutureExt;
use leasehold_api::coordination::Lease;
use leasehold_api::options::{ListOptions, Query};
use leasehold_election::{ApiFailure, LeaseEvent};
use leasehold_registry::resources::LEASES;
use leasehold_registry::{EventKind, Place, Watch, WatchItem};

use super::Running;
use super::verbs::{failure, lease};
use crate::api::{NAMESPACE, unknown};
use crate::network::Way;
use crate::request::{Answer, Pipe, Request};
use crate::time::Nanos;
use crate::world::{ProcessId, World};

/// What arrives at the client's end: an event, a failure, or the end.
type Step = Option<Result<LeaseEvent, ApiFailure>>;

/// All watches, in the order in which they began.
#[derive(Default)]
pub(super) struct Watches(Vec<Connection>);

/// One watch and its connection. What it carries stays in order.
struct Connection {
    process: ProcessId,
    watch: Watch,
    pipe: Arc<Pipe>,
    /// When the last step arrives.
    last: Nanos,
    /// Steps that wait for a cut to be mended.
    held_up: Vec<Step>,
    /// It brings nothing, and nobody notices.
    deaf: bool,
}

impl Running {
    /// Begins a watch.
    pub(super) fn watch(&mut self, world: &World, request: &Request, name: Option<&str>) -> Result<Answer, ApiFailure> {
        let place = Place::collection(&LEASES, NAMESPACE);
        let options = options(name).map_err(|error| failure(&error))?;
        let watch = self.run(|registry| async move { registry.watch(&place, &options).await }.boxed());
        let pipe = Arc::new(Pipe::default());
        let deaf = {
            let mut inner = world.lock();
            let inner = &mut *inner;
            inner.network.watch_is_deaf(&mut inner.rng)
        };
        let mut connection = Connection {
            process: request.process,
            watch: watch.map_err(|error| failure(&error))?,
            pipe: Arc::clone(&pipe),
            last: 0,
            held_up: Vec::new(),
            deaf,
        };
        connection.pump(world);
        self.watches.0.push(connection);
        Ok(Answer::Watching(pipe))
    }
}

fn options(name: Option<&str>) -> Result<ListOptions, leasehold_api::ApiError> {
    let mut query = vec![
        ("watch".into(), "true".into()),
        ("sendInitialEvents".into(), "true".into()),
        ("resourceVersionMatch".into(), "NotOlderThan".into()),
        ("allowWatchBookmarks".into(), "true".into()),
    ];
    if let Some(name) = name {
        query.push(("fieldSelector".into(), format!("metadata.name={name}").into()));
    }
    ListOptions::from_query(Query::new(&query))
}

impl Watches {
    /// Sends on whatever the store has to tell.
    pub(super) fn pump(&mut self, world: &World) {
        self.0.retain(|connection| !connection.pipe.is_closed());
        self.0.iter_mut().for_each(|connection| connection.pump(world));
    }

    /// Ends every connection, as far as the clients get to know.
    pub(super) fn break_all(&mut self, world: &World) {
        for mut connection in self.0.drain(..) {
            connection.send(world, Some(Err(unknown("the connection broke"))));
        }
    }

    /// Ends the connections of a node.
    pub(super) fn break_node(&mut self, world: &World, node: usize) {
        self.0.retain_mut(|connection| {
            let broken = world.lock().node_of(connection.process) == node;
            if broken {
                connection.send(world, None);
            }
            !broken
        });
    }

    /// Sends on what a cut has held up.
    pub(super) fn flush(&mut self, world: &World, node: usize) {
        for connection in &mut self.0 {
            if world.lock().node_of(connection.process) == node {
                let steps = std::mem::take(&mut connection.held_up);
                steps.into_iter().for_each(|step| connection.send(world, step));
            }
        }
    }
}

impl Connection {
    fn pump(&mut self, world: &World) {
        let mut items = Vec::new();
        let mut context = Context::from_waker(Waker::noop());
        loop {
            let next = Box::pin(self.watch.next(&mut items)).poll_unpin(&mut context);
            match next {
                std::task::Poll::Pending => break,
                std::task::Poll::Ready(Ok(())) => {}
                std::task::Poll::Ready(Err(error)) => {
                    self.send(world, Some(Err(failure(&error))));
                    break;
                }
            }
        }
        for item in items {
            let step = step(&item);
            self.send(world, Some(step));
        }
    }

    fn send(&mut self, world: &World, step: Step) {
        if self.deaf {
            return;
        }
        let mut inner = world.lock();
        let inner = &mut *inner;
        if inner.network.is_cut(inner.node_of(self.process), Way::FromServer) {
            self.held_up.push(step);
            return;
        }
        self.last = self.last.max(inner.now + inner.network.delay(&mut inner.rng));
        let pipe = Arc::clone(&self.pipe);
        inner.wake_at(self.last, self.process, Box::new(move || pipe.push(step)));
    }
}

fn step(item: &WatchItem) -> Result<LeaseEvent, ApiFailure> {
    let WatchItem::Event(event) = item else {
        return Ok(LeaseEvent::Synced);
    };
    let object = event.item.object().map_err(|error| failure(&error))?;
    let lease: Lease = lease(&*object).ok_or_else(|| unknown("no lease in a watch of leases"))?;
    Ok(match event.kind {
        EventKind::Added | EventKind::Modified => LeaseEvent::Applied(lease),
        EventKind::Deleted => LeaseEvent::Deleted(lease),
    })
}
