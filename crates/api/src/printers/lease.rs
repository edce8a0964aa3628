//! Leases as rows.

use serde_json::Value;

use super::{AGE, NAME, Printer, age, column};
use crate::Time;
use crate::coordination::Lease;
use crate::meta::TableColumnDefinition;

impl Printer for Lease {
    const COLUMNS: &'static [TableColumnDefinition] = &[
        NAME,
        column("Holder", "Who holds the lease; empty if nobody does."),
        AGE,
    ];

    fn cells(&self, now: Time) -> Vec<Value> {
        vec![
            self.metadata.name.as_str().into(),
            self.spec.holder_identity.as_deref().unwrap_or_default().into(),
            age(self.metadata.creation_timestamp, now).into(),
        ]
    }
}
