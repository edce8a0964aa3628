//! Strategic merge patch: a merge patch that knows which lists are sets or have keys, and takes directives.
//!
//! As a merge patch, but a list that the schema lets merge is merged item by item. Directives: `$patch: replace` or
//! `delete` beside the fields of an object, or in an item of its own in a list of objects; `$retainKeys`: which fields
//! may stay; `$deleteFromPrimitiveList/<field>`: scalars to take out of a list; `$setElementOrder/<field>`: the order of a
//! list. The rules are those of `k8s.io/apimachinery/pkg/util/strategicpatch`.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::lists::{Identity, arrange, check_order, distinct, no_merge_key, places};
use super::{decode, object};
use crate::ApiError;
use crate::schema::{Patch, Schema, Shape};

pub(super) const DIRECTIVE: &str = "$patch";
const RETAIN_KEYS: &str = "$retainKeys";
const DELETE_FROM_LIST: &str = "$deleteFromPrimitiveList";
const SET_ORDER: &str = "$setElementOrder";

/// Applies a strategic merge patch to an object of this schema.
///
/// # Errors
/// 400 when the body is not a JSON object, or in Kubernetes' words when a directive is unknown or misused, or a list item
/// lacks its key.
pub fn strategic(schema: &'static Schema, target: Value, body: &[u8]) -> Result<Value, ApiError> {
    let patch = match decode(body)? {
        Value::Null => return Ok(target),
        patch => object(patch)?,
    };
    let live = match target {
        Value::Object(fields) => fields,
        _ => Map::new(),
    };
    merge_objects(Place::Object(schema), live, patch)
        .map(Value::Object)
        .map_err(ApiError::bad_request)
}

/// What the schema says of an object being merged.
#[derive(Clone, Copy)]
enum Place {
    Object(&'static Schema),
    Map(&'static Shape),
    Unknown,
}

/// What the schema says of a list being merged.
#[derive(Clone, Copy)]
struct ListPlace {
    patch: Patch,
    item: Place,
}

impl Place {
    fn of(shape: &'static Shape) -> Self {
        match shape {
            Shape::Object(schema) => Self::Object(schema),
            Shape::Map(item) => Self::Map(item),
            _ => Self::Unknown,
        }
    }

    /// An object within this one.
    fn child(self, name: &str) -> Self {
        match self {
            Self::Object(schema) => schema.field(name).map_or(Self::Unknown, |field| Self::of(&field.shape)),
            Self::Map(item) => Self::of(item),
            Self::Unknown => Self::Unknown,
        }
    }

    fn list(self, name: &str) -> Option<ListPlace> {
        let Self::Object(schema) = self else {
            return None;
        };
        let field = schema.field(name)?;
        let item = match &field.shape {
            Shape::List(item) => Self::of(item),
            _ => Self::Unknown,
        };
        Some(ListPlace {
            patch: field.patch,
            item,
        })
    }

    fn name(self) -> &'static str {
        match self {
            Self::Object(schema) => schema.name,
            Self::Map(_) | Self::Unknown => "this object",
        }
    }
}

type Fields = Map<String, Value>;

fn merge_objects(place: Place, mut live: Fields, mut patch: Fields) -> Result<Fields, String> {
    if let Some(directive) = patch.remove(DIRECTIVE) {
        return match directive.as_str() {
            // Only this level is replaced: directives below stay unread, and fail the decoder.
            Some("replace") => Ok(patch),
            Some("delete") => Ok(Fields::new()),
            _ => Err(unknown_directive(&directive, &patch)),
        };
    }
    retain_keys(&mut live, &mut patch)?;
    set_orders(place, &mut live, &mut patch)?;
    for (name, value) in patch {
        merge_field(place, &mut live, name, value)?;
    }
    Ok(live)
}

fn unknown_directive(directive: &Value, patch: &Fields) -> String {
    let directive = directive.as_str().map_or_else(|| directive.to_string(), str::to_owned);
    let patch = Value::Object(patch.clone());
    format!("unknown patch type: {directive} in map: {patch}")
}

fn merge_field(place: Place, live: &mut Fields, name: String, patch: Value) -> Result<(), String> {
    if name.starts_with(DELETE_FROM_LIST) {
        let field = named_by(&name, DELETE_FROM_LIST).ok_or("invalid patch format of primitive list")?;
        return delete_from_list(live, field, &patch);
    }
    if patch.is_null() {
        live.remove(&name);
        return Ok(());
    }
    let merged = match (live.remove(&name), patch) {
        (Some(Value::Object(live)), Value::Object(patch)) => {
            Some(Value::Object(merge_objects(place.child(&name), live, patch)?))
        }
        (Some(Value::Array(live)), Value::Array(patch)) => {
            Some(Value::Array(merge_lists(place.list(&name), live, patch)?))
        }
        (_, mut patch) => {
            drop_nulls(&mut patch);
            without_directives(patch)
        }
    };
    live.extend(merged.map(|merged| (name, merged)));
    Ok(())
}

/// The field that `$directive/field` is about.
fn named_by<'a>(name: &'a str, directive: &str) -> Option<&'a str> {
    name.strip_prefix(directive)?.strip_prefix('/')
}

