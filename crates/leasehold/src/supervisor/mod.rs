//! A small process between `leasehold elect` and the command: it ends the command in time, whatever becomes of the elector.
//!
//! The elector holds one end of a socket and tells every new deadline over it. The supervisor holds the other end and
//! the deadline. It ends the command, with everything the command has started, when the elector says so, when the elector
//! is gone (the socket ends), and when no new deadline has come in time (the elector hangs or is stopped): first with
//! SIGTERM, then with SIGKILL, so that all is over *before* the lease's validity ends.
//!
//! - [`watchdog`]: what to do when; pure.
//! - [`family`]: the command and its descendants: signalling them, and knowing that none is left.
//! - [`descendants`]: who they are.
//! - [`alarm`]: waking up at a time of the clock that counts suspend.
//! - [`wire`]: what the two say to each other.
//! - [`stdin`]: hands the elector's standard input through, since the socket is in its place.
//! - [`tied`]: the last step before the command, which dies with the supervisor.
//! - [`supervised`]: the elector's side.
//!
//! It reads no lease and decides nothing about leadership.

mod alarm;
mod descendants;
mod family;
mod run;
mod stdin;
mod supervised;
mod tied;
mod watchdog;
mod wire;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

pub(crate) use family::{adopt_orphans, kill_descendants};
pub(crate) use run::main;
pub(crate) use supervised::Supervised;
pub(crate) use tied::exec;
pub(crate) use watchdog::Limits;
pub(crate) use wire::{Cause, Ending, Report};

/// What to run, and how to end it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Charge {
    /// How much time its end may take.
    pub(crate) limits: Limits,
    /// A file to remove once all is over: one that says who leads must not outlive an elector that was killed.
    pub(crate) remove: Option<PathBuf>,
    /// Program and arguments: at least one.
    pub(crate) command: Vec<OsString>,
}

/// This very program again, even if the file it came from has been replaced meanwhile: what runs together must speak
/// the same language.
pub(crate) fn this_program() -> std::io::Result<Command> {
    use std::os::unix::process::CommandExt;

    #[cfg(target_os = "linux")]
    let program = PathBuf::from("/proc/self/exe");
    #[cfg(not(target_os = "linux"))]
    let program = std::env::current_exe()?;
    let mut command = Command::new(program);
    command.arg0("leasehold");
    Ok(command)
}
