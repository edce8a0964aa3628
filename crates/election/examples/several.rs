//! Many leases in one process: each shard of a job has a leader of its own, and they share one watch and few connections.
//!
//!     cargo run -p leasehold-election --example several -- 20
//!
//! Start it in several terminals: each takes the shards that are free, and those of the others when they stop.

#![allow(clippy::print_stdout)] // it shows what it does

use std::time::Duration;

use kube::Config;
use leasehold_election::{Elector, Ended, KubeLeases, Leadership, Leases, RunError, lease_name};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let shards: u32 = std::env::args().nth(1).map_or(Ok(10), |count| count.parse())?;
    let config = Config::infer().await?;
    let namespace = config.default_namespace.clone();
    // One for all: what electors of a namespace share hangs on it.
    let leases = Leases::new(KubeLeases::new(config)?);

    let stop = CancellationToken::new();
    let mut elections: JoinSet<Result<Ended<()>, RunError>> = JoinSet::new();
    for shard in 0..shards {
        let name = lease_name("example-shard", &[&shard.to_string()]);
        let elector = Elector::builder(&leases, &namespace, name).build()?;
        elections.spawn(elector.run(stop.clone(), move |leadership| work(shard, leadership)));
    }
    tokio::signal::ctrl_c().await?;
    stop.cancel();
    while let Some(ended) = elections.join_next().await {
        ended??;
    }
    Ok(())
}

async fn work(shard: u32, leadership: Leadership) {
    println!("shard {shard}: leading with token {}", leadership.token());
    let mut ticks = tokio::time::interval(Duration::from_secs(5));
    loop {
        tokio::select! {
            loss = leadership.lost() => {
                println!("shard {shard}: {loss}");
                return;
            }
            _ = ticks.tick() => match leadership.check() {
                Ok(()) => println!("shard {shard}: one piece of work"),
                Err(error) => println!("shard {shard}: {error}"),
            },
        }
    }
}
