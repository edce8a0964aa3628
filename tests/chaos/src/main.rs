//! `cargo xtask chaos`: round after round, until enough was done.

#![allow(clippy::print_stdout, clippy::print_stderr)] // a harness reports to people
#![allow(clippy::disallowed_methods, reason = "how long it runs is real time")]

use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use leasehold_chaos::figures::{self, Figures};
use leasehold_chaos::{Error, Plan, run};

/// How many members the etcd has: the seed decides, so that a seed alone repeats its round.
const MEMBERS: [usize; 3] = [3, 1, 3];

/// After so many rounds there must have been some of everything.
const ROUNDS_TELLING: usize = 3;

/// Hurt servers and the etcd below them under load, and check what their clients saw
#[derive(Parser)]
struct Args {
    /// Begin rounds for so many minutes, whatever was done
    #[arg(long, conflicts_with = "operations")]
    minutes: Option<u64>,
    /// Begin rounds until so many requests were made
    #[arg(long, default_value_t = 100_000)]
    operations: usize,
    /// Who does what, and when; a random one unless given
    #[arg(long)]
    seed: Option<u64>,
    /// Do not write the figures to target/reliability.json
    #[arg(long)]
    no_figures: bool,
}

fn main() -> ExitCode {
    match play(&Args::parse()) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("chaos: {error}");
            ExitCode::from(2)
        }
    }
}

/// Returns how many violations there were. Stops after the round that has some.
fn play(args: &Args) -> Result<usize, Error> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let begun = Instant::now();
    let is_enough = |done: usize| match args.minutes {
        Some(minutes) => begun.elapsed() >= Duration::from_secs(60 * minutes),
        None => done >= args.operations,
    };
    let mut total = Figures::default();
    let mut seed = args.seed.unwrap_or_else(rand::random);
    while !is_enough(total.operations) && total.violations == 0 {
        let members = usize::try_from(seed % 3).map_or(3, |third| MEMBERS[third]);
        let plan = Plan { seed, members };
        println!("chaos: an etcd of {members}, seed {seed}: {:?}", plan.faults());
        let tell = |fault: &str| println!("{:5.1} s  {fault}", begun.elapsed().as_secs_f64());
        let round = runtime.block_on(run(plan, tell))?;
        for complaint in round.complaints() {
            println!("{complaint}");
        }
        total += round.figures;
        println!("{total}");
        seed = seed.wrapping_add(1);
    }
    if !args.no_figures {
        figures::record(&total)?;
    }
    match total.poor_in() {
        Some(what) if total.rounds >= ROUNDS_TELLING && total.violations == 0 => Err(format!("too few {what}").into()),
        _ => Ok(total.violations),
    }
}
