//! The command line as one [`Request`], or one line about what is wrong with it.

use std::ffi::OsString;

use clap::Parser;
use clap::error::ErrorKind;

use super::args::{Command, ServeArgs, TopArgs};
use super::bench::Bench;
use super::demo::DemoArgs;
use super::elect::Elect;
use super::file;
use super::heartbeat::HeartbeatSettings;
use super::migrate::Migrate;
use super::settings::{Credentials, Settings, Surroundings};
use super::status::StatusWish;
use super::timers::JudgeTimers;
use super::upkeep::{Backup, Check, Restore};
use crate::failure::{Failure, Kind};
use crate::supervisor::Charge;

/// What the user wants done.
pub(crate) enum Request {
    /// Print this text: help or the version.
    Show(String),
    /// Run the server.
    Serve(Box<Settings>),
    /// Sign a client certificate.
    Kubeconfig(Credentials),
    /// Keep a node.
    Heartbeat(Box<HeartbeatSettings>),
    /// Run a command while leading.
    Elect(Box<Elect>),
    /// Tell what follows from the durations of an election.
    Timers(JudgeTimers),
    /// Show an election.
    Demo(DemoArgs),
    /// Fetch a backup from a running server.
    Backup(Backup),
    /// Make a store from a backup.
    Restore(Restore),
    /// Copy everything to the other engine.
    Migrate(Migrate),
    /// Say what a server's controllers are doing.
    Status(StatusWish),
    /// Look for damage.
    Check(Check),
    /// Run a command and end it in time.
    Supervise(Charge),
    /// Become this command, which ends with the parent of this process id.
    Become {
        /// The process id.
        parent: i32,
        /// Program and arguments.
        command: Vec<OsString>,
    },
    /// Measure a server.
    Bench(Box<Bench>),
}

/// Reads the command line, the environment and the configuration file.
pub(crate) fn request(arguments: impl IntoIterator<Item = OsString>) -> Result<Request, Failure> {
    let typed = match TopArgs::try_parse_from(arguments) {
        Ok(typed) => typed,
        Err(error) => return explain(&error),
    };
    let file = || typed.config.as_deref().map_or(Ok(ServeArgs::default()), file::read);
    let surroundings = Surroundings::of_this_process();
    Ok(match typed.command {
        Command::Version => Request::Show(format!("leasehold {}", env!("CARGO_PKG_VERSION"))),
        Command::Serve(flags) => Request::Serve(Box::new(Settings::new(flags.or(file()?), &surroundings)?)),
        Command::Kubeconfig(flags) => {
            let data_dir = flags.data_dir.clone().or(file()?.data_dir);
            Request::Kubeconfig(Credentials::new(flags, data_dir, &surroundings)?)
        }
        Command::Heartbeat(flags) => {
            let system = rustix::system::uname();
            let hostname = system.nodename().to_string_lossy();
            Request::Heartbeat(Box::new(HeartbeatSettings::new(*flags, &hostname)?))
        }
        Command::Elect(flags) => Request::Elect(Box::new(Elect::new(*flags)?)),
        Command::Timers(flags) => Request::Timers(flags.into()),
        Command::Demo(flags) => Request::Demo(flags),
        Command::Backup(flags) => {
            let data_dir = flags.data_dir.clone().or(file()?.data_dir);
            Request::Backup(Backup::new(flags, data_dir, &surroundings)?)
        }
        Command::Restore(flags) => {
            let data_dir = flags.data_dir.clone().or(file()?.data_dir);
            Request::Restore(Restore::new(flags, data_dir, &surroundings)?)
        }
        Command::Migrate(flags) => Request::Migrate(Migrate::new(*flags)?),
        Command::Status(flags) => {
            let data_dir = flags.data_dir.clone().or(file()?.data_dir);
            Request::Status(StatusWish::new(flags, data_dir, &surroundings)?)
        }
        Command::Check(flags) => {
            let data_dir = flags.data_dir.clone().or(file()?.data_dir);
            Request::Check(Check::new(&flags, data_dir, &surroundings)?)
        }
        Command::Supervise(flags) => Request::Supervise(flags.into()),
        Command::Tied(flags) => Request::Become {
            parent: flags.parent,
            command: flags.command,
        },
        Command::Bench(flags) => {
            let data_dir = || Ok(file()?.data_dir);
            Request::Bench(Box::new(Bench::new(flags, data_dir, &surroundings)?))
        }
    })
}

