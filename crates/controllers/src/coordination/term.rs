//! What is known of a lease: who holds it, and when its record was seen to change.

use std::collections::HashMap;
use std::time::Duration;

use leasehold_api::MicroTime;
use leasehold_api::coordination::{Lease, LeaseSpec};
use leasehold_clock::Monotonic;

use super::patience;

/// How long after the last correction the count of them begins anew.
const CORRECTIONS_FORGOTTEN: Duration = Duration::from_secs(15 * 60);
/// How often a candidate may fail to take up a lease that it was given before others go first.
const MISSED_MAX: u32 = 2;

/// A lease as this process has come to know it.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    /// Absent: there is no lease.
    record: Option<Record>,
    /// When that was seen first.
    changed: Monotonic,
    /// Who emptied the lease, or deleted it, when it was last held.
    stepped_down: Option<String>,
    /// When the election began that is under way.
    pub(super) round: Option<Monotonic>,
    /// What we wrote when we gave the lease to its holder, until the holder renews it.
    given: Option<Record>,
    /// Who did not take up a lease that was given to them: how often in a row, and when last.
    missed: HashMap<String, (u32, Monotonic)>,
    /// How often fields of ours were set right, and when last.
    corrections: u32,
    corrected: Monotonic,
    /// How often in a row something could not be written, and when last.
    failures: u32,
    failed: Monotonic,
}

/// What of a lease changes when its holder renews it: no field of ours, and no label.
#[derive(Clone, Debug, PartialEq)]
struct Record {
    holder: String,
    duration: Duration,
    acquired: Option<MicroTime>,
    renewed: Option<MicroTime>,
    transitions: Option<i32>,
}

/// Whether somebody leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Term<'a> {
    /// There is no lease.
    Missing,
    /// Nobody holds it.
    Vacant,
    /// Its holder has been silent for its duration.
    Expired,
    /// It is held, at least until then.
    Held(&'a str, Monotonic),
}

impl Seen {
    /// A lease that is looked at for the first time: whoever holds it has a whole term from now on.
    pub(super) fn new(lease: Option<&Lease>, now: Monotonic) -> Self {
        Self {
            record: lease.map(|lease| Record::of(&lease.spec)),
            changed: now,
            stepped_down: None,
            round: None,
            given: None,
            missed: HashMap::new(),
            corrections: 0,
            corrected: Monotonic::default(),
            failures: 0,
            failed: Monotonic::default(),
        }
    }

    /// Takes up what the lease is now.
    pub(super) fn look(&mut self, lease: Option<&Lease>, now: Monotonic) {
        if now.since(self.corrected) > CORRECTIONS_FORGOTTEN {
            self.corrections = 0;
        }
        let record = lease.map(|lease| Record::of(&lease.spec));
        if record == self.record {
            return;
        }
        let before = std::mem::replace(&mut self.record, record);
        self.changed = now;
        let (old, new) = (holder(before.as_ref()), holder(self.record.as_ref()));
        if old != new {
            self.corrections = 0;
            self.stepped_down = old.filter(|_| new.is_none()).map(str::to_owned);
        }
        if self.given.is_some() && self.given != self.record {
            if old == new
                && let Some(holder) = new
            {
                self.missed.remove(holder);
            }
            self.given = None;
        }
    }

    /// Notes what has just been written to give the lease to somebody.
    pub(super) fn give(&mut self, lease: &Lease, now: Monotonic) {
        if let (Some(given), Term::Expired) = (&self.given, self.term(now)) {
            let missed = self.missed.entry(given.holder.clone()).or_insert((0, now));
            *missed = (missed.0.saturating_add(1), now);
        }
        self.record = Some(Record::of(&lease.spec));
        (self.given, self.changed) = (self.record.clone(), now);
        (self.round, self.stepped_down, self.corrections) = (None, None, 0);
    }

    /// Notes that fields of ours have just been set right.
    pub(super) fn note_correction(&mut self, now: Monotonic) {
        (self.corrections, self.corrected) = (self.corrections.saturating_add(1), now);
    }

    /// Notes that something could not be written.
    pub(super) fn note_failure(&mut self, now: Monotonic) {
        (self.failures, self.failed) = (self.failures.saturating_add(1), now);
    }

    /// Notes that the lease can be written.
    pub(super) fn note_success(&mut self) {
        self.failures = 0;
    }

    /// When to try again what could not be written.
    pub(super) fn failed_until(&self, now: Monotonic) -> Option<Monotonic> {
        let again = self.failed + patience(self.failures);
        (self.failures > 0 && now < again).then_some(again)
    }

    /// From when on fields of ours may be set right; at once where it has not been needed before.
    pub(super) fn correctable(&self) -> Monotonic {
        match self.corrections {
            0 => Monotonic::default(),
            times => self.corrected + patience(times - 1),
        }
    }

