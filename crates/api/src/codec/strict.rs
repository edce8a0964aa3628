//! Reads a JSON-like document along a [`Schema`], in one pass and in document order, and notes what does not fit:
//! unknown fields, duplicate ones (the last value wins) and values of the wrong type.
//!
//! This is the slow, thorough way: the fast one only finds that there is something to tell.

use std::cell::RefCell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use crate::schema::{Schema, Shape};

/// How many problems are told of at most.
const PROBLEMS_MAX: usize = 100;

/// Reads a document; its problems are in Kubernetes' words.
///
/// # Errors
/// The deserializer's, and the first value of a wrong type.
pub(super) fn read<'de, D: Deserializer<'de>>(
    schema: &'static Schema,
    deserializer: D,
) -> Result<(Value, Vec<String>), String>
where
    D::Error: fmt::Display,
{
    read_shape(Some(Shape::Object(schema)), deserializer)
}

/// As [`read`], where anything goes: only duplicate fields are a problem.
pub(super) fn read_free<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(Value, Vec<String>), String>
where
    D::Error: fmt::Display,
{
    read_shape(None, deserializer)
}

fn read_shape<'de, D: Deserializer<'de>>(shape: Option<Shape>, deserializer: D) -> Result<(Value, Vec<String>), String>
where
    D::Error: fmt::Display,
{
    let notes = RefCell::new(Notes::default());
    let seed = Seed {
        shape,
        top: true,
        path: String::new(),
        notes: &notes,
    };
    let value = seed.deserialize(deserializer).map_err(|e| e.to_string())?;
    let notes = notes.into_inner();
    match notes.wrong_type {
        Some(error) => Err(error),
        None => Ok((value, notes.problems)),
    }
}

#[derive(Default)]
struct Notes {
    problems: Vec<String>,
    wrong_type: Option<String>,
}

/// What is expected at one place of the document. `shape` is `None` where anything goes.
struct Seed<'n> {
    shape: Option<Shape>,
    top: bool,
    path: String,
    notes: &'n RefCell<Notes>,
}

impl<'n> Seed<'n> {
    fn below(&self, shape: Option<Shape>, path: String) -> Seed<'n> {
        Seed {
            shape,
            top: false,
            path,
            notes: self.notes,
        }
    }

    fn field_path(&self, name: &str) -> String {
        if self.path.is_empty() {
            name.to_owned()
        } else {
            format!("{}.{name}", self.path)
        }
    }

    fn problem(&self, what: &str, name: &str) {
        let mut notes = self.notes.borrow_mut();
        if notes.problems.len() < PROBLEMS_MAX {
            notes.problems.push(format!("{what} field {:?}", self.field_path(name)));
        }
    }

    fn wrong_type(&self, found: &str) {
        let expected = match self.shape {
            Some(Shape::String | Shape::Bytes | Shape::Time | Shape::MicroTime) => "string",
            Some(Shape::Boolean) => "bool",
            Some(Shape::Int32) => "int32",
            Some(Shape::Int64) => "int64",
            Some(Shape::Quantity | Shape::IntOrString) => "string or number",
            Some(Shape::List(_)) => "list",
            Some(Shape::Object(_) | Shape::Map(_) | Shape::RawObject) => "object",
            None => return,
        };
        let place = if self.path.is_empty() {
            "a document".to_owned()
        } else {
            format!("field {}", self.path)
        };
        self.notes
            .borrow_mut()
            .wrong_type
            .get_or_insert_with(|| format!("cannot unmarshal {found} into {place} of type {expected}"));
    }

    /// What a field of this object or map may hold; `Err` when there is no such field.
    fn child_shape(&self, name: &str) -> Result<Option<Shape>, ()> {
        match self.shape {
            Some(Shape::Object(_)) if self.top && matches!(name, "kind" | "apiVersion") => Ok(Some(Shape::String)),
            Some(Shape::Object(schema)) => schema.field(name).map(|field| Some(field.shape)).ok_or(()),
            Some(Shape::Map(value)) => Ok(Some(*value)),
            _ => Ok(None),
        }
    }

    fn takes(&self, fits: impl FnOnce(&Shape) -> bool, found: &str) {
        if self.shape.as_ref().is_some_and(|shape| !fits(shape)) {
            self.wrong_type(found);
        }
    }

    fn number(&self, number: Number) -> Value {
        let found = format!("number {number}");
        self.takes(
            |shape| match shape {
                Shape::Int32 => number.as_i64().is_some_and(|n| i32::try_from(n).is_ok()),
                Shape::Int64 => number.as_i64().is_some(),
                Shape::Quantity | Shape::IntOrString => true,
                _ => false,
            },
            &found,
        );
        Value::Number(number)
    }
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        self.deserialize(deserializer)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        self.takes(|shape| matches!(shape, Shape::Boolean), "bool");
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(self.number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(self.number(value.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        let number = Number::from_f64(value).ok_or_else(|| E::custom("a number must be finite"))?;
        Ok(self.number(number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        self.takes(
            |shape| {
                use Shape::{Bytes, IntOrString, MicroTime, Quantity, String, Time};
                matches!(shape, String | Bytes | Time | MicroTime | Quantity | IntOrString)
            },
            "string",
        );
        Ok(Value::String(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let item = match self.shape {
            Some(Shape::List(item)) => Some(*item),
            _ => None,
        };
        self.takes(|shape| matches!(shape, Shape::List(_)), "array");
        let mut list = Vec::new();
        while let Some(value) = items.next_element_seed(self.below(item, format!("{}[{}]", self.path, list.len())))? {
            list.push(value);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        self.takes(
            |shape| matches!(shape, Shape::Object(_) | Shape::Map(_) | Shape::RawObject),
            "object",
        );
        let mut map = Map::new();
        while let Some(name) = entries.next_key::<String>()? {
            if map.contains_key(&name) {
                self.problem("duplicate", &name);
            }
            match self.child_shape(&name) {
                Ok(shape) => {
                    let value = entries.next_value_seed(self.below(shape, self.field_path(&name)))?;
                    map.insert(name, value);
                }
                Err(()) => {
                    self.problem("unknown", &name);
                    entries.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(Value::Object(map))
    }
}
