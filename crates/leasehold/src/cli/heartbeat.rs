//! The flags of `heartbeat`, and what they mean.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use leasehold_api::validation::{label_value, name_is_dns_subdomain, qualified_name};

use super::args::LogFormat;
use super::duration::HumanDuration;
use super::settings::{LogSettings, log_filter, within};
use crate::failure::{Failure, Kind};

const DEFAULT_DURATION: Duration = Duration::from_secs(40);
const DEFAULT_STATUS_PERIOD: Duration = Duration::from_mins(5);

/// The flags of `heartbeat`.
#[derive(Debug, Args)]
pub(crate) struct HeartbeatArgs {
    /// Name of the node [default: the host's name]
    #[arg(long, env = "LEASEHOLD_HEARTBEAT_NODE", value_name = "NAME")]
    node: Option<String>,

    /// Label to give the node; may be repeated
    #[arg(
        long,
        env = "LEASEHOLD_HEARTBEAT_LABEL",
        value_name = "KEY=VALUE",
        value_delimiter = ','
    )]
    label: Vec<String>,

    /// Kubeconfig of the API server [default: $KUBECONFIG, ~/.kube/config, or the pod's service account]
    #[arg(long, env = "LEASEHOLD_HEARTBEAT_KUBECONFIG", value_name = "FILE")]
    kubeconfig: Option<PathBuf>,

    /// How long the node's lease is good without being renewed [default: 40s]
    #[arg(long, env = "LEASEHOLD_HEARTBEAT_DURATION", value_name = "DURATION")]
    duration: Option<HumanDuration>,

    /// Time between two renewals, and between two looks at the node's health [default: a quarter of the duration]
    #[arg(long, env = "LEASEHOLD_HEARTBEAT_PERIOD", value_name = "DURATION")]
    period: Option<HumanDuration>,

    /// How often the node's status is posted though nothing has changed [default: 5m]
    #[arg(long, env = "LEASEHOLD_HEARTBEAT_STATUS_PERIOD", value_name = "DURATION")]
    status_period: Option<HumanDuration>,

    /// Command (for sh -c) that says whether the node is ready: it is while this ends with 0
    #[arg(long, env = "LEASEHOLD_HEARTBEAT_HEALTH_COMMAND", value_name = "COMMAND")]
    health_command: Option<String>,

    /// How long that may take [default: the period, at most 10s]
    #[arg(long, env = "LEASEHOLD_HEARTBEAT_HEALTH_TIMEOUT", value_name = "DURATION")]
    health_timeout: Option<HumanDuration>,

    /// What to log, as for serve [default: info]
    #[arg(long, env = "LEASEHOLD_HEARTBEAT_LOG_LEVEL", value_name = "LEVEL")]
    log_level: Option<String>,

    /// Form of the log on stderr [default: human]
    #[arg(long, env = "LEASEHOLD_HEARTBEAT_LOG_FORMAT", value_name = "FORMAT")]
    log_format: Option<LogFormat>,
}

/// Everything `heartbeat` needs to know.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct HeartbeatSettings {
    /// Name of the node: a DNS subdomain.
    pub(crate) node: String,
    /// Labels of the node besides the usual ones.
    pub(crate) labels: BTreeMap<String, String>,
    /// `None` for the usual places.
    pub(crate) kubeconfig: Option<PathBuf>,
    /// Of the lease: whole seconds, 1 s to 1 h.
    pub(crate) duration: Duration,
    /// Between two renewals: 100 ms at least, and shorter than the duration.
    pub(crate) period: Duration,
    /// 1 s to 1 h.
    pub(crate) status_period: Duration,
    /// For `sh -c`.
    pub(crate) health_command: Option<String>,
    /// 10 ms to 10 min.
    pub(crate) health_timeout: Duration,
    /// What is logged, and how.
    pub(crate) log: LogSettings,
}

