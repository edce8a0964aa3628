//! `cargo xtask sim`: elections of the shipped electors in a world of its own. That world is a workspace of its own, too, whose
//! flags are not to reach anything else.

use crate::command::cargo_in;
use crate::runner::Outcome;

/// Its tests, and the hundred thousand terms that belong to every commit.
pub(crate) fn check() -> Outcome {
    cargo(&["test", "--locked", "--quiet", "--release"]).and(|| run(&[]))
}

/// Runs it; its own arguments come as they were typed.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    let mut all = vec!["run", "--locked", "--quiet", "--release", "--"];
    all.extend(arguments.iter().map(String::as_str));
    cargo(&all)
}

/// Whether it is formatted.
pub(crate) fn fmt() -> Outcome {
    cargo(&["fmt", "--check"])
}

/// Whether clippy has nothing to say.
pub(crate) fn clippy() -> Outcome {
    cargo(&[
        "clippy",
        "--locked",
        "--release",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ])
}

fn cargo(arguments: &[&str]) -> Outcome {
    cargo_in("sim", arguments)
}
