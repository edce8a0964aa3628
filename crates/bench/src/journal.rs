//! What was written, and what each watcher was told of it: exact counts of what is missing, came twice or should not have
//! come.
//!
//! Every write has a number of its own, which its lease carries ([`crate::body::mark`]). A watcher keeps the numbers that
//! it was told. A write that the server neither acknowledged nor refused may be told or not.

use leasehold_clock::Monotonic;
use parking_lot::Mutex;
use serde::Serialize;

use crate::Summary;

/// All writes of a run; the number of a write is its place, from 1.
#[derive(Default)]
pub(crate) struct Journal(Mutex<Vec<Write>>);

#[derive(Clone, Copy)]
struct Write {
    lease: u32,
    sent: Monotonic,
    fate: Fate,
    measured: bool,
}

/// What became of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Not known: it is under way, or its reply never came.
    Unknown,
    Acknowledged,
    Refused,
}

/// What watchers were told.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Deliveries {
    /// Watches that were open.
    pub watchers: u64,
    /// Events that all of them together had to be told.
    pub expected: u64,
    /// Those of them that they were told.
    pub delivered: u64,
    /// Those that they were not told.
    pub missed: u64,
    /// Events that a watcher was told again.
    pub duplicates: u64,
    /// Events that a watcher should not have been told: of writes that were refused, or of leases that it did not ask for.
    pub unexpected: u64,
    /// Watches that ended before the measurement did.
    pub ended: u64,
    /// From sending the write until its event was here.
    pub latency_microseconds: Summary,
}

impl Journal {
    /// The number of a write that is about to be sent.
    pub(crate) fn begin(&self, lease: u32, sent: Monotonic, measured: bool) -> u32 {
        let mut writes = self.0.lock();
        writes.push(Write {
            lease,
            sent,
            fate: Fate::Unknown,
            measured,
        });
        u32::try_from(writes.len()).expect("nobody waits for four thousand million writes")
    }

    /// Notes what became of it.
    pub(crate) fn end(&self, number: u32, fate: Fate) {
        if let Some(write) = self.0.lock().get_mut(number as usize - 1) {
            write.fate = fate;
        }
    }

    /// When the write was sent, if it is measured.
    pub(crate) fn sent(&self, number: u32) -> Option<Monotonic> {
        let writes = self.0.lock();
        let write = writes.get((number as usize).checked_sub(1)?)?;
        write.measured.then_some(write.sent)
    }

    /// Whether a watcher of this lease, or of all of them, was told everything that it has to be. That it was told as *many*
    /// events does not say so: some of them may have come twice.
    pub(crate) fn is_complete(&self, of: Option<u32>, told: &[u32]) -> bool {
        let writes = self.0.lock();
        let due = || (1..).zip(&*writes).filter(|(_, write)| write.is_due(of));
        if told.len() < due().count() {
            return false;
        }
        let mut told = told.to_vec();
        told.sort_unstable();
        due().all(|(number, _)| told.binary_search(&number).is_ok())
    }

    /// Adds what a watcher of this lease, or of all of them, was told.
    pub(crate) fn compare(&self, of: Option<u32>, mut told: Vec<u32>, into: &mut Deliveries) {
        let writes = self.0.lock();
        told.sort_unstable();
        let all = told.len();
        told.dedup();
        into.duplicates += (all - told.len()) as u64;
        let mut delivered = 0;
        for number in told {
            match (number as usize).checked_sub(1).and_then(|at| writes.get(at)) {
                Some(write) if write.is_due(of) => delivered += 1,
                Some(write) if write.may_come(of) => {}
                _ => into.unexpected += 1,
            }
        }
        let expected = writes.iter().filter(|write| write.is_due(of)).count() as u64;
        into.watchers += 1;
        into.expected += expected;
        into.delivered += delivered;
        into.missed += expected - delivered;
    }
}

impl Write {
    fn is_for(&self, of: Option<u32>) -> bool {
        of.is_none_or(|lease| lease == self.lease)
    }

    fn is_due(&self, of: Option<u32>) -> bool {
        self.is_for(of) && self.fate == Fate::Acknowledged
    }

    fn may_come(&self, of: Option<u32>) -> bool {
        self.is_for(of) && self.fate == Fate::Unknown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes 1 to 6 to leases 0, 1, 0, 1, 0, 1; the fifth was refused, of the sixth nothing is known.
    fn journal() -> Journal {
        let journal = Journal::default();
        for at in 0..6 {
            let number = journal.begin(at % 2, Monotonic::default(), at > 0);
            let fate = [Fate::Acknowledged, Fate::Refused, Fate::Unknown][(number as usize).saturating_sub(4)];
            journal.end(number, fate);
        }
        journal
    }

    fn counts(of: Option<u32>, told: &[u32]) -> [u64; 5] {
        let mut found = Deliveries::default();
        journal().compare(of, told.to_vec(), &mut found);
        [
            found.expected,
            found.delivered,
            found.missed,
            found.duplicates,
            found.unexpected,
        ]
    }

    #[test]
    fn what_is_missing_twice_or_wrong_is_counted_exactly() {
        for (of, told, wanted) in [
            (None, &[1, 2, 3, 4][..], [4, 4, 0, 0, 0]),
            (None, &[4, 3, 2, 1, 6], [4, 4, 0, 0, 0]),
            (None, &[], [4, 0, 4, 0, 0]),
            (None, &[1, 3, 4], [4, 3, 1, 0, 0]),
            (None, &[1, 2, 2, 2, 3, 4, 6, 6], [4, 4, 0, 3, 0]),
            (None, &[1, 2, 3, 4, 5], [4, 4, 0, 0, 1]),
            (None, &[0, 1, 2, 3, 4, 7], [4, 4, 0, 0, 2]),
            (Some(0), &[1, 3], [2, 2, 0, 0, 0]),
            (Some(0), &[1, 2, 3], [2, 2, 0, 0, 1]),
            (Some(1), &[2], [2, 1, 1, 0, 0]),
            (Some(9), &[], [0, 0, 0, 0, 0]),
        ] {
            assert_eq!(counts(of, told), wanted, "{of:?} {told:?}");
        }
    }

    #[test]
    fn only_measured_writes_have_a_time() {
        assert_eq!(journal().sent(1), None);
        assert_eq!(journal().sent(2), Some(Monotonic::default()));
        assert_eq!(journal().sent(0), None);
        assert_eq!(journal().sent(7), None);
    }

    #[test]
    fn as_many_events_as_expected_are_not_all_of_them() {
        for (of, told, wanted) in [
            (None, &[1, 2, 3, 4][..], true),
            (None, &[4, 2, 1, 3, 6], true),
            (None, &[1, 2, 3], false),
            (None, &[1, 2, 3, 3, 3], false),
            (None, &[1, 2, 3, 5, 6, 7], false),
            (Some(0), &[3, 1], true),
            (Some(0), &[1, 2], false),
        ] {
            assert_eq!(journal().is_complete(of, told), wanted, "{of:?} {told:?}");
        }
    }
}
