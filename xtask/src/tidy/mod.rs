//! Tidiness as a test: what a reviewer should not have to look for.
//!
//! It reads what git tracks, and what is about to be added, so it never trips over a build directory.

mod rules;

use crate::command::{command, root};
use crate::runner::Outcome;

/// Checks every file, prints each problem, and fails if there is one.
pub(crate) fn run() -> Outcome {
    let files = match tracked() {
        Ok(files) => files,
        Err(problem) => return Outcome::Failed(problem),
    };
    let mut problems = 0;
    for path in &files {
        // A file that is gone is about to be removed; one that is not text is none of our business.
        let Ok(text) = std::fs::read_to_string(root().join(path)) else {
            continue;
        };
        for problem in rules::problems(path, &text) {
            complain(&problem);
            problems += 1;
        }
    }
    match problems {
        0 => Outcome::Passed,
        count => Outcome::Failed(format!("{count} problems, listed above")),
    }
}

fn tracked() -> Result<Vec<String>, String> {
    let arguments = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
    let output = command("git", &arguments)
        .output()
        .map_err(|error| format!("git cannot be run: {error}"))?;
    if !output.status.success() {
        return Err("git ls-files failed".to_owned());
    }
    let names = String::from_utf8_lossy(&output.stdout);
    Ok(names
        .split('\0')
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect())
}

fn complain(problem: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stdout(), "{problem}");
}
