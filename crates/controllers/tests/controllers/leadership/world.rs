//! Replicas over one store, each on a runtime of its own: one that is not driven is one that was stopped.
//!
//! The clock and the store's commits are moved by hand, in the thread of the test, so that every run is the same.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use leasehold_api::ApiError;
use leasehold_api::codec::Decoded;
use leasehold_api::coordination::Lease;
use leasehold_api::options::ResourceVersion;
use leasehold_clock::{Clock as _, SimulatedClock};
use leasehold_controllers::leadership::RegistryLeases;
use leasehold_controllers::{Controller, Duty, Led, Outcome, Standing, Status};
use leasehold_registry::resources::LEASES;
use leasehold_registry::{Place, Registry, Scope, WriteOptions};
use leasehold_store::embedded::{Embedded, Hand, Options};
use leasehold_store::testing::MemoryDisk;
use leasehold_store::{Page, Range, Snapshot, Store as _};
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

use super::cut::Cut;

const STEP: Duration = Duration::from_millis(50);
/// How long the work takes between a look and the write that follows from it.
const THOUGHT: Duration = Duration::from_secs(1);

/// What a replica's controller did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Did {
    Started,
    Wrote,
    /// It could not write.
    Failed,
    Ended,
}

type Log = Arc<Mutex<Vec<(&'static str, Did)>>>;

pub(crate) struct World {
    pub(crate) clock: Arc<SimulatedClock>,
    store: Arc<Embedded>,
    hand: Hand,
    log: Log,
    replicas: Vec<Replica>,
}

struct Replica {
    name: &'static str,
    runtime: Runtime,
    registry: Arc<Registry>,
    led: Vec<Led>,
    stop: CancellationToken,
    cut: Arc<AtomicBool>,
    paused: bool,
}

impl World {
    /// Replicas of these names, each with a controller under each of these leases.
    pub(crate) fn of(names: &[&'static str], leases: &[&'static str]) -> Self {
        let clock = Arc::new(SimulatedClock::default());
        let disk = Arc::new(MemoryDisk::default());
        let mut options = Options::new("");
        options.segment_bytes = 256 << 10;
        let (store, hand) = Embedded::open_by_hand(disk, &options, clock.clone()).expect("a new store");
        let mut world = Self {
            clock,
            store: Arc::new(store),
            hand,
            log: Log::default(),
            replicas: Vec::new(),
        };
        // One after the other, so that the first one leads.
        names.iter().for_each(|name| world.add(name, leases));
        world
    }

    /// One more replica.
    pub(crate) fn add(&mut self, name: &'static str, leases: &[&'static str]) {
        let replica = Replica::start(name, self, leases);
        self.replicas.push(replica);
        self.pass(Duration::from_secs(1));
    }

    fn replica(&self, name: &str) -> &Replica {
        self.replicas.iter().find(|it| it.name == name).expect("a replica")
    }

    fn replica_mut(&mut self, name: &str) -> &mut Replica {
        self.replicas.iter_mut().find(|it| it.name == name).expect("a replica")
    }

    /// The store does not answer it any more, or does again.
    pub(crate) fn cut(&self, name: &str, cut: bool) {
        self.replica(name).cut.store(cut, Ordering::Relaxed);
    }

    /// It does not go on, or does again.
    pub(crate) fn pause(&mut self, name: &str, paused: bool) {
        self.replica_mut(name).paused = paused;
    }

    pub(crate) fn stop(&self, name: &str) {
        self.replica(name).stop.cancel();
    }

    /// Lets every replica go on until all of them wait.
    fn settle(&mut self) {
        for _ in 0..40 {
            for replica in self.replicas.iter().filter(|it| !it.paused) {
                replica.runtime.block_on(async {
                    for _ in 0..8 {
                        tokio::task::yield_now().await;
                    }
                });
            }
            self.hand.commit();
        }
    }

    pub(crate) fn pass(&mut self, duration: Duration) {
        let end = self.clock.now() + duration;
        self.settle();
        while self.clock.now() < end {
            self.clock.advance(STEP);
            self.settle();
        }
    }

    /// Lets time pass until this was done, at most `limit`; how long it took.
    pub(crate) fn until(&mut self, limit: Duration, done: (&'static str, Did)) -> Duration {
        let (start, from) = (self.clock.now(), self.log().len());
        while !self.log()[from..].contains(&done) {
            let passed = self.clock.now().since(start);
            assert!(passed < limit, "no {done:?} within {limit:?}: {:?}", self.log());
            self.pass(STEP);
        }
        self.clock.now().since(start)
    }

    /// All that was done, in order.
    pub(crate) fn log(&self) -> Vec<(&'static str, Did)> {
        self.log.lock().unwrap().clone()
    }

    /// The same from now on.
    pub(crate) fn forget(&self) {
        self.log.lock().unwrap().clear();
    }

    pub(crate) fn statuses(&self, name: &str) -> Vec<Status> {
        self.replica(name)
            .led
            .iter()
            .flat_map(|led| led.statuses().read())
            .collect()
    }

    pub(crate) fn standings(&self, name: &str) -> Vec<Standing> {
        self.replica(name)
            .led
            .iter()
            .flat_map(|led| led.standings().read())
            .collect()
    }

    /// A lease as it stands in the store.
    pub(crate) fn lease(&self, name: &str) -> Option<Lease> {
        let place = Place::collection(&LEASES, "kube-system").named(name);
        let registry = Registry::new(self.store.clone(), self.clock.clone());
        let found = registry
            .get(&place, ResourceVersion::Unset)
            .now_or_never()
            .expect("no wait");
        let object = found.ok()?.stored().expect("readable");
        object.downcast_ref::<Lease>().cloned()
    }

    /// How many objects a replica's work has left in the store, whether it was told or not.
    pub(crate) fn written_by(&self, replica: &str) -> usize {
        let range = Range::Namespace(LEASES.storage, "work".into());
        let listing = self
            .store
            .list(&range, Snapshot::Latest, &Page::default())
            .now_or_never();
        let entries = listing.expect("no wait").expect("a list").entries;
        let prefix = format!("by-{replica}-");
        entries
            .iter()
            .filter(|entry| entry.key.name.starts_with(&prefix))
            .count()
    }

    /// Somebody else writes a lease, as kube-apiserver would.
    pub(crate) fn write(&mut self, lease: Lease) {
        let registry = Registry::new(self.store.clone(), self.clock.clone()).with_scope(Scope::Coordination);
        let place = Place::collection(&LEASES, "kube-system").named(&lease.metadata.name);
        let options = WriteOptions::internal("another");
        let mut written = Box::pin(registry.update(&place, decoded(lease), &options));
        for _ in 0..10 {
            if let Some(written) = (&mut written).now_or_never() {
                written.expect("written");
                return;
            }
            self.hand.commit();
        }
        panic!("never written");
    }

    /// Stops everything, and sees that it ends.
    pub(crate) fn end(mut self) {
        self.replicas.iter().for_each(|replica| replica.stop.cancel());
        self.pass(Duration::from_secs(1));
        for replica in &mut self.replicas {
            for led in replica.led.drain(..) {
                let joined = replica
                    .runtime
                    .block_on(async { tokio::time::timeout(THOUGHT, led.join()).await });
                joined.expect("it ends").expect("without a panic");
            }
        }
    }
}

impl Replica {
    fn start(name: &'static str, world: &World, leases: &[&'static str]) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .expect("a runtime");
        let cut = Arc::new(AtomicBool::new(false));
        let store = Cut {
            store: world.store.clone(),
            cut: cut.clone(),
        };
        // Beside a cluster: no namespace has to be there.
        let registry = Registry::new(Arc::new(store), world.clock.clone()).with_scope(Scope::Coordination);
        let mut replica = Self {
            name,
            runtime,
            registry: Arc::new(registry),
            led: Vec::new(),
            stop: CancellationToken::new(),
            cut,
            paused: false,
        };
        let shared = RegistryLeases::shared(replica.registry.clone());
        for &lease in leases {
            let log = world.log.clone();
            let crew = Box::new(move || vec![Box::new(Worker::new(name, lease, log.clone())) as Box<dyn Controller>]);
            let duty = Duty { lease, crew };
            let entered = replica.runtime.enter();
            let led = Led::start(&replica.registry, &shared, name, duty, &replica.stop).expect("it can campaign");
            drop(entered);
            replica.led.push(led);
        }
        replica
    }
}

