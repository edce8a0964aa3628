//! Durations as people write them: `30s`, `5m`, `1h30m`, `365d`, `1y`.

use std::str::FromStr;
use std::time::Duration;

/// Units with their length in milliseconds. A day is 24 hours and a year 365 days: these are lengths, not dates.
const UNITS: [(&str, u64); 6] = [
    ("ms", 1),
    ("s", 1_000),
    ("m", 60_000),
    ("h", 3_600_000),
    ("d", 86_400_000),
    ("y", 31_536_000_000),
];

/// A duration from a flag, the environment or the configuration file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct HumanDuration(pub(crate) Duration);

impl FromStr for HumanDuration {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        total_ms(text)
            .map(|ms| Self(Duration::from_millis(ms)))
            .ok_or_else(|| format!("'{text}' is not a duration; write 30s, 5m, 1h30m or 1y"))
    }
}

impl TryFrom<String> for HumanDuration {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

/// The sum of all `NUMBER UNIT` parts; `None` unless the whole text is at least one such part, without overflow.
fn total_ms(text: &str) -> Option<u64> {
    // Nothing is the same in every unit.
    if text == "0" {
        return Some(0);
    }
    let mut rest = text;
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let (number, after) = split_where(rest, |c| !c.is_ascii_digit());
        let (unit, next) = split_where(after, |c| c.is_ascii_digit());
        let (_, unit_ms) = UNITS.iter().find(|(name, _)| *name == unit)?;
        total = total.checked_add(number.parse::<u64>().ok()?.checked_mul(*unit_ms)?)?;
        rest = next;
    }
    (!text.is_empty()).then_some(total)
}

fn split_where(text: &str, found: fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(found).unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_people_write_them() {
        let cases = [
            ("0s", Some(0)),
            ("250ms", Some(250)),
            ("30s", Some(30_000)),
            ("5m", Some(300_000)),
            ("1h30m", Some(5_400_000)),
            ("1d", Some(86_400_000)),
            ("1y", Some(31_536_000_000)),
            ("", None),
            ("30", None),
            ("s", None),
            ("-5s", None),
            ("1.5h", None),
            ("5 m", None),
            ("5min", None),
            ("99999999999999y", None),
            ("99999999999999999999s", None),
        ];
        for (text, wanted) in cases {
            assert_eq!(
                text.parse::<HumanDuration>().ok().map(|d| d.0.as_millis()),
                wanted,
                "{text:?}"
            );
        }
    }
}
