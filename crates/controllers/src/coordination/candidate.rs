//! What is known of a candidate: what it says of itself, and when it was heard from.

use leasehold_api::MicroTime;
use leasehold_api::coordination::LeaseCandidate;
use leasehold_clock::Monotonic;
use semver::Version;

use super::{ANSWER, QUIET, VALID, patience};

/// A candidate as this process has come to know it.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    pub(super) object: LeaseCandidate,
    /// Emulation version and binary version, where both can be read.
    pub(super) versions: Option<(Version, Version)>,
    /// When it was heard from last: it came or renewed while we looked. `None` if it was there before.
    pub(super) heard: Option<Monotonic>,
    /// When it was heard from last, or seen first.
    since: Monotonic,
    /// How often it was asked since it was heard from, and when last.
    pings: u32,
    pinged: Monotonic,
}

/// Whether a candidate is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It is.
    Answered,
    /// It was asked, and has until then to answer.
    Asked(Monotonic),
    /// It did not answer, and is not asked again before then.
    Silent(Monotonic),
    /// It has to be asked.
    Unknown,
}

/// What a candidate needs apart from any election.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Chore {
    /// Nobody has heard from it for too long.
    Delete,
    /// It has answered, but by its clock has not: left so, it would answer without end.
    ClearPing,
}

impl Candidate {
    /// One that is seen for the first time. `is_new` says that it came while we looked.
    pub(super) fn new(object: LeaseCandidate, is_new: bool, now: Monotonic) -> Self {
        let is_asked = is_asked(&object);
        Self {
            versions: versions(&object),
            object,
            heard: is_new.then_some(now),
            since: now,
            // Asked by whoever was here before: it has its time to answer from now on.
            pings: u32::from(is_asked),
            pinged: now,
        }
    }

    /// It has been changed by itself or by somebody else.
    pub(super) fn changed(&mut self, object: LeaseCandidate, now: Monotonic) {
        if object.metadata.uid != self.object.metadata.uid {
            *self = Self::new(object, true, now);
            return;
        }
        if object.spec.renew_time != self.object.spec.renew_time {
            (self.heard, self.since, self.pings) = (Some(now), now, 0);
        }
        self.versions = versions(&object);
        self.object = object;
    }

    /// It has just been asked.
    pub(super) fn note_ping(&mut self, now: Monotonic) {
        (self.pings, self.pinged) = (self.pings.saturating_add(1), now);
    }

    pub(super) fn name(&self) -> &str {
        &self.object.metadata.name
    }

    /// Whether it may take part at all.
    pub(super) fn is_valid(&self, now: Monotonic) -> bool {
        now.since(self.since) < VALID && self.object.spec.renew_time.is_some_and(|it| !it.is_zero())
    }

    /// Whether it is there, for an election that began at `began`.
    pub(super) fn standing(&self, now: Monotonic, began: Monotonic) -> Standing {
        if self.pings == 0 {
            let is_fresh = self.heard.is_some_and(|heard| heard + ANSWER >= began);
            return if is_fresh {
                Standing::Answered
            } else {
                Standing::Unknown
            };
        }
        let (answer, again) = (self.pinged + ANSWER, self.pinged + patience(self.pings));
        if now < answer {
            Standing::Asked(answer)
        } else if now < again {
            Standing::Silent(again)
        } else {
            Standing::Unknown
        }
    }

    /// Whether it has been left in peace for long enough.
    pub(super) fn is_quiet(&self, now: Monotonic) -> bool {
        now.since(self.since) >= QUIET
    }

    /// When something is due of it though nothing happens.
    pub(super) fn due(&self, now: Monotonic) -> Monotonic {
        let quiet = self.since + QUIET;
        match self.standing(now, now) {
            _ if now < quiet => quiet,
            Standing::Asked(at) | Standing::Silent(at) => at.min(self.since + VALID),
            Standing::Answered | Standing::Unknown => self.since + VALID,
        }
    }

    pub(super) fn chore(&self, now: Monotonic) -> Option<Chore> {
        if now.since(self.since) >= VALID {
            Some(Chore::Delete)
        } else if self.pings == 0 && is_asked(&self.object) {
            Some(Chore::ClearPing)
        } else {
            None
        }
    }

    /// The `pingTime` that it will answer: newer than its `renewTime` by as little as can be, and than the last one.
    pub(super) fn next_ping(&self) -> MicroTime {
        let spec = &self.object.spec;
        let last = spec.ping_time.max(spec.renew_time).unwrap_or_default();
        match last.nanos + 1000 {
            nanos if nanos < 1_000_000_000 => MicroTime::new(last.seconds, nanos),
            nanos => MicroTime::new(last.seconds + 1, nanos - 1_000_000_000),
        }
    }
}

