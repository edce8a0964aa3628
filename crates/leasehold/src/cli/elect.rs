//! The flags of `elect`, and what they mean.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use http::Uri;
use leasehold_api::validation::{dns1123_label, label_value, name_is_dns_subdomain, qualified_name};
use leasehold_election::Timers;

use super::args::LogFormat;
use super::duration::HumanDuration;
use super::settings::{LogSettings, log_filter, plain, within};
use super::timers::TimerFlags;
use crate::failure::{Failure, Kind};

/// What kube says about a server that does not answer is told in our own words.
const LOG: &str = "warn,kube_client=off";
const KILL_AFTER: Duration = Duration::from_secs(10);

/// The flags of `elect`.
#[derive(Debug, Args)]
pub(crate) struct ElectArgs {
    /// Name of the lease
    #[arg(value_name = "NAME")]
    name: String,

    /// Namespace of the lease [default: that of the kubeconfig's context, or of the pod]
    #[arg(short, long, env = "LEASEHOLD_ELECT_NAMESPACE", value_name = "NAMESPACE")]
    namespace: Option<String>,

    /// Kubeconfig of the API server [default: $KUBECONFIG, ~/.kube/config, or the pod's service account]
    #[arg(long, env = "LEASEHOLD_ELECT_KUBECONFIG", value_name = "FILE")]
    kubeconfig: Option<PathBuf>,

    /// Context of the kubeconfig [default: its current one]
    #[arg(long, env = "LEASEHOLD_ELECT_CONTEXT", value_name = "NAME")]
    context: Option<String>,

    /// Address of the API server, in place of the kubeconfig's; of several replicas, the next one is asked when one does not
    /// answer. May be repeated
    #[arg(long, env = "LEASEHOLD_ELECT_SERVER", value_name = "URL", value_delimiter = ',', value_parser = server_url)]
    server: Vec<Uri>,

    /// Name of this candidate, which no other may have [default: host name, process id and a random part]
    #[arg(long, env = "LEASEHOLD_ELECT_IDENTITY", value_name = "NAME")]
    identity: Option<String>,

    #[command(flatten)]
    timers: TimerFlags,

    /// Label to give the lease; may be repeated
    #[arg(long, env = "LEASEHOLD_ELECT_LABEL", value_name = "KEY=VALUE", value_delimiter = ',')]
    label: Vec<String>,

    /// Give up if this candidate does not lead in time
    #[arg(long, env = "LEASEHOLD_ELECT_TIMEOUT", value_name = "DURATION")]
    timeout: Option<HumanDuration>,

    /// End when the lease is lost, in place of waiting for it again
    #[arg(long, env = "LEASEHOLD_ELECT_ONCE", conflicts_with = "restart")]
    once: bool,

    /// Run the command again when it ends, with growing pauses, and go on leading
    #[arg(long, env = "LEASEHOLD_ELECT_RESTART")]
    restart: bool,

    /// Command (for sh -c) to run while someone else leads; it has ended before the main one begins
    #[arg(long, env = "LEASEHOLD_ELECT_ON_FOLLOWER", value_name = "COMMAND")]
    on_follower: Option<String>,

    /// Time from SIGTERM to SIGKILL; less where the lease ends before [default: 10s]
    #[arg(long, env = "LEASEHOLD_ELECT_KILL_AFTER", value_name = "DURATION")]
    kill_after: Option<HumanDuration>,

    /// Where to keep the status file [default: in a directory of its own, removed at the end]
    #[arg(long, env = "LEASEHOLD_ELECT_STATUS_FILE", value_name = "FILE")]
    status_file: Option<PathBuf>,

    /// Say nothing on stderr but why it failed
    #[arg(short, long, env = "LEASEHOLD_ELECT_QUIET")]
    quiet: bool,

    /// What to log on stderr, as for serve [default: warn]
    #[arg(long, env = "LEASEHOLD_ELECT_LOG_LEVEL", value_name = "LEVEL")]
    log_level: Option<String>,

