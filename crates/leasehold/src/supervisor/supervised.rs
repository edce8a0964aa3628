//! The elector's side: a command under supervision.

use std::ffi::OsStr;
use std::io::{self, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream as StdUnixStream;
use std::os::unix::process::CommandExt;
use std::process::Stdio;
use std::time::Duration;

use leasehold_clock::Monotonic;
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::net::UnixStream;
use tokio::process::{Child, Command};

use super::wire::{Order, Report};
use super::{Charge, kill_descendants, stdin, this_program};

/// Longer than any machine runs.
const FOREVER: Monotonic = Monotonic(Duration::from_secs(u64::MAX / 4_000_000_000));

/// How soon to look again whether processes without a supervisor are gone.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// A command and its supervisor. Dropping it ends the command: SIGTERM at once, SIGKILL in time.
pub(crate) struct Supervised {
    supervisor: Child,
    reports: Lines<BufReader<UnixStream>>,
    /// The same socket.
    orders: StdUnixStream,
    head: Option<Pid>,
    /// The last report, or that there was none, once it has come.
    last: Option<Option<Report>>,
}

impl Supervised {
    /// Starts it, to run until then unless [`Supervised::extend`] says otherwise; `None` sets no bound.
    ///
    /// Needs a tokio runtime with I/O enabled. It fails if no process can be started; a command that does not exist
    /// ends with 127 instead, and one that cannot be run with 126.
    pub(crate) fn start(
        charge: &Charge,
        environment: &[(&str, &OsStr)],
        valid_until: Option<Monotonic>,
    ) -> io::Result<Self> {
        let (here, there) = StdUnixStream::pair()?;
        stdin::send(&here)?;
        let mut command = this_program()?;
        command.args(arguments(charge)).args(&charge.command);
        command.envs(environment.iter().copied());
        // A group of its own: a signal from the terminal is for the elector, which decides.
        command.stdin(Stdio::from(OwnedFd::from(there))).process_group(0);
        let supervisor = Command::from(command).spawn()?;
        here.set_nonblocking(true)?;
        let orders = here.try_clone()?;
        let supervised = Self {
            supervisor,
            reports: BufReader::new(UnixStream::from_std(here)?).lines(),
            orders,
            head: None,
            last: None,
        };
        supervised.order(Order::Until(valid_until.unwrap_or(FOREVER)));
        Ok(supervised)
    }

    /// It may run until then.
    pub(crate) fn extend(&self, valid_until: Monotonic) {
        self.order(Order::Until(valid_until));
    }

    /// Ends it, with this signal first.
    pub(crate) fn stop(&self, signal: Signal) {
        self.order(Order::Stop(signal.as_raw()));
    }

    /// Hands a signal on.
    pub(crate) fn pass(&self, signal: Signal) {
        self.order(Order::Pass(signal.as_raw()));
    }

    /// Ends it at once.
    pub(crate) fn kill(&self) {
        self.order(Order::Kill);
    }

    /// What happens to it next. [`Report::Gone`] is the last there is; `None` in its place if the supervisor died, in
    /// which case everything it left behind has been killed. Cancel safe.
    pub(crate) async fn next(&mut self) -> Option<Report> {
        if self.last.is_none() {
            let line = self.reports.next_line().await.ok().flatten();
            let report = line.as_deref().and_then(Report::parse);
            match report {
                Some(Report::Started(pid)) => self.head = Pid::from_raw(pid),
                Some(Report::Ended(_)) => {}
                // Kept, because what comes now takes time, and whoever waits may look elsewhere meanwhile.
                Some(Report::Gone(_)) | None => self.last = Some(report),
            }
            if self.last.is_none() {
                return report;
            }
        }
        match self.last.flatten() {
            Some(report) => {
                let _ = self.supervisor.wait().await;
                Some(report)
            }
            None => {
                self.clear_up().await;
                None
            }
        }
    }

    /// Kills what a supervisor that died has left: this process has adopted it.
    async fn clear_up(&mut self) {
        let _ = self.supervisor.start_kill();
        if let Some(head) = self.head {
            let _ = kill_process_group(head, Signal::KILL);
        }
        let _ = self.supervisor.wait().await;
        while kill_descendants() {
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    /// Orders are few and short, so that the socket has room for them; a supervisor that does not listen is dead or
    /// stopped, and no order would reach it.
    fn order(&self, order: Order) {
        let _ = (&self.orders).write(order.line().as_bytes());
    }
}

fn arguments(charge: &Charge) -> Vec<std::ffi::OsString> {
    let limits = charge.limits;
    let mut arguments = vec!["supervise".into()];
    for (flag, time) in [
        ("--kill-after-ms", limits.kill_after),
        ("--last-chance-ms", limits.last_chance),
        ("--reserve-ms", limits.reserve),
    ] {
        arguments.extend([flag.into(), time.as_millis().to_string().into()]);
    }
    if let Some(path) = &charge.remove {
        arguments.extend(["--remove".into(), path.clone().into_os_string()]);
    }
    arguments.push("--".into());
    arguments
}
