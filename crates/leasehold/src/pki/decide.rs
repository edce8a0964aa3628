//! Whether a certificate that is there still does: a pure decision.

use std::collections::BTreeSet;
use std::fmt;

use jiff::{SignedDuration, Timestamp};

use super::names::Name;

/// A certificate is replaced when less than this remains, or less than a third of its life if that is shorter.
const RENEW_BEFORE: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Whom a certificate names: the user and the groups of a client, or only a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Subject {
    pub(crate) common_name: String,
    /// In the order of the certificate.
    pub(crate) organizations: Vec<String>,
}

/// What a certificate may be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Usage {
    Server,
    Client,
}

/// What a certificate should say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) subject: Subject,
    /// Empty for a client.
    pub(crate) names: BTreeSet<Name>,
    pub(crate) usage: Usage,
}

/// What is in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Existing {
    /// The certificate or its key is not there.
    Absent,
    /// It, or its key, cannot be made sense of.
    Unreadable,
    Certificate(Facts),
}

/// What a certificate says, and how it stands to its key and our CA.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Facts {
    pub(crate) subject: Subject,
    pub(crate) names: BTreeSet<Name>,
    pub(crate) usages: Vec<Usage>,
    pub(crate) not_before: Timestamp,
    pub(crate) not_after: Timestamp,
    pub(crate) key_fits: bool,
    pub(crate) signed_by_ca: bool,
}

/// Why a certificate is issued anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    Missing,
    Unreadable,
    KeyDoesNotFit,
    OtherCa,
    OtherNames,
    OtherSubject,
    OtherUsage,
    NotYetValid,
    Expiring,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Missing => "there was none",
            Self::Unreadable => "the old one was unreadable",
            Self::KeyDoesNotFit => "the key did not belong to it",
            Self::OtherCa => "the old one was not signed by the CA",
            Self::OtherNames => "the names have changed",
            Self::OtherSubject => "the subject has changed",
            Self::OtherUsage => "the old one was for another use",
            Self::NotYetValid => "the old one was not valid yet",
            Self::Expiring => "the old one was about to expire",
        })
    }
}

/// Why the certificate has to be issued anew; `None` keeps it.
pub(crate) fn decide(existing: &Existing, wanted: &Wanted, now: Timestamp) -> Option<Reason> {
    let facts = match existing {
        Existing::Absent => return Some(Reason::Missing),
        Existing::Unreadable => return Some(Reason::Unreadable),
        Existing::Certificate(facts) => facts,
    };
    let checks = [
        (facts.key_fits, Reason::KeyDoesNotFit),
        (facts.signed_by_ca, Reason::OtherCa),
        (facts.names == wanted.names, Reason::OtherNames),
        (facts.subject == wanted.subject, Reason::OtherSubject),
        (facts.usages == [wanted.usage], Reason::OtherUsage),
        (facts.not_before <= now, Reason::NotYetValid),
        (now < renew_at(facts), Reason::Expiring),
    ];
    checks.into_iter().find(|(holds, _)| !holds).map(|(_, reason)| reason)
}

/// The third of a life keeps a certificate that the CA's own end cut short from being issued again each time.
fn renew_at(facts: &Facts) -> Timestamp {
    let life = facts.not_after.duration_since(facts.not_before);
    facts.not_after - RENEW_BEFORE.min(life / 3)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: SignedDuration = SignedDuration::from_hours(24);

    fn day(number: i32) -> Timestamp {
        Timestamp::UNIX_EPOCH + DAY * (20_000 + number)
    }

    fn wanted() -> Wanted {
        Wanted {
            subject: Subject {
                common_name: "leasehold".into(),
                organizations: vec![],
            },
            names: BTreeSet::from([Name::Dns("localhost".into())]),
            usage: Usage::Server,
        }
    }

    /// What was wanted, issued on day 0 for so many days.
    fn good(days: i32) -> Facts {
        Facts {
            subject: wanted().subject,
            names: wanted().names,
            usages: vec![Usage::Server],
            not_before: day(0),
            not_after: day(days),
            key_fits: true,
            signed_by_ca: true,
        }
    }

    fn with(change: impl FnOnce(&mut Facts)) -> Existing {
        let mut facts = good(365);
        change(&mut facts);
        Existing::Certificate(facts)
    }

    #[test]
    fn each_flaw_is_a_reason_to_issue_anew() {
        let other_name = Name::Dns("other".into());
        for (existing, reason) in [
            (Existing::Absent, Some(Reason::Missing)),
            (Existing::Unreadable, Some(Reason::Unreadable)),
            (with(|_| {}), None),
            (with(|facts| facts.key_fits = false), Some(Reason::KeyDoesNotFit)),
            (with(|facts| facts.signed_by_ca = false), Some(Reason::OtherCa)),
            (with(|facts| facts.names.clear()), Some(Reason::OtherNames)),
            (
                with(|facts| _ = facts.names.insert(other_name)),
                Some(Reason::OtherNames),
            ),
            (
                with(|facts| facts.subject.common_name.push('x')),
                Some(Reason::OtherSubject),
            ),
            (
                with(|facts| facts.subject.organizations.push("o".into())),
                Some(Reason::OtherSubject),
            ),
            (
                with(|facts| facts.usages = vec![Usage::Client]),
                Some(Reason::OtherUsage),
            ),
            (with(|facts| facts.usages.push(Usage::Client)), Some(Reason::OtherUsage)),
            (with(|facts| facts.not_before = day(2)), Some(Reason::NotYetValid)),
        ] {
            assert_eq!(decide(&existing, &wanted(), day(1)), reason, "{existing:?}");
        }
    }

    #[test]
    fn it_is_replaced_thirty_days_or_a_third_of_its_life_before_its_end() {
        for (life, last_kept_day, first_replaced_day) in [(365, 334, 335), (90, 59, 60), (30, 19, 20), (3, 1, 2)] {
            let existing = Existing::Certificate(good(life));
            assert_eq!(
                decide(&existing, &wanted(), day(last_kept_day)),
                None,
                "life of {life} days"
            );
            let decision = decide(&existing, &wanted(), day(first_replaced_day));
            assert_eq!(decision, Some(Reason::Expiring), "life of {life} days");
        }
        assert_eq!(
            decide(&Existing::Certificate(good(365)), &wanted(), day(400)),
            Some(Reason::Expiring),
            "expired"
        );
    }
}
