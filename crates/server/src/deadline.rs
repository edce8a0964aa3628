//! How long a request may take.

use std::time::Duration;

use leasehold_api::ApiError;
use leasehold_api::options::Query;

/// The longest a request may take, watches apart, and what it is given when it does not say.
pub(crate) const REQUEST_MAX: Duration = Duration::from_secs(60);

/// The time given to a request: what its `timeout` asks for, such as `10s`, up to [`REQUEST_MAX`].
///
/// # Errors
/// 400 when that cannot be read.
pub(crate) fn of(query: Query<'_>) -> Result<Duration, ApiError> {
    let Some(text) = query.first("timeout").filter(|text| !text.is_empty()) else {
        return Ok(REQUEST_MAX);
    };
    let asked = parse(text).ok_or_else(|| {
        let message = format!("invalid timeout specified in the request URL - time: invalid duration {text:?}");
        ApiError::bad_request(message)
    })?;
    // None at all, or a negative one, is no wish.
    Ok(if asked > 0.0 {
        Duration::from_secs_f64(asked.min(REQUEST_MAX.as_secs_f64()))
    } else {
        REQUEST_MAX
    })
}

/// Seconds of a duration as Go writes them: `1m30s`, `1.5h`, `-2s`, `0`.
fn parse(text: &str) -> Option<f64> {
    let (sign, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some(0.0);
    }
    if rest.is_empty() {
        return None;
    }
    let mut seconds = 0.0;
    while !rest.is_empty() {
        let number = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let unit = rest[number..]
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .map_or(rest.len(), |end| number + end);
        // The standard parser takes "1." and ".5" too, as Go does; a lone point neither takes.
        seconds += rest[..number].parse::<f64>().ok()? * unit_seconds(&rest[number..unit])?;
        rest = &rest[unit..];
    }
    Some(sign * seconds)
}

fn unit_seconds(unit: &str) -> Option<f64> {
    match unit {
        "ns" => Some(1e-9),
        "us" | "µs" | "μs" => Some(1e-6),
        "ms" => Some(1e-3),
        "s" => Some(1.0),
        "m" => Some(60.0),
        "h" => Some(3600.0),
        _ => None,
    }
}

/// 504: it took longer. Unlike kube-apiserver's it says when to try again, as every refusal does that passes by itself.
pub(crate) fn exceeded() -> ApiError {
    ApiError::timeout("Timeout: request did not complete within the allotted timeout", 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::uri;

    fn asked(query: &str) -> Result<Duration, ApiError> {
        of(Query::new(&uri::query_pairs(Some(query))))
    }

    #[test]
    fn who_is_given_up_on_is_told_when_to_try_again() {
        let told = exceeded();
        let details = told.status().details.as_ref().unwrap();
        assert_eq!((told.code(), details.retry_after_seconds), (504, 1));
    }

    #[test]
    fn a_client_may_ask_for_less() {
        let cases = [
            ("", 60_000),
            ("timeout=", 60_000),
            ("timeout=10s", 10_000),
            ("timeout=1500ms", 1_500),
            ("timeout=1.5s", 1_500),
            ("timeout=%2B.5s", 500),
            ("timeout=0m20s", 20_000),
            ("timeout=32s&timeout=x", 32_000),
            ("timeout=0", 60_000),
            ("timeout=0s", 60_000),
            ("timeout=-5s", 60_000),
            ("timeout=2h", 60_000),
            ("timeout=99999999999999999999h", 60_000),
        ];
        for (query, millis) in cases {
            assert_eq!(asked(query), Ok(Duration::from_millis(millis)), "{query}");
        }
    }

    #[test]
    fn what_is_no_duration_is_400() {
        for text in [
            "xyz", "10", "s", "-", "1s2", "1 s", ".s", "1.2.3s", "10x", "inf", "1e3s",
        ] {
            assert_eq!(asked(&format!("timeout={text}")).unwrap_err().code(), 400, "{text}");
        }
    }
}
