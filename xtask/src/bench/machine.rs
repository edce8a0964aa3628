//! Where and when something was measured, without names.

use crate::command::command;

/// One line: the processor, its cores, the date, the commit.
pub(super) fn line() -> String {
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    format!(
        "Measured on {} ({cores} cores), {}, commit {}.",
        processor(),
        output("date", &["-u", "+%Y-%m-%d"]),
        commit()
    )
}

fn processor() -> String {
    let cpus = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpus.lines().find_map(|line| line.strip_prefix("model name"));
    let model = model.map(|rest| rest.trim_start_matches([' ', '\t', ':']).trim().to_owned());
    model.unwrap_or_else(|| format!("an unnamed {} processor", std::env::consts::ARCH))
}

fn commit() -> String {
    let changed = !output("git", &["status", "--porcelain", "--untracked-files=no"]).is_empty();
    let commit = output("git", &["rev-parse", "--short=10", "HEAD"]);
    if changed {
        format!("{commit} with changes")
    } else {
        commit
    }
}

/// The first line that the program prints, or nothing.
fn output(program: &str, arguments: &[&str]) -> String {
    let output = command(program, arguments).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    text.unwrap_or_default().lines().next().unwrap_or_default().to_owned()
}
