//! The figures of runs.

use std::fmt;
use std::ops::AddAssign;

use serde::Serialize;
use serde_json::json;

use crate::Error;

/// What was done, and what was found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Figures {
    /// Rounds, each with a store of its own.
    pub rounds: usize,
    /// How long they took, without the check.
    pub seconds: u64,
    /// SIGKILLs that the store survived.
    pub kills: usize,
    /// Of these, how many came while the server was starting.
    pub kills_at_start: usize,
    /// Ends in order, after SIGTERM.
    pub terminations: usize,
    /// SIGSTOP, and SIGCONT after a while.
    pub pauses: usize,
    /// Requests checked.
    pub operations: usize,
    /// Of these, writes and deletions that were acknowledged.
    pub writes_acknowledged: usize,
    /// Of these, how many got no answer.
    pub unknown: usize,
    /// Lists compared with the log.
    pub lists: usize,
    /// Events of watches compared with the log.
    pub events: usize,
    /// Of these, how many were bookmarks.
    pub bookmarks: usize,
    /// Watches that went on where another was cut.
    pub resumes: usize,
    /// Objects searched for an order without looking at revisions.
    pub searched: usize,
    /// Of these, how many searches were given up.
    pub undecided: usize,
    /// Broken promises.
    pub violations: usize,
}

impl Figures {
    /// Requests without an answer, in hundredths of a percent.
    fn unknown_share(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a share of counts far below 2^52")]
        let share = self.unknown as f64 / self.operations.max(1) as f64;
        (share * 10_000.0).round() / 100.0
    }
}

impl AddAssign for Figures {
    fn add_assign(&mut self, other: Self) {
        // Written out in full, so that a new figure cannot be forgotten here.
        *self = Self {
            rounds: self.rounds + other.rounds,
            seconds: self.seconds + other.seconds,
            kills: self.kills + other.kills,
            kills_at_start: self.kills_at_start + other.kills_at_start,
            terminations: self.terminations + other.terminations,
            pauses: self.pauses + other.pauses,
            operations: self.operations + other.operations,
            writes_acknowledged: self.writes_acknowledged + other.writes_acknowledged,
            unknown: self.unknown + other.unknown,
            lists: self.lists + other.lists,
            events: self.events + other.events,
            bookmarks: self.bookmarks + other.bookmarks,
            resumes: self.resumes + other.resumes,
            searched: self.searched + other.searched,
            undecided: self.undecided + other.undecided,
            violations: self.violations + other.violations,
        };
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "crash: {} kills ({} at start), {} terminations, {} pauses in {} s; {} operations, {} % unknown, {} writes \
             acknowledged; {} lists, {} events ({} bookmarks), {} resumes; {} objects searched, {} undecided; {} violations",
            self.kills,
            self.kills_at_start,
            self.terminations,
            self.pauses,
            self.seconds,
            self.operations,
            self.unknown_share(),
            self.writes_acknowledged,
            self.lists,
            self.events,
            self.bookmarks,
            self.resumes,
            self.searched,
            self.undecided,
            self.violations,
        )
    }
}

/// Puts the figures under `crash` in the file that all reliability runs share.
///
/// # Errors
/// See [`leasehold_figures::record`].
pub fn record(figures: &Figures) -> Result<(), Error> {
    let mut value = serde_json::to_value(figures)?;
    value["unknownPercent"] = json!(figures.unknown_share());
    Ok(leasehold_figures::record("crash", &value)?)
}
