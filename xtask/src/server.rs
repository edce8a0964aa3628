//! [`Server`]: the `leasehold` program, running while real clients are tried on it.
//!
//! Unlike the server that Rust tests start for themselves, this one ends as an operator ends it: a SIGTERM, and then it has
//! to exit in order and in time. It never outlives the step that started it.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::command::command;

/// How long it may take to listen. Generous: the machine may be busy.
const START_MAX: Duration = Duration::from_secs(60);
/// How long it may take to end: its own default for `--drain-timeout`.
const STOP_MAX: Duration = Duration::from_secs(25);
/// What a service account's token file holds: its user may do everything.
pub(crate) const TOKEN: &str = "interop-token";
const LOG_LINES_SHOWN: usize = 40;
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// A running `leasehold serve` on a port of its own, on loopback, with nothing in it. Killed if dropped before
/// [`Server::stop`].
pub(crate) struct Server {
    program: PathBuf,
    child: Child,
    scratch: TempDir,
    has_ended_well: bool,
}

impl Server {
    /// Starts the program that stands beside this one, where cargo puts both, and waits until it listens.
    pub(crate) fn start() -> Result<Self, String> {
        let program = sibling("leasehold")?;
        let scratch =
            TempDir::with_prefix("leasehold-interop-").map_err(|error| format!("no scratch directory: {error}"))?;
        let tokens = scratch.path().join("tokens.csv");
        write_private(&tokens, &format!("{TOKEN},interop,1,\"system:masters\"\n"))?;
        let log = File::create(scratch.path().join("stderr")).map_err(|error| format!("no log file: {error}"))?;
        let child = Command::new(&program)
            .args(["serve", "--listen", "127.0.0.1:0", "--log-level", "warn", "--data-dir"])
            .arg(scratch.path().join("data"))
            .arg("--token-file")
            .arg(tokens)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .map_err(|error| format!("{} cannot be started: {error}", program.display()))?;
        let mut server = Self {
            program,
            child,
            scratch,
            has_ended_well: false,
        };
        server.wait_until_it_listens()?;
        Ok(server)
    }

    /// The program that runs.
    pub(crate) fn program(&self) -> &Path {
        &self.program
    }

    /// A kubeconfig that may do everything. It is there once the server listens, with the port it got.
    pub(crate) fn kubeconfig(&self) -> PathBuf {
        self.scratch.path().join("data/admin.kubeconfig")
    }

    /// Makes a kubeconfig for a node of this name.
    pub(crate) fn node_kubeconfig(&self, node: &str) -> Result<PathBuf, String> {
        let path = self.scratch.path().join(format!("{node}.kubeconfig"));
        let file = File::create(&path).map_err(|error| format!("no kubeconfig: {error}"))?;
        let status = Command::new(&self.program)
            .args(["kubeconfig", "--node", node, "--data-dir"])
            .arg(self.scratch.path().join("data"))
            .stdin(Stdio::null())
            .stdout(file)
            .status();
        match status {
            Ok(status) if status.success() => Ok(path),
            Ok(status) => Err(format!("leasehold kubeconfig ended with {status}")),
            Err(error) => Err(format!("leasehold kubeconfig cannot be run: {error}")),
        }
    }

    /// Prints the end of what it wrote to stderr.
    pub(crate) fn show_log(&self) {
        let text = std::fs::read(self.scratch.path().join("stderr")).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<_> = text.lines().collect();
        let shown = &lines[lines.len().saturating_sub(LOG_LINES_SHOWN)..];
        let _ = writeln!(std::io::stdout(), "-- the server's log ends:\n{}", shown.join("\n"));
    }

    /// Asks it to end, and fails if it does not do so in order and in time.
    pub(crate) fn stop(mut self) -> Result<(), String> {
        let id = self.child.id().to_string();
        let stopped = match command("kill", &["-TERM", &id]).status() {
            Ok(status) if status.success() => wait(STOP_MAX, || self.ended())?,
            _ => return Err("the server was gone before it was stopped".to_owned()),
        };
        match stopped {
            Some(status) if status.success() => self.has_ended_well = true,
            Some(status) => return Err(format!("after SIGTERM the server ended with {status}")),
            None => return Err(format!("{STOP_MAX:?} after SIGTERM the server still runs")),
        }
        Ok(())
    }

    fn wait_until_it_listens(&mut self) -> Result<(), String> {
        let kubeconfig = self.kubeconfig();
        let ready = wait(START_MAX, || match self.ended()? {
            Some(status) => Err(format!("the server ended with {status} at its start")),
            None => Ok(kubeconfig.exists().then_some(())),
        });
        ready?.ok_or_else(|| format!("the server does not listen after {START_MAX:?}"))
    }

    fn ended(&mut self) -> Result<Option<ExitStatus>, String> {
        let status = self.child.try_wait();
        status.map_err(|error| format!("cannot wait for the server: {error}"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if !self.has_ended_well {
            // It may have ended by itself.
            let _ = self.child.kill();
            let _ = self.child.wait();
            self.show_log();
        }
    }
}

fn write_private(path: &Path, text: &str) -> Result<(), String> {
    let mut file = File::options();
    file.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut file, 0o600);
    let written = file.open(path).and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| format!("no {}: {error}", path.display()))
}

fn sibling(name: &str) -> Result<PathBuf, String> {
    let this = std::env::current_exe().map_err(|error| format!("where is this program? {error}"))?;
    let directory = this.parent().unwrap_or(Path::new("."));
    Ok(directory.join(name).with_extension(std::env::consts::EXE_EXTENSION))
}

/// Looks until there is something, or `None` when the time is over.
#[expect(
    clippy::disallowed_methods,
    reason = "a bound on waiting for another process; no result depends on it"
)]
fn wait<T>(max: Duration, mut look: impl FnMut() -> Result<Option<T>, String>) -> Result<Option<T>, String> {
    let begun = Instant::now();
    loop {
        let seen = look()?;
        if seen.is_some() || begun.elapsed() > max {
            return Ok(seen);
        }
        std::thread::sleep(LOOK_EVERY);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_ends_with_what_was_seen_a_failure_or_the_time() {
        let mut looks = 0;
        let third = wait(START_MAX, || {
            looks += 1;
            Ok((looks == 3).then_some(looks))
        });
        assert_eq!(third, Ok(Some(3)));
        assert_eq!(
            wait::<()>(START_MAX, || Err("broken".to_owned())),
            Err("broken".to_owned())
        );
        assert_eq!(wait::<()>(Duration::ZERO, || Ok(None)), Ok(None));
    }

    #[test]
    fn the_program_is_looked_for_beside_this_one() {
        let found = sibling("leasehold").unwrap();
        assert_eq!(found.parent(), std::env::current_exe().unwrap().parent());
        assert_eq!(found.file_stem().unwrap(), "leasehold");
    }
}
