//! What is judged beside the history: answers that nobody can give without a majority, what servers say of themselves, answers
//! that do not come, and how soon everything works again. Pure.

use std::time::Duration;

use leasehold_crash::check::{Rule, Violation};
use leasehold_crash::client::Noted;
use leasehold_crash::history::{Action, Freshness, Nanos, Outcome};

use crate::health::Confession;

/// No answer of a server that is not stopped takes longer. (What asks etcd gives up after five seconds, and is asked twice at
/// most.)
pub const PATIENCE: Duration = Duration::from_secs(15);
/// A request that names a deadline is answered by then, give or take what a busy machine needs.
pub const DEADLINE: Duration = Duration::from_secs(3);
const LATE: Duration = Duration::from_secs(2);
/// How soon a server says that it cannot work.
pub const CONFESSION: Duration = Duration::from_secs(5);
/// How long everything may take to work again.
pub const RECOVERY: Duration = Duration::from_secs(30);

/// A time without a majority: it had been lost before, and came back after.
#[derive(Clone, Copy, Debug)]
pub struct NoMajority {
    /// From when.
    pub from: Nanos,
    /// Until when.
    pub until: Nanos,
}

/// A time in which a server was stopped.
#[derive(Clone, Copy, Debug)]
pub struct Stop {
    /// Which.
    pub life: usize,
    /// From when.
    pub from: Nanos,
    /// Until when.
    pub until: Nanos,
}

/// What was seen that is not in the history.
#[derive(Debug, Default)]
pub struct Aftermath {
    /// Broken promises.
    pub violations: Vec<Violation>,
    /// When there was none.
    pub no_majority: Vec<NoMajority>,
    /// Who was stopped when.
    pub stops: Vec<Stop>,
    /// How long a server took at most to say that it cannot work.
    pub confession_max: Nanos,
    /// How long a write took at most to be refused for want of a majority.
    pub refusal_max: Nanos,
    /// How long everything took at most to work again.
    pub recovery_max: Nanos,
}

impl Aftermath {
    /// A server was asked from then on whether it is ready, while it could not be.
    pub(crate) fn confessed(&mut self, server: usize, from: Nanos, heard: &Confession) {
        let after = heard.first.map(|first| first - from);
        let limit = nanos(CONFESSION);
        if after.is_none_or(|after| after > limit) {
            let what = format!("server {server} had no majority and said so after {after:?} ns");
            self.violations.push(Violation::new(Rule::FalseHealth, what));
        }
        if heard.taken_back > 0 {
            let what = format!(
                "server {server} had no majority, said so, and took it back {} times",
                heard.taken_back
            );
            self.violations.push(Violation::new(Rule::FalseHealth, what));
        }
        self.confession_max = self.confession_max.max(after.unwrap_or_default());
    }

    /// A server was asked for a write while there was no majority, perhaps with [`DEADLINE`].
    pub(crate) fn refused(&mut self, server: usize, has_deadline: bool, status: Option<u16>, took: Nanos) {
        if has_deadline && took > nanos(DEADLINE + LATE) {
            let what = format!("server {server} was given {DEADLINE:?} for a write and answered after {took} ns");
            self.violations.push(Violation::new(Rule::Hangs, what));
        }
        if !matches!(status, Some(503 | 504)) {
            let what = format!("server {server} had no majority and answered a write with {status:?} after {took} ns");
            self.violations.push(Violation::new(Rule::FalseSuccess, what));
        }
        self.refusal_max = self.refusal_max.max(took);
    }

    /// Everything worked again after so long.
    pub(crate) fn recovered(&mut self, took: Nanos) {
        self.recovery_max = self.recovery_max.max(took);
    }

    /// Judges what clients noted by what is known of the time.
    pub fn judge(&mut self, noted: &[Noted]) {
        for noted in noted {
            let violation = self.without_majority(noted).or_else(|| self.hangs(noted));
            self.violations.extend(violation);
        }
    }

    fn without_majority(&self, noted: &Noted) -> Option<Violation> {
        let operation = &noted.operation;
        let within = |time: &NoMajority| time.from <= operation.called && operation.returned <= time.until;
        let needs_none = matches!(
            operation.action,
            Action::List(Freshness::NotOlder(_) | Freshness::Exact(_))
        );
        let says_nothing = matches!(operation.outcome, Outcome::Unknown | Outcome::Refused);
        let is_answered = !needs_none && !says_nothing && self.no_majority.iter().any(within);
        is_answered.then(|| Violation::new(Rule::FalseSuccess, format!("without a majority: {operation:?}")))
    }

