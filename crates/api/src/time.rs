//! Points in time as Kubernetes writes them: [`Time`] with whole seconds, [`MicroTime`] with six decimals.
//!
//! Both are `{seconds = 1, nanos = 2}` in protobuf, where an empty message is Go's zero time, and RFC 3339 in UTC in
//! JSON, where the zero time is `null`. Any RFC 3339 text is read, with any number of decimals; upstream wants exactly
//! six for a `MicroTime`.

use jiff::civil::{DateTime, date};
use jiff::fmt::temporal::DateTimeParser;
use serde::de::{Deserialize, Deserializer, Error as _};
use serde::ser::{Serialize, Serializer};

/// Seconds between the year 1, which Go calls the zero time, and 1970.
const GO_ZERO_SECONDS: i64 = -62_135_596_800;
/// The last second of the year 9999.
const LAST_SECONDS: i64 = 253_402_300_799;
/// The beginning of 1970, in UTC.
const EPOCH: DateTime = date(1970, 1, 1).at(0, 0, 0, 0);

/// Why a text is not a time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot parse \"{0}\" as an RFC 3339 time")]
pub struct TimeError(String);

/// Seconds and nanoseconds since 1970 of an RFC 3339 text; leap seconds are read as the second before.
fn parse(text: &str) -> Result<(i64, i32), TimeError> {
    static PARSER: DateTimeParser = DateTimeParser::new();
    let fail = || TimeError(text.chars().take(64).collect());
    // RFC 3339 proper: a four-digit year, `T`, seconds and a zone; the parser takes much more than that.
    let bytes = text.as_bytes();
    let plain = bytes.len() >= 20 && bytes[..4].iter().all(u8::is_ascii_digit) && matches!(bytes[10], b'T' | b't');
    if !plain || text.contains('[') {
        return Err(fail());
    }
    let pieces = PARSER.parse_pieces(text).map_err(|_| fail())?;
    let (time, offset) = pieces.time().zip(pieces.to_numeric_offset()).ok_or_else(fail)?;
    // Counted by hand: a `Timestamp` ends a day before the year 9999 does, to have room for any time zone.
    let since = DateTime::from_parts(pieces.date(), time).duration_since(EPOCH);
    let (mut seconds, mut nanos) = (since.as_secs(), since.subsec_nanos());
    if nanos < 0 {
        seconds -= 1;
        nanos += 1_000_000_000;
    }
    Ok((seconds - i64::from(offset.seconds()), nanos))
}

/// An RFC 3339 text in UTC, put together without allocating: every renewal writes a few of them.
struct Text {
    bytes: [u8; 27],
    len: usize,
}

impl Text {
    /// Seconds since 1970 and the microseconds after that, which are shown only if they are given. Beyond the years 1 to
    /// 9999 there is no RFC 3339 text; the nearest one is made.
    fn new(seconds: i64, micros: Option<u32>) -> Self {
        let seconds = seconds.clamp(GO_ZERO_SECONDS, LAST_SECONDS);
        let (year, month, day) = date_of(seconds.div_euclid(86_400));
        let second = seconds.rem_euclid(86_400) as u32;
        let mut bytes = *b"0000-00-00T00:00:00.000000Z";
        let mut pair = |at: usize, number: u32| {
            bytes[at] = b'0' + (number / 10) as u8;
            bytes[at + 1] = b'0' + (number % 10) as u8;
        };
        pair(0, year / 100);
        pair(2, year % 100);
        pair(5, month);
        pair(8, day);
        pair(11, second / 3600);
        pair(14, second / 60 % 60);
        pair(17, second % 60);
        let len = match micros {
            Some(micros) => {
                pair(20, micros / 10_000);
                pair(22, micros / 100 % 100);
                pair(24, micros % 100);
                27
            }
            None => {
                bytes[19] = b'Z';
                20
            }
        };
        Self { bytes, len }
    }

    fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    fn as_str(&self) -> &str {
        std::str::from_utf8(self.as_bytes()).expect("digits and punctuation")
    }
}

/// Year, month and day of a day after 1970, of the years 1 to 9999. Years are taken to begin in March, so that the leap
/// day comes last, and are counted in eras of 400, all of which are equally long.
fn date_of(days: i64) -> (u32, u32, u32) {
    const ERA: i64 = 146_097;
    const FROM_MARCH_OF_YEAR_0: i64 = 719_468;
    let since = days + FROM_MARCH_OF_YEAR_0;
    let (era, day) = (since / ERA, since % ERA);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    ((era * 400 + year + next) as u32, month as u32, day as u32)
}

