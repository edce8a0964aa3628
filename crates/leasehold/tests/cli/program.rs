//! The program as a process.

use std::io::{BufRead, BufReader, Lines};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

pub(crate) fn leasehold(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_leasehold"));
    command.args(arguments).env_clear().stdin(Stdio::null());
    command
}

pub(crate) fn output(arguments: &[&str]) -> Output {
    ended(leasehold(arguments))
}

/// What the command printed. One that does not end, such as a server that should have refused, is killed.
pub(crate) fn ended(mut command: Command) -> Output {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    for _ in 0..1_000 {
        if child.try_wait().unwrap().is_some() {
            return child.wait_with_output().unwrap();
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    child.kill().unwrap();
    panic!("still running after 20 s: {:?}", child.wait_with_output().unwrap());
}

/// Exit code, and the lines on stderr that are not the log's.
pub(crate) fn complaint(output: &Output) -> (Option<i32>, Vec<String>) {
    assert!(output.stdout.is_empty(), "a failure prints no data");
    let stderr = String::from_utf8(output.stderr.clone()).unwrap();
    (output.status.code(), stderr.lines().map(str::to_owned).collect())
}

/// A running server, killed when the test ends.
pub(crate) struct Server {
    pub(crate) child: Child,
    stdout: Lines<BufReader<ChildStdout>>,
    /// The first line, which says where it is.
    pub(crate) listens: String,
    /// Where it serves plain HTTP, if it does.
    pub(crate) insecure: String,
}

impl Server {
    /// Starts one on a port that the system chooses, and waits until it says that it listens.
    pub(crate) fn start(data_dir: &Path, more: &[&str]) -> Self {
        let mut command = leasehold(&["serve", "--listen", "127.0.0.1:0", "--log-level", "off"]);
        let mut child = command
            .args(more)
            .env("LEASEHOLD_DATA_DIR", data_dir)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut server = Self {
            child,
            stdout,
            listens: String::new(),
            insecure: String::new(),
        };
        server.listens = server.line();
        assert!(
            server.listens.contains(" listens on https://127.0.0.1:"),
            "{}",
            server.listens
        );
        if let Some((_, address)) = server.listens.split_once(" on http://") {
            server.insecure = address.split(". ").next().unwrap().to_owned();
        }
        server
    }

    pub(crate) fn line(&mut self) -> String {
        self.stdout.next().expect("the server goes on").unwrap()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
