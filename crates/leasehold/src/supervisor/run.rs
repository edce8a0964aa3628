//! `leasehold supervise`: the supervisor's own loop.

use std::io::{self, Write as _};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream as StdUnixStream;
use std::os::unix::process::CommandExt;
use std::process::Stdio;

use leasehold_clock::{Clock, Monotonic, SystemClock};
use rustix::process::{Pid, Signal};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::net::UnixStream;
use tokio::signal::unix::{SignalKind, signal};

use super::alarm::Alarm;
use super::family::{Family, adopt_orphans};
use super::stdin;
use super::watchdog::{Due, Watchdog};
use super::wire::{Cause, Order, Report};
use super::{Charge, this_program};
use crate::failure::{Failure, Kind};
use crate::signals;

/// Signals that come by a terminal, a service manager or someone's mistake. Only the elector decides here.
const UNHEARD: [SignalKind; 6] = [
    SignalKind::hangup(),
    SignalKind::interrupt(),
    SignalKind::quit(),
    SignalKind::terminate(),
    SignalKind::user_defined1(),
    SignalKind::user_defined2(),
];

/// Runs the command and ends it in time. The socket to the elector is this process's standard input.
pub(crate) fn main(charge: &Charge) -> Result<(), Failure> {
    let failed = |error: io::Error| Failure::new(Kind::Runtime, format!("the supervisor failed: {error}"));
    // One thread: the kernel ties the command to the thread that started it.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(failed)?;
    let outcome = runtime.block_on(supervise(charge));
    if let Some(path) = &charge.remove {
        // The elector removes it too, unless it was killed.
        let _ = std::fs::remove_file(path);
    }
    outcome.map_err(failed)
}

async fn supervise(charge: &Charge) -> io::Result<()> {
    // Handled and never read; a command gets them back as they were.
    let _unheard = UNHEARD
        .into_iter()
        .filter(|kind| *kind != SignalKind::hangup() || !signals::hangup_is_ignored())
        .map(signal)
        .collect::<io::Result<Vec<_>>>()?;
    adopt_orphans()?;
    let mut children = signal(SignalKind::child())?;
    let socket = StdUnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    let command_stdin = stdin::receive(&socket)?;
    let mut elector = Elector::new(socket)?;
    let Some(Order::Until(valid_until)) = elector.next().await else {
        return Ok(()); // Gone before anything began.
    };
    let mut watchdog = Watchdog::new(charge.limits, valid_until);
    let alarm = Alarm::new()?;
    let head = start(charge, command_stdin.into())?;
    let mut family = Family::new(head);
    elector.tell(Report::Started(head.as_raw_pid()));

    let mut wake = obey_clock(&mut watchdog, &family);
    while !family.is_gone() {
        tokio::select! {
            biased;
            order = elector.next(), if elector.is_there => obey(order, &mut watchdog, &family),
            _ = children.recv() => mourn(&mut family, &mut watchdog, &elector)?,
            rung = alarm.at(wake) => rung?,
        }
        if watchdog.cause().is_some() {
            // A last look, also where nobody tells of a process that has left the family.
            mourn(&mut family, &mut watchdog, &elector)?;
        }
        wake = obey_clock(&mut watchdog, &family);
    }
    elector.tell(Report::Gone(watchdog.cause().unwrap_or(Cause::Itself)));
    Ok(())
}

/// Starts the command at the head of a group of its own.
fn start(charge: &Charge, stdin: Stdio) -> io::Result<Pid> {
    let parent = rustix::process::getpid().as_raw_pid();
    let child = this_program()?
        .args(["tied", "--parent", &parent.to_string(), "--"])
        .args(&charge.command)
        .stdin(stdin)
        .process_group(0)
        .spawn()?;
    // Who waits is the family; std's handle does nothing when it is dropped.
    Ok(Pid::from_child(&child))
}

/// Does what an order says; no order means that the elector is gone.
fn obey(order: Option<Order>, watchdog: &mut Watchdog, family: &Family) {
    let now = SystemClock.now();
    match order {
        Some(Order::Until(valid_until)) => watchdog.extend(valid_until),
        Some(Order::Pass(number)) => {
            if let Some(signal) = Signal::from_named_raw(number) {
                family.signal_group(signal);
            }
        }
        Some(Order::Stop(number)) => begin_end(Cause::Asked, number, watchdog, family),
        Some(Order::Kill) => watchdog.hurry(now),
        None => begin_end(Cause::Orphaned, Signal::TERM.as_raw(), watchdog, family),
    }
}

/// Lets the dead go, and ends what the command leaves behind.
fn mourn(family: &mut Family, watchdog: &mut Watchdog, elector: &Elector) -> io::Result<()> {
    if let Some(ending) = family.reap()? {
        elector.tell(Report::Ended(ending));
        begin_end(Cause::Itself, Signal::TERM.as_raw(), watchdog, family);
        // What the last signal left of it.
        family.reap()?;
    }
    Ok(())
}

/// Does what is due, and says when to look again.
fn obey_clock(watchdog: &mut Watchdog, family: &Family) -> Monotonic {
    loop {
        match watchdog.due(SystemClock.now()) {
            Due::Nothing(until) => return until,
            Due::Terminate => terminate(Signal::TERM.as_raw(), family),
            Due::Kill(again) => {
                family.signal(Signal::KILL);
                return again;
            }
        }
    }
}

fn begin_end(cause: Cause, signal: i32, watchdog: &mut Watchdog, family: &Family) {
    if watchdog.begin_end(cause, SystemClock.now()) {
        terminate(signal, family);
    }
}

/// A stopped process hears nothing but SIGCONT and SIGKILL.
fn terminate(number: i32, family: &Family) {
    family.signal(Signal::from_named_raw(number).unwrap_or(Signal::TERM));
    family.signal(Signal::CONT);
}

/// The other end of the socket.
struct Elector {
    orders: Lines<BufReader<UnixStream>>,
    /// The same socket. What is not taken at once is not waited for.
    reports: StdUnixStream,
    is_there: bool,
}

impl Elector {
    fn new(socket: StdUnixStream) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        let reports = socket.try_clone()?;
        Ok(Self {
            orders: BufReader::new(UnixStream::from_std(socket)?).lines(),
            reports,
            is_there: true,
        })
    }

    /// The next order; `None` when the elector is gone, or says what nobody understands. Cancel safe.
    async fn next(&mut self) -> Option<Order> {
        let line = self.orders.next_line().await.ok().flatten();
        let order = line.as_deref().and_then(Order::parse);
        self.is_there = order.is_some();
        order
    }

    /// Never waits: an elector that does not listen must not keep the supervisor from its work.
    fn tell(&self, report: Report) {
        let _ = (&self.reports).write(report.line().as_bytes());
    }
}
