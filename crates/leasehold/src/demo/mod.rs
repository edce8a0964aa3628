//! `leasehold demo`: an election, a crash and a hand-over in one terminal, with real processes.
//!
//! Everything it starts is this very program: a server on a temporary directory, and three candidates running `leasehold
//! elect`. Whatever ends the demo, they end first, and then the directory goes. Should the demo itself be killed, the
//! kernel kills them (on Linux) and only the directory stays.

mod cast;
mod scratch;
mod stage;
mod story;

use std::process::ExitCode;

use tokio::io::AsyncReadExt;

use crate::cli::DemoArgs;
use crate::failure::{Failure, Kind};
use crate::printer;
use crate::shutdown::{Signal, Signals};
use cast::Cast;
use scratch::Scratch;
use stage::Stage;

/// Shows it. The exit code is 0 once everything was shown, and that of a signal before.
pub(crate) fn main(wish: &DemoArgs) -> Result<ExitCode, Failure> {
    // One thread: the kernel ties what is started to the thread that starts it.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(failed)?;
    let code = runtime.block_on(demo(wish));
    // Nobody may ever press Enter.
    runtime.shutdown_background();
    code
}

async fn demo(wish: &DemoArgs) -> Result<ExitCode, Failure> {
    let mut signals = Signals::install().map_err(failed)?;
    let scratch = Scratch::new().map_err(failed)?;
    let mut cast = Cast::new(&scratch);
    let stage = Stage::new();
    let shown = tokio::select! {
        shown = story::tell(&mut cast, &stage) => Ok(shown),
        signal = signals.next() => Err(signal),
    };
    let code = match shown {
        Ok(Ok(())) => {
            if !wish.no_wait {
                printer::data(&stage.emphasis("Press Enter or Ctrl-C to end and remove everything."));
                wait(&mut signals).await;
            }
            Ok(ExitCode::SUCCESS)
        }
        Ok(Err(failure)) => Err(failure),
        Err(signal) => Ok(signal.exit_code()),
    };
    cast.leave().await;
    code
}

/// Returns at Enter, at the end of stdin, or at a signal.
async fn wait(signals: &mut Signals) -> Option<Signal> {
    let mut enter = tokio::io::stdin();
    tokio::select! {
        _ = enter.read_u8() => None,
        signal = signals.next() => Some(signal),
    }
}

fn failed(error: impl Into<std::io::Error>) -> Failure {
    let error = error.into();
    Failure::new(Kind::Runtime, format!("the demo failed: {error}"))
}
