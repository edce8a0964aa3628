//! One line on the terminal that says how far it is. Where stderr is none, nothing.

use std::io::IsTerminal;
use std::time::Duration;

use leasehold_bench::Reading;

use crate::printer;

/// Width of the bar, in characters.
const BAR: u64 = 24;

/// The line.
pub(super) struct Progress {
    is_terminal: bool,
    last: Option<Reading>,
}

impl Default for Progress {
    fn default() -> Self {
        Self {
            is_terminal: std::io::stderr().is_terminal(),
            last: None,
        }
    }
}

impl Progress {
    /// Shows this reading; the one before was `since` ago.
    pub(super) fn show(&mut self, reading: Reading, since: Duration) {
        if self.is_terminal {
            printer::status(&line(self.last, reading, since));
        }
        self.last = Some(reading);
    }

    /// Makes room for something else.
    pub(super) fn clear(&self) {
        if self.is_terminal {
            printer::status("");
        }
    }
}

fn line(last: Option<Reading>, now: Reading, since: Duration) -> String {
    let before = last.filter(|last| last.phase == now.phase).map_or(0, |last| last.done);
    let rate = now.done.saturating_sub(before) as f64 / since.as_secs_f64();
    let mut line = format!("{:<16}", now.phase);
    if let Some(full) = (BAR * now.done).checked_div(now.total) {
        let bar: String = (0..BAR).map(|at| if at < full { '#' } else { '.' }).collect();
        line.push_str(&format!(" [{bar}] {}/{}", now.done, now.total));
    } else {
        line.push_str(&format!(" {}", now.done));
    }
    line.push_str(&format!("  {rate:.0}/s"));
    if now.failed > 0 {
        line.push_str(&format!("  {} failed", now.failed));
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_says_how_far_and_how_fast() {
        let at = |done, total, failed| Reading {
            phase: "renewing",
            done,
            total,
            failed,
        };
        let half = line(Some(at(10, 100, 0)), at(50, 100, 0), Duration::from_millis(250));
        assert_eq!(half, "renewing         [############............] 50/100  160/s");
        let endless = line(None, at(7, 0, 2), Duration::from_secs(1));
        assert_eq!(endless, "renewing         7  7/s  2 failed");
    }
}