impl HeartbeatSettings {
    /// Checks the flags and applies the defaults; `hostname` is the machine's.
    pub(crate) fn new(given: HeartbeatArgs, hostname: &str) -> Result<Self, Failure> {
        let duration = within("duration", given.duration, DEFAULT_DURATION, "1s", "1h")?;
        let period = within("period", given.period, duration / 4, "100ms", "1h")?;
        if duration.subsec_nanos() > 0 {
            return Err(usage("--duration must be whole seconds"));
        }
        if period >= duration {
            return Err(usage("--period must be shorter than --duration"));
        }
        let health_timeout = period.min(Duration::from_secs(10));
        Ok(Self {
            node: node_name(given.node, hostname)?,
            labels: given.label.iter().map(|text| label(text)).collect::<Result<_, _>>()?,
            kubeconfig: given.kubeconfig,
            duration,
            period,
            status_period: within("status-period", given.status_period, DEFAULT_STATUS_PERIOD, "1s", "1h")?,
            health_command: given.health_command,
            health_timeout: within("health-timeout", given.health_timeout, health_timeout, "10ms", "10m")?,
            log: LogSettings {
                format: given.log_format.unwrap_or_default(),
                filter: log_filter(given.log_level)?,
            },
        })
    }
}

fn node_name(given: Option<String>, hostname: &str) -> Result<String, Failure> {
    let name = given.unwrap_or_else(|| hostname.to_lowercase());
    match name_is_dns_subdomain(&name, false).first() {
        None => Ok(name),
        Some(why) => Err(usage(format!("--node '{name}': {why}"))),
    }
}

fn label(text: &str) -> Result<(String, String), Failure> {
    let bad = |why: &str| usage(format!("--label '{text}': {why}"));
    let (key, value) = text.split_once('=').ok_or_else(|| bad("write KEY=VALUE"))?;
    match qualified_name(key).into_iter().chain(label_value(value)).next() {
        None => Ok((key.to_owned(), value.to_owned())),
        Some(why) => Err(bad(&why)),
    }
}

fn usage(message: impl Into<String>) -> Failure {
    Failure::new(Kind::Usage, message)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::super::args::{Command, TopArgs};
    use super::*;

    fn settings(flags: &[&str]) -> Result<HeartbeatSettings, Failure> {
        let typed = TopArgs::try_parse_from(["leasehold", "heartbeat"].iter().chain(flags)).unwrap();
        match typed.command {
            Command::Heartbeat(flags) => HeartbeatSettings::new(*flags, "Host-1"),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_defaults_are_kubelets() {
        let settings = settings(&[]).unwrap();
        assert_eq!(settings.node, "host-1");
        let seconds = [
            settings.duration,
            settings.period,
            settings.status_period,
            settings.health_timeout,
        ];
        assert_eq!(seconds.map(|duration| duration.as_secs()), [40, 10, 300, 10]);
    }

    #[test]
    fn flags_are_taken() {
        let settings = settings(&[
            "--node",
            "edge-1",
            "--label",
            "tier=edge,zone=a",
            "--label",
            "x.io/y=",
            "--duration",
            "8s",
        ]);
        let settings = settings.unwrap();
        assert_eq!(settings.node, "edge-1");
        let labels: Vec<_> = settings
            .labels
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str()))
            .collect();
        assert_eq!(labels, [("tier", "edge"), ("x.io/y", ""), ("zone", "a")]);
        assert_eq!(
            (settings.period, settings.health_timeout),
            (Duration::from_secs(2), Duration::from_secs(2))
        );
    }

    #[test]
    fn flags_that_do_not_fit_are_refused() {
        for (flags, about) in [
            (&["--node", "Edge_1"][..], "--node 'Edge_1'"),
            (&["--label", "tier"], "write KEY=VALUE"),
            (&["--label", "tier=a b"], "--label 'tier=a b'"),
            (&["--label", "/=a"], "--label '/=a'"),
            (&["--duration", "0s"], "between 1s and 1h"),
            (&["--duration", "1500ms"], "whole seconds"),
            (&["--period", "40s"], "shorter than --duration"),
            (&["--status-period", "0s"], "between 1s and 1h"),
        ] {
            let failure = settings(flags).unwrap_err();
            assert!(failure.message().contains(about), "{flags:?}: {}", failure.message());
        }
    }
}
