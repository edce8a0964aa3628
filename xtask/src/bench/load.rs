//! `leasehold bench`, run as anyone would, and its report read.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use super::program::{self, Server};

/// Another server to measure.
pub(super) struct Other {
    pub(super) kubeconfig: PathBuf,
    pub(super) pids: Vec<u32>,
}

/// Who is measured.
#[derive(Clone)]
pub(super) struct Subject {
    kubeconfig: PathBuf,
    pids: Vec<u32>,
}

/// A report of `leasehold bench`.
pub(super) struct Report(Value);

impl Subject {
    pub(super) fn ours(server: &Server) -> Self {
        Self {
            kubeconfig: server.kubeconfig(),
            pids: vec![server.pid()],
        }
    }

    pub(super) fn another(other: &Other) -> Self {
        Self {
            kubeconfig: other.kubeconfig.clone(),
            pids: other.pids.clone(),
        }
    }

    /// Runs `leasehold bench` with these arguments, separated by spaces.
    pub(super) fn bench(&self, arguments: &str) -> Result<Report, String> {
        super::say(&format!("  leasehold bench {arguments}"));
        let mut command = Command::new(program::path());
        command.arg("bench").args(arguments.split_whitespace());
        command
            .args(["-o", "json", "--kubeconfig"])
            .arg(absolute(&self.kubeconfig)?);
        for pid in &self.pids {
            command.args(["--pid", &pid.to_string()]);
        }
        let output = command
            .stdin(Stdio::null())
            .stderr(Stdio::inherit())
            .output()
            .map_err(|error| format!("leasehold bench cannot be run: {error}"))?;
        if !output.status.success() {
            return Err(format!("leasehold bench {arguments} ended with {}", output.status));
        }
        let report = serde_json::from_slice(&output.stdout);
        report
            .map(Report)
            .map_err(|error| format!("the report of leasehold bench: {error}"))
    }
}

impl Report {
    /// The number at this JSON pointer, times `unit`.
    pub(super) fn number(&self, pointer: &str, unit: f64) -> Result<f64, String> {
        let found = self.0.pointer(pointer).and_then(Value::as_f64);
        found
            .map(|number| number * unit)
            .ok_or_else(|| format!("no {pointer} in the report of leasehold bench"))
    }

    /// CPU of all processes together, in seconds for each operation; `None` if none was looked at.
    pub(super) fn cpu(&self) -> Option<f64> {
        let processes = self.0["processes"].as_array()?;
        let each = processes
            .iter()
            .filter_map(|process| process["cpuMicrosecondsPerOperation"].as_f64());
        (!processes.is_empty()).then(|| each.sum::<f64>() * 1e-6)
    }

    /// Operations that did not succeed.
    pub(super) fn failed(&self) -> f64 {
        let failures = self.0["failures"].as_object();
        failures.map_or(0.0, |all| {
            all.values()
                .filter_map(Value::as_f64)
                .fold(0.0, |sum, count| sum + count)
        })
    }
}

fn absolute(path: &Path) -> Result<PathBuf, String> {
    std::path::absolute(path).map_err(|error| format!("{}: {error}", path.display()))
}
