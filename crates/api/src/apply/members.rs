//! Which fields a value sets, and taking fields out of a value.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::field_set::{Branch, FieldSet};
use super::path::PathElement;
use super::types::{Form, Type};
use crate::schema::Schema;

/// Every leaf and every list item of an object: what an applier of it owns.
pub(super) fn fields_of<'a>(schema: &'static Schema, object: &'a Value) -> FieldSet<'a> {
    members(Type::object(schema), object).children
}

fn members(ty: Type, value: &Value) -> Branch<'_> {
    let form = ty.form();
    let mut branch = Branch::default();
    match (form, value) {
        (Form::Leaf, _) => branch.member = true,
        (Form::Struct(_) | Form::Map(_), Value::Object(entries)) => {
            for (name, value) in entries {
                branch
                    .children
                    .push(PathElement::Field(Cow::Borrowed(name)), entry(form, name, value));
            }
        }
        (Form::Set | Form::Keyed(..), Value::Array(items)) => {
            branch.children = items_of(form, items);
        }
        _ => {}
    }
    branch
}

/// A map's entry is owned itself, whatever is in it; a struct's field only through what is in it, if anything is.
fn entry<'a>(form: Form, name: &str, value: &'a Value) -> Branch<'a> {
    let mut branch = members(form.entry(name), value);
    let empty = value.is_null() || value.as_object().is_some_and(Map::is_empty);
    branch.member |= empty || matches!(form, Form::Map(_));
    branch
}

fn items_of(form: Form, items: &[Value]) -> FieldSet<'_> {
    let mut by_identity: BTreeMap<PathElement<'_>, (&Value, usize)> = BTreeMap::new();
    for (place, item) in items.iter().enumerate() {
        let identity = form.identify_or_place(place, item);
        by_identity.entry(identity).or_insert((item, 0)).1 += 1;
    }
    let mut set = FieldSet::new();
    for (identity, (item, count)) in by_identity {
        // Duplicates are owned together, as one value.
        let children = if count > 1 {
            FieldSet::new()
        } else {
            members(form.item(), item).children
        };
        set.push(identity, Branch { member: true, children });
    }
    set
}

/// The set with every field of a struct that leads to one of its paths.
pub(super) fn with_named_fields<'a>(schema: &'static Schema, set: &FieldSet<'a>) -> FieldSet<'a> {
    named(Some(Type::object(schema)), set)
}

fn named<'a>(ty: Option<Type>, set: &FieldSet<'a>) -> FieldSet<'a> {
    let form = ty.map(Type::form);
    let mut all = FieldSet::new();
    for node in set.nodes() {
        let below = form.and_then(|form| form.step(&node.element));
        let field = below.is_some() && matches!(form, Some(Form::Struct(_)));
        all.push(
            node.element.clone(),
            Branch {
                member: node.member || (field && !node.children.is_empty()),
                children: named(below, &node.children),
            },
        );
    }
    all
}

/// The object without these fields and list items. What loses its last entry becomes `null`.
pub(super) fn remove(schema: &'static Schema, object: Value, fields: &FieldSet<'_>) -> Value {
    remove_at(Type::object(schema), object, fields)
}

fn remove_at(ty: Type, value: Value, fields: &FieldSet<'_>) -> Value {
    let form = ty.form();
    match (form, value) {
        (Form::Struct(_) | Form::Map(_), Value::Object(entries)) => {
            let kept: Map<String, Value> = entries
                .into_iter()
                .filter_map(|(name, value)| {
                    let element = PathElement::Field(Cow::Borrowed(name.as_str()));
                    let value = remove_one(form.entry(&name), value, &element, fields)?;
                    Some((name, value))
                })
                .collect();
            if kept.is_empty() {
                Value::Null
            } else {
                Value::Object(kept)
            }
        }
        (Form::Set | Form::Keyed(..), Value::Array(items)) => {
            let kept: Vec<Value> = items
                .into_iter()
                .enumerate()
                .filter_map(|(place, item)| {
                    let element = form.identify_or_place(place, &item).into_owned();
                    remove_one(form.item(), item, &element, fields)
                })
                .collect();
            if kept.is_empty() {
                Value::Null
            } else {
                Value::Array(kept)
            }
        }
        (_, value) => value,
    }
}

fn remove_one(ty: Type, value: Value, element: &PathElement<'_>, fields: &FieldSet<'_>) -> Option<Value> {
    if fields.has_element(element) {
        return None;
    }
    Some(match fields.below(element) {
        Some(fields) => remove_at(ty, value, fields),
        None => value,
    })
}
