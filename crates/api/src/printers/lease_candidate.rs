//! Lease candidates as rows.

use serde_json::Value;

use super::{AGE, NAME, Printer, age, column};
use crate::Time;
use crate::coordination::LeaseCandidate;
use crate::meta::TableColumnDefinition;

impl Printer for LeaseCandidate {
    const COLUMNS: &'static [TableColumnDefinition] = &[
        NAME,
        column("LeaseName", "The lease that the candidate would hold."),
        column("BinaryVersion", "The version of the candidate's program."),
        column("EmulationVersion", "The version that the candidate behaves as."),
        AGE,
    ];

    fn cells(&self, now: Time) -> Vec<Value> {
        vec![
            self.metadata.name.as_str().into(),
            self.spec.lease_name.as_str().into(),
            self.spec.binary_version.as_str().into(),
            self.spec.emulation_version.as_str().into(),
            age(self.metadata.creation_timestamp, now).into(),
        ]
    }
}
