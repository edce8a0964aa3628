//! Becomes a command that cannot outlive its parent: the last step before the command itself.
//!
//! On Linux the kernel kills it when the parent ends, however that happens: `kill -9` of the supervisor does not leave
//! the command behind. The command's own children are not tied; see docs/elect.md for what escapes.

use std::ffi::OsString;
use std::io::ErrorKind;
use std::os::unix::process::CommandExt;
use std::process::Command;

use rustix::process::getppid;

use crate::failure::{Failure, Kind};

/// Becomes the command. Returns only if that cannot be, with the exit code that a shell would give.
pub(crate) fn exec(parent: i32, command: &[OsString]) -> Failure {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL)) {
        return Failure::new(
            Kind::Runtime,
            format!("cannot tie the command to its supervisor: {error}"),
        );
    }
    // It may have ended before the kernel was told.
    if getppid().map(rustix::process::Pid::as_raw_pid) != Some(parent) {
        return Failure::new(Kind::Runtime, "the supervisor ended before the command could begin");
    }
    let Some((program, arguments)) = command.split_first() else {
        return Failure::new(Kind::Usage, "no command was given");
    };
    let error = Command::new(program).args(arguments).exec();
    let kind = if error.kind() == ErrorKind::NotFound {
        Kind::CommandNotFound
    } else {
        Kind::CannotRun
    };
    Failure::new(kind, format!("cannot run '{}': {error}", program.display()))
}
