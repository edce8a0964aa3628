//! The flags of `bench`, as they are typed; [`super::bench`] says what they mean.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::duration::HumanDuration;
use super::upkeep::Form;

/// What is measured.
#[derive(Debug, Subcommand)]
pub(crate) enum BenchCommand {
    /// Renew leases as kubelets do
    ///
    /// Creates --nodes leases, renews them one after the other, each with a PUT of what the server answered last, and
    /// deletes them. Without --rate the next renewal is sent when one has ended; with --rate they are sent at that rate
    /// whatever the server does, and what had to wait counts from when it was due.
    #[command(after_help = "Examples:
  leasehold bench heartbeat                                    # 64 in flight, 10 s, the local server
  leasehold bench heartbeat --nodes 100000 --rate 10000 --duration 60s --pid $(pidof leasehold)
  leasehold bench heartbeat --kubeconfig ~/.kube/config --context kind-kind --nodes 500 --rate 50 -o json")]
    Heartbeat(Box<HeartbeatArgs>),
    /// Count what watchers are told of writes, and how soon
    ///
    /// Opens --watchers watches, writes --nodes leases one after the other, and compares what each watch was told with what the
    /// server acknowledged: every event that is missing, came twice, or should not have come is counted.
    #[command(after_help = "Examples:
  leasehold bench watch --watchers 100 --rate 500 --duration 30s
  leasehold bench watch --watchers 1000 --watch-connections 10 --single-name --nodes 1000 --rate 200")]
    Watch(Box<WatchArgs>),
    /// Read whole lists
    ///
    /// Creates --nodes leases and lists the namespace again and again, as informers do when they start.
    #[command(after_help = "Examples:
  leasehold bench list --nodes 10000 --encoding protobuf
  leasehold bench list --nodes 10000 --page 500 --in-flight 4 --count 100")]
    List(Box<ListArgs>),
}

/// The flags of `bench heartbeat`.
#[derive(Debug, Args)]
pub(crate) struct HeartbeatArgs {
    /// Leases to renew
    #[arg(long, env = "LEASEHOLD_BENCH_NODES", value_name = "NUMBER", default_value_t = 1_000)]
    pub(super) nodes: u32,

    #[command(flatten)]
    pub(super) load: LoadArgs,

    /// Watches to hold open meanwhile, each of one name that is never written
    #[arg(
        long,
        env = "LEASEHOLD_BENCH_IDLE_WATCHES",
        value_name = "NUMBER",
        default_value_t = 0
    )]
    pub(super) idle_watches: u32,

    /// Watches of all leases to open beforehand and never to read
    #[arg(
        long,
        env = "LEASEHOLD_BENCH_STALLED_WATCHES",
        value_name = "NUMBER",
        default_value_t = 0
    )]
    pub(super) stalled_watches: u32,

    #[command(flatten)]
    pub(super) sockets: WatchSockets,

    /// Leave the leases there afterwards; the next run takes them up
    #[arg(long, env = "LEASEHOLD_BENCH_KEEP")]
    pub(super) keep: bool,

    #[command(flatten)]
    pub(super) common: CommonArgs,
}

/// The flags of `bench watch`.
#[derive(Debug, Args)]
pub(crate) struct WatchArgs {
    /// Watches to open
    #[arg(long, env = "LEASEHOLD_BENCH_WATCHERS", value_name = "NUMBER", default_value_t = 100)]
    pub(super) watchers: u32,

    #[command(flatten)]
    pub(super) sockets: WatchSockets,

    /// Watch one lease each, by its name, in place of all of the namespace
    #[arg(long, env = "LEASEHOLD_BENCH_SINGLE_NAME")]
    pub(super) single_name: bool,

    /// Leases to write
    #[arg(long, env = "LEASEHOLD_BENCH_NODES", value_name = "NUMBER", default_value_t = 1_000)]
    pub(super) nodes: u32,

    #[command(flatten)]
    pub(super) load: LoadArgs,

    /// Leave the leases there afterwards; the next run takes them up
    #[arg(long, env = "LEASEHOLD_BENCH_KEEP")]
    pub(super) keep: bool,

    #[command(flatten)]
    pub(super) common: CommonArgs,
}

/// The flags of `bench list`.
#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// Leases to create first
    #[arg(long, env = "LEASEHOLD_BENCH_NODES", value_name = "NUMBER", default_value_t = 10_000)]
    pub(super) nodes: u32,

    /// Items of a page; everything at once without
    #[arg(long, env = "LEASEHOLD_BENCH_PAGE", value_name = "NUMBER")]
    pub(super) page: Option<u32>,

    #[command(flatten)]
    pub(super) load: LoadArgs,

    /// Leave the leases there afterwards; the next run takes them up
    #[arg(long, env = "LEASEHOLD_BENCH_KEEP")]
    pub(super) keep: bool,

    #[command(flatten)]
    pub(super) common: CommonArgs,
}

/// What watches go over.
#[derive(Debug, Args)]
pub(super) struct WatchSockets {
    /// Connections of the watches [default: one for each of 100; then they share those]
    #[arg(
        long,
        env = "LEASEHOLD_BENCH_WATCH_CONNECTIONS",
        value_name = "NUMBER",
        help_heading = "Requests"
    )]
    pub(super) watch_connections: Option<usize>,
}

/// How much, and for how long.
#[derive(Debug, Args)]
pub(super) struct LoadArgs {
    /// Operations a second, evenly spaced; without, the next one begins when one has ended
    #[arg(long, env = "LEASEHOLD_BENCH_RATE", value_name = "NUMBER")]
    pub(super) rate: Option<f64>,

    /// Operations at once: exactly, without --rate [default: 64; lists: 1], or at most with it [default: 4096]
    #[arg(long, env = "LEASEHOLD_BENCH_IN_FLIGHT", value_name = "NUMBER")]
    pub(super) in_flight: Option<usize>,

