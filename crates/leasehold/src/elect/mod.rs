//! `leasehold elect`: runs a command only while this candidate leads.
//!
//! - [`connect`] finds the API server.
//! - [`campaign`] is one election from its beginning to its end: following, and a term whenever this candidate leads.
//! - [`term`] runs the command in one term, under a supervisor ([`crate::supervisor`]) that ends it in time even if this
//!   process cannot.
//! - [`standby`] is the command that runs while someone else leads.
//! - [`signals`] says what each signal means here; [`exit`] what each exit code does.
//! - [`status`] keeps the status file; [`console`] says on stderr what happens, [`outage`] that the server does not answer.
//!
//! The order on every way out: the command ends, with everything it started; then the lease is released; then this
//! process ends.

mod backoff;
mod campaign;
mod connect;
mod console;
mod exit;
mod outage;
mod signals;
mod standby;
mod status;
mod term;

use std::process::ExitCode;

use leasehold_election::Leases;
use rustix::process::{Signal, getpid, kill_process};

use crate::cli::Elect;
use crate::failure::{Failure, Kind};
use crate::{logging, supervisor};
use campaign::{Campaign, Ended};
use console::Console;
use outage::Observed;
use signals::Signals;

/// Elects until the command, a signal or a limit says otherwise. The exit code is that of [`exit`].
pub(crate) fn main(settings: &Elect) -> Result<ExitCode, Failure> {
    logging::init(&settings.log)?;
    // Two threads: renewals go on while a file is written.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(failed)?;
    let code = runtime.block_on(elect(settings));
    runtime.shutdown_background();
    code.map(ExitCode::from)
}

async fn elect(settings: &Elect) -> Result<u8, Failure> {
    // Should a supervisor be killed, what it leaves behind comes to this process.
    supervisor::adopt_orphans().map_err(failed)?;
    let mut signals = Signals::install().map_err(failed)?;
    let console = Console::new(settings.is_quiet);
    let (api, namespace) = connect::connect(settings).await?;
    let leases = Leases::new(Observed::new(api, settings.is_quiet));
    let mut patience = settings.timeout;
    loop {
        let campaign = Campaign::new(settings, &leases, &namespace, patience);
        match campaign.run(&mut signals, &console).await? {
            Ended::Exit(code) => return Ok(code),
            Ended::Suspended => {
                console.clear();
                kill_process(getpid(), Signal::STOP).map_err(failed)?;
                // Here again after SIGCONT. The wait for leadership began long ago.
                patience = None;
            }
        }
    }
}

fn failed(error: impl Into<std::io::Error>) -> Failure {
    let error = error.into();
    Failure::new(Kind::Elect, format!("elect failed: {error}"))
}
