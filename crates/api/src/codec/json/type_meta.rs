//! What an object says it is, picked out while the object is read.
//!
//! The types know no `kind` and no `apiVersion`: where they are stands in the path of the request. [`WithTypeMeta`] takes
//! both fields aside before a type sees them, so that a body is read once.

use std::borrow::Cow;
use std::fmt;

use serde::de::value::CowStrDeserializer;
use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error as _, MapAccess, Visitor};

/// `kind` and `apiVersion`; empty where they are left out or `null`.
#[derive(Debug, Default)]
pub(crate) struct TypeMeta<'a> {
    pub(crate) kind: Cow<'a, str>,
    pub(crate) api_version: Cow<'a, str>,
    /// Which of both were there.
    seen: [bool; 2],
}

/// Reads an object of a type without the two fields.
pub(crate) struct WithTypeMeta<'m, 'de, T> {
    inner: T,
    type_meta: &'m mut TypeMeta<'de>,
}

impl<'m, 'de, T> WithTypeMeta<'m, 'de, T> {
    pub(crate) fn new(inner: T, type_meta: &'m mut TypeMeta<'de>) -> Self {
        Self { inner, type_meta }
    }
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for WithTypeMeta<'_, 'de, D> {
    type Error = D::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        let type_meta = self.type_meta;
        self.inner.deserialize_any(WithTypeMeta {
            inner: visitor,
            type_meta,
        })
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl<'de, V: Visitor<'de>> Visitor<'de> for WithTypeMeta<'_, 'de, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.expecting(f)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<V::Value, A::Error> {
        let type_meta = self.type_meta;
        self.inner.visit_map(WithTypeMeta { inner: map, type_meta })
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for WithTypeMeta<'_, 'de, A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, A::Error> {
        while let Some(Text(key)) = self.inner.next_key()? {
            let (seen, value) = match &*key {
                "kind" => (&mut self.type_meta.seen[0], &mut self.type_meta.kind),
                "apiVersion" => (&mut self.type_meta.seen[1], &mut self.type_meta.api_version),
                _ => return seed.deserialize(CowStrDeserializer::new(key)).map(Some),
            };
            if std::mem::replace(seen, true) {
                return Err(A::Error::custom("duplicate field"));
            }
            *value = self
                .inner
                .next_value::<Option<Text<'de>>>()?
                .map(|text| text.0)
                .unwrap_or_default();
        }
        Ok(None)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        self.inner.next_value_seed(seed)
    }
}

/// A text that is borrowed where it has no escapes.
pub(crate) struct Text<'a>(pub(crate) Cow<'a, str>);

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TextVisitor).map(Text)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text.to_owned()))
    }
}
