//! JSON patch (RFC 6902): a list of operations, applied one after another, all or none.
//!
//! A short patch can ask for a lot: repeated `copy` doubles an object (CVE-2019-1002100) or its depth, and operations at
//! the front of a long list move all the rest. Each operation is therefore charged for what it touches before it runs.

use json_patch::PatchOperation;
use json_patch::jsonptr::Pointer;
use serde_json::Value;

use super::{decode, inapplicable, type_name, undecodable};
use crate::ApiError;

/// How many operations a patch may have.
const MAX_OPERATIONS: usize = 10_000;
/// How many bytes `copy` and `move` may carry in total.
const MAX_CARRIED: usize = 3 * 1024 * 1024;
/// How many list items may be shifted in total: a fraction of a second's work.
const MAX_SHIFTED: usize = 64 * 1024 * 1024;
/// How deeply nested the outcome may be: what the JSON reader takes.
const MAX_DEPTH: usize = 127;

/// Applies a JSON patch.
///
/// # Errors
/// 400 when the body is not a JSON array of objects, 413 when it has more than 10,000 operations, 422 when an operation
/// is unknown, a `test` fails, a path leads nowhere, or the patch asks for too much.
pub fn json(mut target: Value, body: &[u8]) -> Result<Value, ApiError> {
    let operations = operations(body)?;
    let mut budget = Budget::default();
    for operation in operations {
        if operation.get("path").and_then(Value::as_str) == Some("") {
            // Kubernetes' reading has no way to name the whole object.
            return Err(inapplicable());
        }
        let operation = serde_json::from_value(as_understood(operation, &target)).map_err(|_| inapplicable())?;
        if tests_for_absence(&operation, &target) {
            continue;
        }
        budget.charge(&operation, &target)?;
        json_patch::patch_unsafe(&mut target, std::slice::from_ref(&operation)).map_err(|_| inapplicable())?;
    }
    Ok(target)
}

fn operations(body: &[u8]) -> Result<Vec<Value>, ApiError> {
    let operations = match decode(body)? {
        Value::Array(operations) => operations,
        Value::Null => Vec::new(),
        other => {
            return Err(undecodable(format!("expected an array, got {}", type_name(&other))));
        }
    };
    if let Some(other) = operations.iter().find(|operation| !operation.is_object()) {
        return Err(undecodable(format!("expected an object, got {}", type_name(other))));
    }
    if operations.len() > MAX_OPERATIONS {
        return Err(ApiError::too_large(format!(
            "The allowed maximum operations in a JSON patch is {MAX_OPERATIONS}, got {}",
            operations.len()
        )));
    }
    Ok(operations)
}

/// What Kubernetes' reading of JSON patch lets pass and RFC 6902 does not, in the RFC's words: a value left out is
/// `null`, the fields of an object can be replaced and copied before they are there, and a negative index counts from
/// the end of a list.
fn as_understood(operation: Value, target: &Value) -> Value {
    let Value::Object(mut fields) = operation else {
        return operation;
    };
    for name in ["path", "from"] {
        let counted = fields
            .get(name)
            .and_then(Value::as_str)
            .map(|path| count_from_start(path, target));
        if let Some(counted) = counted {
            fields.insert(name.to_owned(), counted.into());
        }
    }
    let text = |name: &str| fields.get(name).and_then(Value::as_str).unwrap_or("").to_owned();
    let (op, path, from) = (text("op"), text("path"), text("from"));
    match op.as_str() {
        "replace" if is_new_field(&path, target) => drop(fields.insert("op".to_owned(), "add".into())),
        "copy" if is_new_field(&from, target) => {
            fields.insert("op".to_owned(), "add".into());
            fields.insert("value".to_owned(), Value::Null);
        }
        _ => {}
    }
    if matches!(op.as_str(), "add" | "replace" | "test") {
        fields.entry("value").or_insert(Value::Null);
    }
    Value::Object(fields)
}

