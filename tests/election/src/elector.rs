//! An elector's process, and what it tells.

use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};

use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use crate::terms::{Line, Terms};
use crate::{Error, now};

/// What all electors have told, in the order in which it was read.
#[derive(Clone, Default)]
pub struct Told {
    terms: Arc<Mutex<Terms>>,
    more: Arc<Notify>,
}

impl Told {
    /// Looks at it.
    pub fn look<T>(&self, look: impl FnOnce(&Terms) -> T) -> T {
        look(&self.terms.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn add(&self, process: u32, line: Line) {
        let mut terms = self.terms.lock().unwrap_or_else(PoisonError::into_inner);
        terms.add(process, line);
        drop(terms);
        self.more.notify_waiters();
    }

    /// Waits until there is what is looked for. Bound it outside.
    pub async fn wait_for<T>(&self, mut look: impl FnMut(&Terms) -> Option<T>) -> T {
        loop {
            let more = self.more.notified();
            if let Some(found) = self.look(&mut look) {
                return found;
            }
            more.await;
        }
    }
}

/// A process; killed when dropped.
pub struct Process {
    child: Child,
    id: u32,
    stdin: ChildStdin,
    reader: JoinHandle<()>,
    told: Told,
}

impl Process {
    /// Starts `program`, an elector that reaches its server through the proxy on `port`.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(program: &str, kubeconfig: &Path, port: u16, identity: &str, told: &Told) -> Result<Self, Error> {
        let mut child = Command::new(program)
            .arg(kubeconfig)
            .args([&port.to_string(), identity])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let id = child.id().ok_or("a new process has an id")?;
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
        let reader = tokio::spawn(read(stdout.ok_or("stdout is piped")?, id, told.clone()));
        Ok(Self {
            child,
            id,
            stdin: stdin.ok_or("stdin is piped")?,
            reader,
            told: told.clone(),
        })
    }

    /// Its process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.id
    }

    /// Asks it to step down.
    ///
    /// # Errors
    /// When it is gone.
    pub async fn step_down(&mut self) -> Result<(), Error> {
        Ok(self.stdin.write_all(b"step down\n").await?)
    }

    /// Sends it a signal.
    ///
    /// # Errors
    /// When it is gone.
    pub fn signal(&self, signal: Signal) -> Result<(), Error> {
        let id = Pid::from_raw(i32::try_from(self.id)?).ok_or("a process has an id")?;
        Ok(kill_process(id, signal)?)
    }

    /// Kills it as a crash would, and waits until it is gone and all it told was read.
    ///
    /// # Errors
    /// When it is gone already.
    pub async fn kill(mut self) -> Result<(), Error> {
        self.child.kill().await?;
        self.reader.await?;
        self.told.add(self.id, Line::Died(now()));
        Ok(())
    }
}

async fn read(stdout: ChildStdout, id: u32, told: Told) {
    let mut lines = BufReader::new(stdout).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        if let Some(line) = Line::parse(&line) {
            told.add(id, line);
        }
    }
}
