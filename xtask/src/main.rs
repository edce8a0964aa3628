//! Developer commands. `cargo xtask test` is what CI runs and what a developer runs: there is no second recipe. The others
//! run some of its steps alone.

mod bench;
mod command;
mod runner;
mod server;
mod steps;
mod tidy;

use std::io::Write;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use runner::Outcome;

/// Developer commands of Leasehold
#[derive(Debug, Parser)]
struct Args {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Run every check, in order, and say what passed, failed and was skipped
    Test {
        /// Stop at the first check that fails
        #[arg(long)]
        fail_fast: bool,
        /// Run only these steps
        #[arg(value_name = "STEP", value_parser = steps::names())]
        only: Vec<String>,
    },
    /// Run the long versions of the reliability tests: hours
    Nightly {
        /// Stop at the first that fails
        #[arg(long)]
        fail_fast: bool,
        /// Run only these
        #[arg(value_name = "STEP", value_parser = steps::nightly::names())]
        only: Vec<String>,
    },
    /// Run the tidiness checks alone
    Tidy,
    /// Try real clients on a running server: kube-rs, kubectl, client-go and kube-controller-manager
    Interop,
    /// Kill the server under load and check what its clients saw; `-- --help` for more
    Crash {
        /// For the harness: --kills N, --seed N
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Hurt servers and the etcd below them, and check what their clients saw; `-- --help` for more
    Chaos {
        /// For the harness: --minutes N, --operations N, --seed S
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Measure the release program and print each figure beside its budget
    Bench(bench::BenchArgs),
    /// Simulate elections and judge them; `-- --help` for more
    Sim {
        /// For the simulation: --terms N, --seed S, --trace SEED
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Build the program with planted bugs and require that the tests find them
    Mutants {
        /// Only these
        #[arg(value_name = "MUTANT", value_parser = steps::mutants::names())]
        only: Vec<String>,
    },
}

fn main() -> ExitCode {
    let (steps, only, fail_fast) = match Args::parse().task {
        Task::Crash { arguments } => return exit_code(&steps::crash::run(&arguments)),
        Task::Chaos { arguments } => return exit_code(&steps::chaos::run(&arguments)),
        Task::Bench(given) => return exit_code(&bench::run(&given)),
        Task::Sim { arguments } => return exit_code(&steps::sim::run(&arguments)),
        Task::Mutants { only } => return exit_code(&steps::mutants::run(&only)),
        Task::Test { fail_fast, only } => (steps::ALL, only, fail_fast),
        Task::Nightly { fail_fast, only } => (steps::nightly::ALL, only, fail_fast),
        Task::Tidy => (steps::ALL, vec!["tidy".to_owned()], false),
        Task::Interop => (steps::INTEROP, Vec::new(), false),
    };
    let chosen = steps
        .iter()
        .filter(|step| only.is_empty() || only.iter().any(|name| name == step.name));
    let results = runner::run(chosen, fail_fast, &mut std::io::stdout());
    if runner::has_failed(&results) {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

/// How a task of its own ended, and why if not well.
fn exit_code(outcome: &Outcome) -> ExitCode {
    match outcome {
        Outcome::Passed => ExitCode::SUCCESS,
        Outcome::Failed(why) | Outcome::Skipped(why) => {
            let _ = writeln!(std::io::stderr(), "{why}");
            ExitCode::FAILURE
        }
    }
}