/// Whether a path leads to a field that an object does not have yet.
fn is_new_field(path: &str, target: &Value) -> bool {
    let parent = path.rsplit_once('/').and_then(|(parent, _)| target.pointer(parent));
    parent.is_some_and(Value::is_object) && target.pointer(path).is_none()
}

/// The path with its last segment as an index from the start, where it is one from the end.
fn count_from_start(path: &str, target: &Value) -> String {
    let counted = || {
        let (parent, last) = path.rsplit_once('/')?;
        let from_end = last.strip_prefix('-')?.parse().ok()?;
        let index = target.pointer(parent)?.as_array()?.len().checked_sub(from_end)?;
        Some(format!("{parent}/{index}"))
    };
    counted().unwrap_or_else(|| path.to_owned())
}

/// Kubernetes takes a `test` for `null` as a test that there is nothing.
fn tests_for_absence(operation: &PatchOperation, target: &Value) -> bool {
    match operation {
        PatchOperation::Test(test) => test.value.is_null() && target.pointer(test.path.as_str()).is_none(),
        _ => false,
    }
}

#[derive(Default)]
struct Budget {
    carried: usize,
    shifted: usize,
}

impl Budget {
    /// Refuses an operation that would make too much of `target`.
    fn charge(&mut self, operation: &PatchOperation, target: &Value) -> Result<(), ApiError> {
        let path = operation.path();
        let placed = match operation {
            PatchOperation::Add(add) => measure(&add.value).depth,
            PatchOperation::Replace(replace) => measure(&replace.value).depth,
            PatchOperation::Copy(copy) => self.carry(&copy.from, target)?,
            PatchOperation::Move(mov) => {
                self.shift(&mov.from, target)?;
                self.carry(&mov.from, target)?
            }
            PatchOperation::Remove(_) => 0,
            PatchOperation::Test(_) => return Ok(()),
        };
        if path.count() + placed > MAX_DEPTH {
            return Err(inapplicable());
        }
        self.shift(path, target)
    }

    /// Counts what is carried, and returns its depth.
    fn carry(&mut self, from: &Pointer, target: &Value) -> Result<usize, ApiError> {
        let size = target.pointer(from.as_str()).map_or_else(Size::default, measure);
        self.carried = self.carried.saturating_add(size.bytes);
        if self.carried > MAX_CARRIED {
            return Err(inapplicable());
        }
        Ok(size.depth)
    }

    /// Counts the items that may have to move to make or close a gap.
    fn shift(&mut self, path: &Pointer, target: &Value) -> Result<(), ApiError> {
        let list = path
            .parent()
            .and_then(|parent| target.pointer(parent.as_str()))
            .and_then(Value::as_array);
        self.shifted = self.shifted.saturating_add(list.map_or(0, Vec::len));
        if self.shifted > MAX_SHIFTED {
            return Err(inapplicable());
        }
        Ok(())
    }
}

/// About how large a value is.
#[derive(Default)]
struct Size {
    bytes: usize,
    depth: usize,
}

impl Size {
    fn around(self, key: usize, inner: &Self) -> Self {
        Self {
            bytes: self.bytes + key + 1 + inner.bytes,
            depth: self.depth.max(1 + inner.depth),
        }
    }
}

/// Measures a value; its depth, and so the recursion, is within [`MAX_DEPTH`].
fn measure(value: &Value) -> Size {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => Size { bytes: 4, depth: 0 },
        Value::String(text) => Size {
            bytes: text.len() + 2,
            depth: 0,
        },
        Value::Array(items) => items
            .iter()
            .map(measure)
            .fold(Size { bytes: 2, depth: 1 }, |all, item| all.around(0, &item)),
        Value::Object(fields) => fields.iter().fold(Size { bytes: 2, depth: 1 }, |all, (key, value)| {
            all.around(key.len() + 3, &measure(value))
        }),
    }
}
