//! A set of fields in Kubernetes' `FieldsV1` form, kept as the JSON text it came as.

use bytes::Bytes;
use serde::de::{Deserialize, Deserializer};
use serde::ser::{Serialize, Serializer};
use serde_json::value::RawValue;

use crate::codec::plain::plain_of;

/// A set of fields as nested JSON objects, such as `{"f:spec":{"f:renewTime":{}}}`.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct FieldsV1 {
    /// The JSON text.
    #[prost(bytes = "bytes", required, tag = "1")]
    pub raw: Bytes,
}

impl Serialize for FieldsV1 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        shown(&self.raw).serialize(serializer)
    }
}

/// Fields as they are shown. Through protobuf any bytes can come in; what is not JSON is shown as no fields, never as an
/// error.
fn shown(raw: &[u8]) -> &RawValue {
    serde_json::from_slice(raw).unwrap_or_else(|_| {
        let instead = if raw.is_empty() { "null" } else { "{}" };
        serde_json::from_str(instead).expect("this is JSON")
    })
}

/// Appends fields as they are shown.
pub(crate) fn write_json(raw: &[u8], out: &mut Vec<u8>) {
    // Nearly all are as this server writes them, which takes a fraction of what it takes to tell JSON in general.
    let shown = if is_plain(raw) {
        raw
    } else {
        shown(raw).get().as_bytes()
    };
    out.extend_from_slice(shown);
}

/// Whether this is JSON and of the plainest kind: objects in objects, without white space, their keys in ASCII with
/// nothing escaped but quotes.
fn is_plain(raw: &[u8]) -> bool {
    let (mut depth, mut at) = (0_usize, 0);
    let is = |at: usize, byte: u8| raw.get(at) == Some(&byte);
    loop {
        // An object begins here, with a first key or without any.
        if !is(at, b'{') {
            return false;
        }
        (depth, at) = (depth + 1, at + 1);
        if !is(at, b'"') {
            // It has none: this and those that it ends are followed by a further key, or by nothing.
            let begun = at;
            while depth > 0 && is(at, b'}') {
                (depth, at) = (depth - 1, at + 1);
            }
            if depth == 0 || at == begun || !is(at, b',') {
                return depth == 0 && at == raw.len();
            }
            at += 1;
        }
        match key(raw, at) {
            Some(end) => at = end,
            None => return false,
        }
    }
}

/// Where a key ends that begins here, its colon included.
fn key(raw: &[u8], start: usize) -> Option<usize> {
    let mut rest = raw.get(start..)?.strip_prefix(b"\"")?;
    while let Some((word, after)) = rest.split_first_chunk() {
        let plain = plain_of(*word);
        if plain < word.len() {
            rest = &rest[plain..];
            break;
        }
        rest = after;
    }
    loop {
        let (byte, after) = rest.split_first()?;
        rest = after;
        match byte {
            b'"' => break,
            b'\\' => rest = rest.strip_prefix(b"\"")?,
            b' '..0x7f => {}
            _ => return None,
        }
    }
    rest = rest.strip_prefix(b":")?;
    Some(raw.len() - rest.len())
}

impl<'de> Deserialize<'de> for FieldsV1 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<str>::from(Box::<RawValue>::deserialize(deserializer)?);
        Ok(Self {
            raw: if &*raw == "null" {
                Bytes::new()
            } else {
                Bytes::from(raw.into_boxed_bytes())
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_no_json_are_shown_as_no_fields() {
        for (raw, shown) in [
            ("{\"f:a\":{}}", "{\"f:a\":{}}"),
            ("", "null"),
            ("{\"f:a\"", "{}"),
            ("\u{1}", "{}"),
        ] {
            let fields = FieldsV1 {
                raw: Bytes::copy_from_slice(raw.as_bytes()),
            };
            assert_eq!(serde_json::to_string(&fields).unwrap(), shown, "{raw}");
            assert!(serde_json::to_value(&fields).is_ok(), "{raw}");
        }
    }

    #[test]
    fn plain_fields_are_json() {
        let plain = [
            r#"{}"#,
            r#"{"f:a":{}}"#,
            r#"{"f:a":{".":{},"k:{\"uid\":\"1\"}":{}},"f:b":{"f:c":{}}}"#,
        ];
        for text in plain {
            assert!(is_plain(text.as_bytes()), "{text}");
        }
        let pieces = [
            "{", "}", ",", ":", "\"", "\"a\"", "\"a\":{", "\"a\":{}", "\\", " ", "é", "\u{1}",
        ];
        let mut texts = vec![String::new()];
        for _ in 0..5 {
            let longer = |text: &String| pieces.map(|piece| format!("{text}{piece}"));
            texts = texts.iter().flat_map(longer).collect();
            let found: Vec<_> = texts.iter().filter(|text| is_plain(text.as_bytes())).collect();
            for text in found {
                assert!(serde_json::from_str::<&RawValue>(text).is_ok(), "{text}");
            }
        }
    }
}