/// Looks, thinks for a while, writes, and looks again.
struct Worker {
    replica: &'static str,
    lease: &'static str,
    log: Log,
    has_started: bool,
}

impl Worker {
    fn new(replica: &'static str, lease: &'static str, log: Log) -> Self {
        Self {
            replica,
            lease,
            log,
            has_started: false,
        }
    }

    fn did(&self, did: Did) {
        self.log.lock().unwrap().push((self.replica, did));
    }

    async fn work(&mut self, registry: &Registry) -> Result<Outcome, ApiError> {
        if !self.has_started {
            self.has_started = true;
            self.did(Did::Started);
        }
        let clock = registry.clock();
        clock.sleep_until(clock.now() + THOUGHT).await;
        let mut done = Lease::default();
        done.metadata.generate_name = format!("by-{}-", self.replica);
        let place = Place::collection(&LEASES, "work");
        let written = registry
            .create(&place, decoded(done), &WriteOptions::internal("worker"))
            .await;
        self.did(if written.is_ok() { Did::Wrote } else { Did::Failed });
        written.map(|_| Outcome {
            did: "worked".to_owned(),
            again_in: Some(Duration::ZERO),
        })
    }
}

impl Controller for Worker {
    fn name(&self) -> &'static str {
        self.lease
    }

    fn watches(&self) -> Vec<Range> {
        Vec::new()
    }

    fn activate<'a>(&'a mut self, registry: &'a Registry) -> BoxFuture<'a, Result<Outcome, ApiError>> {
        self.work(registry).boxed()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        if self.has_started {
            self.did(Did::Ended);
        }
    }
}

fn decoded(lease: Lease) -> Decoded {
    Decoded {
        object: Box::new(lease),
        problems: Vec::new(),
    }
}
