//! `leasehold bench`: load on a Kubernetes API server, and what it makes of it.
//!
//! `leasehold-bench` does the work; this wires it to flags, files, signals and the terminal.

mod progress;
mod table;
mod target;

use std::process::ExitCode;
use std::time::Duration;

use leasehold_bench::{Error, Report, Run, Setup};

use crate::cli::{Bench, Form, Work};
use crate::failure::{Failure, Kind};
use crate::printer;
use crate::runtime;
use crate::shutdown::{Signal, Signals};
use progress::Progress;

/// Between two looks at how far it is.
const LOOK: Duration = Duration::from_millis(250);

/// Measures and prints what was found. After a signal that is what was measured until then; after a second one nothing, and
/// leases are left behind.
pub(crate) fn main(wish: &Bench) -> Result<ExitCode, Failure> {
    let setup = setup(wish)?;
    let runtime = runtime::of_one_thread()?;
    let ended = runtime.block_on(supervised(wish, &setup));
    // After a second signal, threads may still be waiting for the server.
    runtime.shutdown_background();
    let (report, signal) = ended?;
    if let Some(report) = report {
        printer::data(&match wish.form {
            Form::Text => table::text(&report),
            Form::Json => serde_json::to_string_pretty(&report)
                .map_err(|error| Failure::new(Kind::Runtime, format!("the report: {error}")))?,
        });
    }
    Ok(signal.map_or(ExitCode::SUCCESS, Signal::exit_code))
}

fn setup(wish: &Bench) -> Result<Setup, Failure> {
    Ok(Setup {
        target: target::target(&wish.server, wish.protocol)?,
        encoding: wish.encoding,
        namespace: wish.namespace.clone(),
        prefix: wish.prefix.clone(),
        connections: wish.connections,
        threads: wish.threads,
        timeout: wish.timeout,
        pids: wish.pids.clone(),
    })
}

/// The report, unless a second signal came, and the last signal.
async fn supervised(wish: &Bench, setup: &Setup) -> Result<(Option<Report>, Option<Signal>), Failure> {
    let mut signals =
        Signals::install().map_err(|error| Failure::new(Kind::Runtime, format!("cannot take signals: {error}")))?;
    let run = Run::default();
    let mut progress = Progress::default();
    let mut looks = tokio::time::interval(LOOK);
    let mut work = std::pin::pin!(work(wish, setup, &run));
    let mut signal = None;
    loop {
        tokio::select! {
            report = &mut work => {
                progress.clear();
                return Ok((Some(report.map_err(|error| failure(&error))?), signal));
            }
            caught = signals.next() => {
                progress.clear();
                if signal.replace(caught).is_some() {
                    printer::note("leases are left behind; run it again with the same --prefix to delete them");
                    return Ok((None, signal));
                }
                printer::note("stopping and deleting the leases; a second signal ends at once");
                run.stop.cancel();
            }
            _ = looks.tick() => progress.show(run.meter.read(), LOOK),
        }
    }
}

async fn work(wish: &Bench, setup: &Setup, run: &Run) -> Result<Report, Error> {
    match wish.work {
        Work::Heartbeat(plan) => leasehold_bench::heartbeat(setup, plan, run).await,
        Work::Watch(plan) => leasehold_bench::watch(setup, plan, run).await,
        Work::List(plan) => leasehold_bench::list(setup, plan, run).await,
    }
}

fn failure(error: &Error) -> Failure {
    let kind = match error {
        Error::Plan(_) => Kind::Usage,
        _ => Kind::Runtime,
    };
    Failure::new(kind, error.to_string())
}