    /// Form of the log [default: human]
    #[arg(long, env = "LEASEHOLD_ELECT_LOG_FORMAT", value_name = "FORMAT")]
    log_format: Option<LogFormat>,

    /// Command to run while this candidate leads, with its arguments
    #[arg(last = true, required = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

/// Printed after the flags.
pub(crate) const AFTER_HELP: &str = "\
The command finds in its environment LEASEHOLD_TOKEN (a number that grows with every term), LEASEHOLD_LEASE \
(NAMESPACE/NAME), LEASEHOLD_IDENTITY and LEASEHOLD_STATUS_FILE (JSON: token, holder, validUntil).

Exit codes:
  that of the command, or 128 + the number of the signal that ended it
  2    a flag or an environment variable is wrong
  4    the kubeconfig or its credentials cannot be used
  123  the lease was lost (--once)
  124  not leading in time (--timeout)
  125  elect itself failed
  126  the command cannot be run
  127  there is no such command
  129, 130, 131, 143  ended by SIGHUP, SIGINT, SIGQUIT or SIGTERM before the command ran";

/// Everything `elect` needs to know.
#[derive(Debug, PartialEq)]
pub(crate) struct Elect {
    /// Where the API server is.
    pub(crate) access: KubeAccess,
    /// `None` for the default of [`Elect::access`].
    pub(crate) namespace: Option<String>,
    /// Of the lease: a DNS subdomain.
    pub(crate) name: String,
    /// `None` for one that is made up.
    pub(crate) identity: Option<String>,
    /// Checked.
    pub(crate) timers: Timers,
    /// Of the lease.
    pub(crate) labels: BTreeMap<String, String>,
    /// How long to wait for leadership at first; `None` for ever.
    pub(crate) timeout: Option<Duration>,
    /// What the end of a term or of the command means.
    pub(crate) after: After,
    /// For `sh -c`.
    pub(crate) on_follower: Option<String>,
    /// From SIGTERM to SIGKILL; 0 s to 1 h.
    pub(crate) kill_after: Duration,
    /// `None` for one that is made up.
    pub(crate) status_file: Option<PathBuf>,
    /// Whether to tell on stderr what happens.
    pub(crate) is_quiet: bool,
    /// What is logged, and how.
    pub(crate) log: LogSettings,
    /// Program and arguments.
    pub(crate) command: Vec<OsString>,
}

/// How to find an API server.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct KubeAccess {
    /// `None` for the usual places.
    pub(crate) kubeconfig: Option<PathBuf>,
    /// `None` for the current one.
    pub(crate) context: Option<String>,
    /// Replicas to ask in turn; none for the kubeconfig's address.
    pub(crate) servers: Vec<Uri>,
}

/// What the end of a term, or of the command, means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum After {
    /// The command's end is ours; a lost lease is waited for again.
    Rejoin,
    /// Either is our end.
    End,
    /// The command is run again, and a lost lease waited for.
    Restart,
}

impl Elect {
    /// Applies the defaults and checks what the flags mean together.
    pub(crate) fn new(given: ElectArgs) -> Result<Self, Failure> {
        refuse_unless_empty("lease name", &given.name, &name_is_dns_subdomain(&given.name, false))?;
        if let Some(namespace) = &given.namespace {
            refuse_unless_empty("--namespace", namespace, &dns1123_label(namespace))?;
        }
        Ok(Self {
            access: KubeAccess {
                kubeconfig: given.kubeconfig,
                context: given.context,
                servers: given.server,
            },
            namespace: given.namespace,
            name: given.name,
            identity: given.identity.map(|name| plain("identity", name)).transpose()?,
            timers: given.timers.checked()?,
            labels: given.label.iter().map(|text| label(text)).collect::<Result<_, _>>()?,
            timeout: given.timeout.map(|timeout| timeout.0),
            after: match (given.once, given.restart) {
                (true, _) => After::End,
                (false, true) => After::Restart,
                (false, false) => After::Rejoin,
            },
            on_follower: given.on_follower,
            kill_after: within("kill-after", given.kill_after, KILL_AFTER, "0s", "1h")?,
            status_file: given.status_file,
            is_quiet: given.quiet,
            log: LogSettings {
                format: given.log_format.unwrap_or_default(),
                filter: log_filter(Some(given.log_level.unwrap_or_else(|| LOG.to_owned())))?,
            },
            command: given.command,
        })
    }
}

