//! A server, and candidates for one lease, each a `leasehold elect` of its own.

use std::ffi::OsStr;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use serde_json::{Value, json};

use crate::asked::Asked;
use crate::leasehold;

/// Durations that keep the tests short: validity ends 1.77 s after a renewal was sent.
const SHORT: [(&str, &str); 3] = [
    ("LEASEHOLD_ELECT_DURATION", "2s"),
    ("LEASEHOLD_ELECT_DEADLINE", "1s"),
    ("LEASEHOLD_ELECT_RETRY", "100ms"),
];
const LEASE: &str = "/apis/coordination.k8s.io/v1/namespaces/default/leases/job";
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// 30 s: the machine may be busy.
const LOOKS: u32 = 3_000;

/// Where everything happens. Commands share the directory as their own.
pub(super) struct Stage {
    pub(super) server: Asked,
    dir: tempfile::TempDir,
}

impl Stage {
    pub(super) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self {
            server: Asked::start(&dir.path().join("data"), &[]),
            dir,
        }
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A candidate with these flags that runs this as `sh -c` while it leads.
    pub(super) fn candidate(&self, name: &str, flags: &[&str], script: &str) -> Candidate {
        self.run(name, flags, &["sh", "-c", script], Stdio::null())
    }

    /// The same for any command, with a standard input.
    pub(super) fn run(&self, name: &str, flags: &[&str], command: &[&str], stdin: Stdio) -> Candidate {
        let stderr = std::fs::File::create(self.path(&format!("{name}.stderr"))).unwrap();
        let child = self
            .elect(name, flags, command)
            .stdin(stdin)
            .stderr(stderr)
            .spawn()
            .unwrap();
        Candidate { child }
    }

    /// The command line, not started yet.
    pub(super) fn elect(&self, name: &str, flags: &[&str], command: &[&str]) -> Command {
        let mut elect = leasehold(&["elect", "job", "--identity", name]);
        elect.args(flags).arg("--").args(command);
        // A flag wins over them.
        elect
            .envs(SHORT)
            .env("KUBECONFIG", self.path("data/admin.kubeconfig"))
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("TMPDIR", self.dir.path())
            .current_dir(self.dir.path())
            .stdout(Stdio::null());
        elect
    }

    /// What a file of the stage says; nothing if it is not there.
    pub(super) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    /// Waits until a file has this many lines, and returns them.
    pub(super) fn lines(&self, name: &str, count: usize) -> Vec<String> {
        let text = eventually(&format!("{count} lines in {name}"), || {
            let text = self.read(name);
            (text.matches('\n').count() >= count).then_some(text)
        });
        text.lines().map(str::to_owned).collect()
    }

    /// The lease's spec, null if there is no lease.
    pub(super) fn spec(&self) -> Value {
        self.server.ask("GET", LEASE, "").1["spec"].clone()
    }

    /// Waits until the lease names this holder.
    pub(super) fn wait_for_holder(&self, holder: &str) {
        eventually(&format!("{holder:?} as the holder"), || {
            (self.spec()["holderIdentity"] == json!(holder)).then_some(())
        });
    }

    pub(super) fn delete_lease(&self) {
        assert_eq!(self.server.ask("DELETE", LEASE, "").0, 200);
    }

    /// Waits until these processes, one id a line, are gone.
    pub(super) fn wait_until_gone(&self, file: &str) {
        for line in self.read(file).lines() {
            let pid = Pid::from_raw(line.trim().parse().unwrap()).unwrap();
            eventually(&format!("the end of process {line}"), || (!is_alive(pid)).then_some(()));
        }
    }
}

/// A process that has ended but was not reaped does nothing any more.
pub(crate) fn is_alive(pid: Pid) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_pid()));
    test_kill_process(pid).is_ok() && !stat.is_ok_and(|stat| stat.rsplit(')').next().unwrap().starts_with(" Z"))
}

/// The processes that a process started itself.
pub(crate) fn children(of: u32) -> Vec<Pid> {
    let mut found = vec![];
    for task in std::fs::read_dir(format!("/proc/{of}/task")).unwrap() {
        let children = std::fs::read_to_string(task.unwrap().path().join("children")).unwrap_or_default();
        found.extend(
            children
                .split_whitespace()
                .map(|pid| Pid::from_raw(pid.parse().unwrap()).unwrap()),
        );
    }
    found
}

/// A running `leasehold elect`. Killed when the test ends, and its command with it.
pub(super) struct Candidate {
    pub(super) child: Child,
}

impl Candidate {
    pub(super) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits for its end, and returns the exit code.
    pub(super) fn code(&mut self) -> Option<i32> {
        self.ended().code()
    }

    pub(super) fn ended(&mut self) -> ExitStatus {
        eventually("the end of a candidate", || self.child.try_wait().unwrap())
    }

    /// Whether it is stopped, as by SIGSTOP.
    pub(super) fn is_stopped(&self) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        stat.rsplit(')').next().unwrap().starts_with(" T")
    }
}

impl Drop for Candidate {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Looks until there is something.
pub(crate) fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    for _ in 0..LOOKS {
        if let Some(seen) = look() {
            return seen;
        }
        std::thread::sleep(LOOK_EVERY);
    }
    panic!("still no {what} after {:?}", LOOK_EVERY * LOOKS);
}

/// A reading end that holds this text.
pub(super) fn stdin_of(text: &str) -> Stdio {
    let (reader, mut writer) = std::io::pipe().unwrap();
    writer.write_all(text.as_bytes()).unwrap();
    reader.into()
}

/// An executable file with no program in it, for a command that cannot be run.
pub(super) fn unrunnable(path: &Path) -> &OsStr {
    std::fs::write(path, "").unwrap();
    path.as_os_str()
}
