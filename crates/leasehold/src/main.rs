//! The `leasehold` program: arguments, configuration, certificates, wiring and printing.
//!
//! It holds no rule about leases. `main` is a match on the outcome: what was asked for is worked out by [`cli`], done
//! by the module of the command, and whatever went wrong becomes one line and an exit code in [`failure`].

mod access;
mod api_server;
mod banner;
mod bench;
mod calendar;
mod cli;
mod client;
mod client_tls;
mod credentials;
mod data_dir;
mod demo;
mod elect;
mod etcd_access;
mod failure;
mod files;
mod heartbeat;
mod kubeconfig;
mod logging;
mod migrate;
mod pki;
mod printer;
mod runtime;
mod secret;
mod serve;
mod shutdown;
mod signals;
mod status;
mod supervisor;
mod timers;
mod upkeep;

use std::process::ExitCode;

use cli::Request;
use failure::Failure;
use leasehold_clock::SystemClock;

/// Why this one: docs/decisions/0004-allocator.md.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match run() {
        Ok(code) => code,
        Err(failure) => {
            printer::failure(&failure);
            failure.exit_code()
        }
    }
}

fn run() -> Result<ExitCode, Failure> {
    match cli::request(std::env::args_os())? {
        Request::Show(text) => printer::data(&text),
        Request::Kubeconfig(wish) => printer::data(credentials::issue(&wish, calendar::now(&SystemClock)?)?.expose()),
        Request::Backup(wish) => printer::data(&upkeep::backup(&wish)?),
        Request::Restore(wish) => printer::data(&upkeep::restore(&wish)?),
        Request::Migrate(wish) => printer::data(&migrate::migrate(&wish)?),
        Request::Status(wish) => printer::data(&status::status(&wish)?),
        Request::Check(wish) => return upkeep::check(&wish),
        Request::Heartbeat(settings) => return heartbeat::main(&settings),
        Request::Bench(wish) => return bench::main(&wish),
        Request::Serve(settings) => return serve::main(*settings),
        Request::Elect(settings) => return elect::main(&settings),
        Request::Timers(wish) => {
            let (text, are_safe) = timers::judge(&wish)?;
            printer::data(&text);
            return Ok(if are_safe { ExitCode::SUCCESS } else { ExitCode::FAILURE });
        }
        Request::Demo(wish) => return demo::main(&wish),
        Request::Supervise(charge) => supervisor::main(&charge)?,
        Request::Become { parent, command } => return Err(supervisor::exec(parent, &command)),
    }
    Ok(ExitCode::SUCCESS)
}
