//! [`Change`]: which fields differ between two states of an object.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::field_set::{Branch, FieldSet};
use super::path::PathElement;
use super::types::{Form, Type};
use super::values;
use crate::schema::Schema;

/// The fields that differ between two states of an object. No path is in two of the sets, except that of a list item
/// which is a duplicate in one state only.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change<'a> {
    /// Only the old state has them.
    pub removed: FieldSet<'a>,
    /// Both have them, with different values.
    pub modified: FieldSet<'a>,
    /// Only the new state has them.
    pub added: FieldSet<'a>,
}

impl<'a> Change<'a> {
    /// What differs between `old` and `new`, both of this schema.
    #[must_use]
    pub fn between(schema: &'static Schema, old: &'a Value, new: &'a Value) -> Self {
        let delta = walk(Type::object(schema), Some(old), Some(new));
        Self {
            removed: delta.removed.children,
            modified: delta.modified.children,
            added: delta.added.children,
        }
    }

    /// The same without `ignored` fields and all below them.
    #[must_use]
    pub fn without(&self, ignored: &FieldSet<'_>) -> Self {
        Self {
            removed: self.removed.recursive_difference(ignored),
            modified: self.modified.recursive_difference(ignored),
            added: self.added.recursive_difference(ignored),
        }
    }

    /// The fields whose new value somebody set.
    #[must_use]
    pub fn set(&self) -> FieldSet<'a> {
        self.modified.union(&self.added)
    }
}

/// What differs at and below one path.
#[derive(Default)]
struct Delta<'a> {
    removed: Branch<'a>,
    modified: Branch<'a>,
    added: Branch<'a>,
}

impl<'a> Delta<'a> {
    fn push(&mut self, element: &PathElement<'a>, below: Self) {
        for (set, branch) in [
            (&mut self.removed.children, below.removed),
            (&mut self.modified.children, below.modified),
            (&mut self.added.children, below.added),
        ] {
            if branch.member || !branch.children.is_empty() {
                set.push(element.clone(), branch);
            }
        }
    }

    fn leaf(old: Option<&Value>, new: Option<&Value>) -> Self {
        let mut delta = Self::default();
        match (old, new) {
            (Some(old), Some(new)) => delta.modified.member = !values::equal(old, new),
            (None, _) => delta.added.member = true,
            (_, None) => delta.removed.member = true,
        }
        delta
    }
}

fn walk<'a>(ty: Type, old: Option<&'a Value>, new: Option<&'a Value>) -> Delta<'a> {
    let form = ty.form();
    let below = match form {
        Form::Leaf => None,
        Form::Struct(_) | Form::Map(_) => walk_map(form, old, new),
        Form::Set | Form::Keyed(..) => walk_list(form, old, new),
    };
    let Some(mut delta) = below else {
        return Delta::leaf(old, new);
    };
    delta.added.member = old.is_none();
    delta.removed.member = new.is_none();
    delta
}

/// None when both are empty: then they are compared as one value, to tell empty from `null`.
fn walk_map<'a>(form: Form, old: Option<&'a Value>, new: Option<&'a Value>) -> Option<Delta<'a>> {
    let entries = |value: Option<&'a Value>| value.and_then(Value::as_object).filter(|m| !m.is_empty());
    let (old, new) = (entries(old), entries(new));
    old.or(new)?;
    let mut delta = Delta::default();
    for (name, old, new) in zip(old, new) {
        let element = PathElement::Field(Cow::Borrowed(name));
        delta.push(&element, walk(form.entry(name), old, new));
    }
    Some(delta)
}

/// The entries of two maps by name; every name has a value in at least one.
pub(super) fn zip<'a>(
    left: Option<&'a Map<String, Value>>,
    right: Option<&'a Map<String, Value>>,
) -> impl Iterator<Item = (&'a str, Option<&'a Value>, Option<&'a Value>)> {
    let mut names: Vec<&str> = [left, right]
        .into_iter()
        .flatten()
        .flat_map(|map| map.keys().map(String::as_str))
        .collect();
    names.sort_unstable();
    names.dedup();
    let get = |map: Option<&'a Map<String, Value>>, name: &str| map.and_then(|map| map.get(name));
    names
        .into_iter()
        .map(move |name| (name, get(left, name), get(right, name)))
}

/// Old and new items with the same identity; more than one of a side are duplicates.
#[derive(Default)]
struct Items<'a> {
    old: Vec<&'a Value>,
    new: Vec<&'a Value>,
}

fn walk_list<'a>(form: Form, old: Option<&'a Value>, new: Option<&'a Value>) -> Option<Delta<'a>> {
    let items = |value: Option<&'a Value>| value.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let (old, new) = (items(old), items(new));
    if old.is_empty() && new.is_empty() {
        return None;
    }
    let mut by_identity: BTreeMap<PathElement<'a>, Items<'a>> = BTreeMap::new();
    for (place, item) in old.iter().enumerate() {
        let identity = form.identify_or_place(place, item);
        by_identity.entry(identity).or_default().old.push(item);
    }
    for (place, item) in new.iter().enumerate() {
        let identity = form.identify_or_place(place, item);
        by_identity.entry(identity).or_default().new.push(item);
    }
    let mut delta = Delta::default();
    for (element, items) in by_identity {
        delta.push(&element, walk_items(form.item(), &items));
    }
    Some(delta)
}

/// Duplicates, which Kubernetes tolerates in what is stored, are owned together as one value.
fn walk_items<'a>(ty: Type, items: &Items<'a>) -> Delta<'a> {
    let mut delta;
    match (items.old.as_slice(), items.new.as_slice()) {
        (old @ ([] | [_]), new @ ([] | [_])) => {
            delta = walk(ty, old.first().copied(), new.first().copied());
        }
        (old @ [_, _, ..], new @ [_, _, ..]) => {
            delta = Delta::default();
            let same = old.len() == new.len() && old.iter().zip(new).all(|(old, new)| values::equal(old, new));
            delta.modified.member = !same;
        }
        (_, new @ ([] | [_])) => {
            delta = new.first().map_or_else(Delta::default, |new| walk(ty, None, Some(new)));
            delta.removed.member = true;
        }
        (old, _) => {
            delta = old.first().map_or_else(Delta::default, |old| walk(ty, Some(old), None));
            delta.added.member = true;
        }
    }
    delta
}
