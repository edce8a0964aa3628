//! Real clients against the running program: kubectl, client-go, kube-controller-manager, the electors of other languages,
//! and kube-rs, which brings its own server.
//!
//! Each gets a server with nothing in it, built before it, and stopped after it as an operator would: a server that does
//! not end in order fails the step. What a client needs that this machine lacks skips it, with a line that says so.

use std::process::Command;

use super::build;
use crate::command::{cargo, command, root, works};
use crate::runner::Outcome;
use crate::server::{Server, TOKEN};

/// What a run.py exits with when something is missing.
const NOT_HERE: i32 = 3;
/// The node that the clients play.
const NODE: &str = "n1";
const IS_PYTHON_NEW: &str = "import sys; sys.exit(sys.version_info < (3, 11))";

/// Python runs the scenarios; what else each needs it finds or builds itself.
pub(crate) fn python_needs() -> Option<String> {
    (!works("python3", &["-c", IS_PYTHON_NEW])).then(|| "needs Python 3.11 or later".to_owned())
}

/// A real kubectl, and what it prints.
pub(crate) fn kubectl() -> Outcome {
    with_server(
        || command("python3", &["tests/interop/kubectl/run.py"]),
        |code| match code {
            Some(NOT_HERE) => Outcome::Skipped("no kubectl; the line above says why".to_owned()),
            _ => Outcome::Failed("scenarios failed, see above".to_owned()),
        },
    )
}

/// Electors of other languages and ours, contending for leases. Its page in the docs is written anew when `written`.
pub(crate) fn elections(written: bool) -> Outcome {
    let client = || {
        let mut run = command("python3", &["tests/interop/elections/run.py"]);
        if written {
            run.args(["--write", "docs/interop.md"]);
        }
        run
    };
    with_server(client, |code| match code {
        Some(NOT_HERE) => Outcome::Skipped("fewer than two electors; the lines above say why".to_owned()),
        _ => Outcome::Failed("see above".to_owned()),
    })
}

/// Go builds the program, and Python and kubectl tell the story.
pub(crate) fn kcm_needs() -> Option<String> {
    let usable = in_dir("kcm", &["list", "-m"])
        .output()
        .is_ok_and(|output| output.status.success());
    python_needs()
        .or_else(|| (!usable).then(|| "needs the Go that tests/interop/kcm/go.mod names, or a later one".to_owned()))
}

/// Real kube-controller-managers, elected by the server.
pub(crate) fn kcm() -> Outcome {
    with_server(
        || command("python3", &["tests/interop/kcm/run.py"]),
        |code| match code {
            Some(NOT_HERE) => Outcome::Skipped("no kube-controller-manager; the line above says why".to_owned()),
            _ => Outcome::Failed("kube-controller-managers were not elected as they should be, see above".to_owned()),
        },
    )
}

/// Go itself, as new as client-go asks for.
pub(crate) fn client_go_needs() -> Option<String> {
    let usable = go(&["list", "-m"]).output().is_ok_and(|output| output.status.success());
    (!usable).then(|| "needs the Go that tests/interop/go/go.mod names, or a later one".to_owned())
}

/// A real client-go.
pub(crate) fn client_go() -> Outcome {
    match go(&["mod", "download"]).output() {
        Ok(output) if output.status.success() => {}
        Ok(output) => return without_modules(&String::from_utf8_lossy(&output.stderr)),
        Err(error) => return Outcome::Failed(format!("go cannot be run: {error}")),
    }
    // Uncached, because the server is no input that Go knows of.
    let test = || go(&["test", "-count=1", "-timeout=180s", "./..."]);
    with_server(test, |_| Outcome::Failed("go test failed, see above".to_owned()))
}

/// A real kube-rs. In `cargo xtask test` the step `tests` runs it.
pub(crate) fn kube_rs() -> Outcome {
    cargo(&["test", "--locked", "--package", "leasehold-interop-rust"])
}

fn go(arguments: &[&str]) -> Command {
    in_dir("go", arguments)
}

/// Go, in this directory beside others.
fn in_dir(directory: &str, arguments: &[&str]) -> Command {
    let mut go = command("go", arguments);
    go.current_dir(root().join("tests/interop").join(directory));
    go
}

/// A proxy out of reach is no fault of ours; a checksum that does not match is.
fn without_modules(told: &str) -> Outcome {
    let last = told
        .trim()
        .lines()
        .last()
        .unwrap_or("go mod download failed")
        .to_owned();
    let out_of_reach = ["dial tcp", "no such host", "i/o timeout", "module lookup disabled"];
    if out_of_reach.iter().any(|sign| told.contains(sign)) {
        Outcome::Skipped(format!("the Go modules cannot be fetched: {last}"))
    } else {
        Outcome::Failed(last)
    }
}

/// Builds the program, starts it, and runs a client with the kubeconfigs of an admin and of a node.
fn with_server(client: impl Fn() -> Command, failed: impl Fn(Option<i32>) -> Outcome) -> Outcome {
    match build() {
        Outcome::Passed => {}
        other => return other,
    }
    let run = || -> Result<Outcome, String> {
        let server = Server::start()?;
        let status = client()
            .env("LEASEHOLD_INTEROP_PROGRAM", server.program())
            .env("LEASEHOLD_INTEROP_KUBECONFIG", server.kubeconfig())
            .env("LEASEHOLD_INTEROP_NODE_KUBECONFIG", server.node_kubeconfig(NODE)?)
            .env("LEASEHOLD_INTEROP_TOKEN", TOKEN)
            .status()
            .map_err(|error| format!("the client cannot be run: {error}"))?;
        if status.success() {
            return server.stop().map(|()| Outcome::Passed);
        }
        server.show_log();
        server.stop().map(|()| failed(status.code()))
    };
    run().unwrap_or_else(Outcome::Failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_modules_out_of_reach_are_skipped() {
        let offline = "go: x@v1: Get \"https://proxy\": dial tcp: lookup proxy: no such host\n";
        assert!(matches!(without_modules(offline), Outcome::Skipped(why) if why.contains("no such host")));
        let wrong = "verifying x@v1: checksum mismatch\nSECURITY ERROR\n";
        assert_eq!(without_modules(wrong), Outcome::Failed("SECURITY ERROR".to_owned()));
        assert_eq!(
            without_modules(""),
            Outcome::Failed("go mod download failed".to_owned())
        );
    }
}
