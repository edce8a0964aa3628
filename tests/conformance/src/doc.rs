//! [`Doc`]: JSON that remembers the order of its fields.
//!
//! Names are given out in the order of appearance, so the order matters here. serde_json could keep it too, but that is
//! a feature which, once on, is on for the server under test as well.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Number;

/// A JSON value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Doc {
    Null,
    Bool(bool),
    Number(Number),
    String(String),
    Array(Vec<Doc>),
    Object(Vec<(String, Doc)>),
}

impl Doc {
    /// An object of one field.
    pub(crate) fn of(name: &str, doc: Self) -> Self {
        Self::Object(vec![(name.to_owned(), doc)])
    }

    /// The field of this name.
    pub(crate) fn get(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Object(fields) => fields.iter().find(|(n, _)| n == name).map(|(_, v)| v),
            _ => None,
        }
    }

    /// The text, if this is one.
    pub(crate) fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// What a JSON pointer leads to.
    pub(crate) fn pointer(&self, pointer: &str) -> Option<&Self> {
        pointer.split('/').skip(1).try_fold(self, |doc, part| match doc {
            Self::Array(items) => items.get(part.parse::<usize>().ok()?),
            _ => doc.get(&part.replace("~1", "/").replace("~0", "~")),
        })
    }

    /// As it is put into a later request; `None` for what is neither a text nor a number.
    pub(crate) fn to_text(&self) -> Option<String> {
        match self {
            Self::String(text) => Some(text.clone()),
            Self::Number(number) => Some(number.to_string()),
            _ => None,
        }
    }
}

impl<'de> Deserialize<'de> for Doc {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(DocVisitor)
    }
}

struct DocVisitor;

impl<'de> Visitor<'de> for DocVisitor {
    type Value = Doc;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Doc, E> {
        Ok(Doc::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Doc, E> {
        Ok(Doc::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Doc, E> {
        Ok(Doc::Number(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Doc, E> {
        Ok(Doc::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Doc, E> {
        Ok(Number::from_f64(value).map_or(Doc::Null, Doc::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Doc, E> {
        Ok(Doc::String(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Doc, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Doc::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Doc, A::Error> {
        let mut fields = Vec::new();
        while let Some(field) = map.next_entry()? {
            fields.push(field);
        }
        Ok(Doc::Object(fields))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_is_kept_and_pointers_lead_somewhere() {
        let doc: Doc = serde_json::from_str(r#"{"b":[1,-2,0.5,null,true],"a/~":{"x":"y"}}"#).unwrap();
        let Doc::Object(fields) = &doc else { panic!("{doc:?}") };
        assert_eq!(fields.iter().map(|(n, _)| n.as_str()).collect::<Vec<_>>(), ["b", "a/~"]);
        let cases = [
            ("/b/0", Some("1")),
            ("/b/1", Some("-2")),
            ("/b/2", Some("0.5")),
            ("/b/3", None),
            ("/b/9", None),
            ("/a~1~0/x", Some("y")),
            ("/a~1~0/x/z", None),
            ("/c", None),
        ];
        for (pointer, want) in cases {
            let got = doc.pointer(pointer).and_then(Doc::to_text);
            assert_eq!(got.as_deref(), want, "{pointer}");
        }
        assert_eq!(doc.pointer(""), Some(&doc));
    }
}
