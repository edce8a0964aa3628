//! Field selectors: `metadata.name=a,metadata.namespace!=b`. What is accepted follows `apimachinery/pkg/fields`.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use super::SelectorError;
use crate::ApiError;

/// The field that names the object.
pub const NAME: &str = "metadata.name";
/// The field that names the object's namespace.
pub const NAMESPACE: &str = "metadata.namespace";

/// Requirements that must all hold. The default has none and matches everything.
///
/// Parsed with [`FromStr`]. `Display` is canonical: sorted, and read back as an equal selector.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selector {
    terms: Vec<Term>,
}

/// `field=value`, or `field!=value` when `negated`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Term {
    field: String,
    negated: bool,
    value: String,
}

/// What a resource that is selected by name and namespace only tells who asks for another field.
#[must_use]
pub fn metadata_only(field: &str) -> String {
    format!("{field:?} is not a known field selector: only {NAME:?}, {NAMESPACE:?}")
}

impl Selector {
    /// Selects the object of this name.
    #[must_use]
    pub fn by_name(name: &str) -> Self {
        let term = Term {
            field: NAME.to_owned(),
            negated: false,
            value: name.to_owned(),
        };
        Self { terms: vec![term] }
    }

    /// Whether this selects everything.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// Whether an object is selected whose fields `get` tells. A field it does not have counts as empty.
    pub fn matches<'a>(&self, get: impl Fn(&str) -> Option<Cow<'a, str>>) -> bool {
        self.terms.iter().all(|term| {
            let value = get(&term.field).unwrap_or_default();
            (value == term.value) != term.negated
        })
    }

    /// The one value this field must have, if the selector says so.
    #[must_use]
    pub fn requires_exact(&self, field: &str) -> Option<&str> {
        let mut exact = self.terms.iter().filter(|t| !t.negated);
        exact.find(|t| t.field == field).map(|t| &*t.value)
    }

    /// The fields asked about, some perhaps more than once.
    pub fn fields(&self) -> impl Iterator<Item = &str> {
        self.terms.iter().map(|t| &*t.field)
    }

    /// Refuses (400) a field that is not among those `known`, with the text that `describe` makes of its name.
    pub fn only(&self, known: &[&str], describe: impl Fn(&str) -> String) -> Result<(), ApiError> {
        match self.fields().find(|field| !known.contains(field)) {
            Some(field) => Err(ApiError::bad_request(describe(field))),
            None => Ok(()),
        }
    }
}

impl FromStr for Selector {
    type Err = SelectorError;

    fn from_str(text: &str) -> Result<Self, SelectorError> {
        let mut parts = split_terms(text);
        parts.sort_unstable(); // which of several mistakes is told must not depend on their order
        let mut terms = Vec::with_capacity(parts.len());
        for part in parts.into_iter().filter(|part| !part.is_empty()) {
            let term = parse_term(text, part)?;
            if !(term.field.is_empty() && term.value.is_empty()) {
                terms.push(term);
            }
        }
        terms.sort_unstable();
        Ok(Self { terms })
    }
}

/// The texts between commas; a comma after a backslash is none.
fn split_terms(text: &str) -> Vec<&str> {
    let mut terms = Vec::new();
    let (mut start, mut escaped) = (0, false);
    for (i, byte) in text.bytes().enumerate() {
        if !escaped && byte == b',' {
            terms.push(&text[start..i]);
            start = i + 1;
        }
        escaped = !escaped && byte == b'\\';
    }
    if !text.is_empty() {
        terms.push(&text[start..]);
    }
    terms
}

fn parse_term(selector: &str, term: &str) -> Result<Term, SelectorError> {
    let Some((at, operator)) = find_operator(term) else {
        return Err(SelectorError(format!(
            "invalid selector: '{selector}'; can't understand '{term}'"
        )));
    };
    Ok(Term {
        field: term[..at].to_owned(),
        negated: operator == "!=",
        value: unescape(&term[at + operator.len()..])?,
    })
}

/// Where the first operator stands, and which it is.
fn find_operator(term: &str) -> Option<(usize, &'static str)> {
    let at = term.find('=')?;
    match term[..at].strip_suffix('!') {
        Some(field) => Some((field.len(), "!=")),
        None if term[at..].starts_with("==") => Some((at, "==")),
        None => Some((at, "=")),
    }
}

