//! Merging an applied configuration into an object: its values win, and nothing is removed.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde_json::{Map, Value};

use super::compare::zip;
use super::path::PathElement;
use super::types::{Form, Type};
use crate::schema::Schema;

/// Merges `config`, which was checked to be of this schema, into `live`.
pub(super) fn merge(schema: &'static Schema, live: &Value, config: &Value) -> Value {
    walk(Type::object(schema), Some(live), Some(config)).unwrap_or_else(|| Value::Object(Map::new()))
}

fn walk(ty: Type, live: Option<&Value>, config: Option<&Value>) -> Option<Value> {
    let form = ty.form();
    let whole = || config.or(live).cloned();
    match form {
        Form::Leaf => whole(),
        Form::Struct(_) | Form::Map(_) => {
            let entries = |value: Option<&Value>| value.and_then(Value::as_object).is_some_and(|m| !m.is_empty());
            if entries(live) || entries(config) {
                walk_map(form, live, config)
            } else {
                whole()
            }
        }
        Form::Set | Form::Keyed(..) => {
            let items = |value: Option<&Value>| value.and_then(Value::as_array).is_some_and(|l| !l.is_empty());
            if items(live) || items(config) {
                Lists::new(form, live, config).merge()
            } else {
                whole()
            }
        }
    }
}

fn walk_map(form: Form, live: Option<&Value>, config: Option<&Value>) -> Option<Value> {
    let merged: Map<String, Value> = zip(live.and_then(Value::as_object), config.and_then(Value::as_object))
        .filter_map(|(name, live, config)| walk(form.entry(name), live, config).map(|value| (name.to_owned(), value)))
        .collect();
    (!merged.is_empty()).then_some(Value::Object(merged))
}

/// One side of a merge of lists.
struct Side<'a> {
    items: &'a [Value],
    identities: Vec<PathElement<'a>>,
    /// `null` for duplicates, which are not merged with anything.
    by_identity: BTreeMap<PathElement<'a>, &'a Value>,
}

impl<'a> Side<'a> {
    fn new(form: Form, value: Option<&'a Value>) -> Self {
        let items = value.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let mut by_identity = BTreeMap::new();
        let mut identities = Vec::with_capacity(items.len());
        for (place, item) in items.iter().enumerate() {
            let identity = form.identify_or_place(place, item);
            by_identity
                .entry(identity.clone())
                .and_modify(|kept| *kept = &Value::Null)
                .or_insert(item);
            identities.push(identity);
        }
        Self {
            items,
            identities,
            by_identity,
        }
    }
}

/// A merge of two lists. What both have comes in the configuration's order, with the live list's other items kept near
/// where they were.
struct Lists<'a> {
    item: Type,
    live: Side<'a>,
    config: Side<'a>,
    /// What both have, in the configuration's order, and not yet reached.
    shared: VecDeque<PathElement<'a>>,
    taken: BTreeSet<PathElement<'a>>,
    merged: Vec<Value>,
}

impl<'a> Lists<'a> {
    fn new(form: Form, live: Option<&'a Value>, config: Option<&'a Value>) -> Self {
        let live = Side::new(form, live);
        let config = Side::new(form, config);
        let shared = config
            .identities
            .iter()
            .filter(|identity| live.by_identity.contains_key(identity))
            .cloned()
            .collect();
        Self {
            item: form.item(),
            live,
            config,
            shared,
            taken: BTreeSet::new(),
            merged: Vec::new(),
        }
    }

    fn merge(mut self) -> Option<Value> {
        let (mut l, mut c) = (0, 0);
        while l < self.live.items.len() || c < self.config.items.len() {
            let live = self.live.identities.get(l).cloned();
            let config = self.config.identities.get(c).cloned();
            match (live, config) {
                (Some(live), Some(config)) if live == config => {
                    self.take(&config);
                    self.shared.pop_front();
                    (l, c) = (l + 1, c + 1);
                }
                // Both have it, but it is not the one whose turn it is.
                (Some(live), Some(_)) if self.waits(&live) => l += 1,
                (Some(live), _) if !self.config.by_identity.contains_key(&live) => {
                    self.merged.extend(walk(self.item, Some(&self.live.items[l]), None));
                    l += 1;
                }
                (live, config) => {
                    if live.is_some_and(|live| self.taken.contains(&live)) {
                        l += 1;
                    }
                    if let Some(config) = config {
                        self.take(&config);
                        c += 1;
                        if self.shared.front() == Some(&config) {
                            self.shared.pop_front();
                        }
                    }
                }
            }
        }
        (!self.merged.is_empty()).then_some(Value::Array(self.merged))
    }

    fn waits(&self, live: &PathElement<'a>) -> bool {
        self.config.by_identity.contains_key(live) && self.shared.front().is_some_and(|next| next != live)
    }

    fn take(&mut self, identity: &PathElement<'a>) {
        let live = self.live.by_identity.get(identity).copied();
        let config = self.config.by_identity.get(identity).copied();
        self.merged.extend(walk(self.item, live, config));
        self.taken.insert(identity.clone());
    }
}
