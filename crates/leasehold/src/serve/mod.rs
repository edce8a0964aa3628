//! `leasehold serve`: everything from the settings to a drained server.
//!
//! [`prepare`] turns settings into things that exist (a locked data directory, bound sockets, certificates) and fails
//! with one line if one of them cannot be had. [`run`] uses them until it is told to drain.

mod announcement;
mod controllers;
mod engine;
mod figures;
mod front;
mod prepare;
mod renewal;
mod running;
mod staff;
mod status;
mod store_figures;
mod tokens;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use leasehold_clock::SystemClock;
use tokio_util::sync::CancellationToken;

use crate::cli::Settings;
use crate::failure::{Failure, Kind};
use crate::logging;
use crate::shutdown::{self, DrainTimedOut, Signal, Signals};
use prepare::{Prepared, prepare};

/// What is left, once the drain's time is up and what still ran has been cut, for the controllers to stop and the store to
/// close.
const CLOSING: Duration = Duration::from_secs(5);

/// How serving came to its end.
enum Ended {
    Drained,
    /// The second signal.
    Aborted(Signal),
}

/// Serves until a signal says otherwise. The exit code is that of a drained server, or of a second signal.
pub(crate) fn main(settings: Settings) -> Result<ExitCode, Failure> {
    logging::init(&settings.log)?;
    // Belt and braces: every file is created with its mode, but what is forgotten must not be open to others.
    rustix::process::umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(Kind::Runtime, format!("cannot start: {error}")))?;
    let ended = runtime.block_on(serve(settings));
    // What has not ended by now was given up, and is not waited for.
    runtime.shutdown_background();
    Ok(match ended? {
        Ended::Drained => ExitCode::SUCCESS,
        Ended::Aborted(signal) => signal.exit_code(),
    })
}

async fn serve(settings: Settings) -> Result<Ended, Failure> {
    let mut signals =
        Signals::install().map_err(|error| Failure::new(Kind::Runtime, format!("cannot take signals: {error}")))?;
    let drain = CancellationToken::new();
    let limit = settings.drain_timeout + CLOSING;
    let prepared = prepare(settings, Arc::new(SystemClock)).await?;
    tokio::select! {
        biased;
        ended = shutdown::bounded(run(prepared, drain.clone()), &drain, limit) => match ended {
            Ok(result) => result.map(|()| Ended::Drained),
            Err(DrainTimedOut) => Err(Failure::new(Kind::Runtime, format!("draining took longer than {limit:?}"))),
        },
        signal = shutdown::supervise(async || signals.next().await, &drain) => Ok(Ended::Aborted(signal)),
    }
}

/// Serves what was prepared until `drain` is cancelled, and then ends what runs.
async fn run(prepared: Prepared, drain: CancellationToken) -> Result<(), Failure> {
    running::run(prepared, &drain).await?;
    tracing::info!("drained");
    Ok(())
}
