//! What was typed: the command line as clap reads it, and the same struct as the TOML file fills it.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use leasehold_registry::{GATES, Scope};
use serde::Deserialize;

use super::bench_args::BenchCommand;
use super::demo::DemoArgs;
use super::duration::HumanDuration;
use super::elect::{self, ElectArgs};
use super::heartbeat::HeartbeatArgs;
use super::hidden::{SuperviseArgs, TiedArgs};
use super::migrate::MigrateArgs;
use super::status::StatusArgs;
use super::timers::TimersArgs;
use super::upkeep::{BackupArgs, CheckArgs, RestoreArgs};

/// The Kubernetes Lease system as one program.
///
/// Every flag has an environment variable, and a TOML file (--config) can hold the flags of `serve`. A flag wins over
/// the environment, the environment over the file, the file over the default.
#[derive(Debug, Parser)]
#[command(name = "leasehold", version, max_term_width = 110, infer_subcommands = false)]
pub(crate) struct TopArgs {
    /// TOML file with the flags of `serve` as keys, for example `listen = "127.0.0.1:6443"`
    #[arg(long, global = true, env = "LEASEHOLD_CONFIG", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,

    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the API server
    Serve(Box<ServeArgs>),
    /// Sign a client certificate and print a kubeconfig with it
    Kubeconfig(KubeconfigArgs),
    /// Register this machine as a node and tell the server that it is alive
    ///
    /// Renews the node's lease and posts its conditions as a kubelet does, until a signal says otherwise; then the node is
    /// marked as not ready. Works with the credentials of `leasehold kubeconfig --node`.
    Heartbeat(Box<HeartbeatArgs>),
    /// Run a command only while this candidate leads
    ///
    /// Candidates are all the processes that name the same lease on the same API server: this command on other
    /// machines, and any other client of Kubernetes' leader election. The command starts when this candidate comes to
    /// lead, and has ended, with everything it started, before another one can.
    #[command(after_help = elect::AFTER_HELP)]
    Elect(Box<ElectArgs>),
    /// Tell what follows from the durations of an election, and whether they are safe
    Timers(TimersArgs),
    /// Show an election, a crash and a hand-over in one terminal
    ///
    /// Starts a server on a temporary directory and three candidates, kills the leader, stops the next one, and leaves
    /// the server for you to look around until Enter or Ctrl-C. Then everything is removed.
    Demo(DemoArgs),
    /// Write all objects of a running server to a file
    ///
    /// The server goes on meanwhile. What was acknowledged before is in the backup; every byte of it is checked before
    /// the file gets its name. Certificates and keys (DATA_DIR/pki) are not in it: keep a copy of them apart.
    Backup(BackupArgs),
    /// Make the store of a new server from a backup
    ///
    /// Refused where there is a store already. Every resourceVersion is raised by a billion, so that none goes back;
    /// watches and lists from before the restore are answered 410. Put a copy of pki/ into the data directory before the
    /// first start, or clients need new credentials.
    Restore(RestoreArgs),
    /// Copy all objects from a data directory to an etcd, or back
    ///
    /// With every server stopped. Refused where the destination holds other objects; run again, it goes on where it was
    /// interrupted. resourceVersions only grow: etcd's revision is raised above the directory's, and the directory's above etcd's.
    Migrate(Box<MigrateArgs>),
    /// Look for damage in a data directory that no server uses
    ///
    /// Reads every file, checksum and object in it and changes nothing. Ends with 0 if all is well, with 1 if something
    /// is damaged.
    Check(CheckArgs),
    /// Put load on a Kubernetes API server and measure what comes of it
    ///
    /// Any server: that of a kubeconfig, one at a URL, or the local Leasehold. Uses leases of its own and deletes them in the
    /// end.
    #[command(subcommand)]
    Bench(BenchCommand),
    /// Say what the controllers of a running server are doing, and why
    Status(StatusArgs),
    /// Print the version
    Version,
    /// Run a command and end it in time
    #[command(hide = true)]
    Supervise(SuperviseArgs),
    /// Become a command that ends with its parent
    #[command(hide = true)]
    Tied(TiedArgs),
}

