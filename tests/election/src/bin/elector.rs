//! A process that takes part in an election and tells what it believes: `elector KUBECONFIG PORT IDENTITY`.
//!
//! On stdout, a line each: `leads TOKEN NOW`, `valid TOKEN UNTIL`, `stopping TOKEN NOW`. A line on stdin asks it to step down.

#![allow(clippy::print_stdout)] // its only means of expression

use std::time::Duration;

use kube::config::{KubeConfigOptions, Kubeconfig};
use leasehold_election::{Elector, KubeLeases, Leadership, Leases, Timers};
use leasehold_election_processes::{Error, nanos, now};
use tokio::io::{AsyncBufReadExt, BufReader, stdin};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// How often the work looks whether its term was prolonged.
const LOOK_EVERY: Duration = Duration::from_millis(5);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut arguments = std::env::args().skip(1);
    let mut argument = || arguments.next().ok_or("KUBECONFIG PORT IDENTITY");
    let (kubeconfig, port, identity) = (argument()?, argument()?, argument()?);
    let file = Kubeconfig::read_from(kubeconfig)?;
    let mut config = kube::Config::from_custom_kubeconfig(file, &KubeConfigOptions::default()).await?;
    config.cluster_url = format!("https://127.0.0.1:{port}/").parse()?;
    let leases = Leases::new(KubeLeases::new(config)?);
    let elector = Elector::builder(&leases, "default", "processes")
        .identity(identity)
        .timers(timers())
        .build()?;
    let (asked, asking) = watch::channel(0);
    let reading = tokio::spawn(read(asked));
    let stop = CancellationToken::new();
    elector
        .run(stop, move |leadership| work(leadership, asking.clone()))
        .await?;
    reading.abort();
    Ok(())
}

/// A lease of 3 s, so that a death is over soon.
fn timers() -> Timers {
    Timers::new(
        Duration::from_secs(3),
        Duration::from_secs(2),
        Duration::from_millis(300),
    )
}

/// Counts the lines on stdin; ends the process with it, so that none is left behind.
async fn read(asked: watch::Sender<u64>) {
    let mut lines = BufReader::new(stdin()).lines();
    while let Ok(Some(_)) = lines.next_line().await {
        asked.send_modify(|count| *count += 1);
    }
    std::process::exit(0);
}

async fn work(leadership: Leadership, mut asking: watch::Receiver<u64>) {
    let token = leadership.token();
    println!("leads {token} {}", now());
    asking.mark_unchanged();
    let mut told = None;
    loop {
        let until = leadership.valid_until().map(nanos);
        if until != told
            && let Some(until) = until
        {
            println!("valid {token} {until}");
        }
        told = until;
        tokio::select! {
            biased;
            _ = leadership.lost() => break,
            _ = asking.changed() => leadership.step_down(),
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
    println!("stopping {token} {}", now());
}
