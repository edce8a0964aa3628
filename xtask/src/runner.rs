//! Runs steps in order and reports: a line for each as it ends, all of them again at the end, and the count.

use std::fmt;
use std::io::Write;
use std::time::{Duration, Instant};

/// One check of `cargo xtask test`.
pub(crate) struct Step {
    /// What it is called on the command line and in the report.
    pub(crate) name: &'static str,
    /// What this machine lacks for it, if anything; then the step is skipped and the report says so.
    pub(crate) needs: fn() -> Option<String>,
    /// Does it.
    pub(crate) run: fn() -> Outcome,
}

/// How a step ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    Passed,
    /// With what is wrong, in a line.
    Failed(String),
    /// With why, in a line.
    Skipped(String),
}

impl Outcome {
    /// This one, unless it passed: then what comes after it.
    pub(crate) fn and(self, next: impl FnOnce() -> Self) -> Self {
        match self {
            Self::Passed => next(),
            other => other,
        }
    }
}

/// A step that has ended.
#[derive(Debug)]
pub(crate) struct Report {
    name: &'static str,
    outcome: Outcome,
    took: Duration,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (word, why) = match &self.outcome {
            Outcome::Passed => ("ok", None),
            Outcome::Failed(why) => ("failed", Some(why)),
            Outcome::Skipped(why) => ("skipped", Some(why)),
        };
        write!(f, "{word:<8}{:<12}{:>7.1} s", self.name, self.took.as_secs_f64())?;
        why.map_or(Ok(()), |why| write!(f, "  {why}"))
    }
}

/// Runs the steps in their order; with `fail_fast` none after the first that fails.
pub(crate) fn run<'a>(steps: impl Iterator<Item = &'a Step>, fail_fast: bool, out: &mut impl Write) -> Vec<Report> {
    let mut reports = Vec::new();
    for step in steps {
        say(out, &format!("== {}", step.name));
        let report = run_one(step);
        say(out, &report.to_string());
        let failed = matches!(report.outcome, Outcome::Failed(_));
        reports.push(report);
        if failed && fail_fast {
            break;
        }
    }
    summarize(&reports, out);
    reports
}

/// Whether any step failed. A skipped one has not.
pub(crate) fn has_failed(reports: &[Report]) -> bool {
    reports
        .iter()
        .any(|report| matches!(report.outcome, Outcome::Failed(_)))
}

#[expect(
    clippy::disallowed_methods,
    reason = "the seconds in a report; no test depends on them"
)]
fn run_one(step: &Step) -> Report {
    let begun = Instant::now();
    let outcome = match (step.needs)() {
        Some(missing) => Outcome::Skipped(missing),
        None => (step.run)(),
    };
    Report {
        name: step.name,
        outcome,
        took: begun.elapsed(),
    }
}

fn summarize(reports: &[Report], out: &mut impl Write) {
    say(out, "== summary");
    for report in reports {
        say(out, &report.to_string());
    }
    let count = |is: fn(&Outcome) -> bool| reports.iter().filter(|report| is(&report.outcome)).count();
    let passed = count(|outcome| matches!(outcome, Outcome::Passed));
    let failed = count(|outcome| matches!(outcome, Outcome::Failed(_)));
    let skipped = count(|outcome| matches!(outcome, Outcome::Skipped(_)));
    say(out, &format!("{passed} passed, {failed} failed, {skipped} skipped"));
}

/// Whoever closed the pipe wants no more; the exit code still tells.
fn say(out: &mut impl Write, line: &str) {
    let _ = writeln!(out, "{line}");
    let _ = out.flush();
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: Step = Step {
        name: "good",
        needs: || None,
        run: || Outcome::Passed,
    };
    const BAD: Step = Step {
        name: "bad",
        needs: || None,
        run: || Outcome::Failed("it broke".to_owned()),
    };
    const LACKING: Step = Step {
        name: "lacking",
        needs: || Some("no such tool".to_owned()),
        run: || panic!("a step whose needs are not met must not run"),
    };

    fn printed(steps: &[Step], fail_fast: bool) -> (Vec<String>, bool) {
        let mut out = Vec::new();
        let reports = run(steps.iter(), fail_fast, &mut out);
        (
            String::from_utf8(out).unwrap().lines().map(str::to_owned).collect(),
            has_failed(&reports),
        )
    }

    #[test]
    fn all_steps_run_in_order_and_the_last_line_counts_them() {
        let (lines, failed) = printed(&[BAD, LACKING, GOOD], false);
        assert!(failed);
        assert_eq!(lines.last().unwrap(), "1 passed, 1 failed, 1 skipped");
        let summary: Vec<_> = lines
            .iter()
            .skip_while(|line| *line != "== summary")
            .skip(1)
            .take(3)
            .collect();
        for (line, (start, end)) in summary.into_iter().zip([
            ("failed  bad ", "it broke"),
            ("skipped lacking ", "no such tool"),
            ("ok      good ", " s"),
        ]) {
            assert!(line.starts_with(start) && line.ends_with(end), "{line}");
        }
    }

    #[test]
    fn fail_fast_stops_at_the_first_failure_only() {
        let (lines, failed) = printed(&[LACKING, BAD, GOOD], true);
        assert!(failed);
        assert_eq!(lines.last().unwrap(), "0 passed, 1 failed, 1 skipped");
    }

    #[test]
    fn skipping_is_not_failing() {
        assert!(!printed(&[LACKING, GOOD], true).1);
    }
}
