//! The command and everything that came of it: signalling all of them, and knowing that none is left.
//!
//! The command leads a process group of its own. On Linux the supervisor also adopts orphans, so that a process that
//! left the group, or was abandoned by its parent, is still found among the supervisor's descendants. Elsewhere only the
//! group is reached.

use std::io;

use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitOptions, kill_process, kill_process_group, wait};

use super::descendants::descendants;
use super::wire::Ending;

/// The descendants of the supervisor: the command, which is its only own child, and what came of it.
#[derive(Debug)]
pub(super) struct Family {
    head: Pid,
    head_has_ended: bool,
    is_gone: bool,
}

impl Family {
    /// That of a child that was just started, and leads its own group.
    pub(super) fn new(head: Pid) -> Self {
        Self {
            head,
            head_has_ended: false,
            is_gone: false,
        }
    }

    /// Sends the signal to every member. One that is not ours to signal, or just ended, is passed over.
    pub(super) fn signal(&self, signal: Signal) {
        if self.is_gone {
            return;
        }
        // After the head was reaped its number is free: the group is then reached by its members' own.
        if self.group_is_ours() {
            let _ = kill_process_group(self.head, signal);
        }
        for member in descendants() {
            if !(self.group_is_ours() && member.group == self.head) {
                let _ = kill_process(member.pid, signal);
            }
        }
    }

    /// Sends the signal to the command's group alone, as a terminal would.
    pub(super) fn signal_group(&self, signal: Signal) {
        if !self.is_gone && self.group_is_ours() {
            let _ = kill_process_group(self.head, signal);
        }
    }

    /// Lets the dead go. Tells how the command ended, if it is among them.
    pub(super) fn reap(&mut self) -> io::Result<Option<Ending>> {
        let mut ended = None;
        loop {
            match wait(WaitOptions::NOHANG) {
                Ok(Some((pid, status))) if pid == self.head => {
                    ended = Ending::of(status);
                    self.head_has_ended = ended.is_some();
                }
                Ok(Some(_)) | Err(Errno::INTR) => {}
                Ok(None) => break,
                Err(Errno::CHILD) => {
                    self.is_gone = self.group_is_empty();
                    break;
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(ended)
    }

    /// Whether nothing is left, as of the last [`Family::reap`].
    pub(super) fn is_gone(&self) -> bool {
        self.is_gone
    }

    fn group_is_ours(&self) -> bool {
        !self.head_has_ended || cfg!(not(target_os = "linux"))
    }

    /// Asked when there is no child any more. Who adopts orphans has no descendants then.
    fn group_is_empty(&self) -> bool {
        cfg!(target_os = "linux") || rustix::process::test_kill_process_group(self.head).is_err()
    }
}

/// Makes this process the parent of all descendants whose own parent ends, so that they can be found. Linux only.
pub(crate) fn adopt_orphans() -> io::Result<()> {
    #[cfg(target_os = "linux")]
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?;
    Ok(())
}

/// Kills whatever is left below this process; false if there was nothing. For an elector whose supervisor is gone.
pub(crate) fn kill_descendants() -> bool {
    let living = descendants();
    for member in &living {
        let _ = kill_process(member.pid, Signal::KILL);
    }
    !living.is_empty()
}
