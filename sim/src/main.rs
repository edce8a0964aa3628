//! `cargo xtask sim`: any number of terms, and the controls.

#![allow(clippy::print_stdout, clippy::print_stderr)] // a harness reports to people

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use leasehold_sim::controls::CONTROLS;
use leasehold_sim::plan::{ElectorKind, Plan, profile_of};
use leasehold_sim::run::{Failure, control, failure, shipped};
use leasehold_sim::{figures, kept, simulate};

/// Simulate elections of the shipped electors, and of some that are wrong, and judge them
#[derive(Parser)]
struct Args {
    /// How many terms to simulate, at least
    #[arg(long, default_value_t = 100_000)]
    terms: u64,
    /// The first seed; a random one unless given
    #[arg(long)]
    seed: Option<u64>,
    /// How many threads to use
    #[arg(long, default_value_t = 2)]
    threads: usize,
    /// Leave the controls out
    #[arg(long)]
    no_controls: bool,
    /// Do not write the figures to target/reliability.json
    #[arg(long)]
    no_figures: bool,
    /// Run one seed alone and print what happens
    #[arg(long, value_name = "SEED", conflicts_with = "terms")]
    trace: Option<u64>,
    /// With --trace: of this control, by its number
    #[arg(long, value_name = "NUMBER", requires = "trace")]
    control: Option<usize>,
    /// Run one plan from a file alone and print what happens
    #[arg(long, value_name = "FILE", conflicts_with_all = ["terms", "trace"])]
    replay: Option<PathBuf>,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let good = match (&args.trace, &args.replay) {
        (Some(seed), _) => Ok(alone(&plan(*seed, args.control))),
        (_, Some(file)) => kept::read(file).map(|kept| alone(&kept.plan)),
        _ => all(&args),
    };
    match good {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("sim: {error}");
            ExitCode::from(2)
        }
    }
}

/// What is run under a seed.
fn plan(seed: u64, control: Option<usize>) -> Plan {
    match control.and_then(|number| CONTROLS.get(number)) {
        Some(control) => Plan::new(seed, control.elector, control.profile),
        None => Plan::new(seed, ElectorKind::Shipped, profile_of(seed)),
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the seconds in a report; nothing depends on them"
)]
fn all(args: &Args) -> std::io::Result<bool> {
    let seed = args.seed.unwrap_or_else(|| u64::from(rand::random::<u32>()));
    println!("sim: {} terms, seed {seed}", args.terms);
    let begun = Instant::now();
    let (mut total, failures) = shipped(seed, args.terms, args.threads);
    if !args.no_controls {
        total.controls = controls(args.threads);
    }
    total.finish();
    total.seconds = begun.elapsed().as_secs();
    for control in &total.controls {
        println!("{control}");
    }
    for failure in &failures {
        tell(failure)?;
    }
    println!("{total}");
    if !args.no_figures {
        leasehold_figures::record("sim", &total)?;
    }
    Ok(total.is_good())
}

/// All controls, shared out over threads.
fn controls(threads: usize) -> Vec<figures::Caught> {
    let next = std::sync::atomic::AtomicUsize::new(0);
    let found = std::sync::Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..threads.max(1) {
            scope.spawn(|| {
                while let Some((number, one)) = {
                    let number = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    CONTROLS.get(number).map(|one| (number, one))
                } {
                    let caught = control(one);
                    found.lock().expect("no thread panics here").push((number, caught));
                }
            });
        }
    });
    let mut found = found.into_inner().expect("no thread panics here");
    found.sort_by_key(|(number, _)| *number);
    found.into_iter().map(|(_, caught)| caught).collect()
}

fn tell(failure: &Failure) -> std::io::Result<()> {
    println!("seed {}:", failure.plan.seed);
    for told in &failure.told {
        println!("  {told}");
    }
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/sim-failures");
    let file = kept::write(&directory, &failure.told.join("; "), &failure.plan)?;
    println!("  the plan is in {}", file.display());
    println!("  again: cargo xtask sim --replay FILE; to keep it as a test, say why and move it to sim/kept/");
    Ok(())
}

/// Runs one plan and prints what happens; whether it was good.
fn alone(plan: &Plan) -> bool {
    println!("{plan:#?}");
    let report = simulate(plan, true);
    println!("{:#?}", report.counts);
    println!("trace {:016x} of {} entries", report.trace_hash, report.trace_entries);
    let failure = failure(plan.clone(), &report);
    for told in failure.iter().flat_map(|failure| &failure.told) {
        println!("{told}");
    }
    failure.is_none()
}