/// The flags of `serve`, each of them also a key of the TOML file.
#[derive(Debug, Default, Clone, PartialEq, Args, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(crate) struct ServeArgs {
    /// Where everything is kept [default: /var/lib/leasehold for root, else $XDG_DATA_HOME/leasehold or
    /// ~/.local/share/leasehold]
    #[arg(long, env = "LEASEHOLD_DATA_DIR", value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,

    /// Address and port to serve HTTPS on [default: 127.0.0.1:6443]
    #[arg(long, env = "LEASEHOLD_LISTEN", value_name = "ADDR:PORT")]
    pub(crate) listen: Option<SocketAddr>,

    /// Further DNS name or IP address for the serving certificate; may be repeated
    #[arg(long, env = "LEASEHOLD_TLS_SAN", value_name = "NAME", value_delimiter = ',')]
    pub(crate) tls_san: Vec<String>,

    /// Serving certificate chain (PEM) to use in place of our own; needs --tls-key
    #[arg(long, env = "LEASEHOLD_TLS_CERT", value_name = "FILE")]
    pub(crate) tls_cert: Option<PathBuf>,

    /// Private key (PEM) of --tls-cert
    #[arg(long, env = "LEASEHOLD_TLS_KEY", value_name = "FILE")]
    pub(crate) tls_key: Option<PathBuf>,

    /// CA certificates (PEM) whose client certificates are trusted besides those of our own CA
    #[arg(long, env = "LEASEHOLD_CLIENT_CA", value_name = "FILE")]
    pub(crate) client_ca: Option<PathBuf>,

    /// Bearer tokens, one `token,user,uid,"group1,group2"` a line
    #[arg(long, env = "LEASEHOLD_TOKEN_FILE", value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,

    /// Also serve plain HTTP on this loopback address
    #[arg(long, env = "LEASEHOLD_INSECURE_HTTP", value_name = "ADDR:PORT")]
    pub(crate) insecure_http: Option<SocketAddr>,

    /// Serve only this: `coordination` is leases and lease candidates, for use beside a cluster, which has namespaces, nodes
    /// and events of its own [default: everything]
    #[arg(long, env = "LEASEHOLD_SERVE_ONLY", value_name = "WHAT")]
    pub(crate) serve_only: Option<ServeOnly>,

    /// Form of the log on stderr [default: human]
    #[arg(long, env = "LEASEHOLD_LOG_FORMAT", value_name = "FORMAT")]
    pub(crate) log_format: Option<LogFormat>,

    /// What to log: error, warn, info, debug, trace or off, or `info,leasehold_store=debug` [default: info]
    #[arg(long, env = "LEASEHOLD_LOG_LEVEL", value_name = "LEVEL")]
    pub(crate) log_level: Option<String>,

    /// How long running requests may take to finish after the first signal [default: 25s]
    #[arg(long, env = "LEASEHOLD_DRAIN_TIMEOUT", value_name = "DURATION")]
    pub(crate) drain_timeout: Option<HumanDuration>,

    /// Keep everything in this etcd rather than in the data directory: the URL of each member, comma-separated. Any number of
    /// servers may share one
    #[arg(long, env = "LEASEHOLD_ETCD", value_name = "URL", value_delimiter = ',')]
    pub(crate) etcd: Vec<String>,

    /// What all keys in etcd begin with [default: /registry]
    #[arg(long, env = "LEASEHOLD_ETCD_PREFIX", value_name = "PATH")]
    pub(crate) etcd_prefix: Option<String>,

    /// CA certificates (PEM) that etcd's certificate may come from [default: the system's]
    #[arg(long, env = "LEASEHOLD_ETCD_CA", value_name = "FILE")]
    pub(crate) etcd_ca: Option<PathBuf>,

    /// Client certificate chain (PEM) to show to etcd; needs --etcd-key
    #[arg(long, env = "LEASEHOLD_ETCD_CERT", value_name = "FILE")]
    pub(crate) etcd_cert: Option<PathBuf>,

    /// Private key (PEM) of --etcd-cert
    #[arg(long, env = "LEASEHOLD_ETCD_KEY", value_name = "FILE")]
    pub(crate) etcd_key: Option<PathBuf>,

    /// How often old revisions are compacted in etcd, by one of the servers that share it; 0 leaves that to others [default: 5m]
    #[arg(long, env = "LEASEHOLD_ETCD_COMPACTION_INTERVAL", value_name = "DURATION")]
    pub(crate) etcd_compaction_interval: Option<HumanDuration>,

    /// How far back a watch or an exact list can reach [default: 5m]
    #[arg(long, env = "LEASEHOLD_HISTORY_WINDOW", value_name = "DURATION")]
    pub(crate) history_window: Option<HumanDuration>,

    /// How long an Event is kept [default: 1h]
    #[arg(long, env = "LEASEHOLD_EVENT_TTL", value_name = "DURATION")]
    pub(crate) event_ttl: Option<HumanDuration>,

    /// Controllers to run, comma-separated: `*` is all, `-NAME` all but that one [default: *]
    #[arg(
        long,
        env = "LEASEHOLD_CONTROLLERS",
        value_name = "LIST",
        value_delimiter = ',',
        allow_hyphen_values = true
    )]
    pub(crate) controllers: Vec<String>,

    /// How soon a node's silence is acted on once its grace period has ended [default: 5s]
    #[arg(long, env = "LEASEHOLD_NODE_MONITOR_PERIOD", value_name = "DURATION")]
    pub(crate) node_monitor_period: Option<HumanDuration>,

    /// How long a node may give no sign of life before it counts as unreachable [default: 50s]
    #[arg(long, env = "LEASEHOLD_NODE_MONITOR_GRACE_PERIOD", value_name = "DURATION")]
    pub(crate) node_monitor_grace_period: Option<HumanDuration>,

    /// The same for a node that has not yet said whether it is ready [default: 60s]
    #[arg(long, env = "LEASEHOLD_NODE_STARTUP_GRACE_PERIOD", value_name = "DURATION")]
    pub(crate) node_startup_grace_period: Option<HumanDuration>,
    /// Bytes of changes that are kept of each resource within the history window [default: 67108864, which is 64 MiB]
    #[arg(long, env = "LEASEHOLD_HISTORY_BYTES", value_name = "BYTES")]
    pub(crate) history_bytes: Option<u32>,

    /// Connections open at once [default: 32768]
    #[arg(long, env = "LEASEHOLD_MAX_CONNECTIONS", value_name = "NUMBER")]
    pub(crate) max_connections: Option<u32>,

    /// Connections open at once from one address; of IPv6, from one /64 network [default: 8192]
    #[arg(long, env = "LEASEHOLD_MAX_CONNECTIONS_PER_ADDRESS", value_name = "NUMBER")]
    pub(crate) max_connections_per_address: Option<u32>,

    /// Requests at once on one HTTP/2 connection [default: 250]
    #[arg(long, env = "LEASEHOLD_HTTP2_MAX_STREAMS_PER_CONNECTION", value_name = "NUMBER")]
    pub(crate) http2_max_streams_per_connection: Option<u32>,

    /// Reads at once; more are answered 429, save those of system:masters [default: 4000]
    #[arg(long, env = "LEASEHOLD_MAX_REQUESTS_INFLIGHT", value_name = "NUMBER")]
    pub(crate) max_requests_inflight: Option<u32>,

    /// Writes at once, those that wait for the disk included; more are answered 429, save those of system:masters [default: 4000]
    #[arg(long, env = "LEASEHOLD_MAX_MUTATING_REQUESTS_INFLIGHT", value_name = "NUMBER")]
    pub(crate) max_mutating_requests_inflight: Option<u32>,

    /// Watches open at once; more are answered 429, save those of system:masters [default: 100000]
    #[arg(long, env = "LEASEHOLD_MAX_WATCHES", value_name = "NUMBER")]
    pub(crate) max_watches: Option<u32>,

    /// Watches open at once of one user, system:masters included [default: 50000]
    #[arg(long, env = "LEASEHOLD_MAX_WATCHES_PER_USER", value_name = "NUMBER")]
    pub(crate) max_watches_per_user: Option<u32>,

    #[arg(
        long,
        env = "LEASEHOLD_FEATURE_GATES",
        value_name = "NAME=true|false",
        value_delimiter = ',',
        help = feature_gates_help()
    )]
    pub(crate) feature_gates: Vec<String>,

    /// Host name that this server's identity Lease is named after; servers on one host need different ones [default: the
    /// machine's]
    #[arg(long, env = "LEASEHOLD_IDENTITY_HOSTNAME", value_name = "NAME")]
    pub(crate) identity_hostname: Option<String>,

    /// How long an identity Lease is good without being renewed [default: 1h]
    #[arg(long, env = "LEASEHOLD_IDENTITY_LEASE_DURATION", value_name = "DURATION")]
    pub(crate) identity_lease_duration: Option<HumanDuration>,

    /// How often identity Leases of servers that are gone are looked for [default: 1h]
    #[arg(long, env = "LEASEHOLD_IDENTITY_GC_PERIOD", value_name = "DURATION")]
    pub(crate) identity_gc_period: Option<HumanDuration>,
}

