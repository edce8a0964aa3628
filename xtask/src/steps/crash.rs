//! `cargo xtask crash`: the program, killed under load.

use super::build;
use crate::command::cargo;
use crate::runner::Outcome;

/// Runs the harness; its own arguments come as they were typed.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    match build() {
        Outcome::Passed => {}
        other => return other,
    }
    let mut all = vec!["run", "--locked", "--quiet", "--package", "leasehold-crash", "--"];
    all.extend(arguments.iter().map(String::as_str));
    cargo(&all)
}
