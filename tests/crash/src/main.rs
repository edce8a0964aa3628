//! `cargo xtask crash`: any number of kills, in rounds.

#![allow(clippy::print_stdout, clippy::print_stderr)] // a harness reports to people

use std::process::ExitCode;

use clap::Parser;
use leasehold_crash::figures::{self, Figures};
use leasehold_crash::{Error, Plan, run};

/// Kills of a round: a store of its own each, so that a long run needs no more memory than a short one.
const ROUND: usize = 200;

/// Kill a server under load, again and again, and check what its clients saw
#[derive(Parser)]
struct Args {
    /// How often to kill it
    #[arg(long, default_value_t = 100)]
    kills: usize,
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
            eprintln!("crash: {error}");
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
    let mut total = Figures::default();
    let mut seed = args.seed.unwrap_or_else(rand::random);
    while total.kills < args.kills && total.violations == 0 {
        let kills = ROUND.min(args.kills - total.kills);
        println!("crash: {kills} kills, seed {seed}");
        let round = runtime.block_on(run(Plan { seed, kills }))?;
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
    Ok(total.violations)
}
