//! What was measured, as data.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use crate::journal::Deliveries;
use crate::process::Cost;
use crate::tally::Tally;
use crate::{Setup, Summary};

/// What a measurement found. Serialized, it is what `-o json` prints.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// `heartbeat`, `watch` or `list`.
    pub workload: &'static str,
    /// The server's URL.
    pub server: String,
    /// Whether it was told to stop early.
    pub interrupted: bool,
    /// How long was measured.
    pub seconds: f64,
    /// Operations that were done.
    pub operations: u64,
    /// Those per second.
    pub operations_per_second: f64,
    /// Operations that found that somebody else had written the lease.
    pub conflicts: u64,
    /// Operations that failed, by reason.
    pub failures: BTreeMap<String, u64>,
    /// Leases that could not be deleted in the end.
    pub left_over: u64,
    /// How long operations took, from when each was due. One that timed out counts as long as it waited.
    pub latency_microseconds: Summary,
    /// Bytes of the bodies that an operation read, where that is what it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes_per_operation: Option<f64>,
    /// What watchers were told, where there are some.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deliveries: Option<Deliveries>,
    /// What measuring cost on this side.
    pub generator: Generator,
    /// What the processes used that were to be looked at.
    pub processes: Vec<Cost>,
}

/// What measuring cost.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Generator {
    /// Processor time for each operation, in microseconds; `None` without operations.
    pub cpu_microseconds_per_operation: Option<f64>,
}

/// The measured part of a run.
pub(crate) struct Measured {
    pub(crate) seconds: f64,
    pub(crate) own_cpu: Duration,
    pub(crate) processes: Vec<Cost>,
    pub(crate) tally: Tally,
}

impl Measured {
    pub(crate) fn report(self, workload: &'static str, setup: &Setup, interrupted: bool, left_over: u64) -> Report {
        let operations = self.tally.operations;
        let own = self.own_cpu.as_secs_f64() * 1e6 / operations as f64;
        Report {
            workload,
            server: setup.target.server().to_owned(),
            interrupted,
            seconds: self.seconds,
            operations,
            operations_per_second: operations as f64 / self.seconds,
            conflicts: self.tally.conflicts,
            failures: self.tally.failures,
            left_over,
            latency_microseconds: self.tally.latencies.summary(),
            bytes_per_operation: (self.tally.bytes > 0).then(|| self.tally.bytes as f64 / operations as f64),
            deliveries: None,
            generator: Generator {
                cpu_microseconds_per_operation: (operations > 0).then_some(own),
            },
            processes: self.processes,
        }
    }
}