/// The gates with what Kubernetes says of each: its stage and its default.
fn feature_gates_help() -> String {
    let gates = GATES.map(|gate| format!("{} ({} - default={})", gate.name, gate.stage.name(), gate.default));
    format!(
        "Features to switch on or off, comma-separated; may be repeated: {}",
        gates.join(", ")
    )
}

impl ServeArgs {
    /// These values where given, else those of `lower`. A list is taken whole from one of them.
    pub(crate) fn or(self, lower: Self) -> Self {
        // Written out in full, so that a new flag cannot be forgotten here.
        Self {
            data_dir: self.data_dir.or(lower.data_dir),
            listen: self.listen.or(lower.listen),
            tls_san: if self.tls_san.is_empty() {
                lower.tls_san
            } else {
                self.tls_san
            },
            tls_cert: self.tls_cert.or(lower.tls_cert),
            tls_key: self.tls_key.or(lower.tls_key),
            client_ca: self.client_ca.or(lower.client_ca),
            token_file: self.token_file.or(lower.token_file),
            insecure_http: self.insecure_http.or(lower.insecure_http),
            serve_only: self.serve_only.or(lower.serve_only),
            log_format: self.log_format.or(lower.log_format),
            log_level: self.log_level.or(lower.log_level),
            drain_timeout: self.drain_timeout.or(lower.drain_timeout),
            etcd: if self.etcd.is_empty() { lower.etcd } else { self.etcd },
            etcd_prefix: self.etcd_prefix.or(lower.etcd_prefix),
            etcd_ca: self.etcd_ca.or(lower.etcd_ca),
            etcd_cert: self.etcd_cert.or(lower.etcd_cert),
            etcd_key: self.etcd_key.or(lower.etcd_key),
            etcd_compaction_interval: self.etcd_compaction_interval.or(lower.etcd_compaction_interval),
            history_window: self.history_window.or(lower.history_window),
            event_ttl: self.event_ttl.or(lower.event_ttl),
            controllers: if self.controllers.is_empty() {
                lower.controllers
            } else {
                self.controllers
            },
            node_monitor_period: self.node_monitor_period.or(lower.node_monitor_period),
            node_monitor_grace_period: self.node_monitor_grace_period.or(lower.node_monitor_grace_period),
            node_startup_grace_period: self.node_startup_grace_period.or(lower.node_startup_grace_period),
            history_bytes: self.history_bytes.or(lower.history_bytes),
            max_connections: self.max_connections.or(lower.max_connections),
            max_connections_per_address: self.max_connections_per_address.or(lower.max_connections_per_address),
            http2_max_streams_per_connection: self
                .http2_max_streams_per_connection
                .or(lower.http2_max_streams_per_connection),
            max_requests_inflight: self.max_requests_inflight.or(lower.max_requests_inflight),
            max_mutating_requests_inflight: self
                .max_mutating_requests_inflight
                .or(lower.max_mutating_requests_inflight),
            max_watches: self.max_watches.or(lower.max_watches),
            max_watches_per_user: self.max_watches_per_user.or(lower.max_watches_per_user),
            feature_gates: if self.feature_gates.is_empty() {
                lower.feature_gates
            } else {
                self.feature_gates
            },
            identity_hostname: self.identity_hostname.or(lower.identity_hostname),
            identity_lease_duration: self.identity_lease_duration.or(lower.identity_lease_duration),
            identity_gc_period: self.identity_gc_period.or(lower.identity_gc_period),
        }
    }
}

