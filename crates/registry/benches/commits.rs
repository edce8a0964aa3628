//! The way of a renewal through registry and store, and from its commit to watchers. On a scratch directory, so an fdatasync
//! for each group is part of it; `cargo xtask bench` tells how long that takes alone.

use std::sync::Arc;

use bytes::Bytes;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use futures_util::future::join_all;
use leasehold_api::codec::{self, Decoded, Format};
use leasehold_api::options::{ListOptions, Query};
use leasehold_clock::SystemClock;
use leasehold_registry::resources::LEASES;
use leasehold_registry::{Place, Registry, Watch, WriteOptions, Written};
use leasehold_store::embedded::{Embedded, Options};
use parking_lot::Mutex;
use serde_json::json;
use tokio::runtime::Runtime;

/// Writes that share an fdatasync.
const GROUP: usize = 64;
const WATCHERS: usize = 100;

struct Bench {
    runtime: Runtime,
    registry: Arc<Registry>,
    options: WriteOptions,
    /// The resourceVersion of each lease.
    versions: Mutex<Vec<String>>,
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
        let _entered = runtime.enter();
        let store = Embedded::open(&Options::new(directory.path().join("store")), clock.clone()).expect("a new store");
        let registry = Arc::new(Registry::new(Arc::new(store), clock));
        let bench = Self {
            registry,
            options: WriteOptions::internal("bench"),
            versions: Mutex::new(vec![String::new(); GROUP]),
            _directory: directory,
            runtime,
        };
        bench.runtime.block_on(async {
            bench.registry.bootstrap().await.expect("the first namespaces");
            join_all((0..GROUP).map(|number| bench.create(number))).await;
        });
        bench
    }

    async fn create(&self, number: usize) {
        let place = collection();
        let written = self.registry.create(&place, self.renewal(number, 0), &self.options);
        self.note(number, &written.await.expect("a new lease"));
    }

    async fn renew(&self, number: usize, body: Decoded) {
        let place = collection().named(&name(number));
        let written = self.registry.update(&place, body, &self.options);
        self.note(number, &written.await.expect("a renewal"));
    }

    fn note(&self, number: usize, written: &Written) {
        self.versions.lock()[number].clone_from(&written.item.object().unwrap().metadata().resource_version);
    }

    /// The lease as it was answered last, with a renewTime that no other has.
    fn renewal(&self, number: usize, round: u64) -> Decoded {
        let micros = round % 1_000_000;
        let (seconds, minutes, hours) = (round / 1_000_000, round / 60_000_000, round / 3_600_000_000);
        let time = format!(
            "2026-01-01T{:02}:{:02}:{:02}.{micros:06}Z",
            hours % 24,
            minutes % 60,
            seconds % 60
        );
        let body = json!({
            "metadata": {"name": name(number), "resourceVersion": self.versions.lock()[number]},
            "spec": {"holderIdentity": name(number), "leaseDurationSeconds": 40, "renewTime": time},
        });
        codec::decode(Format::Json, &collection().target(), &Bytes::from(body.to_string())).expect("a lease")
    }

    async fn watch(&self) -> Watch {
        let query = [("watch".into(), "1".into())];
        let options = ListOptions::from_query(Query::new(&query)).expect("good options");
        self.registry.watch(&collection(), &options).await.expect("a watch")
    }
}

fn collection() -> Place {
    Place::collection(&LEASES, "default")
}

fn name(number: usize) -> String {
    format!("node-{number}")
}

fn commits(criterion: &mut Criterion) {
    let bench = Bench::new();
    let mut round = 0;
    let mut group = criterion.benchmark_group("commit");
    for writes in [1, GROUP] {
        group.throughput(Throughput::Elements(writes as u64));
        group.bench_function(format!("{writes} at once"), |bencher| {
            bencher.iter_batched(
                || {
                    round += 1;
                    (0..writes)
                        .map(|number| bench.renewal(number, round))
                        .collect::<Vec<_>>()
                },
                |bodies| {
                    let all = bodies
                        .into_iter()
                        .enumerate()
                        .map(|(number, body)| bench.renew(number, body));
                    bench.runtime.block_on(join_all(all));
                },
                BatchSize::SmallInput,
            );
        });
    }
    group.finish();
}

fn fan_out(criterion: &mut Criterion) {
    let bench = Bench::new();
    let mut round = 0;
    let mut watches = bench.runtime.block_on(join_all((0..WATCHERS).map(|_| bench.watch())));
    let mut group = criterion.benchmark_group("watch");
    group.throughput(Throughput::Elements(WATCHERS as u64));
    group.bench_function(format!("one write to {WATCHERS} watchers"), |bencher| {
        bencher.iter_batched(
            || {
                round += 1;
                bench.renewal(0, round)
            },
            |body| {
                bench.runtime.block_on(async {
                    bench.renew(0, body).await;
                    let told = watches.iter_mut().map(async |watch| {
                        let mut items = Vec::new();
                        while items.is_empty() {
                            watch.next(&mut items).await.expect("an event");
                        }
                    });
                    join_all(told).await;
                });
            },
            BatchSize::SmallInput,
        );
    });
    group.finish();
}

criterion_group!(way_of_a_renewal, commits, fan_out);
criterion_main!(way_of_a_renewal);
