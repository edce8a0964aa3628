//! [`FieldSet`] as `FieldsV1`: nested JSON objects whose keys are path elements.
//!
//! An empty object is a path in the set; `"."` beside others says that the path leading there is in the set too.

use std::fmt;

use bytes::Bytes;
use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};

use super::field_set::{Branch, FieldSet, Node};
use super::path::{PathElement, PathElementError};
use crate::codec::json::Text;
use crate::meta::FieldsV1;

impl<'a> FieldSet<'a> {
    /// Reads a set; `None` and an empty text are the empty set. Path elements of unknown kinds are passed over.
    ///
    /// # Errors
    /// When the text is not of that form, or is nested deeper than 128 levels.
    pub fn parse(fields: Option<&'a FieldsV1>) -> serde_json::Result<Self> {
        match fields {
            Some(fields) if !fields.raw.is_empty() => {
                serde_json::from_slice::<Read<'a>>(&fields.raw).map(|read| read.0.children)
            }
            _ => Ok(Self::new()),
        }
    }

    /// Whether every path of this set is in the one written down in `fields`, read without building that. Only sets of
    /// fields' names are looked for; of anything else the answer is no.
    pub(super) fn is_written_in(&self, fields: &FieldsV1) -> bool {
        let mut reader = serde_json::Deserializer::from_slice(&fields.raw);
        let wanted = Wanted {
            set: self,
            member: false,
        };
        wanted.deserialize(&mut reader).unwrap_or(false)
    }

    /// The set's text: the same bytes as Kubernetes writes.
    #[must_use]
    pub fn to_fields_v1(&self) -> FieldsV1 {
        let mut text = String::with_capacity(256);
        write(self, false, &mut text);
        FieldsV1 { raw: Bytes::from(text) }
    }
}

fn write(set: &FieldSet<'_>, itself: bool, out: &mut String) {
    out.push('{');
    if itself {
        out.push_str("\".\":{}");
    }
    for (index, node) in set.nodes().iter().enumerate() {
        if itself || index > 0 {
            out.push(',');
        }
        write_node(node, out);
    }
    out.push('}');
}

fn write_node(node: &Node<'_>, out: &mut String) {
    match &node.element {
        // Field names nearly always need no escapes, so that they are spared a copy.
        PathElement::Field(name) if !name.contains(|c: char| c < ' ' || c == '"' || c == '\\') => {
            out.push_str("\"f:");
            out.push_str(name);
            out.push('"');
        }
        element => out.push_str(&serde_json::Value::from(element.to_text()).to_string()),
    }
    out.push(':');
    write(&node.children, node.member && !node.children.is_empty(), out);
}

/// What one nested object says of the path leading to it.
struct Read<'a>(Branch<'a>);

impl<'de: 'a, 'a> Deserialize<'de> for Read<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ReadVisitor).map(Read)
    }
}

struct ReadVisitor;

impl<'de> Visitor<'de> for ReadVisitor {
    type Value = Branch<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object whose keys are path elements")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Branch {
            member: true,
            children: FieldSet::new(),
        })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut branches = Vec::new();
        let mut member = false;
        while let Some(Text(key)) = map.next_key()? {
            if key == "." {
                member = true;
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            match PathElement::parse(key) {
                Ok(element) => branches.push((element, map.next_value::<Read<'de>>()?.0)),
                Err(PathElementError::Unknown) => drop(map.next_value::<IgnoredAny>()?),
                Err(error) => return Err(A::Error::custom(error)),
            }
        }
        let children = FieldSet::from_branches(branches);
        Ok(Branch {
            member: member || children.is_empty(),
            children,
        })
    }
}

/// Paths to be found in a text: those below here, and perhaps the one leading here.
struct Wanted<'s, 'a> {
    set: &'s FieldSet<'a>,
    member: bool,
}

impl<'de> DeserializeSeed<'de> for Wanted<'_, '_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Wanted<'_, '_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object whose keys are path elements")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<bool, A::Error> {
        let (mut empty, mut member, mut found) = (true, false, 0);
        while let Some(Text(key)) = map.next_key()? {
            empty = false;
            member |= key == ".";
            let node = key.strip_prefix("f:").and_then(|name| self.set.field(name));
            match node {
                Some(node) => {
                    let below = Wanted {
                        set: &node.children,
                        member: node.member,
                    };
                    found += usize::from(map.next_value_seed(below)?);
                }
                None => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok((member || empty || !self.member) && found == self.set.nodes().len())
    }
}
