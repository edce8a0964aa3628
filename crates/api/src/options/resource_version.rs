//! [`ResourceVersion`]: which state of the store a read asks for.

use super::Query;
use super::query::why;
use crate::ApiError;

/// The `resourceVersion` of a read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ResourceVersion {
    /// Not given: the newest state.
    #[default]
    Unset,
    /// `0`: any state will do, even an old one.
    Any,
    /// A revision of the store, never 0. What it demands depends on the request.
    At(u64),
}

impl ResourceVersion {
    /// Reads the parameter's text. 400 where it is not a number of 64 bits without sign; Kubernetes answers 500 to some
    /// such requests and this text to the rest.
    pub fn parse(text: &str) -> Result<Self, ApiError> {
        if text.is_empty() {
            return Ok(Self::Unset);
        }
        match parse_unsigned(text) {
            Ok(0) => Ok(Self::Any),
            Ok(revision) => Ok(Self::At(revision)),
            Err(why) => Err(ApiError::bad_request(format!(
                "invalid resource version: resourceVersion: Invalid value: {text:?}: strconv.ParseUint: parsing \
                 {text:?}: {why}"
            ))),
        }
    }
}

/// As Rust reads numbers, but for the leading `+`.
fn parse_unsigned(text: &str) -> Result<u64, &'static str> {
    if text.starts_with('+') {
        return Err("invalid syntax");
    }
    text.parse().map_err(|e| why(&e))
}

/// The options of a get.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GetOptions {
    /// [`ResourceVersion::At`] asks for a state not older than this one.
    pub resource_version: ResourceVersion,
}

impl GetOptions {
    /// Reads the options of a get; 400 for a bad `resourceVersion`.
    pub fn from_query(query: Query<'_>) -> Result<Self, ApiError> {
        let resource_version = ResourceVersion::parse(query.text("resourceVersion"))?;
        Ok(Self { resource_version })
    }
}

#[cfg(test)]
mod tests {
    use super::super::query::tests::pairs;
    use super::*;

    #[test]
    fn versions_are_unset_any_or_a_number() {
        let cases = [
            ("", ResourceVersion::Unset),
            ("0", ResourceVersion::Any),
            ("00", ResourceVersion::Any),
            ("1", ResourceVersion::At(1)),
            ("18446744073709551615", ResourceVersion::At(u64::MAX)),
        ];
        for (text, want) in cases {
            let query = pairs(&format!("resourceVersion={text}"));
            let got = GetOptions::from_query(Query::new(&query)).unwrap();
            assert_eq!(got.resource_version, want, "{text}");
        }
    }

    #[test]
    fn other_texts_are_bad_requests_that_name_them() {
        let cases = [
            ("abc", "invalid syntax"),
            ("-1", "invalid syntax"),
            ("+1", "invalid syntax"),
            ("1 ", "invalid syntax"),
            ("18446744073709551616", "value out of range"),
        ];
        for (text, why) in cases {
            let error = ResourceVersion::parse(text).unwrap_err();
            let want = format!(
                "invalid resource version: resourceVersion: Invalid value: \"{text}\": strconv.ParseUint: parsing \
                 \"{text}\": {why}"
            );
            assert_eq!((error.code(), error.to_string()), (400, want));
        }
    }
}
