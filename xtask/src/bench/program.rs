//! The release program as a server to measure: started, timed until it is ready, looked at, stopped.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::command::{command, root};

/// The release program.
pub(super) fn path() -> PathBuf {
    root().join("target/release/leasehold")
}

/// A running server on a data directory. Killed if dropped before [`Server::stop`].
pub(super) struct Server {
    child: Child,
    data: PathBuf,
    started_in: Duration,
}

impl Server {
    /// Starts one on loopback and waits until it says that it listens.
    pub(super) fn start(data: &Path) -> Result<Self, String> {
        let watch = Stopwatch::start();
        let mut child = Command::new(path())
            .args(["serve", "--listen", "127.0.0.1:0", "--log-level", "error", "--data-dir"])
            .arg(data)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("the release program cannot be started: {error}"))?;
        let mut first = String::new();
        let read = child.stdout.take().map(|out| BufReader::new(out).read_line(&mut first));
        let started_in = watch.elapsed();
        let server = Self {
            child,
            data: data.to_owned(),
            started_in,
        };
        // Whoever reads that line finds a server that answers.
        match read {
            Some(Ok(_)) if first.contains(" listens on ") => Ok(server),
            _ => Err("the server did not start; try the release program by hand".to_owned()),
        }
    }

    /// From starting the process until it was ready.
    pub(super) fn started_in(&self) -> Duration {
        self.started_in
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// A kubeconfig that may do everything.
    pub(super) fn kubeconfig(&self) -> PathBuf {
        self.data.join("admin.kubeconfig")
    }

    /// Resident memory now, in bytes.
    pub(super) fn memory(&self) -> Result<f64, String> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid()))
            .map_err(|error| format!("the memory of the server: {error}"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok());
        kib.map(|kib| kib * 1024.0)
            .ok_or_else(|| "the memory of the server is not told".to_owned())
    }

    /// Asks it to end, and waits for that.
    pub(super) fn stop(mut self) -> Result<(), String> {
        let id = self.pid().to_string();
        let asked = command("kill", &["-TERM", &id]).status();
        let ended = self
            .child
            .wait()
            .map_err(|error| format!("waiting for the server: {error}"))?;
        match asked {
            Ok(asked) if asked.success() && ended.success() => Ok(()),
            _ => Err(format!("the server ended with {ended}")),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Time of the wall, for figures only.
pub(super) struct Stopwatch(Instant);

#[expect(
    clippy::disallowed_methods,
    reason = "what is measured here is how long things take; no decision rests on it"
)]
impl Stopwatch {
    pub(super) fn start() -> Self {
        Self(Instant::now())
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}