    pub(super) fn term(&self, now: Monotonic) -> Term<'_> {
        let Some(record) = &self.record else {
            return Term::Missing;
        };
        let until = self.changed + record.duration;
        match holder(Some(record)) {
            None => Term::Vacant,
            Some(_) if now >= until => Term::Expired,
            Some(holder) => Term::Held(holder, until),
        }
    }

    /// Whether a candidate comes last though it may be the best: it was the last to hold the lease, has stepped down or
    /// fallen silent, and has not been heard from since; or it has left what it was given lying more than once.
    pub(super) fn comes_last(&self, name: &str, heard: Option<Monotonic>, now: Monotonic) -> bool {
        let was = self.stepped_down.as_deref().or(holder(self.record.as_ref()));
        was == Some(name) && heard.is_none_or(|heard| heard <= self.changed) || self.is_passed_over(name, now)
    }

    /// Whether a candidate has left what it was given lying more than once, not long ago.
    pub(super) fn is_passed_over(&self, name: &str, now: Monotonic) -> bool {
        let missed = self.missed.get(name);
        missed.is_some_and(|(times, at)| *times >= MISSED_MAX && now < *at + patience(*times))
    }
}

impl Record {
    fn of(spec: &LeaseSpec) -> Self {
        let seconds = spec
            .lease_duration_seconds
            .and_then(|seconds| u64::try_from(seconds).ok());
        Self {
            // Released by some as an empty text and by others as none.
            holder: spec.holder_identity.clone().unwrap_or_default(),
            duration: Duration::from_secs(seconds.unwrap_or(0)),
            acquired: spec.acquire_time,
            renewed: spec.renew_time,
            transitions: spec.lease_transitions,
        }
    }
}

fn holder(record: Option<&Record>) -> Option<&str> {
    record
        .map(|record| record.holder.as_str())
        .filter(|holder| !holder.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Monotonic {
        Monotonic(Duration::from_secs(seconds))
    }

    fn lease(holder: Option<&str>, renewed: i64) -> Lease {
        let mut lease = Lease::default();
        lease.spec.holder_identity = holder.map(str::to_owned);
        lease.spec.lease_duration_seconds = Some(15);
        lease.spec.renew_time = Some(MicroTime::new(renewed, 0));
        lease
    }

    #[test]
    fn a_term_lasts_from_when_its_renewal_was_seen_whatever_the_stamp_says() {
        let held = lease(Some("a"), 0);
        let mut seen = Seen::new(Some(&held), at(100));
        assert_eq!(seen.term(at(114)), Term::Held("a", at(115)));
        assert_eq!(seen.term(at(115)), Term::Expired);
        seen.look(Some(&lease(Some("a"), -5)), at(110));
        assert_eq!(seen.term(at(124)), Term::Held("a", at(125)), "back is a change too");
        let mut labelled = lease(Some("a"), -5);
        labelled.metadata.labels.insert("x".to_owned(), "y".to_owned());
        labelled.spec.strategy = Some("s".to_owned());
        seen.look(Some(&labelled), at(120));
        assert_eq!(
            seen.term(at(125)),
            Term::Expired,
            "neither a label nor a field of ours is a renewal"
        );
    }

    #[test]
    fn nobody_holds_what_is_empty_absent_or_has_no_duration() {
        assert_eq!(Seen::new(None, at(1)).term(at(1)), Term::Missing);
        for empty in [None, Some("")] {
            assert_eq!(Seen::new(Some(&lease(empty, 0)), at(1)).term(at(1)), Term::Vacant);
        }
        let mut endless = lease(Some("a"), 0);
        endless.spec.lease_duration_seconds = None;
        assert_eq!(Seen::new(Some(&endless), at(1)).term(at(1)), Term::Expired);
    }

    #[test]
    fn who_empties_the_lease_comes_last_until_heard_from_again() {
        for after in [Some(lease(Some(""), 1)), Some(lease(None, 1)), None] {
            let mut seen = Seen::new(Some(&lease(Some("a"), 0)), at(1));
            assert!(!seen.comes_last("a", Some(at(2)), at(2)));
            seen.look(after.as_ref(), at(5));
            assert!(seen.comes_last("a", Some(at(5)), at(5)) && seen.comes_last("a", None, at(5)));
            assert!(!seen.comes_last("a", Some(at(6)), at(6)) && !seen.comes_last("b", None, at(5)));
            seen.look(Some(&lease(Some("b"), 2)), at(7));
            assert!(!seen.comes_last("a", None, at(7)));
        }
    }

    #[test]
    fn who_leaves_lying_what_was_given_is_passed_over_for_a_while() {
        let mut seen = Seen::new(None, at(0));
        let give = |seen: &mut Seen, second: u64| {
            seen.give(&lease(Some("a"), i64::try_from(second).unwrap()), at(second));
        };
        for second in [0, 20, 40] {
            assert!(!seen.is_passed_over("a", at(second)), "{second}");
            give(&mut seen, second);
        }
        assert!(seen.is_passed_over("a", at(41)), "twice");
        assert!(!seen.is_passed_over("a", at(61)));
        seen.look(Some(&lease(Some("a"), 42)), at(42));
        assert!(!seen.is_passed_over("a", at(43)), "it has taken it up");
    }

    #[test]
    fn corrections_that_do_not_last_come_less_and_less_often() {
        let mut seen = Seen::new(Some(&lease(Some("a"), 0)), at(1000));
        let mut corrected = vec![];
        for second in 1000..1100 {
            seen.look(Some(&lease(Some("a"), second)), at(second as u64));
            if at(second as u64) >= seen.correctable() {
                seen.note_correction(at(second as u64));
                corrected.push(second);
            }
        }
        assert_eq!(corrected, [1000, 1005, 1015, 1035, 1075]);
        seen.look(Some(&lease(Some("b"), 0)), at(1101));
        assert!(
            seen.correctable() <= at(1101),
            "another holder may be another kind of client"
        );
    }
}
