//! Namespaces as rows.

use serde_json::Value;

use super::{AGE, NAME, Printer, age, column};
use crate::Time;
use crate::core::Namespace;
use crate::meta::TableColumnDefinition;

impl Printer for Namespace {
    const COLUMNS: &'static [TableColumnDefinition] = &[
        NAME,
        column("Status", "Whether the namespace is in use or going away."),
        AGE,
    ];

    fn cells(&self, now: Time) -> Vec<Value> {
        vec![
            self.metadata.name.as_str().into(),
            self.status.phase.as_str().into(),
            age(self.metadata.creation_timestamp, now).into(),
        ]
    }
}
