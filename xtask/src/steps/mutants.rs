//! `cargo xtask mutants`: do the tests notice when the program is wrong?
//!
//! Each mutant is the program with one line changed, built where the source says `cfg(leasehold_mutant = "…")`. The cfg
//! reaches our own crates only, by way of a rustc wrapper, so that nothing else is built again; each mutant has a wrapper of
//! its own name, from which cargo knows them apart. All have a target directory beside the real one, so that a mutant is
//! never taken for the program, nor its figures for real ones.

use std::fmt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::etcd;
use crate::command::{cargo_program, command, root};
use crate::runner::Outcome;

/// A planted bug, and who must notice (others may do so too).
struct Mutant {
    name: &'static str,
    caught_by: Catcher,
}

#[derive(Clone, Copy)]
enum Catcher {
    /// This rule of the crash harness.
    Kills(&'static str),
    /// This rule of the chaos harness, which needs an etcd.
    Chaos(&'static str),
    /// A test: of this package, with these words in its path.
    Test(&'static str, &'static str),
}

use Catcher::{Chaos, Kills, Test};

const MUTANTS: [Mutant; 20] = [
    mutant("acknowledge-before-append", Kills("RevisionReused")),
    mutant("compare-and-swap-off", Kills("BrokenChain")),
    mutant("revisions-reused-after-restart", Kills("RevisionReused")),
    mutant("event-twice-on-resume", Kills("WatchOrder")),
    mutant("every-97th-event-dropped", Kills("WatchGap")),
    mutant("bookmark-one-too-high", Kills("WatchGap")),
    mutant("list-not-of-one-snapshot", Kills("NotASnapshot")),
    mutant("acknowledge-before-transaction", Chaos("RevisionReused")),
    mutant("latest-list-without-asking", Chaos("OutOfOrder")),
    mutant("judged-from-a-glance", Chaos("OutOfOrder")),
    mutant("event-lost-on-reconnect", Chaos("WatchGap")),
    mutant("gap-passed-over", Chaos("WatchGap")),
    mutant(
        "rest-of-a-revision-lost",
        Test(
            STORE,
            "a_batch_ends_where_a_revision_ends_however_many_changes_share_it",
        ),
    ),
    mutant("acknowledge-before-sync", Test(STORE, POWER_CUTS)),
    mutant("directory-sync-skipped", Test(STORE, POWER_CUTS)),
    mutant(
        "damage-taken-for-a-torn-tail",
        Test(STORE, "after_a_clean_end_every_flipped_bit_stops_the_start"),
    ),
    mutant(
        "revision-reused-after-failed-append",
        Test(
            STORE,
            "a_full_disk_refuses_writes_and_takes_them_again_once_there_is_room",
        ),
    ),
    mutant(
        "watch-buffer-unbounded",
        Test(
            STORE,
            "a_cursor_that_falls_off_the_window_is_told_so_and_others_are_not",
        ),
    ),
    mutant(
        "bad-selector-deletes-all",
        Test(BATTERY, "deleting_a_collection_by_what_cannot_be_read_deletes_nothing"),
    ),
    mutant(
        "authorization-fails-open",
        Test(BATTERY, "nobody_sees_more_than_health_and_version"),
    ),
];

const STORE: &str = "leasehold-store";
const BATTERY: &str = "leasehold-hostile";
const POWER_CUTS: &str = "what_was_acknowledged_survives_every_power_cut";

const fn mutant(name: &'static str, caught_by: Catcher) -> Mutant {
    Mutant { name, caught_by }
}

/// How often the server is killed for each: enough for a few of everything that a run has, bookmarks above all.
const KILLS: &str = "30";
/// How many requests are made beside each bug of the etcd engine at least: in rounds, each with every fault.
const OPERATIONS: &str = "30000";
/// What the harness ends with when it found something.
const FOUND: i32 = 1;

/// The names of all mutants, for the command line.
pub(crate) fn names() -> Vec<&'static str> {
    MUTANTS.iter().map(|mutant| mutant.name).collect()
}

/// Builds each of these mutants, or all, and requires that what was planted is found. Without an etcd, those that need one are
/// skipped.
pub(crate) fn run(only: &[String]) -> Outcome {
    let chosen = MUTANTS
        .iter()
        .filter(|mutant| only.is_empty() || only.iter().any(|name| name == mutant.name));
    let no_etcd = etcd::current().err();
    let (mut planted, mut missed) = (0, Vec::new());
    for mutant in chosen {
        if let (Chaos(_), Some(why)) = (mutant.caught_by, &no_etcd) {
            say(&format!("skipped {}: {why}", mutant.name));
            continue;
        }
        planted += 1;
        match mutant.is_caught() {
            Ok(()) => say(&format!("caught  {} by {}", mutant.name, mutant.caught_by)),
            Err(why) => {
                say(&format!("missed  {}: {why}", mutant.name));
                missed.push(mutant.name);
            }
        }
    }
    if only.is_empty() {
        let figures = json!({"planted": planted, "caught": planted - missed.len()});
        if let Err(error) = leasehold_figures::record("mutants", &figures) {
            return Outcome::Failed(format!("the figures cannot be written: {error}"));
        }
    }
    if missed.is_empty() {
        Outcome::Passed
    } else {
        Outcome::Failed(format!("not caught: {}", missed.join(", ")))
    }
}

impl fmt::Display for Catcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kills(rule) | Self::Chaos(rule) => write!(f, "{rule}"),
            Self::Test(package, test) => write!(f, "{package}: {test}"),
        }
    }
}

