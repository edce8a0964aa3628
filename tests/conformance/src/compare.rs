//! Where two replies differ.

use std::collections::BTreeSet;
use std::fmt;

use serde_json::{Map, Value, json};

use crate::normalise::Normaliser;
use crate::transcript::Lenient;

/// How much of a value is shown, in bytes.
const SHOWN: usize = 300;

/// One place where a server answered differently, or why the conversation broke off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The step: its number from 1, method and path.
    pub step: String,
    /// What is different, with its place in the reply as a JSON pointer.
    pub what: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.step, self.what)
    }
}

/// The parts of the recorded and the given reply that `lenient` leaves to compare.
pub(crate) fn views(lenient: Option<Lenient>, want: &Value, got: &Value) -> (Value, Value) {
    match lenient {
        None => (want.clone(), got.clone()),
        Some(Lenient::Status) => (json!({"status": want["status"]}), json!({"status": got["status"]})),
        Some(Lenient::Reason) => {
            let view = |reply: &Value| {
                let body = &reply["body"];
                json!({"status": reply["status"], "reason": body["reason"], "code": body["code"]})
            };
            (view(want), view(got))
        }
        Some(Lenient::ClientError) => {
            let refused = got["status"].as_u64().is_some_and(|s| (400..500).contains(&s));
            (
                json!({"client error": true, "kind": "Status"}),
                json!({"client error": refused, "kind": got["body"]["kind"]}),
            )
        }
    }
}

/// Every place where two normalised replies differ.
pub(crate) fn differences(want: &Value, got: &Value, names: &Normaliser) -> Vec<String> {
    let mut found = Vec::new();
    compare(want, got, "", names, &mut found);
    found
}

fn compare(want: &Value, got: &Value, at: &str, names: &Normaliser, found: &mut Vec<String>) {
    match (want, got) {
        (Value::Object(want), Value::Object(got)) => compare_objects(want, got, at, names, found),
        (Value::Array(want), Value::Array(got)) if want.len() == got.len() => {
            for (i, (want, got)) in want.iter().zip(got).enumerate() {
                compare(want, got, &format!("{at}/{i}"), names, found);
            }
        }
        (Value::Array(want), Value::Array(items)) => {
            let (want, count) = (want.len(), items.len());
            found.push(format!("{at}: expected {want} items, got {count}: {}", shown(got)));
        }
        (Value::String(want), Value::String(got)) if names.with_short_versions(want) == *got => {}
        _ if want == got => {}
        _ => found.push(format!("{at}: expected {}, got {}", shown(want), shown(got))),
    }
}

fn compare_objects(
    want: &Map<String, Value>,
    got: &Map<String, Value>,
    at: &str,
    names: &Normaliser,
    found: &mut Vec<String>,
) {
    let keys: BTreeSet<_> = want.keys().chain(got.keys()).collect();
    for key in keys {
        let at = format!("{at}/{key}");
        match (want.get(key), got.get(key)) {
            (Some(want), Some(got)) => compare(want, got, &at, names, found),
            (Some(want), None) => found.push(format!("{at}: missing; expected {}", shown(want))),
            (None, Some(got)) => found.push(format!("{at}: not expected: {}", shown(got))),
            (None, None) => {}
        }
    }
}

/// The value in JSON, cut where it is long.
fn shown(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// Removes what a JSON pointer leads to, if anything; `*` stands for each item of a list.
pub(crate) fn drop_at(reply: &mut Value, pointer: &str) {
    if let Some((head, tail)) = pointer.split_once("/*") {
        let count = reply.pointer(head).and_then(Value::as_array).map_or(0, Vec::len);
        for i in 0..count {
            drop_at(reply, &format!("{head}/{i}{tail}"));
        }
        return;
    }
    if let Some((parent, last)) = pointer.rsplit_once('/')
        && let Some(Value::Object(fields)) = reply.pointer_mut(parent)
    {
        fields.remove(&last.replace("~1", "/").replace("~0", "~"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Normaliser {
        Normaliser::new("t-x", false, jiff::Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn every_kind_of_difference_is_found() {
        let want = json!({"a": [1, {"b": "x"}], "c": [1], "d": null, "e": 1, "same": {"x": [true]}});
        let got = json!({"a": [1, {"b": "y"}], "c": [], "d": false, "f": 1, "same": {"x": [true]}});
        let found = [
            "/a/1/b: expected \"x\", got \"y\"",
            "/c: expected 1 items, got 0: []",
            "/d: expected null, got false",
            "/e: missing; expected 1",
            "/f: not expected: 1",
        ];
        assert_eq!(differences(&want, &got, &names()), found);
        assert_eq!(differences(&want, &want, &names()), [""; 0]);
    }

    #[test]
    fn short_versions_are_found_in_texts_only_at_their_names() {
        let mut names = names();
        let doc = serde_json::from_str(r#"{"resourceVersion":"7"}"#).unwrap();
        assert_eq!(names.doc(&doc), json!({"resourceVersion": "<rv 1>"}));
        let differs = |want: &str, got: &str| !differences(&json!(want), &json!(got), &names).is_empty();
        assert!(!differs("record (<rv 1>)", "record (7)"));
        assert!(differs("record (<rv 1>)", "record (8)"));
        assert!(differs("record (<rv 2>)", "record (7)"));
    }

    #[test]
    fn leniency_compares_less() {
        let failed = |status: u16, reason: &str| {
            let body = json!({"kind": "Status", "message": "m", "reason": reason, "code": status});
            json!({"status": status, "headers": {}, "body": body})
        };
        let same = |lenient, want: &Value, got: &Value| {
            let (want, got) = views(lenient, want, got);
            want == got
        };
        let want = failed(500, "");
        let mut got = failed(400, "BadRequest");
        assert!(same(Some(Lenient::ClientError), &want, &got));
        assert!(!same(Some(Lenient::ClientError), &want, &failed(500, "")));
        assert!(!same(Some(Lenient::Status), &want, &got));
        assert!(same(Some(Lenient::Status), &failed(400, "Other"), &got));
        assert!(!same(Some(Lenient::Reason), &failed(400, "Other"), &got));
        let want = got.clone();
        got["body"]["message"] = json!("other words");
        assert!(same(Some(Lenient::Reason), &want, &got));
        assert!(!same(None, &want, &got));
        got["body"] = json!("no Status");
        assert!(!same(Some(Lenient::ClientError), &want, &got));
    }

    #[test]
    fn what_is_ignored_is_removed() {
        let mut reply = json!({"a": {"x/y": 1, "z": 2}, "rows": [{"o": 1, "p": 2}, {"o": 3}]});
        for pointer in ["/a/x~1y", "/rows/*/o", "/none/at/all", "/rows/7"] {
            drop_at(&mut reply, pointer);
        }
        assert_eq!(reply, json!({"a": {"z": 2}, "rows": [{"p": 2}, {}]}));
    }
}
