//! Lists in a strategic merge patch: what counts as the same item, and the order of the outcome.
//!
//! Items are found through an index, so that long lists cost no more than sorting them.

use std::collections::HashMap;

use serde_json::Value;

/// What tells the items of a list apart: themselves, or the field that is their key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Identity {
    /// The item itself, which is a scalar.
    Itself,
    /// This field of the item, which is an object.
    Key(&'static str),
}

impl Identity {
    /// The item's identity as text.
    pub(super) fn of(self, item: &Value) -> Result<String, String> {
        match self {
            Self::Itself => Ok(item.to_string()),
            Self::Key(key) => match item {
                Value::Object(fields) => fields
                    .get(key)
                    .map(Value::to_string)
                    .ok_or_else(|| no_merge_key(item, key)),
                _ => Err(format!("expected a map, but received {item}")),
            },
        }
    }
}

pub(super) fn no_merge_key(item: &Value, key: &str) -> String {
    format!("map: {item} does not contain declared merge key: {key}")
}

/// Where each identity first occurs in a list.
pub(super) type Places = HashMap<String, usize>;

pub(super) fn places(items: &[Value], identity: Identity) -> Result<Places, String> {
    let mut places = Places::with_capacity(items.len());
    for (place, item) in items.iter().enumerate() {
        places.entry(identity.of(item)?).or_insert(place);
    }
    Ok(places)
}

/// Puts merged items in order: those named in `order` in that order, the others in the order of `live`, and each of the
/// others before the first named one that it preceded in `live`.
pub(super) fn arrange(
    merged: Vec<Value>,
    order: &[Value],
    live: &Places,
    identity: Identity,
) -> Result<Vec<Value>, String> {
    let order = places(order, identity)?;
    let mut named = Vec::new();
    // These come in the order of `live` already: a merge adds nothing that the patch does not name.
    let mut others = Vec::new();
    for item in merged {
        let id = identity.of(&item)?;
        let at = live.get(&id).copied();
        match order.get(&id) {
            Some(&turn) => named.push((turn, at, item)),
            None => others.push((at, item)),
        }
    }
    named.sort_by_key(|(turn, ..)| *turn);
    let named = named.into_iter().map(|(_, at, item)| (at, item));
    Ok(interleave(others, named))
}

/// An item and where it was in the live list.
type Placed = (Option<usize>, Value);

fn interleave(others: Vec<Placed>, named: impl Iterator<Item = Placed>) -> Vec<Value> {
    let mut arranged = Vec::with_capacity(others.len() + named.size_hint().0);
    let mut others = others.into_iter().peekable();
    for (at, item) in named {
        let before = |other: &Placed| matches!((other.0, at), (Some(other), Some(at)) if other < at);
        while let Some((_, other)) = others.next_if(before) {
            arranged.push(other);
        }
        arranged.push(item);
    }
    arranged.extend(others.map(|(_, other)| other));
    arranged
}

/// Checks that the items of a patch occur in the order that its `$setElementOrder` gives, leaving deletions aside.
pub(super) fn check_order(patch: &[Value], order: &[Value], identity: Identity) -> Result<(), String> {
    if order.is_empty() || patch.is_empty() {
        return Ok(());
    }
    let mut turns = order.iter();
    for item in patch
        .iter()
        .filter(|item| item.get(super::strategic::DIRECTIVE).is_none())
    {
        let id = identity.of(item)?;
        let mut found = false;
        for turn in turns.by_ref() {
            if identity.of(turn)? == id {
                found = true;
                break;
            }
        }
        if !found {
            return Err(format!(
                "The order in patch list:\n{}\n doesn't match $setElementOrder list:\n{}\n",
                Value::from(patch),
                Value::from(order)
            ));
        }
    }
    Ok(())
}

/// The items without repetitions of scalars; the first of each stays.
pub(super) fn distinct(items: Vec<Value>) -> Vec<Value> {
    let mut seen = std::collections::HashSet::with_capacity(items.len());
    items.into_iter().filter(|item| seen.insert(item.to_string())).collect()
}
