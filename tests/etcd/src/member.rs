//! One member of a cluster: a process.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::Error;

/// A member, running or not. Killed when dropped.
pub struct Member {
    program: PathBuf,
    arguments: Vec<String>,
    log: PathBuf,
    child: Child,
    pub(crate) endpoint: String,
}

impl Member {
    /// Starts it. Says nothing of whether it comes up.
    pub(crate) fn start(program: &Path, arguments: Vec<String>, log: PathBuf, endpoint: String) -> Result<Self, Error> {
        let child = spawn(program, &arguments, &log)?;
        Ok(Self {
            program: program.to_owned(),
            arguments,
            log,
            child,
            endpoint,
        })
    }

    /// Where its clients connect to.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Its process id: of use for measuring what it costs.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Kills it as a crash would, and waits until it is gone.
    ///
    /// # Errors
    /// When it is no longer there.
    pub fn kill(&mut self) -> Result<ExitStatus, Error> {
        self.child.kill()?;
        Ok(self.child.wait()?)
    }

    /// Stops it in its tracks: its sockets stay open and say nothing.
    ///
    /// # Errors
    /// When it is no longer there.
    pub fn stop(&self) -> Result<(), Error> {
        self.signal(Signal::STOP)
    }

    /// Lets it go on.
    ///
    /// # Errors
    /// When it is no longer there.
    pub fn resume(&self) -> Result<(), Error> {
        self.signal(Signal::CONT)
    }

    /// Ends it as an operator would, and waits until it is gone.
    ///
    /// # Errors
    /// When it is no longer there.
    pub fn terminate(&mut self) -> Result<ExitStatus, Error> {
        self.signal(Signal::TERM)?;
        Ok(self.child.wait()?)
    }

    /// Starts it again, with the data it had.
    ///
    /// # Errors
    /// When the program cannot be started.
    pub fn restart(&mut self) -> Result<(), Error> {
        let _ = self.kill();
        self.child = spawn(&self.program, &self.arguments, &self.log)?;
        Ok(())
    }

    /// Whether the process has ended by itself.
    pub(crate) fn has_ended(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(Some(_)))
    }

    /// The end of what it logged.
    pub(crate) fn log(&self) -> String {
        let text = std::fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<_> = text.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }

    fn signal(&self, signal: Signal) -> Result<(), Error> {
        let id = Pid::from_raw(i32::try_from(self.child.id())?).ok_or("a process has an id")?;
        Ok(kill_process(id, signal)?)
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        let _ = self.kill();
    }
}

fn spawn(program: &Path, arguments: &[String], log: &Path) -> Result<Child, Error> {
    let log: File = OpenOptions::new().create(true).append(true).open(log)?;
    Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .spawn()
        .map_err(|error| format!("{} cannot be started: {error}", program.display()).into())
}
