//! What a label's key and value may look like; the texts are Kubernetes' own (`apimachinery/pkg/api/validate/content`).

/// Longest name part of a key, and longest value, in bytes.
const NAME_MAX: usize = 63;
/// Longest prefix of a key, in bytes.
const PREFIX_MAX: usize = 253;

const KEY_RULE: &str = "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an \
    alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is \
    '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const VALUE_RULE: &str = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or \
    '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex \
    used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
const SUBDOMAIN_RULE: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' \
    or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is \
    '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";

/// Every rule of label keys (`[PREFIX/]NAME`) that `key` breaks; none when it is good.
pub(super) fn key_problems(key: &str) -> Vec<String> {
    let mut parts = key.split('/');
    let (first, second, third) = (parts.next().unwrap_or(""), parts.next(), parts.next());
    if third.is_some() {
        return vec![format!(
            "a valid label key {KEY_RULE} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
        )];
    }
    let (prefix, name) = second.map_or((None, first), |name| (Some(first), name));
    let mut problems = prefix.map(prefix_problems).unwrap_or_default();
    problems.extend(name_problems(name));
    problems
}

/// Every rule of label values that `value` breaks; none when it is good.
pub(super) fn value_problems(value: &str) -> Vec<String> {
    let mut problems = Vec::new();
    if value.len() > NAME_MAX {
        problems.push(too_long(NAME_MAX));
    }
    if !value.is_empty() && !is_name(value) {
        problems.push(VALUE_RULE.to_owned());
    }
    problems
}

fn prefix_problems(prefix: &str) -> Vec<String> {
    let mut problems = Vec::new();
    if prefix.is_empty() {
        problems.push("prefix part must be non-empty".to_owned());
        return problems;
    }
    if prefix.len() > PREFIX_MAX {
        problems.push(format!("prefix part {}", too_long(PREFIX_MAX)));
    }
    if !prefix.split('.').all(is_dns_label) {
        problems.push(format!("prefix part {SUBDOMAIN_RULE}"));
    }
    problems
}

fn name_problems(name: &str) -> Vec<String> {
    let mut problems = Vec::new();
    if name.is_empty() {
        problems.push("name part must be non-empty".to_owned());
    } else if name.len() > NAME_MAX {
        problems.push(format!("name part {}", too_long(NAME_MAX)));
    }
    if !is_name(name) {
        problems.push(format!("name part {KEY_RULE}"));
    }
    problems
}

fn too_long(max: usize) -> String {
    format!("must be no more than {max} bytes")
}

/// `([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]`
fn is_name(text: &str) -> bool {
    bounded_by(text, |b| b.is_ascii_alphanumeric())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}

/// `[a-z0-9]([-a-z0-9]*[a-z0-9])?`
fn is_dns_label(text: &str) -> bool {
    let alphanumeric = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    bounded_by(text, alphanumeric) && text.bytes().all(|b| alphanumeric(b) || b == b'-')
}

/// Whether `text` has a first and a last byte and both satisfy `rule`.
fn bounded_by(text: &str, rule: impl Fn(u8) -> bool) -> bool {
    match text.as_bytes() {
        [] => false,
        [first, ..] if !rule(*first) => false,
        [.., last] => rule(*last),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_have_an_optional_subdomain_and_a_name() {
        let long = "n".repeat(NAME_MAX);
        let long_prefix = format!("{}/n", "p".repeat(PREFIX_MAX));
        for good in ["a", "A.b_c-9", "example.com/x", "a-b.c/X", &long, &long_prefix] {
            assert_eq!(key_problems(good), Vec::<String>::new(), "{good}");
        }
    }

    #[test]
    fn each_broken_rule_of_a_key_is_told() {
        let long = format!("{}/x", "p".repeat(PREFIX_MAX + 1));
        let long_name = "n".repeat(NAME_MAX + 1);
        let cases: &[(&str, &[&str])] = &[
            ("", &["name part must be non-empty", "name part must consist of"]),
            ("a b", &["name part must consist of"]),
            ("-a", &["name part must consist of"]),
            ("a.", &["name part must consist of"]),
            ("ä", &["name part must consist of"]),
            ("/x", &["prefix part must be non-empty"]),
            ("Ex.com/x", &["prefix part a lowercase RFC 1123 subdomain"]),
            ("a..b/x", &["prefix part a lowercase RFC 1123 subdomain"]),
            (
                "-a/",
                &[
                    "prefix part a lowercase RFC 1123 subdomain",
                    "name part must be non-empty",
                    "name part must consist of",
                ],
            ),
            ("a/b/c", &["a valid label key must consist of"]),
            (&long, &["prefix part must be no more than 253 bytes"]),
            (&long_name, &["name part must be no more than 63 bytes"]),
        ];
        for (key, want) in cases {
            let got = key_problems(key);
            assert_eq!(got.len(), want.len(), "{key}: {got:?}");
            for (got, want) in got.iter().zip(*want) {
                assert!(got.starts_with(want), "{key}: {got}");
            }
        }
    }

    #[test]
    fn values_may_be_empty_and_are_bounded() {
        for good in ["", "x", "a_b.c-d", &"v".repeat(NAME_MAX)] {
            assert_eq!(value_problems(good), Vec::<String>::new(), "{good}");
        }
        for (bad, count) in [("-", 1), ("a ", 1), ("x/y", 1), (&*"v".repeat(NAME_MAX + 1), 1)] {
            assert_eq!(value_problems(bad).len(), count, "{bad}");
        }
        assert_eq!(value_problems(&"-".repeat(NAME_MAX + 1)).len(), 2);
    }
}
