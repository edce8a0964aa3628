//! Label selectors: `a=b,c!=d,e in (x,y),f notin (z),g,!h,i>1`.

mod lexer;
mod parser;

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use super::SelectorError;

/// The labels of an object.
pub type Labels = BTreeMap<String, String>;

/// Requirements that must all hold. The default has none and matches everything.
///
/// Parsed with [`FromStr`]. `Display` is canonical: sorted by key, one way of writing each requirement, and read back
/// as an equal selector.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selector {
    requirements: Vec<Requirement>,
}

/// What must hold for the label of one key.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Requirement {
    key: String,
    test: Test,
}

/// Where a set of values is named it is sorted, free of duplicates and not empty.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Test {
    Exists,
    DoesNotExist,
    /// Also `=` and `==`.
    In(Vec<String>),
    /// Also `!=`. Holds for objects without the label.
    NotIn(Vec<String>),
    /// Holds for labels that are numbers only.
    GreaterThan(i64),
    /// Holds for labels that are numbers only.
    LessThan(i64),
}

impl Selector {
    /// Whether this selects everything.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.requirements.is_empty()
    }

    /// Whether an object with these labels is selected.
    #[must_use]
    pub fn matches(&self, labels: &Labels) -> bool {
        self.requirements.iter().all(|r| r.matches(labels))
    }
}

impl FromStr for Selector {
    type Err = SelectorError;

    fn from_str(text: &str) -> Result<Self, SelectorError> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        let mut requirements = parser::parse(text)?;
        requirements.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(Self { requirements })
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, requirement) in self.requirements.iter().enumerate() {
            if i > 0 {
                f.write_str(",")?;
            }
            write!(f, "{requirement}")?;
        }
        Ok(())
    }
}

impl Requirement {
    fn matches(&self, labels: &Labels) -> bool {
        let value = labels.get(&self.key);
        match &self.test {
            Test::Exists => value.is_some(),
            Test::DoesNotExist => value.is_none(),
            Test::In(set) => value.is_some_and(|v| set.contains(v)),
            Test::NotIn(set) => value.is_none_or(|v| !set.contains(v)),
            Test::GreaterThan(bound) => number(value).is_some_and(|n| n > *bound),
            Test::LessThan(bound) => number(value).is_some_and(|n| n < *bound),
        }
    }
}

fn number(value: Option<&String>) -> Option<i64> {
    value?.parse().ok()
}

impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = &self.key;
        match &self.test {
            Test::Exists => f.write_str(key),
            Test::DoesNotExist => write!(f, "!{key}"),
            Test::In(values) => match values.as_slice() {
                [one] => write!(f, "{key}={one}"),
                many => write!(f, "{key} in ({})", many.join(",")),
            },
            Test::NotIn(values) => match values.as_slice() {
                [one] => write!(f, "{key}!={one}"),
                many => write!(f, "{key} notin ({})", many.join(",")),
            },
            Test::GreaterThan(bound) => write!(f, "{key}>{bound}"),
            Test::LessThan(bound) => write!(f, "{key}<{bound}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> Labels {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    fn selector(text: &str) -> Selector {
        text.parse().unwrap_or_else(|e| panic!("{text}: {e}"))
    }

    #[test]
    fn selectors_choose_by_labels() {
        let x1 = labels(&[("app", "x"), ("tier", "1")]);
        let y2 = labels(&[("app", "y"), ("tier", "2")]);
        let empty = labels(&[("app", "")]);
        let none = labels(&[]);
        // Which of x1, y2, empty, none each selects.
        let cases = [
            ("", [true, true, true, true]),
            (" ", [true, true, true, true]),
            ("app=x", [true, false, false, false]),
            ("app == x", [true, false, false, false]),
            ("app!=x", [false, true, true, true]),
            ("app in (x,y)", [true, true, false, false]),
            ("app in ()", [false, false, true, false]),
            ("app in (,y)", [false, true, true, false]),
            ("app notin (x)", [false, true, true, true]),
            ("app", [true, true, true, false]),
            ("!app", [false, false, false, true]),
            ("! app", [false, false, false, true]),
            ("app=", [false, false, true, false]),
            ("app=,tier", [false, false, false, false]),
            ("app=x,tier=1", [true, false, false, false]),
            ("tier in (1,2),app!=y", [true, false, false, false]),
            ("tier>1", [false, true, false, false]),
            ("tier<2", [true, false, false, false]),
            ("app>0", [false, false, false, false]),
        ];
        for (text, want) in cases {
            let selector = selector(text);
            let got = [&x1, &y2, &empty, &none].map(|l| selector.matches(l));
            assert_eq!(got, want, "{text}");
        }
    }

    #[test]
    fn keywords_may_be_keys_and_values() {
        let all = labels(&[("in", "notin"), ("notin", "in")]);
        for text in [
            "in=notin",
            "in in (in,notin)",
            "notin",
            "notin notin (x)",
            "in,notin=in",
        ] {
            assert!(selector(text).matches(&all), "{text}");
        }
    }

    #[test]
    fn display_is_canonical() {
        let cases = [
            ("", ""),
            ("b , a", "a,b"),
            ("a in ( z, b ,z )", "a in (b,z)"),
            ("a in (x)", "a=x"),
            ("a==x", "a=x"),
            ("a notin (x)", "a!=x"),
            ("a in (,,x)", "a in (,x)"),
            ("a notin ()", "a!="),
            ("!h", "!h"),
            ("n > 007", "n>7"),
        ];
        for (text, want) in cases {
            assert_eq!(selector(text).to_string(), want, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in any::<String>()) {
            let _ = text.parse::<Selector>();
        }

        #[test]
        fn what_is_displayed_reads_back_the_same(text in "([!ab1-]|in|notin|[ ]|[=,()<>]|[/.]){0,12}") {
            if let Ok(once) = text.parse::<Selector>() {
                prop_assert_eq!(&selector(&once.to_string()), &once);
            }
        }
    }
}
