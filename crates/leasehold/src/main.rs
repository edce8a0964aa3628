//! The `leasehold` program: arguments, configuration, certificates, wiring and printing.
//!
//! It holds no rule about leases. `main` is a match on the outcome: what was asked for is worked out by [`cli`], done
//! by [`serve`], [`credentials`] or [`upkeep`], and whatever went wrong becomes one line and an exit code in [`failure`].

mod access;
mod banner;
mod calendar;
mod cli;
mod credentials;
mod data_dir;
mod failure;
mod files;
mod kubeconfig;
mod logging;
mod pki;
mod printer;
mod secret;
mod serve;
mod shutdown;
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
        Request::Check(wish) => return upkeep::check(&wish),
        Request::Serve(settings) => return serve::main(*settings),
    }
    Ok(ExitCode::SUCCESS)
}
