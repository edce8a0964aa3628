//! How long to wait before a command is run again.

use std::time::Duration;

const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(30);
/// A command that ran this long was well; what ended it is news.
const WELL: Duration = Duration::from_mins(1);

/// Pauses of 1 s, doubling to 30 s, from the start again after a run of a minute.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    last: Option<Duration>,
}

impl Backoff {
    /// The pause after a run of this length.
    pub(super) fn after(&mut self, run: Duration) -> Duration {
        let pause = match self.last {
            Some(last) if run < WELL => (last * 2).min(LONGEST),
            _ => FIRST,
        };
        self.last = Some(pause);
        pause
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_until_a_run_is_long() {
        let mut backoff = Backoff::default();
        let soon = Duration::from_millis(5);
        let pauses: Vec<_> = (0..7).map(|_| backoff.after(soon).as_secs()).collect();
        assert_eq!(pauses, [1, 2, 4, 8, 16, 30, 30]);
        assert_eq!(backoff.after(WELL).as_secs(), 1);
        assert_eq!(backoff.after(soon).as_secs(), 2);
    }
}
