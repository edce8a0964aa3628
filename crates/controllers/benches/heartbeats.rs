//! What a second of heartbeats costs the controllers that hear of them: of 100,000 nodes, each of which renews its lease
//! every ten seconds. What is measured is the thread's own time on a processor; the budget of the node monitor, a hundredth
//! of a core, is 10 ms of it.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use criterion::{Criterion, SamplingMode, Throughput, criterion_group, criterion_main};
use futures_util::{StreamExt as _, stream};
use leasehold_api::codec;
use leasehold_clock::SystemClock;
use leasehold_controllers::nodes::Settings;
use leasehold_controllers::{Controller, CoordinatedElection, LeaseTtl, NodeMonitor, OwnerCollection};
use leasehold_registry::resources::{LEASES, NODES};
use leasehold_registry::{PatchKind, Place, Registry, WriteOptions};
use leasehold_store::embedded::{Embedded, Options};
use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

/// That of the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const NODES_IN_ALL: usize = 100_000;
const A_SECOND: usize = NODES_IN_ALL / 10;
/// Writes at once, which share commit groups.
const AT_ONCE: usize = 256;

struct Bench {
    runtime: Runtime,
    registry: Arc<Registry>,
    options: WriteOptions,
    renewals: usize,
    _directory: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let directory = tempfile::tempdir().expect("a scratch directory");
        let clock = Arc::new(SystemClock);
        let entered = runtime.enter();
        let mut options = Options::new(directory.path().join("store"));
        // Room for all that is written between two looks.
        options.history_bytes = 1 << 30;
        let store = Embedded::open(&options, clock.clone()).expect("a new store");
        drop(entered);
        let bench = Self {
            registry: Arc::new(Registry::new(Arc::new(store), clock)),
            options: WriteOptions::internal("bench"),
            renewals: 0,
            _directory: directory,
            runtime,
        };
        bench.runtime.block_on(async {
            bench.registry.bootstrap().await.expect("the first namespaces");
            let join = stream::iter(0..NODES_IN_ALL).map(|number| bench.join(number));
            join.buffer_unordered(AT_ONCE).collect::<Vec<()>>().await;
        });
        bench
    }

    /// A node that is ready, and its lease.
    async fn join(&self, number: usize) {
        let name = name(number);
        let ready = json!({"type": "Ready", "status": "True", "reason": "KubeletReady"});
        let node = json!({"metadata": {"name": name}, "status": {"conditions": [ready]}});
        self.create(&Place::collection(&NODES, ""), node).await;
        let lease = json!({
            "metadata": {"name": name},
            "spec": {"holderIdentity": name, "leaseDurationSeconds": 40, "renewTime": time(0)},
        });
        self.create(&leases(), lease).await;
    }

    async fn create(&self, place: &Place, body: Value) {
        let body = codec::from_value(&place.target(), body).expect("a good body");
        let created = self.registry.create(place, body, &self.options).await;
        created.expect("a new object");
    }

    /// What a second brings: every tenth node renews its lease.
    fn renew(&mut self) {
        let first = self.renewals;
        self.renewals += A_SECOND;
        let this = &*self;
        let renewals = stream::iter(first..first + A_SECOND).map(async |count| {
            let place = leases().named(&name(count % NODES_IN_ALL));
            let body = json!({"spec": {"renewTime": time(count / NODES_IN_ALL + 1)}}).to_string();
            let body = body.into();
            let renewed = this.registry.patch(&place, PatchKind::Merge, &body, &this.options);
            renewed.await.expect("a renewal");
        });
        this.runtime
            .block_on(renewals.buffer_unordered(AT_ONCE).collect::<Vec<()>>());
    }
}

fn leases() -> Place {
    Place::collection(&LEASES, "kube-node-lease")
}

fn name(number: usize) -> String {
    format!("node-{number:06}")
}

fn time(round: usize) -> String {
    format!("2026-01-01T00:00:00.{round:06}Z")
}

/// How long this thread has been running.
fn cpu() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    Duration::try_from(now).expect("not before its beginning")
}

/// The time of one look, with a second's heartbeats between it and the one before.
fn look(bench: &mut Bench, controller: &mut dyn Controller) -> Duration {
    bench.renew();
    let begun = cpu();
    let looked = bench.runtime.block_on(controller.activate(&bench.registry));
    black_box(looked).expect("a look");
    cpu() - begun
}

fn heartbeats(criterion: &mut Criterion) {
    let mut bench = Bench::new();
    let controllers: [Box<dyn Controller>; 4] = [
        Box::new(NodeMonitor::new(Settings::default())),
        Box::new(OwnerCollection::new()),
        Box::new(CoordinatedElection::new(Arc::default())),
        Box::new(LeaseTtl::default()),
    ];
    let mut group = criterion.benchmark_group("a second of 100,000 nodes' heartbeats");
    group
        .sampling_mode(SamplingMode::Flat)
        .sample_size(20)
        .throughput(Throughput::Elements(A_SECOND as u64));
    for mut controller in controllers {
        let first = bench.runtime.block_on(controller.activate(&bench.registry));
        first.expect("a first look");
        group.bench_function(controller.name(), |bencher| {
            bencher.iter_custom(|times| (0..times).map(|_| look(&mut bench, &mut *controller)).sum());
        });
    }
    group.finish();
}

criterion_group!(heard, heartbeats);
criterion_main!(heard);
