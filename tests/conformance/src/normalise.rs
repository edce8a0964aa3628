//! [`Normaliser`]: replaces what legitimately differs between two runs by names, in order of appearance.
//!
//! The first uid seen becomes `<uid 1>`, and stays so for the whole conversation: whether two are the same is still
//! compared, what they are is not.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

use crate::doc::Doc;

/// Times closer to now than this are "now".
const TODAY: SignedDuration = SignedDuration::from_hours(24);
/// Shorter resource versions are not looked for in texts: they would be found in numbers such as 63 or 253.
const SHORTEST_VERSION_IN_TEXT: usize = 4;

/// The names given so far in one conversation.
pub(crate) struct Normaliser {
    namespace: String,
    managed_fields: bool,
    now: Timestamp,
    uids: Names,
    versions: Names,
}

/// Values in order of appearance; the first is number 1.
struct Names {
    kind: &'static str,
    values: Vec<String>,
}

impl Names {
    fn new(kind: &'static str) -> Self {
        let values = Vec::new();
        Self { kind, values }
    }

    fn name(&mut self, value: &str) -> String {
        self.find(value).unwrap_or_else(|| {
            self.values.push(value.to_owned());
            format!("<{} {}>", self.kind, self.values.len())
        })
    }

    fn find(&self, value: &str) -> Option<String> {
        let index = self.values.iter().position(|v| v == value)?;
        Some(format!("<{} {}>", self.kind, index + 1))
    }
}

impl Normaliser {
    /// For a conversation in this namespace, held `now`, in which `managedFields` are compared or not.
    pub(crate) fn new(namespace: &str, managed_fields: bool, now: Timestamp) -> Self {
        Self {
            namespace: namespace.to_owned(),
            managed_fields,
            now,
            uids: Names::new("uid"),
            versions: Names::new("rv"),
        }
    }

    /// The document with names in place.
    pub(crate) fn doc(&mut self, doc: &Doc) -> Value {
        match doc {
            Doc::Null => Value::Null,
            Doc::Bool(value) => Value::Bool(*value),
            Doc::Number(number) => Value::Number(number.clone()),
            Doc::String(text) => Value::String(self.text(text)),
            Doc::Array(items) => items.iter().map(|item| self.doc(item)).collect(),
            Doc::Object(fields) => self.object(fields, is_list(doc)),
        }
    }

    /// A list's own version moves with every other writer, so it gets no name.
    fn object(&mut self, fields: &[(String, Doc)], is_list: bool) -> Value {
        let mut object = Map::new();
        for (key, value) in fields {
            if key == "managedFields" && !self.managed_fields {
                continue;
            }
            let (key, value) = match (key.as_str(), value) {
                ("metadata", Doc::Object(metadata)) if is_list => {
                    let metadata = without_version(metadata);
                    (key.clone(), self.object(&metadata, false))
                }
                _ => self.field(key, value),
            };
            object.insert(key, value);
        }
        Value::Object(object)
    }

    fn field(&mut self, key: &str, value: &Doc) -> (String, Value) {
        let named = match (key, value) {
            ("resourceVersion", Doc::String(v)) if !matches!(v.as_str(), "" | "0") => self.versions.name(v).into(),
            ("continue", Doc::String(token)) if !token.is_empty() => "<continue>".into(),
            ("generateName", Doc::String(text)) => text.as_str().into(),
            ("cells", Doc::Array(cells)) => cells.iter().map(|cell| self.cell(cell)).collect(),
            ("columnDefinitions", Doc::Array(columns)) => {
                columns.iter().map(|c| self.doc(&without(c, "description"))).collect()
            }
            _ => {
                let key = self.text(key);
                return (key, self.doc(value));
            }
        };
        (key.to_owned(), named)
    }

    fn cell(&mut self, cell: &Doc) -> Value {
        match cell {
            Doc::String(text) if is_age(text) => "<age>".into(),
            _ => self.doc(cell),
        }
    }

