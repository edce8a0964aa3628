//! Objects as rows of a [`Table`](crate::meta::Table), which is what `kubectl get` shows.
//!
//! Each kind has its column definitions and a function from an object to as many cells. Ages are texts, computed
//! from a time that the caller passes in: this module reads no clock. A server always sends all columns; those with a
//! priority above 0 are shown by `kubectl get -o wide` only.

mod event;
mod human;
mod lease;
mod lease_candidate;
mod namespace;
mod node;

use std::borrow::Cow;

use serde_json::Value;

use crate::Time;
use crate::meta::TableColumnDefinition;

pub use human::human_duration;

/// A kind that can be shown as a row.
pub trait Printer {
    /// What the cells are.
    const COLUMNS: &'static [TableColumnDefinition];

    /// One cell for each column; `now` is what ages are counted to.
    fn cells(&self, now: Time) -> Vec<Value>;
}

const NAME: TableColumnDefinition = definition("Name", "name", "The object's name, unique within its namespace.", 0);

const AGE: TableColumnDefinition = column("Age", "How long ago the object was created.");

/// A column of texts that is always shown.
const fn column(name: &'static str, description: &'static str) -> TableColumnDefinition {
    definition(name, "", description, 0)
}

/// As [`column`], but shown only in a wide table.
const fn wide(name: &'static str, description: &'static str) -> TableColumnDefinition {
    definition(name, "", description, 1)
}

const fn definition(
    name: &'static str,
    format: &'static str,
    description: &'static str,
    priority: i32,
) -> TableColumnDefinition {
    TableColumnDefinition {
        name: Cow::Borrowed(name),
        r#type: Cow::Borrowed("string"),
        format: Cow::Borrowed(format),
        description: Cow::Borrowed(description),
        priority,
    }
}

/// How long ago a time was; `<unknown>` for the zero time.
fn age(since: Time, now: Time) -> String {
    if since.is_zero() {
        "<unknown>".to_owned()
    } else {
        human_duration(now.seconds.saturating_sub(since.seconds))
    }
}

/// The text, or a stand-in for an empty one.
fn text_or(text: &str, otherwise: &str) -> Value {
    Value::from(if text.is_empty() { otherwise } else { text })
}

#[cfg(test)]
mod tests;