fn delete_from_list(live: &mut Fields, field: &str, patch: &Value) -> Result<(), String> {
    let patch = match patch {
        Value::Array(patch) => patch,
        Value::Null => {
            live.remove(field);
            return Ok(());
        }
        _ => return Err("invalid patch format of primitive list".to_owned()),
    };
    let Some(Value::Array(items)) = live.get_mut(field) else {
        return Ok(());
    };
    let deleted: HashSet<String> = patch.iter().map(Value::to_string).collect();
    items.retain(|item| !deleted.contains(&item.to_string()));
    Ok(())
}

fn retain_keys(live: &mut Fields, patch: &mut Fields) -> Result<(), String> {
    const MISUSED: &str = "invalid patch format of retainKeys";
    let Some(keys) = patch.remove(RETAIN_KEYS) else {
        return Ok(());
    };
    let keys = keys.as_array().ok_or(MISUSED)?;
    let kept: HashSet<&str> = keys.iter().filter_map(Value::as_str).collect();
    for (name, value) in patch.iter() {
        let directive = name.starts_with(DELETE_FROM_LIST) || name.starts_with(SET_ORDER);
        if !value.is_null() && !directive && !kept.contains(name.as_str()) {
            return Err(MISUSED.to_owned());
        }
    }
    live.retain(|name, _| kept.contains(name.as_str()));
    Ok(())
}

/// Carries out each `$setElementOrder`, together with the patch of its list.
fn set_orders(place: Place, live: &mut Fields, patch: &mut Fields) -> Result<(), String> {
    let directives: Vec<String> = patch
        .keys()
        .filter(|name| name.starts_with(SET_ORDER))
        .cloned()
        .collect();
    for directive in directives {
        let order = patch.remove(&directive).unwrap_or_default();
        let field = named_by(&directive, SET_ORDER).ok_or("invalid patch format of setElementOrder list")?;
        set_order(place, live, patch, field, &as_list(order)?)?;
    }
    Ok(())
}

fn as_list(value: Value) -> Result<Vec<Value>, String> {
    match value {
        Value::Array(items) => Ok(items),
        other => Err(format!("expected a list, but received {other}")),
    }
}

fn set_order(place: Place, live: &mut Fields, patch: &mut Fields, field: &str, order: &[Value]) -> Result<(), String> {
    let list = place
        .list(field)
        .ok_or_else(|| format!("unable to find api field {field:?} in {}", place.name()))?;
    let identity = match list.patch {
        Patch::MergeKey(key) => Identity::Key(key),
        Patch::Merge | Patch::Replace => Identity::Itself,
    };
    let old = live.remove(field).map(as_list).transpose()?;
    let new = patch.remove(field).map(as_list).transpose()?;
    check_order(new.as_deref().unwrap_or_default(), order, identity)?;
    let before = places(old.as_deref().unwrap_or_default(), identity)?;
    let merged = match (old, new) {
        (None, None) => return Ok(()),
        (Some(old), None) => old,
        (None, Some(new)) => new.into_iter().filter_map(without_directives).collect(),
        (Some(old), Some(new)) => merge_lists(Some(list), old, new)?,
    };
    let arranged = arrange(merged, order, &before, identity)?;
    live.insert(field.to_owned(), Value::Array(arranged));
    Ok(())
}

fn merge_lists(list: Option<ListPlace>, live: Vec<Value>, patch: Vec<Value>) -> Result<Vec<Value>, String> {
    match list {
        Some(list) if list.patch != Patch::Replace => merge_items(list, live, patch),
        _ => Ok(patch),
    }
}

