//! [`Query`]: the parameters of a request, and how Kubernetes reads booleans and numbers from them.

use std::borrow::Cow;

use crate::ApiError;

/// The query string's parameters, already percent-decoded, in the order sent.
///
/// Names are looked up by walking: there are rarely more than five.
#[derive(Clone, Copy, Debug, Default)]
pub struct Query<'a>(&'a [(Cow<'a, str>, Cow<'a, str>)]);

impl<'a> Query<'a> {
    /// The query of these names and values.
    #[must_use]
    pub fn new(pairs: &'a [(Cow<'a, str>, Cow<'a, str>)]) -> Self {
        Self(pairs)
    }

    /// The first value of this name. `?name` and `?name=` give the empty one.
    #[must_use]
    pub fn first(self, name: &str) -> Option<&'a str> {
        self.all(name).next()
    }

    /// As [`Query::first`], but empty where there is none: most parameters do not tell the two apart.
    pub(super) fn text(self, name: &str) -> &'a str {
        self.first(name).unwrap_or("")
    }

    /// Every value of this name.
    pub(super) fn all(self, name: &str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(n, _)| n == name).map(|(_, v)| &**v)
    }

    /// Whether a switch is on; `None` when it is not mentioned. `0` and `false` are off, everything else is on, the
    /// empty value and `no` included.
    pub(super) fn switch(self, name: &str) -> Option<bool> {
        let value = self.first(name)?;
        Some(value != "0" && !value.eq_ignore_ascii_case("false"))
    }

    /// A whole number. 400 in Go's words where it is none, or beyond 64 bits.
    pub(super) fn number(self, name: &str) -> Result<Option<i64>, ApiError> {
        let Some(text) = self.first(name) else {
            return Ok(None);
        };
        let number = text
            .parse::<i64>()
            .map_err(|e| ApiError::bad_request(format!("strconv.ParseInt: parsing {text:?}: {}", why(&e))));
        number.map(Some)
    }
}

/// Why Go would refuse this number.
pub(super) fn why(error: &std::num::ParseIntError) -> &'static str {
    use std::num::IntErrorKind::{NegOverflow, PosOverflow};
    match error.kind() {
        PosOverflow | NegOverflow => "value out of range",
        _ => "invalid syntax",
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) type Pairs = Vec<(Cow<'static, str>, Cow<'static, str>)>;

    /// Splits `a=b&c` into pairs; values stand for themselves, nothing is decoded.
    pub(crate) fn pairs(text: &str) -> Pairs {
        let terms = text.split('&').filter(|t| !t.is_empty());
        terms
            .map(|term| {
                let (name, value) = term.split_once('=').unwrap_or((term, ""));
                (name.to_owned().into(), value.to_owned().into())
            })
            .collect()
    }

    #[test]
    fn a_switch_is_off_only_when_it_says_so() {
        let cases = [
            ("", None),
            ("watch", Some(true)),
            ("watch=", Some(true)),
            ("watch=1", Some(true)),
            ("watch=true", Some(true)),
            ("watch=yes", Some(true)),
            ("watch=no", Some(true)),
            ("watch=0", Some(false)),
            ("watch=false", Some(false)),
            ("watch=FALSE", Some(false)),
            ("watch=0&watch=1", Some(false)),
            ("Watch=1", None),
        ];
        for (text, want) in cases {
            assert_eq!(Query::new(&pairs(text)).switch("watch"), want, "{text}");
        }
    }

    #[test]
    fn numbers_are_read_or_refused() {
        let good = [("", None), ("n=5", Some(5)), ("n=-1", Some(-1)), ("n=+07", Some(7))];
        for (text, want) in good {
            assert_eq!(Query::new(&pairs(text)).number("n").unwrap(), want, "{text}");
        }
        let bad = [
            ("n=abc", r#"strconv.ParseInt: parsing "abc": invalid syntax"#),
            ("n=", r#"strconv.ParseInt: parsing "": invalid syntax"#),
            (
                "n=9223372036854775808",
                r#"strconv.ParseInt: parsing "9223372036854775808": value out of range"#,
            ),
        ];
        for (text, want) in bad {
            let error = Query::new(&pairs(text)).number("n").unwrap_err();
            assert_eq!((error.code(), error.to_string().as_str()), (400, want));
        }
    }
}
