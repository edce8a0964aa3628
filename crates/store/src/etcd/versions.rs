//! What is known of etcd's versions.

/// A version as etcd tells it. One that is not `MAJOR.MINOR.PATCH` is taken for an old one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Version {
    numbers: (u32, u32, u32),
    /// Sorts before the release whose numbers it has.
    released: bool,
}

impl Version {
    fn parse(text: &str) -> Option<Self> {
        let (numbers, released) = match text.split_once(['-', '+']) {
            Some((numbers, _)) => (numbers, false),
            None => (text, true),
        };
        let mut numbers = numbers.split('.').map(|number| number.parse().ok());
        let mut next = || numbers.next().flatten();
        Some(Self {
            numbers: (next()?, next()?, next()?),
            released,
        })
    }

    const fn of(major: u32, minor: u32, patch: u32) -> Self {
        Self {
            numbers: (major, minor, patch),
            released: true,
        }
    }
}

/// Whether a member of this version, asked how far a watch is, never names a revision before it has told everything up to it.
/// Older ones do (etcd issue 15220): a bookmark from such a word would hide the changes that come after it.
pub(super) fn progress_is_sound(version: &str) -> bool {
    let fixed = [Version::of(3, 4, 31), Version::of(3, 5, 13), Version::of(3, 6, 0)];
    Version::parse(version).is_some_and(|version| {
        let in_its_line =
            |fixed: &Version| version.numbers.0 == fixed.numbers.0 && version.numbers.1 == fixed.numbers.1;
        match fixed.iter().find(|fixed| in_its_line(fixed)) {
            Some(fixed) => version >= *fixed,
            None => version > fixed[2],
        }
    })
}

/// Why a version should not be kept, if so: bugs that lose or change data, whatever we do.
pub(super) fn concern(version: &str) -> Option<&'static str> {
    let version = Version::parse(version)?;
    if version < Version::of(3, 4, 0) {
        Some("it is too old: 3.4 is the oldest that is supported")
    } else if version >= Version::of(3, 5, 0) && version < Version::of(3, 5, 3) {
        Some("3.5.0 to 3.5.2 can lose data when they are killed under load")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_trusted_from_the_first_fixed_release_of_each_line_on() {
        for sound in [
            "3.4.31",
            "3.4.37",
            "3.5.13",
            "3.5.21",
            "3.6.0",
            "3.6.4",
            "3.7.0-alpha.0",
            "4.0.0",
        ] {
            assert!(progress_is_sound(sound), "{sound}");
        }
        for unsound in [
            "3.4.30",
            "3.4.23",
            "3.5.12",
            "3.3.99",
            "3.6.0-rc.1",
            "",
            "3.6",
            "newest",
            "3.x.1",
        ] {
            assert!(!progress_is_sound(unsound), "{unsound}");
        }
    }

    #[test]
    fn versions_that_lose_data_are_told_of() {
        for (version, concerning) in [
            ("3.5.2", true),
            ("3.5.3", false),
            ("3.3.27", true),
            ("3.4.23", false),
            ("?", false),
        ] {
            assert_eq!(concern(version).is_some(), concerning, "{version}");
        }
    }
}
