//! What a compare-and-swap costs the client in processor time: `cargo run --release -p leasehold-test-etcd --example cost`.

use std::io::Write;
use std::time::Duration;

use leasehold_etcd::{Client, Compare, Op, Txn};
use leasehold_test_etcd::{Cluster, Error, Setup, Version};
use rustix::time::{ClockId, clock_gettime};
use tokio::task::JoinSet;

/// As many at once as a busy server has, and enough of them for a steady figure.
const WRITERS: usize = 16;
const WRITES: usize = 2_000;
/// Bytes of a lease as it is stored.
const VALUE: usize = 350;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let cluster = Cluster::start(Setup::new(Version::newest())).await?;
    let client = cluster.client()?;
    write(&client, "warm").await?;
    let before = processor_time();
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let client = client.clone();
        writers.spawn(async move { write(&client, &writer.to_string()).await });
    }
    while let Some(ended) = writers.join_next().await {
        ended??;
    }
    let each = (processor_time() - before).as_secs_f64() * 1e6 / (WRITERS * WRITES) as f64;
    writeln!(std::io::stdout(), "{each:.1} µs of processor time for each transaction")?;
    Ok(())
}

/// Swaps one key again and again.
async fn write(client: &Client, name: &str) -> Result<(), Error> {
    let key = format!("/registry/leases/kube-node-lease/node-{name}");
    let mut revision = 0;
    for _ in 0..WRITES {
        let swap = Txn {
            compare: vec![Compare::mod_revision(key.clone(), revision)],
            success: vec![Op::put(key.clone(), vec![0; VALUE])],
            failure: vec![Op::get(key.clone())],
        };
        revision = client.txn(swap).await?.revision;
    }
    Ok(())
}

/// What this process has used so far.
fn processor_time() -> Duration {
    let used = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(used.tv_sec.unsigned_abs(), u32::try_from(used.tv_nsec).unwrap_or(0))
}
