//! What names, keys and values may look like. Each rule returns what is wrong, in Kubernetes' words; nothing if all
//! is well.

/// A rule for the names of one resource. The flag says that the name is a prefix to which more will be added.
pub type NameRule = fn(&str, bool) -> Vec<String>;

const LABEL: &str = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const LABEL_MAX: usize = 63;
const SUBDOMAIN: &str = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*";
const SUBDOMAIN_MAX: usize = 253;

/// Whether every byte is allowed, and the first and last is a letter or digit.
fn is_framed(value: &str, allowed: impl Fn(u8) -> bool, frame: impl Fn(u8) -> bool) -> bool {
    let bytes = value.as_bytes();
    let (Some(first), Some(last)) = (bytes.first(), bytes.last()) else {
        return false;
    };
    frame(*first) && frame(*last) && bytes.iter().all(|byte| allowed(*byte))
}

fn is_label(value: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    is_framed(value, |byte| plain(byte) || byte == b'-', plain)
}

fn is_subdomain(value: &str) -> bool {
    value.split('.').all(is_label)
}

fn is_key_part(value: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    is_framed(value, allowed, |byte| byte.is_ascii_alphanumeric())
}

/// A rule's explanation with examples, in the form Kubernetes gives it.
fn mismatch(rule: &str, pattern: &str, examples: &[&str]) -> String {
    let examples: Vec<_> = examples.iter().map(|text| format!("'{text}', ")).collect();
    let examples = examples.join(" or ");
    format!("{rule} (e.g. {examples}regex used for validation is '{pattern}')")
}

fn label_mismatch() -> String {
    let rule = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start \
                and end with an alphanumeric character";
    mismatch(rule, LABEL, &["my-name", "123-abc"])
}

fn subdomain_mismatch() -> String {
    let rule = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and \
                must start and end with an alphanumeric character";
    mismatch(rule, SUBDOMAIN, &["example.com"])
}

/// A DNS label: at most 63 lower-case letters, digits and dashes.
#[must_use]
pub fn dns1123_label(value: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    if value.len() > LABEL_MAX {
        wrong.push(format!("must be no more than {LABEL_MAX} characters"));
    }
    if !is_label(value) {
        wrong.push(if is_subdomain(value) {
            "must not contain dots".to_owned()
        } else {
            label_mismatch()
        });
    }
    wrong
}

/// A DNS subdomain: labels joined by dots, at most 253 bytes.
#[must_use]
pub fn dns1123_subdomain(value: &str) -> Vec<String> {
    subdomain(value, "characters")
}

/// `unit` is what the length is said to be counted in: Kubernetes' texts differ, it always counts bytes.
fn subdomain(value: &str, unit: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    if value.len() > SUBDOMAIN_MAX {
        wrong.push(format!("must be no more than {SUBDOMAIN_MAX} {unit}"));
    }
    if !is_subdomain(value) {
        wrong.push(subdomain_mismatch());
    }
    wrong
}

/// The key of a label or annotation, or the name of a finalizer: `name` or `example.com/name`.
#[must_use]
pub fn qualified_name(value: &str) -> Vec<String> {
    let rule = "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an \
                alphanumeric character";
    let pattern = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";
    let mismatch = || mismatch(rule, pattern, &["MyName", "my.name", "123-abc"]);
    let mut wrong = Vec::new();
    let name = match value.split('/').collect::<Vec<_>>()[..] {
        [name] => name,
        [prefix, name] => {
            if prefix.is_empty() {
                wrong.push("prefix part must be non-empty".to_owned());
            } else {
                let in_prefix = subdomain(prefix, "bytes").into_iter();
                wrong.extend(in_prefix.map(|text| format!("prefix part {text}")));
            }
            name
        }
        _ => {
            let optional = "with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')";
            return vec![format!("a valid label key {} {optional}", mismatch())];
        }
    };
    if name.is_empty() {
        wrong.push("name part must be non-empty".to_owned());
    } else if name.len() > LABEL_MAX {
        wrong.push(format!("name part must be no more than {LABEL_MAX} bytes"));
    }
    if !is_key_part(name) {
        wrong.push(format!("name part {}", mismatch()));
    }
    wrong
}

/// The value of a label: empty, or at most 63 bytes.
#[must_use]
pub fn label_value(value: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    if value.len() > LABEL_MAX {
        wrong.push(format!("must be no more than {LABEL_MAX} bytes"));
    }
    if !value.is_empty() && !is_key_part(value) {
        let rule = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and \
                    must start and end with an alphanumeric character";
        let pattern = "(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?";
        wrong.push(mismatch(rule, pattern, &["MyValue", "my_value", "12345"]));
    }
    wrong
}

/// A key within a ConfigMap: letters, digits, `-`, `_` and `.`, at most 253 bytes, and no way up a directory.
#[must_use]
pub fn config_map_key(value: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    if value.len() > SUBDOMAIN_MAX {
        wrong.push(format!("must be no more than {SUBDOMAIN_MAX} characters"));
    }
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if value.is_empty() || !value.bytes().all(allowed) {
        let rule = "a valid config key must consist of alphanumeric characters, '-', '_' or '.'";
        let examples = ["key.name", "KEY_NAME", "key-name"];
        wrong.push(mismatch(rule, "[-._a-zA-Z0-9]+", &examples));
    }
    match value {
        "." => wrong.push("must not be '.'".to_owned()),
        ".." => wrong.push("must not be '..'".to_owned()),
        _ if value.starts_with("..") => wrong.push("must not start with '..'".to_owned()),
        _ => {}
    }
    wrong
}

