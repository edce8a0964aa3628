//! `cargo xtask nightly`: what `cargo xtask test` does in a minute, for as long as it takes to mean more.
//!
//! The same tests, told to do more of it, and optimised. Sizes are those that docs/reliability.md claims.

use super::{build, chaos, crash, fuzz, mutants, nothing, sim};
use crate::command::cargo_with;
use crate::runner::{Outcome, Step};

/// The long runs, shorter ones first.
pub(crate) const ALL: &[Step] = &[
    Step {
        name: "build",
        needs: nothing,
        run: build,
    },
    Step {
        name: "disk-bound",
        needs: nothing,
        run: || {
            store(
                "--test=disk_bound",
                "endless_renewals",
                ("LEASEHOLD_RENEWALS", "10000000"),
            )
        },
    },
    Step {
        name: "crash-images",
        needs: nothing,
        run: || {
            let images = ("LEASEHOLD_CRASH_IMAGES", "10000000");
            store("--lib", "what_was_acknowledged_survives_every_power_cut", images)
        },
    },
    Step {
        name: "bit-flips",
        needs: nothing,
        run: || store("--lib", "embedded::tests::flips", ("LEASEHOLD_FLIP_STEP", "1")),
    },
    Step {
        name: "fuzz",
        needs: fuzz::needs,
        run: fuzz::run,
    },
    Step {
        name: "mutants",
        needs: nothing,
        run: || mutants::run(&[]),
    },
    Step {
        name: "sim",
        needs: nothing,
        run: || sim::run(&["--terms".to_owned(), TERMS.to_owned()]),
    },
    Step {
        name: "kills",
        needs: nothing,
        run: || crash::run(&["--kills".to_owned(), KILLS.to_owned()]),
    },
    Step {
        name: "chaos",
        needs: nothing,
        run: || chaos::run(&["--minutes".to_owned(), CHAOS.to_owned()]),
    },
];

/// Terms of leaders, in a simulated world.
const TERMS: &str = "10000000";
/// More than a million operations.
const KILLS: &str = "5000";

/// Minutes: a few million operations.
const CHAOS: &str = "120";

/// The names of all steps, for the command line.
pub(crate) fn names() -> Vec<&'static str> {
    ALL.iter().map(|step| step.name).collect()
}

/// Tests of the store, optimised.
fn store(target: &str, test: &str, size: (&str, &str)) -> Outcome {
    let package = ["test", "--locked", "--release", "--package", "leasehold-store"];
    let arguments = [&package[..], &[target, "--", "--nocapture", test]].concat();
    cargo_with(&arguments, &[size])
}
