//! A server that lives as long as the process, with an object of each resource.

use std::net::SocketAddr;
use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use http::HeaderMap;
use leasehold_api::ApiError;
use leasehold_api::codec::{self, Format};
use leasehold_clock::SystemClock;
use leasehold_registry::{Place, Registry, WriteOptions, resources};
use leasehold_server::auth::{Attributes, Authenticator, Authorizer, Decision, MASTERS, User};
use leasehold_server::discovery::Documents;
use leasehold_server::net::{self, Listener, Peer, Server};
use leasehold_server::{App, Limits, Metrics, VersionInfo, WatchesPerUser};
use leasehold_store::embedded::{Embedded, Options};
use leasehold_store::testing::MemoryDisk;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

/// What the first byte of some inputs means, counted from `0`: group, version, plural, namespace.
pub const RESOURCES: [(&str, &str, &str, &str); 8] = [
    ("coordination.k8s.io", "v1", "leases", "default"),
    ("coordination.k8s.io", "v1beta1", "leasecandidates", "default"),
    ("coordination.k8s.io", "v1alpha2", "leasecandidates", "default"),
    ("", "v1", "namespaces", ""),
    ("", "v1", "nodes", ""),
    ("", "v1", "events", "default"),
    ("events.k8s.io", "v1", "events", "default"),
    ("", "v1", "nodes", ""),
];

/// The object that is there of each resource, to be changed.
pub(crate) const NAME: &str = "a";

/// With enough in them for a patch to hit something.
const OBJECTS: [&str; 7] = [
    r#"{"spec": {"holderIdentity": "h", "leaseDurationSeconds": 15, "renewTime": "2026-01-02T03:04:05.000006Z"}}"#,
    r#"{"spec": {"leaseName": "l", "binaryVersion": "1.2.3", "emulationVersion": "1.2.3", "strategy": "OldestEmulationVersion"}}"#,
    "",
    r#"{"metadata": {"labels": {"l": "1"}}}"#,
    r#"{"spec": {"podCIDR": "10.0.0.0/24", "taints": [{"key": "k", "effect": "NoSchedule"}]}, "status": {"capacity": {"cpu": "1"}}}"#,
    r#"{"involvedObject": {"kind": "Lease", "name": "a", "namespace": "default"}, "reason": "r", "message": "m"}"#,
    "",
];

/// The server.
pub(crate) struct World {
    pub(crate) runtime: Runtime,
    pub(crate) registry: Arc<Registry>,
    /// Where it speaks plain HTTP.
    pub(crate) address: SocketAddr,
}

/// Made when it is first asked for.
pub(crate) static WORLD: LazyLock<World> = LazyLock::new(World::new);

/// Takes everybody for an admin.
struct Everybody;

impl Authenticator for Everybody {
    fn authenticate(&self, _: &Peer, _: &HeaderMap, _: i64) -> Result<User, ApiError> {
        Ok(User {
            name: "admin".into(),
            groups: [MASTERS.into()].into(),
        })
    }
}

impl Authorizer for Everybody {
    fn decide(&self, _: &User, _: &Attributes<'_>) -> Decision {
        Decision::Allow
    }
}

/// The place that the first byte names, and the rest.
pub(crate) fn place(data: &[u8]) -> Option<(Place, Bytes)> {
    let (first, rest) = data.split_first()?;
    let index = usize::from(first.wrapping_sub(b'0')) % RESOURCES.len();
    Some((place_of(index), Bytes::copy_from_slice(rest)))
}

fn place_of(index: usize) -> Place {
    let (group, version, plural, namespace) = RESOURCES[index];
    let (resource, version) = resources::lookup(group, version, plural).expect("a served resource");
    Place {
        version,
        ..Place::collection(resource, namespace)
    }
}

/// Writes nothing, so that every run finds the same.
pub(crate) fn dry_run() -> WriteOptions {
    WriteOptions {
        dry_run: true,
        ..WriteOptions::internal("fuzz")
    }
}

impl World {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let clock = Arc::new(SystemClock);
        let disk = Arc::new(MemoryDisk::without_record());
        let store = Embedded::open_on(disk, &Options::new(""), clock.clone()).expect("a store in memory");
        let registry = Arc::new(Registry::new(Arc::new(store), clock));
        runtime.block_on(populate(&registry));
        let address = runtime.block_on(serve(&registry));
        Self {
            runtime,
            registry,
            address,
        }
    }
}

async fn populate(registry: &Registry) {
    registry.bootstrap().await.expect("the first namespaces");
    for (index, object) in OBJECTS.iter().enumerate().filter(|(_, object)| !object.is_empty()) {
        let place = place_of(index);
        let body = Bytes::from_static(object.as_bytes());
        let mut decoded = codec::decode(Format::Json, &place.target(), &body).expect("a good object");
        let metadata = decoded.object.metadata_mut();
        metadata.name = NAME.into();
        metadata.namespace = (&*place.namespace).into();
        let options = WriteOptions::internal("fuzz");
        registry
            .create(&place, decoded, &options)
            .await
            .expect("it can be made");
    }
}

async fn serve(registry: &Arc<Registry>) -> SocketAddr {
    let drain = CancellationToken::new();
    let app = App {
        registry: Arc::clone(registry),
        authenticator: Arc::new(Everybody),
        authorizer: Arc::new(Everybody),
        documents: Documents::build(resources::TABLE, "localhost:6443"),
        metrics: Metrics::new(None),
        backup: None,
        controllers: None,
        limits: Limits::default(),
        watches: WatchesPerUser::default(),
        version: VersionInfo::of("0.0.0"),
        drain: drain.clone(),
        clock: Arc::new(SystemClock),
    };
    let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = socket.local_addr().expect("it has an address");
    let listener = Listener::plain(socket).expect("it is on loopback");
    let server = Server::new(Arc::new(app), net::Limits::default());
    // For as long as the process lives.
    drop(tokio::spawn(async move {
        let _drained = server.serve(vec![listener], drain).await;
    }));
    address
}
