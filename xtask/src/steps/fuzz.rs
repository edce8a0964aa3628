//! Fuzzing: every target of `fuzz/`, a minute each.
//!
//! The tests already run the corpus and some mutations of it (`tests/fuzz`); this adds libFuzzer, which follows what it
//! covers. What it finds worth keeping goes to `fuzz/found`, and what makes a target panic to `fuzz/artifacts`.

use std::path::PathBuf;
use std::process::Command;

use serde_json::{Map, json};

use crate::command::{command, root, works};
use crate::runner::Outcome;

/// For each target.
const SECONDS: &str = "60";
/// Longer inputs find nothing that shorter ones do not.
const BYTES: &str = "4096";
/// What libFuzzer says at the end, before the number.
const EXECUTED: &str = "stat::number_of_executed_units:";

/// libFuzzer needs flags that only a nightly compiler takes.
pub(crate) fn needs() -> Option<String> {
    let works = works("rustup", &["run", "nightly", "cargo", "fuzz", "--version"]);
    (!works).then(|| "needs rustup toolchain install nightly, and cargo install cargo-fuzz --locked".to_owned())
}

/// Builds and runs them all.
pub(crate) fn run() -> Outcome {
    let targets = match targets() {
        Ok(targets) => targets,
        Err(error) => return Outcome::Failed(format!("fuzz/fuzz_targets cannot be read: {error}")),
    };
    if !cargo_fuzz(&["build"]).status().is_ok_and(|status| status.success()) {
        return Outcome::Failed("the fuzz targets cannot be built".to_owned());
    }
    let (mut figures, mut failed) = (Map::new(), Vec::new());
    for target in targets {
        match fuzz(&target) {
            Ok(executed) => {
                say(&format!("{target}: {executed} inputs"));
                figures.insert(target, json!(executed));
            }
            Err(told) => {
                say(&told);
                failed.push(target);
            }
        }
    }
    match leasehold_figures::record("fuzz", &figures) {
        Ok(()) if failed.is_empty() => Outcome::Passed,
        Ok(()) => Outcome::Failed(format!("panics in {}; see fuzz/artifacts", failed.join(", "))),
        Err(error) => Outcome::Failed(format!("the figures cannot be written: {error}")),
    }
}

fn directory() -> PathBuf {
    root().join("fuzz")
}

fn targets() -> std::io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(directory().join("fuzz_targets"))? {
        names.extend(
            entry?
                .path()
                .file_stem()
                .map(|name| name.to_string_lossy().into_owned()),
        );
    }
    names.sort_unstable();
    Ok(names)
}

/// `cargo fuzz`, without a sanitizer: there is no unsafe code of ours for one to look at.
fn cargo_fuzz(arguments: &[&str]) -> Command {
    let mut command = command("rustup", &["run", "nightly", "cargo", "fuzz"]);
    command.args(arguments).args(["--sanitizer", "none", "--fuzz-dir", "."]);
    command.current_dir(directory());
    command
}

/// Fuzzes one target. Returns how many inputs it was given, or what was said of the one that it could not take.
fn fuzz(target: &str) -> Result<u64, String> {
    let found = directory().join("found").join(target);
    std::fs::create_dir_all(&found).map_err(|error| format!("no directory for what is found: {error}"))?;
    let output = cargo_fuzz(&["run", target])
        .args([format!("found/{target}"), format!("corpus/{target}"), "--".to_owned()])
        .args([format!("-max_total_time={SECONDS}"), format!("-max_len={BYTES}")])
        .arg("-print_final_stats=1")
        .output()
        .map_err(|error| format!("cargo fuzz cannot be run: {error}"))?;
    let told = String::from_utf8_lossy(&output.stderr);
    match executed(&told) {
        Some(executed) if output.status.success() => Ok(executed),
        _ => Err(told.into_owned()),
    }
}

fn executed(told: &str) -> Option<u64> {
    let number = told.lines().find_map(|line| line.strip_prefix(EXECUTED))?;
    number.trim().parse().ok()
}

fn say(line: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stdout(), "{line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_inputs_is_found_in_what_is_said() {
        let told = "#2 DONE\nstat::number_of_executed_units: 4711\nstat::peak_rss_mb: 60\n";
        assert_eq!(executed(told), Some(4711));
        assert_eq!(executed("error: no such target"), None);
    }
}
