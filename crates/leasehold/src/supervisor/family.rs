//! The command and everything that came of it: signalling all of them, and knowing that none is left.
//!
//! The command leads a process group of its own. On Linux the supervisor also adopts orphans, so that a process that
//! left the group, or was abandoned by its parent, is still found among the supervisor's descendants. Elsewhere only the
//! group is reached.

use std::io;

use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitOptions, kill_process, kill_process_group, wait};

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

/// A living process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Member {
    pid: Pid,
    parent: Pid,
    group: Pid,
}

/// All living descendants of this process, as far as they can be found.
fn descendants() -> Vec<Member> {
    let mut all = processes();
    let mut found = vec![];
    let mut parents = vec![rustix::process::getpid()];
    while let Some(parent) = parents.pop() {
        let (children, others) = all.into_iter().partition::<Vec<_>, _>(|each| each.parent == parent);
        parents.extend(children.iter().map(|child| child.pid));
        found.extend(children);
        all = others;
    }
    found
}

#[cfg(target_os = "linux")]
fn processes() -> Vec<Member> {
    let Ok(entries) = std::fs::read_dir("/proc") else {
        return vec![];
    };
    entries
        .filter_map(|entry| {
            let name = entry.ok()?.file_name();
            name.to_str()?.parse::<u32>().ok()?;
            // One that ends meanwhile is not there.
            let stat = std::fs::read(std::path::Path::new("/proc").join(name).join("stat")).ok()?;
            parse(&String::from_utf8_lossy(&stat))
        })
        .collect()
}

#[cfg(not(target_os = "linux"))]
fn processes() -> Vec<Member> {
    vec![]
}

/// A line of /proc/PID/stat: `pid (name) state parent group …`, where the name may hold anything. `None` for the dead,
/// who only wait to be reaped.
#[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "there is no /proc to read"))]
fn parse(stat: &str) -> Option<Member> {
    let (before, after) = stat.rsplit_once(')')?;
    let (pid, _name) = before.split_once(' ')?;
    let mut fields = after.split_whitespace();
    let state = fields.next()?;
    let mut number = || Pid::from_raw(fields.next()?.parse().ok()?);
    let (parent, group) = (number()?, number()?);
    let pid = Pid::from_raw(pid.parse().ok()?)?;
    (!matches!(state, "Z" | "X" | "x")).then_some(Member { pid, parent, group })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pid(number: i32) -> Pid {
        Pid::from_raw(number).unwrap()
    }

    #[test]
    fn a_line_of_stat_is_read_whatever_the_process_calls_itself() {
        let member = Some(Member {
            pid: pid(12),
            parent: pid(3),
            group: pid(4),
        });
        assert_eq!(parse("12 (sh) S 3 4 5 0 -1"), member);
        assert_eq!(parse("12 (a) Z 9 (b)) R 3 4 5 0 -1"), member);
        assert_eq!(parse("12 (sh) Z 3 4 5 0 -1"), None, "dead");
        assert_eq!(parse("2 (kthreadd) S 0 0 0 0 -1"), None, "no parent");
        for broken in ["", "12", "12 (sh", "12 (sh) S", "12 (sh) S x y", "x (sh) S 1 1"] {
            assert_eq!(parse(broken), None, "{broken}");
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn grandchildren_are_found_too() {
        use std::io::Read;
        let mut child = std::process::Command::new("sh")
            .args(["-c", "sleep 600 & echo $!; wait"])
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let mut text = String::new();
        let mut stdout = child.stdout.take().unwrap();
        while !text.ends_with('\n') {
            let mut byte = [0];
            stdout.read_exact(&mut byte).unwrap();
            text.push(byte[0] as char);
        }
        let grandchild = pid(text.trim().parse().unwrap());
        let found = descendants();
        let _ = kill_process(grandchild, Signal::KILL);
        let _ = child.kill();
        child.wait().unwrap();
        assert!(found.iter().any(|member| member.pid == grandchild), "{found:?}");
        assert!(found.iter().all(|member| member.pid != rustix::process::getpid()));
    }
}
