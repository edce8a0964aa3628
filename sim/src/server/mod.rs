//! The server: the real registry over the real store, on a disk that forgets at a power cut what was not synced.
//!
//! Everything here happens at one moment of true time. The store commits when it is told to, by
//! [`Hand`](leasehold_store::embedded::Hand), in the thread of the simulation; a request is therefore carried out between two
//! events, and a crash comes between two events or in the middle of a commit.

mod disk;
mod verbs;
mod watches;

use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use leasehold_api::coordination::Lease;
use leasehold_election::ApiFailure;
use leasehold_registry::Registry;
use leasehold_store::Store as _;
use leasehold_store::embedded::{Embedded, Hand, Options};

use crate::api::unknown;
use crate::clock::ServerClock;
use crate::network::{Fate, Way};
use crate::request::{Answer, Call, Request};
use crate::trace::Entry;
use crate::world::World;
use disk::Disk;
use watches::Watches;

/// The file size of the log: small, because it is allocated and read back at each start.
const SEGMENT: u64 = 256 << 10;
/// No snapshots: they have a thread of their own, and the crash images of the store's tests are about them.
const SNAPSHOT: u64 = u64::MAX;

/// See the module.
pub(crate) struct Server {
    world: Arc<World>,
    disk: Disk,
    running: Option<Running>,
    /// The power goes in the middle of the next commit.
    pub(crate) crashes_at_next_write: bool,
}

/// A life of the server.
struct Running {
    registry: Registry,
    hand: Hand,
    store: Arc<Embedded>,
    watches: Watches,
}

/// A change of the lease that has become durable: before and after.
pub(crate) struct Committed {
    pub(crate) before: Option<Lease>,
    pub(crate) after: Option<Lease>,
}

/// What carrying out a request led to.
#[derive(Default)]
pub(crate) struct Outcome {
    pub(crate) committed: Option<Committed>,
    /// The power went.
    pub(crate) crashed: bool,
}

impl Server {
    /// A server with an empty disk, started.
    pub(crate) fn new(world: Arc<World>) -> Self {
        let mut server = Self {
            world,
            disk: Disk::default(),
            running: None,
            crashes_at_next_write: false,
        };
        server.start();
        server
    }

    /// Starts on what the disk has kept. Does nothing when it runs.
    pub(crate) fn start(&mut self) {
        if self.running.is_some() {
            return;
        }
        let clock = Arc::new(ServerClock(Arc::clone(&self.world)));
        let mut options = Options::new("");
        options.segment_bytes = SEGMENT;
        options.snapshot_bytes = SNAPSHOT;
        let disk = Arc::new(self.disk.current().clone());
        let (store, hand) =
            Embedded::open_by_hand(disk, &options, clock.clone()).expect("a store starts on what a power cut left");
        let store = Arc::new(store);
        let registry = Registry::new(store.clone(), clock);
        let mut running = Running {
            registry,
            hand,
            store,
            watches: Watches::default(),
        };
        running.bootstrap();
        self.running = Some(running);
    }

    /// The power goes. Returns whether it was on.
    pub(crate) fn crash(&mut self) -> bool {
        let Some(mut running) = self.running.take() else {
            return false;
        };
        running.watches.break_all(&self.world);
        drop(running);
        let mut inner = self.world.lock();
        self.disk.cut_power(&mut inner.rng);
        inner.note(Entry::Crashes);
        true
    }

    /// A request has arrived.
    pub(crate) fn arrives(&mut self, request: Request) -> Outcome {
        let Some(running) = &mut self.running else {
            self.reply(request, Err(unknown("connection refused")));
            return Outcome::default();
        };
        self.disk.mark();
        let (answer, committed) = match &request.call {
            Call::Watch(name) => (running.watch(&self.world, &request, name.as_deref()), None),
            call => running.carry_out(call),
        };
        if committed.is_some() && std::mem::take(&mut self.crashes_at_next_write) {
            return self.crash_in_commit(&request);
        }
        if committed.is_some() {
            running.watches.pump(&self.world);
        }
        self.reply(request, answer);
        Outcome {
            committed,
            crashed: false,
        }
    }