    /// How long to measure [default: 10s]
    #[arg(
        long,
        env = "LEASEHOLD_BENCH_DURATION",
        value_name = "DURATION",
        conflicts_with = "count"
    )]
    pub(super) duration: Option<HumanDuration>,

    /// How many operations to measure
    #[arg(long, env = "LEASEHOLD_BENCH_COUNT", value_name = "NUMBER")]
    pub(super) count: Option<u64>,

    /// How long to run before measuring
    #[arg(long, env = "LEASEHOLD_BENCH_WARM_UP", value_name = "DURATION", default_value = "1s")]
    pub(super) warm_up: HumanDuration,
}

/// The flags of every measurement.
#[derive(Debug, Args)]
pub(super) struct CommonArgs {
    /// Kubeconfig of the server [default: DATA_DIR/admin.kubeconfig, the local server's]
    #[arg(
        long,
        env = "LEASEHOLD_BENCH_KUBECONFIG",
        value_name = "FILE",
        help_heading = "Server"
    )]
    pub(super) kubeconfig: Option<PathBuf>,

    /// Context in the kubeconfig [default: its current one]
    #[arg(long, env = "LEASEHOLD_BENCH_CONTEXT", value_name = "NAME", help_heading = "Server")]
    pub(super) context: Option<String>,

    /// Data directory of the server, for its admin.kubeconfig; the default is that of `serve`
    #[arg(long, env = "LEASEHOLD_DATA_DIR", value_name = "DIR", help_heading = "Server")]
    pub(super) data_dir: Option<PathBuf>,

    /// URL of the server, in place of a kubeconfig; http:// for plain HTTP
    #[arg(
        long,
        env = "LEASEHOLD_BENCH_SERVER",
        value_name = "URL",
        conflicts_with_all = ["kubeconfig", "context"],
        help_heading = "Server"
    )]
    pub(super) server: Option<String>,

    /// CA certificates (PEM) of --server
    #[arg(
        long,
        env = "LEASEHOLD_BENCH_CA",
        value_name = "FILE",
        requires = "server",
        help_heading = "Server"
    )]
    pub(super) ca: Option<PathBuf>,

    /// Bearer token for --server
    #[arg(
        long,
        env = "LEASEHOLD_BENCH_TOKEN",
        hide_env_values = true,
        value_name = "TOKEN",
        requires = "server",
        help_heading = "Server"
    )]
    pub(super) token: Option<String>,

    /// Client certificate (PEM) for --server
    #[arg(
        long,
        env = "LEASEHOLD_BENCH_CLIENT_CERT",
        value_name = "FILE",
        requires = "client_key",
        help_heading = "Server"
    )]
    pub(super) client_cert: Option<PathBuf>,

    /// Its private key (PEM)
    #[arg(
        long,
        env = "LEASEHOLD_BENCH_CLIENT_KEY",
        value_name = "FILE",
        requires = "server",
        help_heading = "Server"
    )]
    pub(super) client_key: Option<PathBuf>,

    /// Version of HTTP
    #[arg(
        long,
        env = "LEASEHOLD_BENCH_PROTOCOL",
        value_name = "VERSION",
        default_value = "h2",
        help_heading = "Requests"
    )]
    pub(super) protocol: Http,

    /// Form of bodies
    #[arg(
        long,
        env = "LEASEHOLD_BENCH_ENCODING",
        value_name = "FORM",
        default_value = "json",
        help_heading = "Requests"
    )]
    pub(super) encoding: Body,

    /// Connections [default: 4; over HTTP/1.1 one for each operation at once]
    #[arg(
        long,
        env = "LEASEHOLD_BENCH_CONNECTIONS",
        value_name = "NUMBER",
        help_heading = "Requests"
    )]
    pub(super) connections: Option<usize>,

    /// Threads that send and receive [default: half of the machine's]
    #[arg(
        long,
        env = "LEASEHOLD_BENCH_THREADS",
        value_name = "NUMBER",
        help_heading = "Requests"
    )]
    pub(super) threads: Option<usize>,

    /// How long one request may take
    #[arg(
        long,
        env = "LEASEHOLD_BENCH_TIMEOUT",
        value_name = "DURATION",
        default_value = "10s",
        help_heading = "Requests"
    )]
    pub(super) timeout: HumanDuration,

    /// Namespace of the leases; it must exist
    #[arg(
        long,
        env = "LEASEHOLD_BENCH_NAMESPACE",
        value_name = "NAME",
        default_value = "kube-node-lease",
        help_heading = "Requests"
    )]
    pub(super) namespace: String,

    /// Leases are named PREFIX-NUMBER
    #[arg(
        long,
        env = "LEASEHOLD_BENCH_PREFIX",
        value_name = "TEXT",
        default_value = "leasehold-bench",
        help_heading = "Requests"
    )]
    pub(super) prefix: String,

    /// Process whose use of processor, memory and disk is measured; may be repeated
    #[arg(
        long,
        env = "LEASEHOLD_BENCH_PID",
        value_name = "PID",
        value_delimiter = ',',
        help_heading = "Report"
    )]
    pub(super) pid: Vec<u32>,

    /// Form of the report
    #[arg(
        short,
        long,
        env = "LEASEHOLD_BENCH_OUTPUT",
        value_name = "FORM",
        default_value = "text",
        help_heading = "Report"
    )]
    pub(super) output: Form,
}

/// A version of HTTP, as it is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Http {
    /// HTTP/2
    H2,
    /// HTTP/1.1
    Http1,
}

/// The form of bodies, as it is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Body {
    /// JSON
    Json,
    /// Kubernetes' protobuf
    Protobuf,
}
