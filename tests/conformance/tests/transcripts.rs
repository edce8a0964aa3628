//! Every transcript is a test of its own name, against one server for all.
//!
//! The server is the `leasehold` program, started here, unless `LEASEHOLD_CONFORMANCE_SERVER` names another (see
//! `Target::from_env`), such as the kube-apiserver that the transcripts are from.

#![allow(clippy::print_stderr)] // a test harness reports to people

use std::process::ExitCode;

use leasehold_conformance::{Error, Target, TestServer, Transcript, replay};
use libtest_mimic::{Arguments, Failed, Trial};
use tokio::runtime::{Handle, Runtime};

fn main() -> ExitCode {
    run(&Arguments::from_args()).unwrap_or_else(|error| {
        eprintln!("{error}");
        ExitCode::FAILURE
    })
}

/// As where the conversations were recorded: nobody looked after nodes, owners or candidates.
const CONTROLLERS: [&str; 2] = ["--controllers", "event-expiry,namespace-deletion"];

fn run(args: &Arguments) -> Result<ExitCode, Error> {
    let runtime = Runtime::new()?;
    if args.list {
        let nowhere = Target::plain("", None);
        return Ok(libtest_mimic::run(args, trials(runtime.handle(), &nowhere)?).exit_code());
    }
    let (target, server) = match Target::from_env()? {
        Some(target) => (target, None),
        None => {
            let server = runtime.block_on(TestServer::start(&CONTROLLERS))?;
            (server.target().clone(), Some(server))
        }
    };
    let conclusion = libtest_mimic::run(args, trials(runtime.handle(), &target)?);
    if let Some(server) = server.filter(|_| conclusion.has_failed()) {
        eprintln!("stderr of the server:\n{}", server.stderr());
    }
    Ok(conclusion.exit_code())
}

fn trials(runtime: &Handle, target: &Target) -> Result<Vec<Trial>, Error> {
    let files = Transcript::files()?.into_iter().chain(Transcript::more_files()?);
    let transcripts = files.map(|path| Transcript::read(&path));
    let trial = |transcript: Transcript| {
        let (runtime, target) = (runtime.clone(), target.clone());
        Trial::test(transcript.scenario.clone(), move || {
            runtime.block_on(check(&target, &transcript))
        })
    };
    transcripts.map(|transcript| transcript.map(trial)).collect()
}

async fn check(target: &Target, transcript: &Transcript) -> Result<(), Failed> {
    let differences = replay(target, transcript).await;
    if differences.is_empty() {
        return Ok(());
    }
    let texts: Vec<_> = differences.iter().map(ToString::to_string).collect();
    Err(format!("{}\n{}", transcript.about, texts.join("\n")).into())
}
