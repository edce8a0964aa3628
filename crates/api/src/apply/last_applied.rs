//! Taking over from `kubectl apply` on the client's side.
//!
//! That keeps what it applied in an annotation, and its fields belong to an update. When `kubectl` then applies through
//! the server, fields that still are as the annotation says are its own, whoever is recorded for them; and the
//! annotation is kept up to date, for the day somebody goes back.

use serde_json::{Map, Value};

use super::Request;
use super::check::check;
use super::compare::Change;
use super::field_set::FieldSet;
use super::members::fields_of;
use super::values;

/// The only manager this is done for.
pub(super) const KUBECTL: &str = "kubectl";

const ANNOTATION: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// How long all annotations of an object may be, in bytes.
const MAX_ANNOTATIONS: usize = 256 * 1024;

fn annotations(object: &Value) -> Option<&Map<String, Value>> {
    object.get("metadata")?.get("annotations")?.as_object()
}

fn last_applied(object: &Value) -> Option<&str> {
    let text = annotations(object)?.get(ANNOTATION)?.as_str()?;
    (!text.is_empty()).then_some(text)
}

/// The fields that the annotation declares and that are still as it says. None when there is no annotation of use.
pub(super) fn unchanged_fields(request: &Request<'_>, live: &Value) -> Option<FieldSet<'static>> {
    let applied: Value = serde_json::from_str(last_applied(live)?).ok()?;
    if applied.get("apiVersion")?.as_str()? != request.api_version {
        return None;
    }
    let schema = request.codec.schema;
    check(schema, &applied).ok()?;
    let change = Change::between(schema, &applied, live);
    let unchanged = fields_of(schema, &applied)
        .difference(&change.modified)
        .difference(&change.added)
        .difference(&change.removed);
    Some(unchanged.into_owned())
}

/// Writes `config` into the annotation of `object`, if it has one. An annotation that would be too long is removed.
pub(super) fn refresh(object: &mut Value, config: &Value) {
    if last_applied(object).is_none() {
        return;
    }
    let text = annotation_of(config);
    let Some(annotations) = object
        .get_mut("metadata")
        .and_then(|metadata| metadata.get_mut("annotations"))
        .and_then(Value::as_object_mut)
    else {
        return;
    };
    annotations.insert(ANNOTATION.to_owned(), Value::String(text));
    let size: usize = annotations
        .iter()
        .map(|(key, value)| key.len() + value.as_str().map_or(0, str::len))
        .sum();
    if size > MAX_ANNOTATIONS {
        annotations.remove(ANNOTATION);
    }
}

/// The configuration without the annotation itself, on a line of its own.
fn annotation_of(config: &Value) -> String {
    let mut config = config.clone();
    if let Some(metadata) = config.get_mut("metadata").and_then(Value::as_object_mut) {
        match metadata.get_mut("annotations") {
            Some(Value::Object(annotations)) => drop(annotations.remove(ANNOTATION)),
            Some(_) => drop(metadata.remove("annotations")),
            None => {}
        }
    }
    format!("{}\n", values::to_go_json(&config))
}