/// The flags of `kubeconfig`.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("who").required(true).args(["user", "node"]))]
pub(crate) struct KubeconfigArgs {
    /// Data directory of the server; the default is that of `serve`
    #[arg(long, env = "LEASEHOLD_DATA_DIR", value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,

    /// Name of the user the certificate is for
    #[arg(long, env = "LEASEHOLD_KUBECONFIG_USER", value_name = "NAME")]
    pub(crate) user: Option<String>,

    /// Group of the user; may be repeated
    #[arg(
        long,
        env = "LEASEHOLD_KUBECONFIG_GROUP",
        value_name = "GROUP",
        value_delimiter = ',',
        num_args = 1..,
        conflicts_with = "node"
    )]
    pub(crate) group: Vec<String>,

    /// Name of the node the certificate is for: user system:node:NAME in group system:nodes
    #[arg(long, env = "LEASEHOLD_KUBECONFIG_NODE", value_name = "NAME")]
    pub(crate) node: Option<String>,

    /// URL of the server [default: as in DATA_DIR/admin.kubeconfig]
    #[arg(long, env = "LEASEHOLD_KUBECONFIG_SERVER", value_name = "URL")]
    pub(crate) server: Option<String>,

    /// How long the certificate is valid [default: 1y]
    #[arg(long, env = "LEASEHOLD_KUBECONFIG_EXPIRY", value_name = "DURATION")]
    pub(crate) expiry: Option<HumanDuration>,
}