    fn hangs(&self, noted: &Noted) -> Option<Violation> {
        let operation = &noted.operation;
        let was_stopped =
            |stop: &Stop| stop.life == noted.life && stop.from <= operation.returned && operation.called <= stop.until;
        let hangs = noted.status.is_none() && operation.returned - operation.called >= nanos(PATIENCE);
        let is_excused = !hangs || self.stops.iter().any(was_stopped);
        (!is_excused).then(|| {
            Violation::new(
                Rule::Hangs,
                format!("no answer of server life {}: {operation:?}", noted.life),
            )
        })
    }
}

fn nanos(duration: Duration) -> Nanos {
    Nanos::try_from(duration.as_nanos()).unwrap_or(Nanos::MAX)
}

#[cfg(test)]
mod tests {
    use leasehold_crash::history::Operation;

    use super::*;

    const SECOND: Nanos = 1_000_000_000;

    fn noted(life: usize, seconds: (Nanos, Nanos), status: Option<u16>, outcome: Outcome) -> Noted {
        let operation = Operation {
            key: "a".into(),
            called: seconds.0 * SECOND,
            returned: seconds.1 * SECOND,
            action: Action::Get,
            outcome,
        };
        Noted {
            operation,
            life,
            status,
            says_when: true,
        }
    }

    fn found(aftermath: Aftermath, noted: Noted) -> Vec<Rule> {
        let mut aftermath = aftermath;
        aftermath.judge(&[noted]);
        aftermath.violations.iter().map(|violation| violation.rule).collect()
    }

    fn lost() -> Aftermath {
        let no_majority = NoMajority {
            from: 10 * SECOND,
            until: 18 * SECOND,
        };
        Aftermath {
            no_majority: vec![no_majority],
            ..Aftermath::default()
        }
    }

    #[test]
    fn without_a_majority_nothing_can_be_answered() {
        let absent = |from, until| noted(0, (from, until), Some(404), Outcome::Absent);
        assert_eq!(found(lost(), absent(10, 18)), [Rule::FalseSuccess]);
        // It may have been answered before, or after.
        assert_eq!(found(lost(), absent(9, 12)), []);
        assert_eq!(found(lost(), absent(17, 19)), []);
        let refused = noted(0, (11, 16), Some(503), Outcome::Unknown);
        assert_eq!(found(lost(), refused), []);
        let mut old = noted(0, (11, 12), Some(200), Outcome::Listed(5, Vec::new()));
        old.operation.action = Action::List(Freshness::Exact(5));
        assert_eq!(found(lost(), old), []);
    }

    #[test]
    fn only_a_server_that_is_stopped_need_not_answer() {
        let silent = |life, until| noted(life, (10, until), None, Outcome::Unknown);
        let stopped = || Aftermath {
            stops: vec![Stop {
                life: 1,
                from: 12 * SECOND,
                until: 17 * SECOND,
            }],
            ..Aftermath::default()
        };
        assert_eq!(found(stopped(), silent(0, 25)), [Rule::Hangs]);
        assert_eq!(found(stopped(), silent(1, 25)), []);
        // It was killed, or cut.
        assert_eq!(found(stopped(), silent(0, 24)), []);
    }

    #[test]
    fn who_cannot_work_says_so_in_time_and_does_not_take_it_back() {
        let said = |first: Option<Nanos>, taken_back| {
            let mut aftermath = lost();
            aftermath.confessed(0, 10 * SECOND, &Confession { first, taken_back });
            aftermath.violations.len()
        };
        assert_eq!(said(Some(15 * SECOND), 0), 0);
        assert_eq!(said(Some(15 * SECOND + 1), 0), 1);
        assert_eq!(said(None, 0), 1);
        assert_eq!(said(Some(12 * SECOND), 1), 1);
    }

    #[test]
    fn a_write_without_a_majority_is_refused_as_unavailable() {
        let answered = |status, has_deadline, took| {
            let mut aftermath = lost();
            aftermath.refused(0, has_deadline, status, took * SECOND);
            aftermath.violations.len()
        };
        assert_eq!((answered(Some(503), false, 9), answered(Some(504), true, 5)), (0, 0));
        for status in [Some(200), Some(500), None] {
            assert_eq!(answered(status, false, 5), 1);
        }
        assert_eq!(answered(Some(504), true, 6), 1);
    }
}
