//! The steps of `cargo xtask test`, in their order: cheap ones first, so that a slip shows soon.
//!
//! A step with more than a line or two has a file of its own here. To add one, add a row.

pub(crate) mod chaos;
pub(crate) mod crash;
mod deny;
mod etcd;
mod fuzz;
mod interop;
pub(crate) mod mutants;
pub(crate) mod nightly;
pub(crate) mod sim;

use crate::command::{cargo, works};
use crate::runner::{Outcome, Step};
use crate::tidy;

/// All steps.
pub(crate) const ALL: &[Step] = &[
    Step {
        name: "tidy",
        needs: git,
        run: tidy::run,
    },
    Step {
        name: "fmt",
        needs: || component("fmt", "rustfmt"),
        run: || cargo(&["fmt", "--all", "--check"]).and(sim::fmt),
    },
    Step {
        name: "clippy",
        needs: || component("clippy", "clippy"),
        run: || {
            cargo(&[
                "clippy",
                "--locked",
                "--workspace",
                "--all-targets",
                "--",
                "-D",
                "warnings",
            ])
            .and(sim::clippy)
        },
    },
    Step {
        name: "deny",
        needs: deny::needs,
        run: deny::policy,
    },
    Step {
        name: "advisories",
        needs: deny::needs,
        run: deny::advisories,
    },
    // Once, before everything that starts the program.
    Step {
        name: "build",
        needs: nothing,
        run: build,
    },
    Step {
        name: "tests",
        needs: nothing,
        run: tests,
    },
    Step {
        name: "etcd",
        needs: nothing,
        run: etcd::run,
    },
    Step {
        name: "chaos",
        needs: nothing,
        run: || chaos::run(&[]),
    },
    Step {
        name: "sim",
        needs: nothing,
        run: sim::check,
    },
    KUBECTL,
    CLIENT_GO,
    KCM,
    Step {
        name: "elections",
        needs: interop::python_needs,
        run: || interop::elections(false),
    },
];

/// Real clients alone: the steps of `cargo xtask interop`.
pub(crate) const INTEROP: &[Step] = &[
    Step {
        name: "kube-rs",
        needs: nothing,
        run: interop::kube_rs,
    },
    KUBECTL,
    CLIENT_GO,
    KCM,
    Step {
        name: "elections",
        needs: interop::python_needs,
        run: || interop::elections(true),
    },
];

const KUBECTL: Step = Step {
    name: "kubectl",
    needs: interop::python_needs,
    run: interop::kubectl,
};

const CLIENT_GO: Step = Step {
    name: "client-go",
    needs: interop::client_go_needs,
    run: interop::client_go,
};

const KCM: Step = Step {
    name: "kcm",
    needs: interop::kcm_needs,
    run: interop::kcm,
};

/// The names of all steps, for the command line.
pub(crate) fn names() -> Vec<&'static str> {
    ALL.iter().map(|step| step.name).collect()
}

/// Builds all programs. Always with these arguments, so that nothing is built in two ways.
fn build() -> Outcome {
    cargo(&["build", "--locked", "--workspace", "--bins"])
}

/// All but those that need an etcd, which have a step of their own.
fn tests() -> Outcome {
    let without = ["--exclude", "leasehold-test-etcd"];
    cargo(&[&["test", "--locked", "--workspace", "--no-fail-fast"][..], &without].concat())
}

fn nothing() -> Option<String> {
    None
}

fn git() -> Option<String> {
    (!works("git", &["rev-parse", "--git-dir"])).then(|| "git is missing, or this is not a clone".to_owned())
}

fn component(subcommand: &str, component: &str) -> Option<String> {
    (!works("cargo", &[subcommand, "--version"])).then(|| format!("not installed: rustup component add {component}"))
}
