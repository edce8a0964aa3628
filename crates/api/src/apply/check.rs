//! Whether a value is of its type: the one thing that an applied configuration must be before it is merged.

use std::collections::BTreeSet;

use serde_json::Value;

use super::path::PathElement;
use super::types::{Form, Type};
use crate::schema::{Schema, Shape};

/// How many problems are told of: more would only make a long reply.
const MAX_PROBLEMS: usize = 50;

/// Checks a whole object. Duplicates in sets and keyed lists are refused.
///
/// # Errors
/// What is wrong, up to fifty things, in Kubernetes' words, each with its path.
pub(super) fn check(schema: &'static Schema, object: &Value) -> Result<(), String> {
    let mut problems = Problems(Vec::new());
    problems.value(Type::object(schema), object, "");
    match problems.0.as_slice() {
        [] => Ok(()),
        [one] => Err(one.clone()),
        many => Err(format!("errors:\n  {}", many.join("\n  "))),
    }
}

struct Problems(Vec<String>);

impl Problems {
    fn add(&mut self, path: &str, what: &str) {
        if self.0.len() >= MAX_PROBLEMS {
            return;
        }
        self.0.push(if path.is_empty() {
            what.to_owned()
        } else {
            format!("{path}: {what}")
        });
    }

    fn value(&mut self, ty: Type, value: &Value, path: &str) {
        // `null` is of every type: it means that the value is not set.
        if value.is_null() {
            return;
        }
        match ty.shape {
            Shape::Object(schema) => self.object(schema, value, path),
            Shape::Map(item) => self.map(item, value, path),
            Shape::List(item) => self.list(ty.form(), *item, value, path),
            scalar => {
                if let Some(expected) = mismatch(scalar, value) {
                    self.add(path, &format!("expected {expected}, got {value}"));
                }
            }
        }
    }

    fn object(&mut self, schema: &'static Schema, value: &Value, path: &str) {
        let Value::Object(fields) = value else {
            return self.add(path, &format!("expected map, got {value}"));
        };
        for (name, value) in fields {
            let path = format!("{path}.{name}");
            match schema.field(name) {
                Some(field) => self.value(Type::from(field), value, &path),
                None if schema.top_level && matches!(name.as_str(), "apiVersion" | "kind") => {
                    if !value.is_string() && !value.is_null() {
                        self.add(&path, &format!("expected string, got {value}"));
                    }
                }
                None => self.add(&path, "field not declared in schema"),
            }
        }
    }

    fn map(&mut self, item: &'static Shape, value: &Value, path: &str) {
        let Value::Object(entries) = value else {
            return self.add(path, &format!("expected map, got {value}"));
        };
        for (name, value) in entries {
            self.value(Type::usual(*item), value, &format!("{path}.{name}"));
        }
    }

    fn list(&mut self, form: Form, item: Shape, value: &Value, path: &str) {
        let Value::Array(items) = value else {
            return self.add(path, &format!("expected list, got {value}"));
        };
        let mut seen = BTreeSet::new();
        for (place, value) in items.iter().enumerate() {
            let element = match form {
                Form::Set | Form::Keyed(..) => form.identify(value),
                _ => Ok(PathElement::Index(i64::try_from(place).unwrap_or(i64::MAX))),
            };
            let element = match element {
                Ok(element) => element,
                Err(why) => return self.add(path, &format!("element {place}: {why}")),
            };
            let below = format!("{path}{element}");
            if seen.contains(&element) {
                self.add(path, &format!("duplicate entries for key {element}"));
            }
            seen.insert(element);
            self.value(Type::usual(item), value, &below);
        }
    }
}

/// What a scalar was expected to be, if it is not.
fn mismatch(shape: Shape, value: &Value) -> Option<&'static str> {
    let (fits, expected) = match shape {
        Shape::Boolean => (value.is_boolean(), "boolean"),
        Shape::Int32 | Shape::Int64 => (value.is_number(), "numeric (int or float)"),
        Shape::Quantity | Shape::IntOrString => (!value.is_array() && !value.is_object(), "any scalar"),
        Shape::RawObject => (value.is_object(), "map"),
        _ => (value.is_string(), "string"),
    };
    (!fits).then_some(expected)
}
