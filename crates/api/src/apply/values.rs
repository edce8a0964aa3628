//! How managed fields compare and print plain values, which is not quite how `serde_json` does.
//!
//! Maps are taken to be sorted by key, as `serde_json` has them without its feature `preserve_order`.
//!
//! All recursion here is bounded by the depth of the values, which the JSON reader limits to 128.

use std::cmp::Ordering;

use serde_json::{Number, Value};

/// Exact, and so a total order: to compare integers as floats would make neighbours of large ones equal.
fn compare_numbers(left: &Number, right: &Number) -> Ordering {
    match (left.as_i128(), right.as_i128()) {
        (Some(l), Some(r)) => l.cmp(&r),
        (Some(l), None) => compare_to_float(l, float(right)),
        (None, Some(r)) => compare_to_float(r, float(left)).reverse(),
        // JSON has no NaN, so that two floats always have an order.
        (None, None) => float(left).partial_cmp(&float(right)).unwrap_or(Ordering::Equal),
    }
}

fn float(number: &Number) -> f64 {
    number.as_f64().unwrap_or_default()
}

fn compare_to_float(integer: i128, float: f64) -> Ordering {
    // JSON integers have 64 bits: whatever a larger float saturates to is on the right side of them all.
    let whole = float.trunc() as i128;
    let rest = || 0.0_f64.partial_cmp(&float.fract()).unwrap_or(Ordering::Equal);
    integer.cmp(&whole).then_with(rest)
}

fn rank(value: &Value) -> u8 {
    match value {
        Value::Number(_) => 0,
        Value::String(_) => 1,
        Value::Bool(_) => 2,
        Value::Array(_) => 3,
        Value::Object(_) => 4,
        Value::Null => 5,
    }
}

/// A total order over values; numbers compare by size, whether or not they have decimals.
pub(super) fn compare(left: &Value, right: &Value) -> Ordering {
    match (left, right) {
        (Value::Number(l), Value::Number(r)) => compare_numbers(l, r),
        (Value::String(l), Value::String(r)) => l.cmp(r),
        (Value::Bool(l), Value::Bool(r)) => l.cmp(r),
        (Value::Array(l), Value::Array(r)) => {
            let pairs = l.iter().zip(r).map(|(l, r)| compare(l, r));
            first_difference(pairs).then(l.len().cmp(&r.len()))
        }
        (Value::Object(l), Value::Object(r)) => {
            let pairs = l
                .iter()
                .zip(r)
                .map(|(l, r)| l.0.cmp(r.0).then_with(|| compare(l.1, r.1)));
            first_difference(pairs).then(l.len().cmp(&r.len()))
        }
        _ => rank(left).cmp(&rank(right)),
    }
}

fn first_difference(mut pairs: impl Iterator<Item = Ordering>) -> Ordering {
    pairs.find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
}

/// Whether two values are the same; 1 and 1.0 are.
pub(super) fn equal(left: &Value, right: &Value) -> bool {
    compare(left, right).is_eq()
}

/// The JSON text with those characters escaped that Go's encoder escapes for the sake of HTML.
pub(super) fn to_go_json(value: &Value) -> String {
    let text = value.to_string();
    let special = |c| matches!(c, '<' | '>' | '&' | '\u{2028}' | '\u{2029}');
    if !text.contains(special) {
        return text;
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if special(c) {
            // Such a character only ever stands within a JSON string, where an escape may.
            escaped.push_str(&format!("\\u{:04x}", u32::from(c)));
        } else {
            escaped.push(c);
        }
    }
    escaped
}