/// The form of the log.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    /// Lines for people.
    #[default]
    Human,
    /// One JSON object a line.
    Json,
}

/// A part of what can be served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ServeOnly {
    /// Leases and lease candidates.
    Coordination,
}

impl ServeOnly {
    /// Which resources that is.
    pub(crate) fn scope(self) -> Scope {
        match self {
            Self::Coordination => Scope::Coordination,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn subcommand_flags(name: &str) -> Vec<(String, Option<String>)> {
        let command = TopArgs::command();
        let subcommand = command.find_subcommand(name).expect("the subcommand exists");
        subcommand
            .get_arguments()
            .filter(|arg| arg.get_id() != "help" && arg.get_id() != "version" && !arg.is_positional())
            .map(|arg| {
                (
                    arg.get_long().unwrap().to_owned(),
                    arg.get_env().map(|e| e.to_str().unwrap().to_owned()),
                )
            })
            .collect()
    }

    #[test]
    fn the_definition_is_sound() {
        TopArgs::command().debug_assert();
    }

    #[test]
    fn the_help_lists_every_gate_with_its_stage_and_default() {
        let mut command = TopArgs::command();
        let help = command
            .find_subcommand_mut("serve")
            .unwrap()
            .render_long_help()
            .to_string();
        let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
        for text in [
            "APIServerIdentity (BETA - default=true)",
            "AllAlpha (ALPHA - default=false)",
        ] {
            assert!(help.contains(text), "{help}");
        }
    }

    #[test]
    fn every_flag_of_serve_has_its_environment_variable() {
        let flags = subcommand_flags("serve");
        assert!(flags.len() >= 13, "{flags:?}");
        for (flag, variable) in flags {
            let wanted = format!("LEASEHOLD_{}", flag.to_uppercase().replace('-', "_"));
            assert_eq!(variable, Some(wanted), "--{flag}");
        }
    }

    #[test]
    fn every_flag_of_other_commands_has_an_environment_variable() {
        for command in [
            "kubeconfig",
            "heartbeat",
            "backup",
            "restore",
            "migrate",
            "status",
            "elect",
            "timers",
            "demo",
        ] {
            for (flag, variable) in subcommand_flags(command) {
                assert!(
                    variable.is_some_and(|v| v.starts_with("LEASEHOLD_")),
                    "{command} --{flag}"
                );
            }
        }
    }

    #[test]
    fn every_flag_of_serve_is_a_key_of_the_file() {
        for (flag, _) in subcommand_flags("serve") {
            // A value of the wrong type: the key is known if the complaint is about something other than the key.
            let error = toml::from_str::<ServeArgs>(&format!("{flag} = {{ a = 1 }}")).unwrap_err();
            assert!(!error.message().contains("unknown field"), "{flag}: {error}");
        }
    }
}
