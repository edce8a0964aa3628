//! The figures of rounds.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::AddAssign;

use leasehold_crash::check::Verdict;
use leasehold_crash::history::{History, Nanos, Outcome};
use serde::Serialize;
use serde_json::json;

use crate::judge::Aftermath;
use crate::{Error, Fault};

/// What was done, and what was found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Figures {
    /// Rounds, each with an etcd of its own.
    pub rounds: usize,
    /// How long they took, without setup and check.
    pub seconds: u64,
    /// How often each fault came.
    pub faults: BTreeMap<Fault, usize>,
    /// Requests checked.
    pub operations: usize,
    /// Of these, writes and deletions that were acknowledged.
    pub writes_acknowledged: usize,
    /// Of these, how many got no answer, or none that says what became of them.
    pub unknown: usize,
    /// Lists compared with the log.
    pub lists: usize,
    /// Events of watches compared with the log.
    pub events: usize,
    /// Of these, how many were bookmarks.
    pub bookmarks: usize,
    /// Watches that went on where another was cut.
    pub resumes: usize,
    /// Watches and lists that were told that what they need is forgotten.
    pub forgotten: usize,
    /// Objects searched for an order without looking at revisions.
    pub searched: usize,
    /// Of these, how many searches were given up.
    pub undecided: usize,
    /// How long a server took at most to say that there is no majority.
    pub confession_millis_max: u64,
    /// How long a write took at most to be refused for want of a majority.
    pub refusal_millis_max: u64,
    /// How long everything took at most to work again after a fault.
    pub recovery_millis_max: u64,
    /// Broken promises.
    pub violations: usize,
}

impl Figures {
    pub(crate) fn of(
        history: &History,
        verdict: &Verdict,
        aftermath: &Aftermath,
        faults: &[Fault],
        seconds: u64,
    ) -> Self {
        let outcomes = |is: fn(&Outcome) -> bool| {
            let all = history.operations.iter();
            all.filter(|operation| is(&operation.outcome)).count()
        };
        let sessions = history.watchers.iter().map(|watcher| watcher.sessions.len());
        Self {
            rounds: 1,
            seconds,
            faults: faults.iter().map(|fault| (*fault, 1)).collect(),
            operations: history.operations.len(),
            writes_acknowledged: outcomes(|outcome| matches!(outcome, Outcome::Stored(_) | Outcome::Deleted(_))),
            unknown: outcomes(|outcome| matches!(outcome, Outcome::Unknown)),
            lists: verdict.lists,
            events: verdict.events,
            bookmarks: verdict.bookmarks,
            resumes: sessions.map(|sessions| sessions.saturating_sub(1)).sum(),
            forgotten: verdict.forgotten,
            searched: verdict.searched,
            undecided: verdict.undecided,
            confession_millis_max: millis(aftermath.confession_max),
            refusal_millis_max: millis(aftermath.refusal_max),
            recovery_millis_max: millis(aftermath.recovery_max),
            violations: verdict.violations.len(),
        }
    }

    /// What there was too little of for the verdict to mean something, if anything; for a few rounds or more.
    #[must_use]
    pub fn poor_in(&self) -> Option<&'static str> {
        let enough = [
            ("writes", self.writes_acknowledged >= self.operations / 20),
            ("requests without an answer", self.unknown > 0),
            ("lists", self.lists >= self.operations / 100),
            ("events", self.events >= self.writes_acknowledged),
            ("bookmarks", self.bookmarks >= 10 * self.rounds),
            ("resumed watches", self.resumes >= 20 * self.rounds),
            ("watches that were told of a gap", self.forgotten > 0),
            ("decided searches", self.searched > self.undecided),
        ];
        enough.into_iter().find(|(_, is)| !is).map(|(what, _)| what)
    }

    /// Requests without an answer, in hundredths of a percent.
    fn unknown_share(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a share of counts far below 2^52")]
        let share = self.unknown as f64 / self.operations.max(1) as f64;
        (share * 10_000.0).round() / 100.0
    }
}

fn millis(nanos: Nanos) -> u64 {
    nanos / 1_000_000
}

impl AddAssign for Figures {
    fn add_assign(&mut self, other: Self) {
        let mut faults = std::mem::take(&mut self.faults);
        for (fault, count) in other.faults {
            *faults.entry(fault).or_default() += count;
        }
        // Written out in full, so that a new figure cannot be forgotten here.
        *self = Self {
            rounds: self.rounds + other.rounds,
            seconds: self.seconds + other.seconds,
            faults,
            operations: self.operations + other.operations,
            writes_acknowledged: self.writes_acknowledged + other.writes_acknowledged,
            unknown: self.unknown + other.unknown,
            lists: self.lists + other.lists,
            events: self.events + other.events,
            bookmarks: self.bookmarks + other.bookmarks,
            resumes: self.resumes + other.resumes,
            forgotten: self.forgotten + other.forgotten,
            searched: self.searched + other.searched,
            undecided: self.undecided + other.undecided,
            confession_millis_max: self.confession_millis_max.max(other.confession_millis_max),
            refusal_millis_max: self.refusal_millis_max.max(other.refusal_millis_max),
            recovery_millis_max: self.recovery_millis_max.max(other.recovery_millis_max),
            violations: self.violations + other.violations,
        };
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let faults: usize = self.faults.values().sum();
        write!(
            f,
            "chaos: {faults} faults in {} rounds, {} s; {} operations, {} % unknown, {} writes acknowledged; {} lists, {} \
             events ({} bookmarks), {} resumes, {} forgotten; {} objects searched, {} undecided; without a majority: said \
             after {} ms, refused after {} ms; works again after {} ms at most; {} violations",
            self.rounds,
            self.seconds,
            self.operations,
            self.unknown_share(),
            self.writes_acknowledged,
            self.lists,
            self.events,
            self.bookmarks,
            self.resumes,
            self.forgotten,
            self.searched,
            self.undecided,
            self.confession_millis_max,
            self.refusal_millis_max,
            self.recovery_millis_max,
            self.violations,
        )
    }
}

/// Puts the figures under `chaos` in the file that all reliability runs share.
///
/// # Errors
/// See [`leasehold_figures::record`].
pub fn record(figures: &Figures) -> Result<(), Error> {
    let mut value = serde_json::to_value(figures)?;
    value["unknownPercent"] = json!(figures.unknown_share());
    Ok(leasehold_figures::record("chaos", &value)?)
}

#[cfg(test)]
mod tests {
    use super::Figures;

    #[test]
    fn a_run_in_which_little_happened_says_so() {
        let rich = Figures {
            rounds: 2,
            operations: 1000,
            writes_acknowledged: 50,
            unknown: 1,
            lists: 10,
            events: 50,
            bookmarks: 20,
            resumes: 40,
            forgotten: 1,
            searched: 12,
            undecided: 11,
            ..Figures::default()
        };
        assert_eq!(rich.poor_in(), None);
        let poor = |spoil: fn(&mut Figures)| {
            let mut figures = rich.clone();
            spoil(&mut figures);
            figures.poor_in()
        };
        assert_eq!(poor(|figures| figures.writes_acknowledged = 49), Some("writes"));
        assert_eq!(poor(|figures| figures.resumes = 39), Some("resumed watches"));
        assert_eq!(poor(|figures| figures.undecided = 12), Some("decided searches"));
    }
}
