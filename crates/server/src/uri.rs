//! The path and the query of a request, decoded once and before anything is decided by them.
//!
//! Whatever could make two readers of a path disagree about what it names (an encoded slash, a dot segment, an empty
//! segment, a control character) is refused here, so that authorization and storage see the same thing.

use std::borrow::Cow;

/// Why a path is not looked at any further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PathError {
    /// It cannot be decoded, or decodes to what no path may hold: 400.
    Malformed,
    /// It has an empty segment or a dot segment, and so is nothing's name: 404.
    NotCanonical,
}

/// Decodes a path. One trailing slash is dropped.
pub(crate) fn decode_path(raw: &str) -> Result<Cow<'_, str>, PathError> {
    if raw == "/" {
        return Ok(Cow::Borrowed(raw));
    }
    let decoded = percent_decode(raw.strip_suffix('/').unwrap_or(raw))?;
    if decoded
        .split('/')
        .skip(1)
        .any(|segment| matches!(segment, "" | "." | ".."))
    {
        return Err(PathError::NotCanonical);
    }
    Ok(decoded)
}

fn percent_decode(raw: &str) -> Result<Cow<'_, str>, PathError> {
    if !raw.starts_with('/') || raw.bytes().any(|byte| byte.is_ascii_control()) {
        return Err(PathError::Malformed);
    }
    for (at, _) in raw.match_indices('%') {
        let digits = raw.get(at + 1..at + 3).ok_or(PathError::Malformed)?;
        // `from_str_radix` alone would take a sign.
        let hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        let byte = u8::from_str_radix(digits, 16).ok().filter(|_| hex);
        if byte.is_none_or(|byte| byte == b'/' || byte.is_ascii_control()) {
            return Err(PathError::Malformed);
        }
    }
    percent_encoding::percent_decode_str(raw)
        .decode_utf8()
        .map_err(|_| PathError::Malformed)
}

/// The names and values of a query string, decoded, in the order sent.
pub(crate) type Pairs<'a> = Vec<(Cow<'a, str>, Cow<'a, str>)>;

/// Decodes a query string.
pub(crate) fn query_pairs(query: Option<&str>) -> Pairs<'_> {
    query.map_or_else(Vec::new, |query| form_urlencoded::parse(query.as_bytes()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_path_stays_as_it_is() {
        for path in ["/", "/api/v1", "/apis/coordination.k8s.io/v1/namespaces/a/leases/b.c"] {
            assert!(
                matches!(decode_path(path), Ok(Cow::Borrowed(got)) if got == path),
                "{path}"
            );
        }
        assert_eq!(decode_path("/apis/"), Ok("/apis".into()));
        assert_eq!(
            decode_path("/api/v1/namespaces/a%3ab"),
            Ok("/api/v1/namespaces/a:b".into())
        );
    }

    #[test]
    fn what_two_readers_could_read_differently_is_refused() {
        use PathError::{Malformed, NotCanonical};
        let cases = [
            ("", Malformed),
            ("*", Malformed),
            ("api", Malformed),
            ("/a%2fb", Malformed),
            ("/a%2Fb", Malformed),
            ("/a%00b", Malformed),
            ("/a%0a", Malformed),
            ("/a%7f", Malformed),
            ("/a%", Malformed),
            ("/a%2", Malformed),
            ("/a%zz", Malformed),
            ("/a%+1", Malformed),
            ("/a%ff", Malformed),
            ("/a%€", Malformed),
            ("/a/./b", NotCanonical),
            ("/a/../b", NotCanonical),
            ("/a/..", NotCanonical),
            ("/a/%2e%2e/b", NotCanonical),
            ("/a/%2E", NotCanonical),
            ("/a//b", NotCanonical),
            ("//a", NotCanonical),
            ("//", NotCanonical),
            ("/a//", NotCanonical),
        ];
        for (path, want) in cases {
            assert_eq!(decode_path(path), Err(want), "{path}");
        }
    }

    #[test]
    fn a_query_is_decoded_in_order() {
        let pairs = query_pairs(Some("a=1&b&a=%3D+x"));
        let want = [("a", "1"), ("b", ""), ("a", "= x")].map(|(name, value)| (name.into(), value.into()));
        assert_eq!(pairs, want);
        assert!(query_pairs(None).is_empty());
    }
}