/// A prefix may end in a dash, since what is added after it ends in a letter or digit.
fn without_trailing_dash(name: &str, prefix: bool) -> std::borrow::Cow<'_, str> {
    match name.strip_suffix('-') {
        // As Kubernetes does it: the character before the dash goes too.
        Some(rest) if prefix && !rest.is_empty() => {
            let kept = rest.char_indices().next_back().map_or(0, |(at, _)| at);
            format!("{}a", &rest[..kept]).into()
        }
        _ => name.into(),
    }
}

/// The rule for most names.
#[must_use]
pub fn name_is_dns_subdomain(name: &str, prefix: bool) -> Vec<String> {
    dns1123_subdomain(&without_trailing_dash(name, prefix))
}

/// The rule for the names of namespaces.
#[must_use]
pub fn name_is_dns_label(name: &str, prefix: bool) -> Vec<String> {
    dns1123_label(&without_trailing_dash(name, prefix))
}

/// The rule that holds for all names, whatever the resource: they are a part of a path.
#[must_use]
pub fn name_is_path_segment(name: &str, prefix: bool) -> Vec<String> {
    if !prefix && (name == "." || name == "..") {
        return vec![format!("may not be '{name}'")];
    }
    let contained = ["/", "%"].into_iter().filter(|part| name.contains(part));
    contained.map(|part| format!("may not contain '{part}'")).collect()
}

/// The rule for the names of lease candidates, which are laxer than others; a prefix needs no special care.
#[must_use]
pub fn lease_candidate_name(name: &str, _prefix: bool) -> Vec<String> {
    config_map_key(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LABEL_TEXT: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
    const SUBDOMAIN_TEXT: &str = r"a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
    const KEY_TEXT: &str = "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";

    fn check(rule: impl Fn(&str) -> Vec<String>, cases: &[(&str, &[&str])]) {
        for (value, wrong) in cases {
            assert_eq!(rule(value), *wrong, "{value:?}");
        }
    }

    #[test]
    fn labels_are_lower_case_without_dots() {
        check(
            dns1123_label,
            &[
                ("a", &[]),
                ("a-1", &[]),
                (&"x".repeat(63), &[]),
                (&"x".repeat(64), &["must be no more than 63 characters"]),
                ("a.b", &["must not contain dots"]),
                ("", &[LABEL_TEXT]),
                ("A", &[LABEL_TEXT]),
                ("-a", &[LABEL_TEXT]),
                ("a-", &[LABEL_TEXT]),
                ("a_b", &[LABEL_TEXT]),
                ("ä", &[LABEL_TEXT]),
            ],
        );
    }

    #[test]
    fn subdomains_are_labels_with_dots_between() {
        check(
            dns1123_subdomain,
            &[
                ("a.b-c.1", &[]),
                (&"x".repeat(253), &[]),
                (&"x".repeat(254), &["must be no more than 253 characters"]),
                ("a..b", &[SUBDOMAIN_TEXT]),
                ("a.", &[SUBDOMAIN_TEXT]),
                ("Bad_Name", &[SUBDOMAIN_TEXT]),
            ],
        );
    }

    #[test]
    fn qualified_names_have_at_most_one_prefix() {
        let name_part = format!("name part {KEY_TEXT}");
        let prefix_part = format!("prefix part {SUBDOMAIN_TEXT}");
        let key = format!(
            "a valid label key {KEY_TEXT} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
        );
        check(
            qualified_name,
            &[
                ("a", &[]),
                ("x.io/A_b.c", &[]),
                ("", &["name part must be non-empty", &name_part]),
                ("/a", &["prefix part must be non-empty"]),
                ("bad prefix!/x", &[&prefix_part]),
                ("a/b/c", &[&key]),
                (&"x".repeat(64), &["name part must be no more than 63 bytes"]),
                ("bad key!", &[&name_part]),
            ],
        );
    }

    #[test]
    fn config_map_keys_are_plain_and_lead_nowhere_else() {
        let text = "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";
        check(
            config_map_key,
            &[
                ("A_b.c-", &[]),
                ("", &[text]),
                ("Bad Name", &[text]),
                (".", &["must not be '.'"]),
                ("..", &["must not be '..'"]),
                ("..a", &["must not start with '..'"]),
                (&"x".repeat(254), &["must be no more than 253 characters"]),
            ],
        );
    }

    #[test]
    fn any_name_is_a_path_segment() {
        check(
            |name| name_is_path_segment(name, false),
            &[
                ("A b", &[]),
                (".", &["may not be '.'"]),
                ("a/b%", &["may not contain '/'", "may not contain '%'"]),
            ],
        );
        assert!(name_is_path_segment("..", true).is_empty());
    }

    #[test]
    fn only_a_prefix_may_end_in_a_dash() {
        for name in ["abc-", "a-"] {
            assert!(name_is_dns_label(name, true).is_empty(), "{name}");
            assert!(!name_is_dns_label(name, false).is_empty(), "{name}");
        }
        assert!(!name_is_dns_label("-", true).is_empty());
        assert!(!name_is_dns_subdomain("ä-b", true).is_empty());
    }
}