fn merge_items(list: ListPlace, live: Vec<Value>, patch: Vec<Value>) -> Result<Vec<Value>, String> {
    let of_objects = item_kind(&live, &patch)?;
    match (of_objects, list.patch) {
        (true, Patch::MergeKey(key)) => merge_keyed(list.item, key, live, patch),
        (true, _) => Err(format!("cannot merge lists without merge key for {}", list.item.name())),
        (false, _) => {
            let before = places(&live, Identity::Itself)?;
            let both = live.into_iter().chain(patch.iter().cloned()).collect();
            arrange(distinct(both), &patch, &before, Identity::Itself)
        }
    }
}

/// Whether all items are objects. A mixture, and lists within lists, cannot be merged.
fn item_kind(live: &[Value], patch: &[Value]) -> Result<bool, String> {
    let mut items = live.iter().chain(patch);
    let Some(first) = items.next() else {
        return Ok(false);
    };
    if first.is_array() {
        return Err("lists of lists are not supported".to_owned());
    }
    let kind = std::mem::discriminant(first);
    if items.any(|item| std::mem::discriminant(item) != kind) {
        return Err("list element types are not identical".to_owned());
    }
    Ok(first.is_object())
}

fn merge_keyed(item: Place, key: &'static str, mut live: Vec<Value>, patch: Vec<Value>) -> Result<Vec<Value>, String> {
    let identity = Identity::Key(key);
    let Directed {
        deleted,
        replace,
        rest: mut patch,
    } = Directed::of(key, patch)?;
    live.retain(|item| item.get(key).is_none_or(|id| !deleted.contains(&id.to_string())));
    if replace {
        live = std::mem::take(&mut patch);
    }
    let before = places(&live, identity)?;
    let order = patch.clone();
    let mut at = before.clone();
    for new in patch {
        let id = identity.of(&new)?;
        match (at.get(&id), new) {
            (Some(&place), Value::Object(new)) => {
                let old = match live[place].take() {
                    Value::Object(old) => old,
                    _ => Fields::new(),
                };
                live[place] = Value::Object(merge_objects(item, old, new)?);
            }
            (_, new) => {
                at.insert(id, live.len());
                live.push(new);
            }
        }
    }
    arrange(live, &order, &before, identity)
}

/// A patch of a keyed list, with the items that are directives set apart.
struct Directed {
    deleted: HashSet<String>,
    replace: bool,
    rest: Vec<Value>,
}

impl Directed {
    fn of(key: &str, patch: Vec<Value>) -> Result<Self, String> {
        let mut directed = Self {
            deleted: HashSet::new(),
            replace: false,
            rest: Vec::new(),
        };
        for item in patch {
            match item
                .get(DIRECTIVE)
                .map(|directive| directive.as_str().unwrap_or_default())
            {
                None => directed.rest.push(item),
                Some("delete") => {
                    let id = item.get(key).ok_or_else(|| no_merge_key(&item, key))?;
                    directed.deleted.insert(id.to_string());
                }
                Some("replace") => directed.replace = true,
                Some("merge") => {
                    return Err("merging lists cannot yet be specified in the patch".to_owned());
                }
                Some(other) => return Err(format!("unknown patch type: {other} in map: {item}")),
            }
        }
        Ok(directed)
    }
}

/// Takes `null` fields out of what is added as it is, at all depths.
fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, value| !value.is_null());
            fields.values_mut().for_each(drop_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}

fn is_directive(name: &str) -> bool {
    name == RETAIN_KEYS || named_by(name, DELETE_FROM_LIST).is_some() || named_by(name, SET_ORDER).is_some()
}

/// What is added where nothing was, without what only directs a merge; None when it is nothing but a directive.
fn without_directives(value: Value) -> Option<Value> {
    match value {
        Value::Object(fields) if fields.contains_key(DIRECTIVE) => None,
        Value::Object(fields) => {
            let kept = fields
                .into_iter()
                .filter(|(name, _)| !is_directive(name))
                .filter_map(|(name, value)| Some((name, without_directives(value)?)));
            Some(Value::Object(kept.collect()))
        }
        Value::Array(items) => Some(Value::Array(items.into_iter().filter_map(without_directives).collect())),
        scalar => Some(scalar),
    }
}
