//! Running other programs: in the root of the workspace, never with a stdin to wait on.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::runner::Outcome;

/// The root of the workspace.
pub(crate) fn root() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here)
}

/// The program, ready to run in the root with these arguments.
pub(crate) fn command<S: AsRef<OsStr>>(program: &str, arguments: &[S]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(root()).stdin(Stdio::null());
    command
}

/// Runs cargo with its output shown, and passes if it does.
pub(crate) fn cargo(arguments: &[&str]) -> Outcome {
    cargo_with(arguments, &[])
}

/// The same, with these variables set.
pub(crate) fn cargo_with(arguments: &[&str], variables: &[(&str, &str)]) -> Outcome {
    let mut cargo = command(&cargo_program(), arguments);
    cargo.envs(variables.iter().copied());
    outcome(cargo, arguments)
}

/// The same, in another directory of the clone: cargo reads its configuration from where it runs.
pub(crate) fn cargo_in(directory: &str, arguments: &[&str]) -> Outcome {
    let mut cargo = command(&cargo_program(), arguments);
    cargo.current_dir(root().join(directory));
    outcome(cargo, arguments)
}

fn outcome(mut cargo: Command, arguments: &[&str]) -> Outcome {
    match cargo.status() {
        Ok(status) if status.success() => Outcome::Passed,
        Ok(status) => Outcome::Failed(format!("cargo {} ended with {status}", arguments.join(" "))),
        Err(error) => Outcome::Failed(format!("cargo cannot be run: {error}")),
    }
}

/// The cargo that runs us, so that a toolchain chosen with `cargo +…` holds for every step.
pub(crate) fn cargo_program() -> String {
    std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned())
}

/// Whether the program can be started with these arguments and succeeds, silently.
pub(crate) fn works(program: &str, arguments: &[&str]) -> bool {
    let quiet = command(program, arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    quiet.is_ok_and(|status| status.success())
}