impl Mutant {
    fn is_caught(&self) -> Result<(), String> {
        match self.caught_by {
            Kills(rule) => self.is_noticed("leasehold-crash", &["--kills", KILLS], rule),
            Chaos(rule) => self.is_noticed("leasehold-chaos", &["--operations", OPERATIONS], rule),
            Test(package, test) => {
                self.cargo(&["test", "--package", package, "--no-run"])?;
                // Built before, so that a failure can only be the test's.
                match self.cargo(&["test", "--package", package, "--", test]) {
                    Err(told) if is_failure_of(&told, test) => Ok(()),
                    Err(told) => Err(format!("{test} did not fail, but something else did\n{told}")),
                    Ok(()) => Err(format!("{test} passed")),
                }
            }
        }
    }

    fn is_noticed(&self, harness: &str, size: &[&str], rule: &str) -> Result<(), String> {
        self.cargo(&["build", "--package", "leasehold"])?;
        noticed(&directory().join("debug/leasehold"), harness, size, rule)
    }

    /// Runs cargo on the program with the bug in it. The error is all that was said.
    fn cargo(&self, arguments: &[&str]) -> Result<(), String> {
        let wrapper = self.wrapper().map_err(|error| format!("no wrapper: {error}"))?;
        let (subcommand, rest) = arguments.split_first().ok_or("nothing to run")?;
        let output = command(&cargo_program(), &[subcommand, "--locked", "--quiet"])
            .args(rest)
            .env("CARGO_TARGET_DIR", directory())
            .env("RUSTC_WORKSPACE_WRAPPER", wrapper)
            .output()
            .map_err(|error| format!("cargo cannot be run: {error}"))?;
        if output.status.success() {
            return Ok(());
        }
        let told = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
        Err(told.join(""))
    }

    fn wrapper(&self) -> std::io::Result<PathBuf> {
        let path = directory().join(self.name).with_extension("sh");
        std::fs::create_dir_all(directory())?;
        // What a bug makes superfluous around it is nobody's concern.
        let arguments = format!("--cap-lints allow --cfg 'leasehold_mutant=\"{}\"'", self.name);
        let text = format!("#!/bin/sh\nexec \"$@\" {arguments}\n");
        std::fs::write(&path, text)?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755))?;
        Ok(path)
    }
}

/// Runs a harness, itself without the bug, on a program with it.
fn noticed(program: &Path, harness: &str, size: &[&str], rule: &str) -> Result<(), String> {
    let arguments = ["run", "--locked", "--quiet", "--package", harness, "--", "--no-figures"];
    let output = command(&cargo_program(), &arguments)
        .args(size)
        .env("LEASEHOLD_BIN", program)
        .output()
        .map_err(|error| format!("the harness cannot be run: {error}"))?;
    let told = String::from_utf8_lossy(&output.stdout);
    if output.status.code() != Some(FOUND) {
        let stderr = String::from_utf8_lossy(&output.stderr);
        return Err(format!("the harness ended with {}\n{told}{stderr}", output.status));
    }
    if told.lines().any(|line| line.starts_with(&format!("{rule}:"))) {
        Ok(())
    } else {
        Err(format!("{rule} says nothing\n{told}"))
    }
}

/// Whether a test is among those that cargo says have failed.
fn is_failure_of(told: &str, test: &str) -> bool {
    let listed = told.lines().map(str::trim_start).map(|line| line.trim_end());
    listed
        .filter(|line| !line.contains(' '))
        .any(|line| line.ends_with(test))
}

fn directory() -> PathBuf {
    root().join("target/mutants")
}

fn say(line: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stdout(), "{line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_failure_that_is_meant_counts() {
        let told = "test a::lost_nothing ... FAILED\n\nfailures:\n    a::lost_nothing\n\nerror: test failed\n";
        assert!(is_failure_of(told, "lost_nothing"));
        assert!(!is_failure_of(told, "kept_all"));
        assert!(!is_failure_of("error: lost_nothing cannot be compiled", "lost_nothing"));
    }

    #[test]
    fn each_mutant_is_planted_somewhere_and_nothing_else_is() {
        let output = command(
            "git",
            &["grep", "-hoE", "leasehold_mutant = \"[^\"]+\"", "--", "crates"],
        )
        .output()
        .unwrap();
        let found = String::from_utf8(output.stdout).unwrap();
        let mut planted: Vec<_> = found.lines().filter_map(|line| line.split('"').nth(1)).collect();
        planted.sort_unstable();
        planted.dedup();
        let mut listed = names();
        listed.sort_unstable();
        assert_eq!(planted, listed);
    }
}
