//! The program over a real etcd, as a user meets it.
//!
//! These tests need an etcd: `cargo xtask test` gets one.

#[path = "../cli/asked.rs"]
mod asked;
mod migrate;
#[path = "../cli/program.rs"]
mod program;
mod serve;

use std::time::Duration;

use asked::Asked;
use leasehold_test_etcd::{Cluster, Setup, Version};
use program::{Server, complaint, leasehold, output};
use serde_json::Value;
use tokio::runtime::Runtime;

const LEASES: &str = "/apis/coordination.k8s.io/v1/namespaces/default/leases";

/// A cluster of one member, and a runtime to speak to it.
struct Etcd {
    runtime: Runtime,
    cluster: Cluster,
}

impl Etcd {
    fn start() -> Self {
        Self::of(Setup::new(Version::newest()))
    }

    fn of(setup: Setup) -> Self {
        let runtime = Runtime::new().unwrap();
        let cluster = runtime.block_on(Cluster::start(setup)).unwrap();
        Self { runtime, cluster }
    }

    fn url(&self) -> String {
        self.cluster.endpoints().join(",")
    }

    /// All keys that begin so, as texts.
    fn keys(&self, prefix: &str) -> Vec<String> {
        let client = self.cluster.client().unwrap();
        let request = leasehold_etcd::RangeRequest::prefix(prefix.to_owned()).keys_only();
        let reply = self.runtime.block_on(client.range(request)).unwrap();
        let keys = reply.kvs.iter().map(|kv| String::from_utf8_lossy(&kv.key).into_owned());
        keys.collect()
    }

    fn revision(&self) -> u64 {
        let client = self.cluster.client().unwrap();
        let request = leasehold_etcd::RangeRequest::key("nothing").count_only();
        u64::try_from(self.runtime.block_on(client.range(request)).unwrap().revision).unwrap()
    }

    /// Writes, past the server.
    fn put(&self, key: &str, value: &str) {
        let client = self.cluster.client().unwrap();
        let txn = leasehold_etcd::Txn {
            success: vec![leasehold_etcd::Op::put(key.to_owned(), value.to_owned())],
            ..Default::default()
        };
        self.runtime.block_on(client.txn(txn)).unwrap();
    }
}

/// Waits, with a bound, until the answer is good.
fn until<T: std::fmt::Debug>(look: impl Fn() -> T, good: impl Fn(&T) -> bool) -> T {
    let mut last = look();
    for _ in 0..1_000 {
        if good(&last) {
            return last;
        }
        std::thread::sleep(Duration::from_millis(20));
        last = look();
    }
    panic!("still {last:#?}");
}

/// Creates a lease and returns its resourceVersion.
fn create(server: &Asked, name: &str) -> u64 {
    let lease = serde_json::json!({ "metadata": { "name": name }, "spec": { "holderIdentity": name } });
    let (code, created) = server.ask("POST", LEASES, &lease.to_string());
    assert_eq!(code, 201, "{created}");
    version(&created)
}

fn version(object: &Value) -> u64 {
    object["metadata"]["resourceVersion"].as_str().unwrap().parse().unwrap()
}

fn names(list: &Value) -> Vec<&str> {
    let items = list["items"].as_array().unwrap().iter();
    items.map(|item| item["metadata"]["name"].as_str().unwrap()).collect()
}