/// Help and version are answers; everything else is a failure of one line.
fn explain(error: &clap::Error) -> Result<Request, Failure> {
    let rendered = error.render().to_string();
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Ok(Request::Show(rendered)),
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand | ErrorKind::MissingSubcommand => {
            Err(usage("a command is missing".to_owned()).hint("try 'leasehold serve' or 'leasehold --help'"))
        }
        _ => Err(one_line(&rendered)),
    }
}

/// clap's first paragraph as one line; its tip, if it has one, as the hint.
fn one_line(rendered: &str) -> Failure {
    let mut paragraphs = rendered
        .split("\n\n")
        .map(|text| text.split_whitespace().collect::<Vec<_>>().join(" "));
    let first = paragraphs.next().unwrap_or_default();
    let tip = paragraphs.find_map(|text| text.strip_prefix("tip: ").map(str::to_owned));
    usage(first.trim_start_matches("error: ").to_owned())
        .hint(tip.unwrap_or_else(|| "'leasehold --help' and 'leasehold COMMAND --help' list the flags".to_owned()))
}

fn usage(message: String) -> Failure {
    Failure::new(Kind::Usage, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(arguments: &[&str]) -> Failure {
        let all = ["leasehold"].iter().chain(arguments).map(OsString::from);
        match request(all) {
            Err(failure) => failure,
            Ok(_) => panic!("{arguments:?} was accepted"),
        }
    }

    #[test]
    fn whatever_is_wrong_with_the_flags_is_one_line_and_exit_code_2() {
        for (arguments, about) in [
            (&["serve", "--lisen", "127.0.0.1:1"][..], "--lisen"),
            (&["serve", "--listen", "localhost"], "--listen"),
            (&["serve", "--drain-timeout", "soon"], "'soon' is not a duration"),
            (&["serve", "--log-format", "xml"], "human, json"),
            (&["serve", "--serve-only", "nodes"], "coordination"),
            (&["serve", "--listen"], "--listen"),
            (
                &["serve", "--config", "/nonexistent/leasehold.toml"],
                "/nonexistent/leasehold.toml",
            ),
            (&["kubeconfig"], "--user"),
            (&["kubeconfig", "--user", "a", "--node", "b"], "--node"),
            (&["kubeconfig", "--node", "b", "--group", "c"], "--group"),
            (&["backup"], "--to"),
            (&["backup", "--to", "/"], "not the name of a file"),
            (&["restore"], "--from"),
            (&["restore", "--from", "f", "--raise-by", "1"], "--raise-by"),
            (&["check", "-o", "xml"], "text, json"),
            (&["migrate", "--from", "d"], "--to"),
            (&["migrate", "--from", "d", "--to", "e"], "neither"),
            (&["migrate", "--from", "d", "--to", "etcd://a/b"], "'http://a/b'"),
            (&["status", "-o", "xml"], "text, json"),
            (&["elect", "job"], "COMMAND"),
            (&["elect", "--", "true"], "NAME"),
            (&["elect", "job", "--once", "--restart", "--", "true"], "--restart"),
            (&["elect", "job", "--duration", "1500ms", "--", "true"], "whole seconds"),
            (&["timers", "--rho", "much"], "--rho"),
            (&["dance"], "dance"),
            (&[], "command"),
        ] {
            let failure = failure(arguments);
            assert!(
                failure.message().contains(about),
                "{arguments:?}: {}",
                failure.message()
            );
            assert!(
                !failure.message().contains('\n'),
                "{arguments:?}: {}",
                failure.message()
            );
            assert!(
                !failure.advice().unwrap_or_default().contains('\n'),
                "{arguments:?}: {:?}",
                failure.advice()
            );
            assert_eq!(failure.exit_code(), std::process::ExitCode::from(2), "{arguments:?}");
        }
    }

    #[test]
    fn a_misspelt_flag_is_answered_with_the_right_one() {
        assert!(
            failure(&["serve", "--lisen", "x"])
                .advice()
                .unwrap()
                .contains("--listen")
        );
    }
}
