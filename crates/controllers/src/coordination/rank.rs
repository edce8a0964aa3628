//! Who is better, and by which rule.

use std::cmp::Ordering;

use super::candidate::Candidate;

/// Two candidates of the newest version that want different rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Conflict {
    pub(super) candidates: [String; 2],
}

/// The strategy by which to choose: that of the candidate with the newest binary. `None` without candidates.
pub(super) fn strategy<'a>(candidates: &[&'a Candidate]) -> Result<Option<&'a str>, Conflict> {
    let mut best: Option<&Candidate> = None;
    for candidate in candidates {
        match best.map(|best| newer_binary(candidate, best)) {
            None | Some(Ordering::Greater) => best = Some(candidate),
            Some(Ordering::Less) => {}
            Some(Ordering::Equal) => {
                let best = best.expect("what was compared with");
                if best.object.spec.strategy != candidate.object.spec.strategy {
                    let candidates = [best, candidate].map(|it| it.name().to_owned());
                    return Err(Conflict { candidates });
                }
            }
        }
    }
    Ok(best.map(|best| best.object.spec.strategy.as_str()))
}

/// A version that cannot be read is older than any other.
fn newer_binary(a: &Candidate, b: &Candidate) -> Ordering {
    match (&a.versions, &b.versions) {
        (Some((_, a)), Some((_, b))) => a.cmp_precedence(b),
        (a, b) => a.is_some().cmp(&b.is_some()),
    }
}

/// `Less` where `a` is to be preferred: the oldest emulation version, then the oldest binary, then who came first. Both
/// must have versions that can be read.
pub(super) fn compare(a: &Candidate, b: &Candidate) -> Ordering {
    let versions = match (&a.versions, &b.versions) {
        (Some(a), Some(b)) => a.0.cmp_precedence(&b.0).then_with(|| a.1.cmp_precedence(&b.1)),
        (a, b) => b.is_some().cmp(&a.is_some()),
    };
    let came = |it: &Candidate| it.object.metadata.creation_timestamp;
    versions
        .then_with(|| came(a).cmp(&came(b)))
        .then_with(|| a.name().cmp(b.name()))
}

#[cfg(test)]
mod tests {
    use leasehold_api::Time;
    use leasehold_api::coordination::LeaseCandidate;
    use leasehold_clock::Monotonic;

    use super::*;

    fn candidate(name: &str, binary: &str, emulation: &str, created: i64, strategy: &str) -> Candidate {
        let mut object = LeaseCandidate::default();
        object.metadata.name = name.to_owned();
        object.metadata.creation_timestamp = Time::new(created, 0);
        object.spec.binary_version = binary.to_owned();
        object.spec.emulation_version = emulation.to_owned();
        object.spec.strategy = strategy.to_owned();
        Candidate::new(object, true, Monotonic::default())
    }

    #[test]
    fn the_oldest_emulation_then_the_oldest_binary_then_the_first_to_come_is_best() {
        let ordered = [
            candidate("f", "1.36.0", "1.34.0", 9, ""),
            candidate("e", "1.35.0-rc.1", "1.35.0", 9, ""),
            candidate("d", "1.35.0", "1.35.0", 9, ""),
            candidate("c", "1.36.0", "1.35.0", 1, ""),
            candidate("b", "1.36.0", "1.35.0", 2, ""),
            candidate("z", "1.36.0+build", "1.35.0", 2, ""),
            candidate("a", "1.36.0", "1.36.0", 0, ""),
            candidate("unreadable", "new", "1.1.0", 0, ""),
        ];
        for (i, a) in ordered.iter().enumerate() {
            for (j, b) in ordered.iter().enumerate() {
                assert_eq!(compare(a, b), i.cmp(&j), "{} and {}", a.name(), b.name());
            }
        }
    }

    #[test]
    fn the_newest_binary_says_how_to_choose() {
        let old = candidate("old", "1.34.0", "1.34.0", 0, "x.io/old");
        let new = candidate("new", "1.36.0", "1.34.0", 0, "x.io/new");
        let agrees = candidate("agrees", "1.36.0", "1.34.0", 0, "x.io/new");
        let differs = candidate("differs", "1.36.0", "1.36.0", 0, "x.io/other");
        assert_eq!(strategy(&[]), Ok(None));
        assert_eq!(strategy(&[&old, &new, &agrees]), Ok(Some("x.io/new")));
        assert_eq!(strategy(&[&new, &old]), Ok(Some("x.io/new")));
        let candidates = ["new", "differs"].map(str::to_owned);
        assert_eq!(strategy(&[&old, &new, &differs]), Err(Conflict { candidates }));
        let newest = candidate("newest", "1.37.0", "1.37.0", 0, "x.io/newest");
        assert_eq!(
            strategy(&[&newest, &old, &old]),
            Ok(Some("x.io/newest")),
            "older ones may differ"
        );
    }
}
