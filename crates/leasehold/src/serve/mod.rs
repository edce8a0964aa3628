//! `leasehold serve`: everything from the settings to a drained server.
//!
//! [`prepare`] turns settings into things that exist (a locked data directory, bound sockets, certificates) and fails
//! with one line if one of them cannot be had. [`run`] uses them until it is told to drain.

mod prepare;
mod renewal;

use std::process::ExitCode;
use std::sync::Arc;

use leasehold_clock::SystemClock;
use tokio_util::sync::CancellationToken;

use crate::cli::{LogFormat, Settings};
use crate::failure::{Failure, Kind};
use crate::shutdown::{self, DrainTimedOut, Signal, Signals};
use crate::{banner, logging, printer};
use prepare::{Prepared, prepare};

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
    match runtime.block_on(serve(settings))? {
        Ended::Drained => Ok(ExitCode::SUCCESS),
        Ended::Aborted(signal) => {
            // Whoever sends a second signal does not want to wait for anything.
            runtime.shutdown_background();
            Ok(signal.exit_code())
        }
    }
}

async fn serve(settings: Settings) -> Result<Ended, Failure> {
    let mut signals =
        Signals::install().map_err(|error| Failure::new(Kind::Runtime, format!("cannot take signals: {error}")))?;
    let drain = CancellationToken::new();
    let limit = settings.drain_timeout;
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
    announce(&prepared);
    // Store, registry and server are started here and joined below, the store last.
    renewal::keep(&prepared.pki, &prepared.tls, prepared.clock.as_ref(), &drain).await;
    tracing::info!("drained");
    Ok(())
}

/// Says where the server is: to people on stdout, to machines in the log.
fn announce(prepared: &Prepared) {
    let settings = &prepared.settings;
    let url = prepared.pki.server_url();
    let kubeconfig = prepared.pki.admin_kubeconfig();
    let insecure = prepared.http.as_ref().and_then(|listener| listener.local_addr().ok());
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        url,
        listen = prepared.https.local_addr().ok().map(tracing::field::display),
        insecure_http = insecure.map(tracing::field::display),
        data_dir = %prepared.data_dir.path().display(),
        history_window = ?settings.history_window,
        event_ttl = ?settings.event_ttl,
        token_file = settings.token_file.is_some(),
        "listening"
    );
    if settings.log.format == LogFormat::Human {
        printer::data(&banner::text(url, insecure, kubeconfig));
    }
}