    /// The text with names in place.
    pub(crate) fn text(&mut self, text: &str) -> String {
        let text = text.replace(&self.namespace, "<ns>");
        let text = self.name_uids(&text);
        match text.parse::<Timestamp>() {
            Ok(time) if is_time(&text) && time.duration_since(self.now).abs() < TODAY => {
                let name = if text.contains('.') { "<now micro>" } else { "<now>" };
                name.to_owned()
            }
            _ => self.name_versions(&text),
        }
    }

    fn name_uids(&mut self, text: &str) -> String {
        let mut named = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = find_uid(rest) {
            named.push_str(&rest[..at]);
            named.push_str(&self.uids.name(&rest[at..at + UID_LEN]));
            rest = &rest[at + UID_LEN..];
        }
        named + rest
    }

    /// Names the versions quoted in a text, where they are known and stand for themselves.
    fn name_versions(&self, text: &str) -> String {
        let in_word = |c: char| is_word(c) || matches!(c, '.' | '-');
        let mut named = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(start) = rest.find(in_word) {
            let end = rest[start..]
                .find(|c| !in_word(c))
                .map_or(rest.len(), |len| start + len);
            let word = &rest[start..end];
            let name = (word.len() >= SHORTEST_VERSION_IN_TEXT).then(|| self.versions.find(word));
            named.push_str(&rest[..start]);
            named.push_str(&name.flatten().unwrap_or_else(|| word.to_owned()));
            rest = &rest[end..];
        }
        named + rest
    }

    /// A recorded text with the versions in the places of their names where they are too short to have been replaced:
    /// on a young server versions are small numbers.
    pub(crate) fn with_short_versions(&self, recorded: &str) -> String {
        let mut text = recorded.to_owned();
        for (i, value) in self.versions.values.iter().enumerate() {
            if value.len() < SHORTEST_VERSION_IN_TEXT {
                text = text.replace(&format!("<rv {}>", i + 1), value);
            }
        }
        text
    }
}

fn is_list(doc: &Doc) -> bool {
    let kind = doc.get("kind").and_then(Doc::as_str).unwrap_or("");
    kind.ends_with("List") || kind == "Table"
}

fn without_version(metadata: &[(String, Doc)]) -> Vec<(String, Doc)> {
    let mut metadata = metadata.to_vec();
    for (key, value) in &mut metadata {
        if key == "resourceVersion" && value.as_str().is_some_and(|v| !v.is_empty()) {
            *value = Doc::String("0".to_owned());
        }
    }
    metadata
}

