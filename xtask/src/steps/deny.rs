//! Licences, sources, bans and security advisories of the dependencies, by cargo-deny and deny.toml.
//!
//! Two steps, because they fail for different reasons: the first looks only at what we depend on, the second at a
//! database that it has to fetch, which a machine without network cannot. That is skipped, and never called passed.

use crate::command::{cargo, command, works};
use crate::runner::Outcome;

const NO_DATABASE: &str = "failed to fetch advisory database";

/// Whether cargo-deny is there.
pub(crate) fn needs() -> Option<String> {
    (!works("cargo-deny", &["--version"])).then(|| "not installed: cargo install cargo-deny --locked".to_owned())
}

/// Bans, licences and sources.
pub(crate) fn policy() -> Outcome {
    cargo(&["deny", "check", "--hide-inclusion-graph", "bans", "licenses", "sources"])
}

/// Known vulnerabilities, unmaintained and yanked crates.
pub(crate) fn advisories() -> Outcome {
    match command("cargo", &["deny", "check", "--hide-inclusion-graph", "advisories"]).output() {
        Ok(output) => judge(output.status.success(), &String::from_utf8_lossy(&output.stderr)),
        Err(error) => Outcome::Failed(format!("cargo cannot be run: {error}")),
    }
}

/// The last line that says something is the one worth a line of the report.
fn judge(success: bool, told: &str) -> Outcome {
    if success {
        return Outcome::Passed;
    }
    if told.contains(NO_DATABASE) {
        return Outcome::Skipped("the advisory database could not be fetched".to_owned());
    }
    let headline = told
        .lines()
        .find(|line| line.starts_with("error"))
        .or(told.lines().last());
    Outcome::Failed(headline.unwrap_or("cargo deny failed").to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_database_out_of_reach_is_skipped() {
        assert_eq!(judge(true, ""), Outcome::Passed);
        let offline = "2026-01-01 [ERROR] failed to fetch advisory database https://x: no route\n";
        assert!(matches!(judge(false, offline), Outcome::Skipped(_)));
        let found = "warning: x\nerror[vulnerability]: hole in x\n  details\nadvisories FAILED\n";
        assert_eq!(
            judge(false, found),
            Outcome::Failed("error[vulnerability]: hole in x".to_owned())
        );
        assert_eq!(judge(false, ""), Outcome::Failed("cargo deny failed".to_owned()));
    }
}
