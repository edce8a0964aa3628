//! How the demo looks: a line for each event, with the time; colour on a terminal only.

use std::io::IsTerminal;
use std::time::Duration;

use leasehold_clock::{Clock, Monotonic, SystemClock};

use crate::printer;

const BEAT: Duration = Duration::from_millis(1_500);

/// Where the story is told.
pub(super) struct Stage {
    begun: Monotonic,
    has_colour: bool,
}

impl Stage {
    pub(super) fn new() -> Self {
        let allowed = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Self {
            begun: SystemClock.now(),
            has_colour: allowed && std::io::stdout().is_terminal(),
        }
    }

    /// Now.
    pub(super) fn now(&self) -> Monotonic {
        SystemClock.now()
    }

    /// Lets people read, and leaders renew their lease.
    pub(super) async fn beat(&self) {
        SystemClock.sleep_until(self.now() + BEAT).await;
    }

    /// Tells what has just happened.
    pub(super) fn event(&self, what: &str, about: &str) {
        let at = self.now().since(self.begun);
        printer::data(&format!("{:>6.2} s  {}", at.as_secs_f64(), self.columns(what, about)));
    }

    /// Tells something that is not an event.
    pub(super) fn text(&self, text: &str) {
        printer::data(text);
    }

    /// Set off on a terminal.
    pub(super) fn emphasis(&self, text: &str) -> String {
        if self.has_colour {
            format!("\x1b[1m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }

    fn columns(&self, what: &str, about: &str) -> String {
        let gap = " ".repeat(26_usize.saturating_sub(what.chars().count()).max(2));
        format!("{}{gap}{about}", self.emphasis(what))
    }
}

/// As one says it: milliseconds below a second.
pub(super) fn spoken(duration: Duration) -> String {
    if duration < Duration::from_secs(1) {
        format!("{} ms", duration.as_millis())
    } else {
        format!("{:.2} s", duration.as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_terminal_there_is_text_and_nothing_else() {
        let stage = Stage {
            begun: Monotonic::default(),
            has_colour: false,
        };
        assert_eq!(
            stage.columns("anna leads", "token 7"),
            "anna leads                token 7"
        );
        let stage = Stage {
            has_colour: true,
            ..stage
        };
        assert_eq!(stage.columns("a", "b"), format!("\x1b[1ma\x1b[0m{}b", " ".repeat(25)));
    }

    #[test]
    fn durations_are_short_to_say() {
        assert_eq!(spoken(Duration::from_micros(12_900)), "12 ms");
        assert_eq!(spoken(Duration::from_millis(3_046)), "3.05 s");
    }
}