fn server_url(text: &str) -> Result<Uri, String> {
    let url: Uri = text.parse().map_err(|_| "this is no URL".to_owned())?;
    match (url.scheme_str(), url.host()) {
        (Some("https" | "http"), Some(host)) if !host.is_empty() => Ok(url),
        _ => Err("this is no URL such as https://host:6443".to_owned()),
    }
}

fn label(text: &str) -> Result<(String, String), Failure> {
    let Some((key, value)) = text.split_once('=') else {
        return Err(usage(format!("--label '{text}' is not KEY=VALUE")));
    };
    refuse_unless_empty("--label", text, &qualified_name(key))?;
    refuse_unless_empty("--label", text, &label_value(value))?;
    Ok((key.to_owned(), value.to_owned()))
}

fn refuse_unless_empty(what: &str, value: &str, problems: &[String]) -> Result<(), Failure> {
    match problems.first() {
        None => Ok(()),
        Some(problem) => Err(usage(format!("{what} '{value}': {problem}"))),
    }
}

fn usage(message: String) -> Failure {
    Failure::new(Kind::Usage, message)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::super::args::{Command, TopArgs};
    use super::*;

    fn elect(flags: &[&str]) -> Result<Elect, Failure> {
        let all = ["leasehold", "elect"].iter().chain(flags).chain(&["--", "true"]);
        match TopArgs::try_parse_from(all).unwrap().command {
            Command::Elect(flags) => Elect::new(*flags),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn without_flags_everything_has_its_documented_default() {
        let wanted = Elect {
            access: KubeAccess {
                kubeconfig: None,
                context: None,
                servers: vec![],
            },
            namespace: None,
            name: "job".into(),
            identity: None,
            timers: Timers::default(),
            labels: BTreeMap::new(),
            timeout: None,
            after: After::Rejoin,
            on_follower: None,
            kill_after: KILL_AFTER,
            status_file: None,
            is_quiet: false,
            log: LogSettings {
                format: LogFormat::Human,
                filter: LOG.into(),
            },
            command: vec!["true".into()],
        };
        assert_eq!(elect(&["job"]), Ok(wanted));
    }

    #[test]
    fn flags_mean_what_they_say() {
        let elect = elect(&[
            "job",
            "--label",
            "a=b,example.org/c=",
            "--once",
            "--retry",
            "300ms",
            "--server",
            "https://a:6443,https://b:6443",
        ])
        .unwrap();
        assert_eq!(elect.labels["a"], "b");
        assert_eq!(elect.labels["example.org/c"], "");
        assert_eq!(elect.after, After::End);
        assert_eq!(elect.timers.retry_period, Duration::from_millis(300));
        assert_eq!(elect.access.servers, ["https://a:6443", "https://b:6443"]);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        for (flags, about) in [
            (&["Job"][..], "lease name 'Job'"),
            (&["job", "-n", "a.b"], "--namespace 'a.b'"),
            (&["job", "--label", "a"], "KEY=VALUE"),
            (&["job", "--label", "a=b c"], "--label 'a=b c'"),
            (&["job", "--identity", ""], "--identity"),
            (&["job", "--kill-after", "2h"], "between 0s and 1h"),
            (&["job", "--deadline", "15s"], "deadline"),
            (&["job", "--duration", "1500ms"], "whole seconds"),
            (&["job", "--log-level", "a=b=c"], "--log-level"),
        ] {
            let failure = elect(flags).unwrap_err();
            assert!(failure.message().contains(about), "{flags:?}: {}", failure.message());
        }
    }
}
