//! Who takes part: a server and candidates, each of them this program in a process of its own.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::failed;
use super::scratch::Scratch;
use crate::failure::{Failure, Kind};
use crate::kubeconfig;
use crate::supervisor::this_program;

/// Durations that make a crash worth watching.
pub(super) const DURATIONS: [&str; 6] = ["--duration", "3s", "--deadline", "2s", "--retry", "300ms"];
/// What a leader runs: it says its token, and then does nothing for a while.
pub(super) const WORK: &str = "echo $LEASEHOLD_TOKEN; exec sleep 3600";
/// The lease.
pub(super) const LEASE: &str = "demo";

/// How long anything may take to begin or to end.
const PATIENCE: Duration = Duration::from_secs(30);
const LEAVING: Duration = Duration::from_secs(8);

/// Everyone on the stage.
pub(super) struct Cast {
    data_dir: PathBuf,
    server: Option<Server>,
    candidates: Vec<Candidate>,
    /// Candidates' words, as they are read.
    heard: mpsc::Receiver<Words>,
    ears: JoinSet<()>,
    speak: mpsc::Sender<Words>,
}

/// A leader's first words.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Words {
    pub(super) name: &'static str,
    /// Its token.
    pub(super) token: u64,
}

struct Server {
    child: Child,
    /// Kept, so that it can go on writing.
    _stdout: Lines<BufReader<ChildStdout>>,
}

struct Candidate {
    name: &'static str,
    child: Child,
}

impl Cast {
    /// Nobody yet.
    pub(super) fn new(scratch: &Scratch) -> Self {
        let (speak, heard) = mpsc::channel(16);
        Self {
            data_dir: scratch.path().join("data"),
            server: None,
            candidates: vec![],
            heard,
            ears: JoinSet::new(),
            speak,
        }
    }

    /// The admin's kubeconfig, once there is a server.
    pub(super) fn kubeconfig(&self) -> PathBuf {
        kubeconfig::admin_path(&self.data_dir)
    }

    /// Starts the server, waits until it answers, and returns its URL.
    pub(super) async fn start_server(&mut self) -> Result<String, Failure> {
        let mut arguments: Vec<OsString> = vec!["serve".into(), "--data-dir".into(), self.data_dir.clone().into()];
        arguments.extend(["--listen", "127.0.0.1:0", "--log-level", "warn"].map(Into::into));
        let mut child = start(&arguments)?;
        let stdout = child.stdout.take().ok_or_else(|| gone("the server"))?;
        let mut stdout = BufReader::new(stdout).lines();
        let line = timeout(PATIENCE, stdout.next_line())
            .await
            .map_err(|_| gone("the server"))?;
        let line = line.map_err(failed)?.ok_or_else(|| gone("the server"))?;
        let url = line
            .split(' ')
            .find(|word| word.starts_with("https://"))
            .unwrap_or_default();
        let url = url.trim_end_matches('.').to_owned();
        self.server = Some(Server { child, _stdout: stdout });
        Ok(url)
    }

    /// Starts a candidate, without waiting for anything.
    pub(super) fn start_candidate(&mut self, name: &'static str) -> Result<(), Failure> {
        let mut child = start(&candidate_arguments(name, &self.kubeconfig()))?;
        let stdout = child.stdout.take().ok_or_else(|| gone(name))?;
        let speak = self.speak.clone();
        self.ears.spawn(async move {
            let mut lines = BufReader::new(stdout).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                if let Ok(token) = line.parse() {
                    let _ = speak.send(Words { name, token }).await;
                }
            }
        });
        self.candidates.push(Candidate { name, child });
        Ok(())
    }

    /// The next leader, as soon as its command runs.
    pub(super) async fn next_leader(&mut self) -> Result<Words, Failure> {
        match timeout(PATIENCE, self.heard.recv()).await {
            Ok(Some(words)) => Ok(words),
            Ok(None) | Err(_) => Err(Failure::new(Kind::Runtime, format!("nobody leads after {PATIENCE:?}"))),
        }
    }

    /// Sends a candidate a signal.
    pub(super) fn signal(&self, name: &str, signal: Signal) -> Result<(), Failure> {
        let candidate = self.candidates.iter().find(|candidate| candidate.name == name);
        let pid = candidate
            .and_then(|candidate| pid_of(&candidate.child))
            .ok_or_else(|| gone(name))?;
        kill_process(pid, signal).map_err(failed)
    }

    /// Ends everyone, candidates first, so that they can give the lease back.
    pub(super) async fn leave(mut self) {
        for candidate in &self.candidates {
            terminate(&candidate.child);
        }
        for candidate in &mut self.candidates {
            end(&mut candidate.child).await;
        }
        if let Some(mut server) = self.server.take() {
            terminate(&server.child);
            end(&mut server.child).await;
        }
        self.ears.shutdown().await;
    }
}

fn candidate_arguments(name: &str, kubeconfig: &Path) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = [
        "elect",
        LEASE,
        "-n",
        "default",
        "--quiet",
        "--log-level",
        "error",
        "--identity",
        name,
    ]
    .map(Into::into)
    .to_vec();
    arguments.extend(["--kubeconfig".into(), kubeconfig.into()]);
    arguments.extend(DURATIONS.map(Into::into));
    arguments.extend(["--", "sh", "-c", WORK].map(Into::into));
    arguments
}

/// Starts this program with these arguments, tied to this process and untouched by its settings.
fn start(arguments: &[OsString]) -> Result<Child, Failure> {
    let program = std::env::current_exe().map_err(failed)?;
    let own = rustix::process::getpid().as_raw_pid().to_string();
    let mut command = this_program().map_err(failed)?;
    command
        .args(["tied", "--parent", &own, "--"])
        .arg(program)
        .args(arguments);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("LEASEHOLD_") {
            command.env_remove(name);
        }
    }
    let mut command = Command::from(command);
    // Ctrl-C is for the demo, which ends them in their order.
    command.process_group(0).kill_on_drop(true);
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    command.spawn().map_err(failed)
}

fn pid_of(child: &Child) -> Option<Pid> {
    Pid::from_raw(child.id()?.cast_signed())
}

fn terminate(child: &Child) {
    if let Some(pid) = pid_of(child) {
        let _ = kill_process(pid, Signal::TERM);
    }
}

/// Waits for its end, and insists if it takes long.
async fn end(child: &mut Child) {
    if timeout(LEAVING, child.wait()).await.is_err() {
        let _ = child.kill().await;
    }
}

fn gone(who: &str) -> Failure {
    Failure::new(
        Kind::Runtime,
        format!("{who} did not start or has ended; the lines above may say why"),
    )
}