/// Whether it says of itself that it was asked and has not answered.
fn is_asked(object: &LeaseCandidate) -> bool {
    object.spec.ping_time > object.spec.renew_time
}

fn versions(object: &LeaseCandidate) -> Option<(Version, Version)> {
    let read = |text: &str| Version::parse(text).ok();
    Some((
        read(&object.spec.emulation_version)?,
        read(&object.spec.binary_version)?,
    ))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn at(seconds: u64) -> Monotonic {
        Monotonic(Duration::from_secs(seconds))
    }

    fn object(renewed: i64, pinged: Option<MicroTime>) -> LeaseCandidate {
        let mut object = LeaseCandidate::default();
        object.spec.renew_time = Some(MicroTime::new(renewed, 0));
        object.spec.ping_time = pinged;
        object
    }

    #[test]
    fn what_was_there_before_has_to_be_asked_and_what_comes_does_not() {
        let before = Candidate::new(object(1, None), false, at(100));
        let came = Candidate::new(object(1, None), true, at(100));
        assert_eq!(before.standing(at(100), at(100)), Standing::Unknown);
        assert_eq!(came.standing(at(100), at(100)), Standing::Answered);
        assert_eq!(came.standing(at(106), at(106)), Standing::Unknown, "long ago");
        assert_eq!(
            came.standing(at(110), at(105)),
            Standing::Answered,
            "good for the whole election"
        );
        let asked = Candidate::new(object(1, Some(MicroTime::new(2, 0))), false, at(100));
        assert_eq!(
            asked.standing(at(100), at(100)),
            Standing::Asked(at(105)),
            "by the process before us"
        );
    }

    #[test]
    fn one_that_does_not_answer_is_asked_less_and_less() {
        let mut candidate = Candidate::new(object(1, None), true, at(0));
        let mut asked = vec![];
        for second in 0..1800 {
            let now = at(second);
            if candidate.standing(now, now) == Standing::Unknown {
                candidate.note_ping(now);
                asked.push(second);
            }
        }
        assert_eq!(asked, [6, 16, 36, 76, 156, 316, 616, 916, 1216, 1516]);
        candidate.changed(object(2, None), at(1700));
        assert_eq!(candidate.standing(at(1701), at(1701)), Standing::Answered);
        assert!(candidate.is_valid(at(1700 + 1799)) && !candidate.is_valid(at(1700 + 1800)));
        assert_eq!(candidate.chore(at(1700 + 1800)), Some(Chore::Delete));
    }

    #[test]
    fn a_ping_is_just_newer_than_what_the_candidate_knows() {
        let ping = |renewed, pinged| {
            let mut object = object(0, pinged);
            object.spec.renew_time = Some(renewed);
            Candidate::new(object, false, at(0)).next_ping()
        };
        assert_eq!(ping(MicroTime::new(5, 7000), None), MicroTime::new(5, 8000));
        assert_eq!(ping(MicroTime::new(5, 999_999_000), None), MicroTime::new(6, 0));
        let again = Some(MicroTime::new(5, 8000));
        assert_eq!(
            ping(MicroTime::new(5, 7000), again),
            MicroTime::new(5, 9000),
            "a change, so that it is seen"
        );
    }

    #[test]
    fn an_answer_from_a_clock_that_went_back_counts_and_its_ping_is_cleared() {
        let mut candidate = Candidate::new(object(100, None), true, at(0));
        candidate.note_ping(at(10));
        candidate.changed(object(100, Some(MicroTime::new(100, 1000))), at(10));
        assert_eq!(candidate.chore(at(10)), None);
        candidate.changed(object(90, Some(MicroTime::new(100, 1000))), at(11));
        assert_eq!(candidate.standing(at(11), at(10)), Standing::Answered);
        assert_eq!(candidate.chore(at(11)), Some(Chore::ClearPing));
    }

    #[test]
    fn a_namesake_is_another_one() {
        let mut candidate = Candidate::new(object(1, None), false, at(0));
        let mut other = object(1, None);
        other.metadata.uid = "other".to_owned();
        candidate.changed(other, at(1700));
        assert!(candidate.is_valid(at(1800)));
        assert_eq!(candidate.standing(at(1700), at(1700)), Standing::Answered);
    }
}
