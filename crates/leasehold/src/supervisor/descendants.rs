//! Which processes came of this one: from /proc, and so on Linux only.

use rustix::process::Pid;

/// A living process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Member {
    pub(super) pid: Pid,
    parent: Pid,
    pub(super) group: Pid,
}

/// All living descendants of this process, as far as they can be found.
pub(super) fn descendants() -> Vec<Member> {
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
#[cfg(any(target_os = "linux", test))]
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
    use rustix::process::{Signal, kill_process};

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