fn without(doc: &Doc, name: &str) -> Doc {
    match doc {
        Doc::Object(fields) => {
            let kept = fields.iter().filter(|(n, _)| n != name);
            Doc::Object(kept.cloned().collect())
        }
        other => other.clone(),
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

const UID_LEN: usize = 36;

/// Where the first uid stands that is no part of a longer word.
fn find_uid(text: &str) -> Option<usize> {
    let starts = text.char_indices().map(|(at, _)| at);
    starts.into_iter().find(|&at| {
        let before = text[..at].chars().next_back();
        let after = text.get(at + UID_LEN..).and_then(|rest| rest.chars().next());
        text.get(at..at + UID_LEN).is_some_and(is_uid) && !before.is_some_and(is_word) && !after.is_some_and(is_word)
    })
}

fn is_uid(text: &str) -> bool {
    text.bytes().enumerate().all(|(i, b)| match i {
        8 | 13 | 18 | 23 => b == b'-',
        _ => matches!(b, b'0'..=b'9' | b'a'..=b'f'),
    })
}

/// `2026-01-02T03:04:05Z`, perhaps with a fraction.
fn is_time(text: &str) -> bool {
    let shape = b"0000-00-00T00:00:00";
    let Some((stamp, tail)) = text.as_bytes().split_at_checked(shape.len()) else {
        return false;
    };
    let shaped = stamp.iter().zip(shape).all(|(b, s)| match s {
        b'0' => b.is_ascii_digit(),
        _ => b == s,
    });
    shaped && tail.ends_with(b"Z")
}

/// `5s`, `3m20s`: how tables show ages.
fn is_age(text: &str) -> bool {
    let parts: Vec<_> = text.split_inclusive(['s', 'm', 'h', 'd']).collect();
    let is_part = |part: &str| {
        let number = part.strip_suffix(['s', 'm', 'h', 'd']).unwrap_or("");
        !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit())
    };
    matches!(parts.len(), 1 | 2) && parts.into_iter().all(is_part)
}

#[cfg(test)]
mod tests {
    use super::*;

    const U1: &str = "11111111-2222-3333-4444-555555555555";
    const U2: &str = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee";

    fn normaliser() -> Normaliser {
        let now = "2026-05-05T12:00:00Z".parse().unwrap();
        Normaliser::new("t-abc", false, now)
    }

    fn check(normaliser: &mut Normaliser, doc: &str, want: &str) {
        let doc: Doc = serde_json::from_str(doc).unwrap();
        let want: Value = serde_json::from_str(want).unwrap();
        assert_eq!(normaliser.doc(&doc), want);
    }

    #[test]
    fn texts_lose_what_differs_between_runs() {
        let mut n = normaliser();
        n.versions.name("5678");
        n.versions.name("63");
        let cases = [
            ("in t-abc!", "in <ns>!"),
            (&*format!("{U2} then {U1}, {U2}"), "<uid 1> then <uid 2>, <uid 1>"),
            (&*format!("x{U1} {U1}0"), &*format!("x{U1} {U1}0")),
            (&*format!("ä{U1}"), &*format!("ä{U1}")),
            ("2026-05-05T11:00:00Z", "<now>"),
            ("2026-05-05T13:00:00.000001Z", "<now micro>"),
            ("2026-05-07T13:00:00Z", "2026-05-07T13:00:00Z"),
            ("2026-05-05T11:00:00+00:00", "2026-05-05T11:00:00+00:00"),
            ("version 5678, not 63 or 5678.5", "version <rv 1>, not 63 or 5678.5"),
        ];
        for (text, want) in cases {
            assert_eq!(n.text(text), want);
        }
        assert_eq!(n.with_short_versions("<rv 1> <rv 2>"), "<rv 1> 63");
    }

    #[test]
    fn names_follow_the_order_of_appearance() {
        let mut n = normaliser();
        check(
            &mut n,
            &format!(r#"{{"uid":"{U1}","a":{{"uid":"{U2}","resourceVersion":"7"}},"resourceVersion":"3"}}"#),
            r#"{"uid":"<uid 1>","a":{"uid":"<uid 2>","resourceVersion":"<rv 1>"},"resourceVersion":"<rv 2>"}"#,
        );
        check(
            &mut n,
            r#"{"resourceVersion":"7","b":{"resourceVersion":"0"},"c":{"resourceVersion":""}}"#,
            r#"{"resourceVersion":"<rv 1>","b":{"resourceVersion":"0"},"c":{"resourceVersion":""}}"#,
        );
    }

    #[test]
    fn what_lists_and_tables_may_differ_in_is_not_compared() {
        check(
            &mut normaliser(),
            r#"{"kind":"LeaseList","metadata":{"resourceVersion":"9","continue":"abc"},
                "items":[{"metadata":{"resourceVersion":"5","managedFields":[],"generateName":"t-abc"}}]}"#,
            r#"{"kind":"LeaseList","metadata":{"resourceVersion":"0","continue":"<continue>"},
                "items":[{"metadata":{"resourceVersion":"<rv 1>","generateName":"t-abc"}}]}"#,
        );
        check(
            &mut normaliser(),
            r#"{"kind":"Table","metadata":{"resourceVersion":""},"columnDefinitions":[{"name":"A","description":"d"}],
                "rows":[{"cells":["5s","3m20s","1d2h3m","s","5",3,"t-abc"]}]}"#,
            r#"{"kind":"Table","metadata":{"resourceVersion":""},"columnDefinitions":[{"name":"A"}],
                "rows":[{"cells":["<age>","<age>","1d2h3m","s","5",3,"<ns>"]}]}"#,
        );
    }

    #[test]
    fn managed_fields_are_kept_where_wanted() {
        let mut n = normaliser();
        n.managed_fields = true;
        check(
            &mut n,
            r#"{"managedFields":[{"time":"2026-05-05T12:00:01Z"}]}"#,
            r#"{"managedFields":[{"time":"<now>"}]}"#,
        );
    }
}