    /// What a third party does, at once and without a network.
    pub(crate) fn meddle(
        &mut self,
        change: impl FnOnce(Option<Lease>) -> Option<Call>,
        name: &str,
    ) -> Option<Committed> {
        let running = self.running.as_mut()?;
        let call = change(running.current(name))?;
        let (_, committed) = running.carry_out(&call);
        running.watches.pump(&self.world);
        committed
    }

    /// Deletes the lease, as a third party.
    pub(crate) fn delete(&mut self, name: &str) -> Option<Committed> {
        let running = self.running.as_mut()?;
        let committed = running.delete(name);
        running.watches.pump(&self.world);
        committed
    }

    /// The lease as it is now; nothing while the server is down.
    pub(crate) fn current(&mut self, name: &str) -> Option<Lease> {
        self.running.as_mut()?.current(name)
    }

    /// The watches of a node break.
    pub(crate) fn break_watches(&mut self, node: usize) {
        if let Some(running) = &mut self.running {
            running.watches.break_node(&self.world, node);
        }
    }

    /// What was held up by a cut goes on its way.
    pub(crate) fn flush(&mut self, node: usize) {
        if let Some(running) = &mut self.running {
            running.watches.flush(&self.world, node);
        }
    }

    /// The commit that has just been made was interrupted somewhere: what is on the disk is any part of it, and nobody
    /// has been told anything.
    fn crash_in_commit(&mut self, request: &Request) -> Outcome {
        {
            let mut inner = self.world.lock();
            self.disk.tear(&mut inner.rng);
        }
        self.crash();
        let (process, reply) = (request.process, Arc::clone(&request.reply));
        let mut inner = self.world.lock();
        let inner = &mut *inner;
        let node = inner.node_of(process);
        let fate = inner.network.fate(&mut inner.rng, node, Way::FromServer);
        if let Fate::Arrives(after) | Fate::Fails(after) = fate {
            let failed = move || reply.put(Err(unknown("the connection broke")));
            inner.wake_at(inner.now + after, process, Box::new(failed));
        }
        Outcome {
            committed: None,
            crashed: true,
        }
    }

    fn reply(&self, request: Request, answer: Result<Answer, ApiFailure>) {
        let Request { process, call, reply } = request;
        let mut inner = self.world.lock();
        let inner = &mut *inner;
        inner.note(Entry::Answers(process, call.verb(), code(&answer)));
        let node = inner.node_of(process);
        let (after, answer) = match inner.network.fate(&mut inner.rng, node, Way::FromServer) {
            Fate::Arrives(after) => (after, answer),
            Fate::Fails(after) => (after, Err(unknown("the connection broke"))),
            Fate::Vanishes => return,
        };
        inner.wake_at(inner.now + after, process, Box::new(move || reply.put(answer)));
    }
}

impl Running {
    /// Runs what the registry does, with the commits that it waits for.
    fn run<T>(&mut self, future: impl FnOnce(&Registry) -> futures_util::future::BoxFuture<'_, T>) -> T {
        /// Of one request: a compare-and-swap that fails is judged again a few times at most.
        const COMMITS_MAX: usize = 100;
        let mut future = future(&self.registry);
        let mut context = Context::from_waker(Waker::noop());
        for _ in 0..COMMITS_MAX {
            if let Poll::Ready(done) = future.as_mut().poll(&mut context) {
                return done;
            }
            self.hand.commit();
        }
        panic!("a request waits for something that no commit brings");
    }

    fn revision(&self) -> u64 {
        self.store.revision().0
    }
}

/// What the trace says of an answer: a resourceVersion, or which kind of failure.
fn code(answer: &Result<Answer, ApiFailure>) -> u64 {
    match answer {
        Ok(Answer::Lease(Some(lease))) => lease.metadata.resource_version.parse().unwrap_or(u64::MAX),
        Ok(_) => 0,
        Err(ApiFailure::Conflict(_)) => 409,
        Err(ApiFailure::NotFound(_)) => 404,
        Err(ApiFailure::Forbidden(_)) => 403,
        Err(ApiFailure::Invalid(_)) => 400,
        Err(ApiFailure::Unknown(_)) => 500,
    }
}
