//! `cargo xtask mutants`: does the crash harness notice when the program is wrong?
//!
//! Each mutant is the program with one line changed, built where the source says `cfg(leasehold_mutant = "…")`. The cfg
//! reaches our own crates only, by way of a rustc wrapper, so that nothing else is built again; each mutant has a wrapper of
//! its own name, from which cargo knows them apart. All have a target directory beside the real one, so that a mutant is
//! never taken for the program.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::command::{command, root};
use crate::runner::Outcome;

/// A planted bug, and the rule that must catch it (others may do so too).
struct Mutant {
    name: &'static str,
    rule: &'static str,
}

const MUTANTS: [Mutant; 7] = [
    Mutant {
        name: "acknowledge-before-append",
        rule: "RevisionReused",
    },
    Mutant {
        name: "compare-and-swap-off",
        rule: "BrokenChain",
    },
    Mutant {
        name: "revisions-reused-after-restart",
        rule: "RevisionReused",
    },
    Mutant {
        name: "event-twice-on-resume",
        rule: "WatchOrder",
    },
    Mutant {
        name: "every-97th-event-dropped",
        rule: "WatchGap",
    },
    Mutant {
        name: "bookmark-one-too-high",
        rule: "WatchGap",
    },
    Mutant {
        name: "list-not-of-one-snapshot",
        rule: "NotASnapshot",
    },
];

/// How often the server is killed for each: enough for a few of everything that a run has, bookmarks above all.
const KILLS: &str = "30";
/// What the harness ends with when it found something.
const FOUND: i32 = 1;

/// The names of all mutants, for the command line.
pub(crate) fn names() -> Vec<&'static str> {
    MUTANTS.iter().map(|mutant| mutant.name).collect()
}

/// Builds each of these mutants, or all, and requires that the harness finds what was planted.
pub(crate) fn run(only: &[String]) -> Outcome {
    let chosen = MUTANTS
        .iter()
        .filter(|mutant| only.is_empty() || only.iter().any(|name| name == mutant.name));
    let mut missed = Vec::new();
    for mutant in chosen {
        match mutant.is_caught() {
            Ok(()) => say(&format!("caught  {} by {}", mutant.name, mutant.rule)),
            Err(why) => {
                say(&format!("missed  {}: {why}", mutant.name));
                missed.push(mutant.name);
            }
        }
    }
    if missed.is_empty() {
        Outcome::Passed
    } else {
        Outcome::Failed(format!("not caught: {}", missed.join(", ")))
    }
}

impl Mutant {
    fn is_caught(&self) -> Result<(), String> {
        let program = self.build()?;
        let output = command(
            &cargo(),
            &["run", "--locked", "--quiet", "--package", "leasehold-crash", "--"],
        )
        .args(["--no-figures", "--kills", KILLS])
        .env("LEASEHOLD_BIN", program)
        .output()
        .map_err(|error| format!("the harness cannot be run: {error}"))?;
        let told = String::from_utf8_lossy(&output.stdout);
        if output.status.code() != Some(FOUND) {
            let stderr = String::from_utf8_lossy(&output.stderr);
            return Err(format!("the harness ended with {}\n{told}{stderr}", output.status));
        }
        if told.lines().any(|line| line.starts_with(&format!("{}:", self.rule))) {
            Ok(())
        } else {
            Err(format!("{} says nothing\n{told}", self.rule))
        }
    }

    /// The program with the bug in it.
    fn build(&self) -> Result<PathBuf, String> {
        let directory = root().join("target/mutants");
        let wrapper = self
            .wrapper(&directory)
            .map_err(|error| format!("no wrapper: {error}"))?;
        let status = command(&cargo(), &["build", "--locked", "--quiet", "--package", "leasehold"])
            .arg("--target-dir")
            .arg(&directory)
            .env("RUSTC_WORKSPACE_WRAPPER", wrapper)
            .status();
        match status {
            Ok(status) if status.success() => Ok(directory.join("debug/leasehold")),
            Ok(status) => Err(format!("cargo build ended with {status}")),
            Err(error) => Err(format!("cargo cannot be run: {error}")),
        }
    }

    fn wrapper(&self, directory: &Path) -> std::io::Result<PathBuf> {
        let path = directory.join(self.name).with_extension("sh");
        std::fs::create_dir_all(directory)?;
        // What a bug makes superfluous around it is nobody's concern.
        let arguments = format!("--cap-lints allow --cfg 'leasehold_mutant=\"{}\"'", self.name);
        let text = format!("#!/bin/sh\nexec \"$@\" {arguments}\n");
        std::fs::write(&path, text)?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755))?;
        Ok(path)
    }
}

fn cargo() -> String {
    std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned())
}

fn say(line: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stdout(), "{line}");
}

#[cfg(test)]
mod tests {
    use super::*;

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
