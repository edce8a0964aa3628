//! `cargo xtask bench`: what the server costs, beside the budgets, and how that grows.
//!
//! It builds the release program, starts servers of it on a directory under `target` (a disk, where that is one), puts load on
//! them with `leasehold bench`, and prints each figure beside its budget. Nothing here fails because a figure is missed: a
//! slow hour of a machine is no defect, and a defect is found by reading the table.

mod budgets;
mod disk;
mod document;
mod figures;
mod growth;
mod load;
mod machine;
mod plot;
mod program;
mod rows;
mod table;

use std::io::Write;
use std::path::PathBuf;

use clap::Args;

use crate::command::{cargo, root};
use crate::runner::Outcome;
use figures::Figures;
use load::Other;

/// Runs of each row, of which the median counts.
const RUNS: usize = 3;

/// The flags of `cargo xtask bench`.
#[derive(Debug, Args)]
pub(crate) struct BenchArgs {
    /// One short run, printed only
    #[arg(long)]
    quick: bool,

    /// Measure how cost grows with leases, watches and connections, in place of the table
    #[arg(long)]
    growth: bool,

    /// Kubeconfig of another server, to measure in the same run
    #[arg(long, value_name = "FILE", conflicts_with = "growth")]
    against: Option<PathBuf>,

    /// Process of that server, to measure what it uses; may be repeated
    #[arg(long, value_name = "PID", requires = "against")]
    against_pid: Vec<u32>,

    /// Use the release program that is there, without building it
    #[arg(long)]
    no_build: bool,
}

/// How much is measured.
#[derive(Clone, Copy)]
pub(crate) struct Extent {
    /// Runs of each row.
    runs: usize,
    /// Seconds of a row.
    seconds: u64,
    /// Seconds of the row that is to be held for long.
    long_seconds: u64,
}

/// Measures, prints, and writes docs/performance.md unless it was quick.
pub(crate) fn run(given: &BenchArgs) -> Outcome {
    if !given.no_build {
        match cargo(&["build", "--locked", "--release", "--package", "leasehold"]) {
            Outcome::Passed => {}
            other => return other,
        }
    }
    let done = if given.growth {
        growth::run(given.quick)
    } else {
        table(given)
    };
    match done {
        Ok(()) => Outcome::Passed,
        Err(why) => Outcome::Failed(why),
    }
}

fn table(given: &BenchArgs) -> Result<(), String> {
    let extent = if given.quick { Extent::QUICK } else { Extent::FULL };
    let other = given.against.as_ref().map(|kubeconfig| Other {
        kubeconfig: kubeconfig.clone(),
        pids: given.against_pid.clone(),
    });
    let (mut ours, mut theirs) = (Figures::default(), Figures::default());
    for run in 1..=extent.runs {
        say(&format!("run {run} of {}", extent.runs));
        disk::measure(&mut ours)?;
        rows::ours(extent, &mut ours)?;
        if let Some(other) = &other {
            rows::of_another(other, extent, &mut theirs)?;
        }
    }
    let printed = table::render(&ours, other.is_some().then_some(&theirs));
    let _ = writeln!(std::io::stdout(), "\n{}\n\n{printed}", machine::line());
    if given.quick || other.is_some() {
        return Ok(());
    }
    let text = format!("{}\n\n{printed}", machine::line());
    document::put("table", &text)
}

impl Extent {
    const FULL: Self = Self {
        runs: RUNS,
        seconds: 20,
        long_seconds: 60,
    };
    const QUICK: Self = Self {
        runs: 1,
        seconds: 4,
        long_seconds: 6,
    };
}

/// Says what is going on. Whoever closed the pipe wants no more.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Where servers keep what they write while they are measured: on the disk that holds the sources, not in a tmpfs.
fn scratch() -> Result<tempfile::TempDir, String> {
    let target = root().join("target");
    tempfile::Builder::new()
        .prefix("bench-")
        .tempdir_in(target)
        .map_err(|error| format!("no scratch directory: {error}"))
}