/// Resolves `\\`, `\,` and `\=`; bare commas and equal signs are refused.
fn unescape(text: &str) -> Result<String, SelectorError> {
    let mut value = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some(c @ ('\\' | ',' | '=')) => value.push(c),
                other => {
                    let bad = other.map(String::from).unwrap_or_default();
                    return Err(SelectorError(format!(
                        "invalid field selector: invalid escape sequence: \\{bad}"
                    )));
                }
            },
            ',' | '=' => {
                // Kubernetes gives the character's number.
                return Err(SelectorError(format!(
                    "invalid field selector: unescaped character in value: {}",
                    u32::from(c)
                )));
            }
            c => value.push(c),
        }
    }
    Ok(value)
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, term) in self.terms.iter().enumerate() {
            if i > 0 {
                f.write_str(",")?;
            }
            write!(f, "{term}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.field)?;
        f.write_str(if self.negated { "!=" } else { "=" })?;
        for c in self.value.chars() {
            if matches!(c, '\\' | ',' | '=') {
                f.write_str("\\")?;
            }
            write!(f, "{c}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn selector(text: &str) -> Selector {
        text.parse().unwrap_or_else(|e| panic!("{text}: {e}"))
    }

    fn fields_of_a(field: &str) -> Option<Cow<'static, str>> {
        match field {
            NAME => Some("a".into()),
            NAMESPACE => Some("n,=".into()),
            _ => None,
        }
    }

    #[test]
    fn selectors_choose_by_fields() {
        let cases = [
            ("", true),
            (",", true),
            ("=", true),
            ("metadata.name=a", true),
            ("metadata.name==a", true),
            ("metadata.name!=a", false),
            ("metadata.name!=b", true),
            ("metadata.name=a,metadata.name!=b", true),
            ("metadata.name=a,metadata.name=b", false),
            ("metadata.name=", false),
            (r"metadata.namespace=n\,\=", true),
            (r"metadata.name!=x\\,metadata.name=a", true),
            ("unset=", true),
            ("unset!=", false),
        ];
        for (text, want) in cases {
            assert_eq!(selector(text).matches(fields_of_a), want, "{text}");
        }
    }

    #[test]
    fn display_is_canonical() {
        let cases = [
            ("", ""),
            ("=,b==1,,a!=2,a=3", "a=3,a!=2,b=1"),
            (r"a=\\\,\=", r"a=\\\,\="),
        ];
        for (text, want) in cases {
            assert_eq!(selector(text).to_string(), want, "{text}");
        }
    }

    #[test]
    fn refusals_read_as_those_of_kubernetes() {
        let cases = [
            ("nope", "invalid selector: 'nope'; can't understand 'nope'"),
            ("b,a=1,a", "invalid selector: 'b,a=1,a'; can't understand 'a'"),
            ("a=b=c", "invalid field selector: unescaped character in value: 61"),
            (r"a=\x", r"invalid field selector: invalid escape sequence: \x"),
            (r"a=\", r"invalid field selector: invalid escape sequence: \"),
        ];
        for (text, want) in cases {
            assert_eq!(text.parse::<Selector>().unwrap_err().to_string(), want);
        }
    }

    #[test]
    fn an_exact_requirement_is_found() {
        let cases = [
            ("", None),
            ("metadata.name!=a", None),
            ("metadata.namespace=a", None),
            ("metadata.name=a", Some("a")),
            (r"x!=y,metadata.name!=b,metadata.name==a\\", Some(r"a\")),
        ];
        for (text, want) in cases {
            assert_eq!(selector(text).requires_exact(NAME), want, "{text}");
        }
        assert_eq!(Selector::by_name("a"), selector("metadata.name=a"));
    }

    #[test]
    fn unknown_fields_are_refused_in_the_callers_words() {
        let known = [NAME, NAMESPACE];
        assert!(selector("metadata.name=a").only(&known, metadata_only).is_ok());
        let error = selector("spec.x=1").only(&known, metadata_only).unwrap_err();
        let want = r#""spec.x" is not a known field selector: only "metadata.name", "metadata.namespace""#;
        assert_eq!((error.code(), error.to_string().as_str()), (400, want));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in any::<String>()) {
            let _ = text.parse::<Selector>();
        }

        #[test]
        fn what_is_displayed_reads_back_the_same(text in r"([ab!=,]|\\[\\,=]|\\){0,16}") {
            if let Ok(once) = text.parse::<Selector>() {
                prop_assert_eq!(&selector(&once.to_string()), &once);
            }
        }
    }
}