macro_rules! time_type {
    ($(#[$meta:meta])* $name:ident, $micros:expr, $keep_nanos:expr) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, prost::Message)]
        pub struct $name {
            /// Seconds since 1970 in UTC.
            #[prost(int64, tag = "1")]
            pub seconds: i64,
            /// Nanoseconds after that, 0 to 999,999,999.
            #[prost(int32, tag = "2")]
            pub nanos: i32,
        }

        impl $name {
            /// The time with the precision that this type keeps; `nanos` beyond a second is dropped.
            #[must_use]
            pub const fn new(seconds: i64, nanos: i32) -> Self {
                let keep: i32 = $keep_nanos;
                let nanos = if nanos < 0 || nanos > 999_999_999 || keep == 0 { 0 } else { nanos - nanos % keep };
                Self { seconds, nanos }
            }

            /// The wall-clock time with the precision that this type keeps.
            #[must_use]
            pub fn from_system(at: std::time::SystemTime) -> Self {
                match at.duration_since(std::time::UNIX_EPOCH) {
                    Ok(since) => Self::new(since.as_secs() as i64, since.subsec_nanos() as i32),
                    Err(before) => Self::new(-(before.duration().as_secs() as i64) - 1, 0),
                }
            }

            /// Go's zero time, which clients mean by "not set": the year 1, or an empty protobuf message. What this type
            /// does not keep of `nanos` does not count, nor how long before the year 1 it is.
            #[must_use]
            pub const fn is_zero(&self) -> bool {
                let kept = Self::new(self.seconds, self.nanos);
                kept.nanos == 0 && (kept.seconds == 0 || kept.seconds <= GO_ZERO_SECONDS)
            }

            /// Reads an RFC 3339 text.
            ///
            /// # Errors
            /// When it is not one.
            pub fn parse(text: &str) -> Result<Self, TimeError> {
                let (seconds, nanos) = parse(text)?;
                Ok(if seconds == GO_ZERO_SECONDS && nanos == 0 { Self::default() } else { Self::new(seconds, nanos) })
            }
        }

        impl $name {
            fn text(&self) -> Text {
                let micros: fn(i32) -> Option<u32> = $micros;
                Text::new(self.seconds, micros(self.nanos))
            }

            /// Appends the JSON form: a text, or `null` for the zero time.
            pub(crate) fn write_json(&self, out: &mut Vec<u8>) {
                if self.is_zero() {
                    return out.extend_from_slice(b"null");
                }
                out.push(b'"');
                out.extend_from_slice(self.text().as_bytes());
                out.push(b'"');
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.text().as_str())
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                if self.is_zero() { serializer.serialize_unit() } else { serializer.serialize_str(self.text().as_str()) }
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = Option::<std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                text.map_or(Ok(Self::default()), |text| Self::parse(&text).map_err(D::Error::custom))
            }
        }
    };
}

time_type!(
    /// A time with whole seconds: `2026-01-02T03:04:05Z`.
    Time,
    |_| None,
    0
);
time_type!(
    /// A time with microseconds, always six decimals: `2026-01-02T03:04:05.000006Z`.
    MicroTime,
    |nanos| Some(nanos.clamp(0, 999_999_999).cast_unsigned() / 1000),
    1000
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_rfc3339_text_is_read_and_micros_are_kept() {
        for (text, printed) in [
            ("2026-01-02T03:04:05.000006Z", "2026-01-02T03:04:05.000006Z"),
            ("2026-01-02T03:04:05Z", "2026-01-02T03:04:05.000000Z"),
            ("2026-01-02T03:04:05.123456789Z", "2026-01-02T03:04:05.123456Z"),
            ("2026-01-02T05:04:05.1+02:00", "2026-01-02T03:04:05.100000Z"),
            ("1969-12-31T23:59:59.5Z", "1969-12-31T23:59:59.500000Z"),
            ("0001-01-01T00:00:01Z", "0001-01-01T00:00:01.000000Z"),
            ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"),
            ("9999-12-31T23:00:00+05:00", "9999-12-31T18:00:00.000000Z"),
            ("2016-12-31T23:59:60Z", "2016-12-31T23:59:59.000000Z"),
            // Later in UTC than there is a text for.
            ("9999-12-31T23:59:59-00:01", "9999-12-31T23:59:59.000000Z"),
        ] {
            assert_eq!(
                MicroTime::parse(text).map(|t| t.to_string()),
                Ok(printed.to_owned()),
                "{text}"
            );
        }
    }

    #[test]
    fn every_day_has_the_date_that_a_calendar_gives_it() {
        let (mut day, mut count) = (date(1, 1, 1), GO_ZERO_SECONDS / 86_400);
        loop {
            let found = date_of(count);
            let want = (day.year() as u32, day.month() as u32, day.day() as u32);
            assert_eq!(found, want);
            count += 1;
            match day.tomorrow() {
                Ok(next) => day = next,
                Err(_) => break,
            }
        }
        assert_eq!(count, LAST_SECONDS / 86_400 + 1);
    }

    #[test]
    fn what_is_not_rfc3339_is_refused() {
        for text in [
            "",
            "yesterday",
            "2026-01-02",
            "2026-01-02 03:04:05Z",
            "2026-13-02T03:04:05Z",
            "20260102T030405Z",
            "2026-01-02T03:04:05",
            "2026-01-02T03:04:05Z[UTC]",
        ] {
            assert!(Time::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn zero_time_is_null_in_json() {
        assert_eq!(serde_json::to_string(&Time::default()).unwrap(), "null");
        assert!(
            serde_json::from_str::<Time>("\"0001-01-01T00:00:00Z\"")
                .unwrap()
                .is_zero()
        );
        assert!(serde_json::from_str::<MicroTime>("null").unwrap().is_zero());
        // What comes by protobuf may be finer, and farther, than what can be shown.
        for (seconds, nanos) in [(0, 999), (0, -1), (i64::MIN, 0)] {
            assert_eq!(serde_json::to_string(&MicroTime { seconds, nanos }).unwrap(), "null");
        }
        assert!(
            !MicroTime {
                seconds: 0,
                nanos: 1000
            }
            .is_zero()
        );
    }
}
