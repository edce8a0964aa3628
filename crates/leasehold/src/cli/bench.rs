//! The flags of `bench`, and what they mean.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use leasehold_bench::{Encoding, Heartbeat, List, Load, Pace, Protocol, Until, Watch, Watches};

use super::duration::HumanDuration;
use super::settings::{Surroundings, data_dir};
use super::upkeep::Form;
use crate::failure::{Failure, Kind};
use crate::kubeconfig;

/// Connections over HTTP/2 where nothing else is said.
const CONNECTIONS: usize = 4;
/// Connections of watches over HTTP/2; more watches share them.
const WATCH_CONNECTIONS: usize = 100;
/// Operations at once in a closed loop.
const IN_FLIGHT: usize = 64;
/// The most operations at once in an open loop: more than a server that keeps up ever sees.
const IN_FLIGHT_OPEN: usize = 4_096;
const DURATION: Duration = Duration::from_secs(10);

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
    nodes: u32,

    #[command(flatten)]
    load: LoadArgs,

    /// Watches to hold open meanwhile, each of one name that is never written
    #[arg(
        long,
        env = "LEASEHOLD_BENCH_IDLE_WATCHES",
        value_name = "NUMBER",
        default_value_t = 0
    )]
    idle_watches: u32,

    #[command(flatten)]
    sockets: WatchSockets,

    /// Leave the leases there afterwards; the next run takes them up
    #[arg(long, env = "LEASEHOLD_BENCH_KEEP")]
    keep: bool,

    #[command(flatten)]
    common: CommonArgs,
}

/// The flags of `bench watch`.
#[derive(Debug, Args)]
pub(crate) struct WatchArgs {
    /// Watches to open
    #[arg(long, env = "LEASEHOLD_BENCH_WATCHERS", value_name = "NUMBER", default_value_t = 100)]
    watchers: u32,

    #[command(flatten)]
    sockets: WatchSockets,

    /// Watch one lease each, by its name, in place of all of the namespace
    #[arg(long, env = "LEASEHOLD_BENCH_SINGLE_NAME")]
    single_name: bool,

    /// Leases to write
    #[arg(long, env = "LEASEHOLD_BENCH_NODES", value_name = "NUMBER", default_value_t = 1_000)]
    nodes: u32,

    #[command(flatten)]
    load: LoadArgs,

    /// Leave the leases there afterwards; the next run takes them up
    #[arg(long, env = "LEASEHOLD_BENCH_KEEP")]
    keep: bool,

    #[command(flatten)]
    common: CommonArgs,
}

/// The flags of `bench list`.
#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// Leases to create first
    #[arg(long, env = "LEASEHOLD_BENCH_NODES", value_name = "NUMBER", default_value_t = 10_000)]
    nodes: u32,

    /// Items of a page; everything at once without
    #[arg(long, env = "LEASEHOLD_BENCH_PAGE", value_name = "NUMBER")]
    page: Option<u32>,

    #[command(flatten)]
    load: LoadArgs,

    /// Leave the leases there afterwards; the next run takes them up
    #[arg(long, env = "LEASEHOLD_BENCH_KEEP")]
    keep: bool,

    #[command(flatten)]
    common: CommonArgs,
}

/// What watches go over.
#[derive(Debug, Args)]
struct WatchSockets {
    /// Connections of the watches [default: one for each of 100; then they share those]
    #[arg(
        long,
        env = "LEASEHOLD_BENCH_WATCH_CONNECTIONS",
        value_name = "NUMBER",
        help_heading = "Requests"
    )]
    watch_connections: Option<usize>,
}

/// How much, and for how long.
#[derive(Debug, Args)]
struct LoadArgs {
    /// Operations a second, evenly spaced; without, the next one begins when one has ended
    #[arg(long, env = "LEASEHOLD_BENCH_RATE", value_name = "NUMBER")]
    rate: Option<f64>,

    /// Operations at once: exactly, without --rate [default: 64; lists: 1], or at most with it [default: 4096]
    #[arg(long, env = "LEASEHOLD_BENCH_IN_FLIGHT", value_name = "NUMBER")]
    in_flight: Option<usize>,

    /// How long to measure [default: 10s]
    #[arg(
        long,
        env = "LEASEHOLD_BENCH_DURATION",
        value_name = "DURATION",
        conflicts_with = "count"
    )]
    duration: Option<HumanDuration>,

    /// How many operations to measure
    #[arg(long, env = "LEASEHOLD_BENCH_COUNT", value_name = "NUMBER")]
    count: Option<u64>,

    /// How long to run before measuring
    #[arg(long, env = "LEASEHOLD_BENCH_WARM_UP", value_name = "DURATION", default_value = "1s")]
    warm_up: HumanDuration,
}

/// The flags of every measurement.
#[derive(Debug, Args)]
struct CommonArgs {
    /// Kubeconfig of the server [default: DATA_DIR/admin.kubeconfig, the local server's]
    #[arg(
        long,
        env = "LEASEHOLD_BENCH_KUBECONFIG",
        value_name = "FILE",
        help_heading = "Server"
    )]
    kubeconfig: Option<PathBuf>,

    /// Context in the kubeconfig [default: its current one]
    #[arg(long, env = "LEASEHOLD_BENCH_CONTEXT", value_name = "NAME", help_heading = "Server")]
    context: Option<String>,

    /// Data directory of the server, for its admin.kubeconfig; the default is that of `serve`
    #[arg(long, env = "LEASEHOLD_DATA_DIR", value_name = "DIR", help_heading = "Server")]
    data_dir: Option<PathBuf>,

    /// URL of the server, in place of a kubeconfig; http:// for plain HTTP
    #[arg(
        long,
        env = "LEASEHOLD_BENCH_SERVER",
        value_name = "URL",
        conflicts_with_all = ["kubeconfig", "context"],
        help_heading = "Server"
    )]
    server: Option<String>,

    /// CA certificates (PEM) of --server
    #[arg(
        long,
        env = "LEASEHOLD_BENCH_CA",
        value_name = "FILE",
        requires = "server",
        help_heading = "Server"
    )]
    ca: Option<PathBuf>,

    /// Bearer token for --server
    #[arg(
        long,
        env = "LEASEHOLD_BENCH_TOKEN",
        hide_env_values = true,
        value_name = "TOKEN",
        requires = "server",
        help_heading = "Server"
    )]
    token: Option<String>,

    /// Client certificate (PEM) for --server
    #[arg(
        long,
        env = "LEASEHOLD_BENCH_CLIENT_CERT",
        value_name = "FILE",
        requires = "client_key",
        help_heading = "Server"
    )]
    client_cert: Option<PathBuf>,

    /// Its private key (PEM)
    #[arg(
        long,
        env = "LEASEHOLD_BENCH_CLIENT_KEY",
        value_name = "FILE",
        requires = "server",
        help_heading = "Server"
    )]
    client_key: Option<PathBuf>,

    /// Version of HTTP
    #[arg(
        long,
        env = "LEASEHOLD_BENCH_PROTOCOL",
        value_name = "VERSION",
        default_value = "h2",
        help_heading = "Requests"
    )]
    protocol: Http,

    /// Form of bodies
    #[arg(
        long,
        env = "LEASEHOLD_BENCH_ENCODING",
        value_name = "FORM",
        default_value = "json",
        help_heading = "Requests"
    )]
    encoding: Body,

    /// Connections [default: 4; over HTTP/1.1 one for each operation at once]
    #[arg(
        long,
        env = "LEASEHOLD_BENCH_CONNECTIONS",
        value_name = "NUMBER",
        help_heading = "Requests"
    )]
    connections: Option<usize>,

    /// Threads that send and receive [default: half of the machine's]
    #[arg(
        long,
        env = "LEASEHOLD_BENCH_THREADS",
        value_name = "NUMBER",
        help_heading = "Requests"
    )]
    threads: Option<usize>,

    /// How long one request may take
    #[arg(
        long,
        env = "LEASEHOLD_BENCH_TIMEOUT",
        value_name = "DURATION",
        default_value = "10s",
        help_heading = "Requests"
    )]
    timeout: HumanDuration,

    /// Namespace of the leases; it must exist
    #[arg(
        long,
        env = "LEASEHOLD_BENCH_NAMESPACE",
        value_name = "NAME",
        default_value = "kube-node-lease",
        help_heading = "Requests"
    )]
    namespace: String,

    /// Leases are named PREFIX-NUMBER
    #[arg(
        long,
        env = "LEASEHOLD_BENCH_PREFIX",
        value_name = "TEXT",
        default_value = "leasehold-bench",
        help_heading = "Requests"
    )]
    prefix: String,

    /// Process whose use of processor, memory and disk is measured; may be repeated
    #[arg(
        long,
        env = "LEASEHOLD_BENCH_PID",
        value_name = "PID",
        value_delimiter = ',',
        help_heading = "Report"
    )]
    pid: Vec<u32>,

    /// Form of the report
    #[arg(
        short,
        long,
        env = "LEASEHOLD_BENCH_OUTPUT",
        value_name = "FORM",
        default_value = "text",
        help_heading = "Report"
    )]
    output: Form,
}

/// A version of HTTP, as it is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Http {
    /// HTTP/2
    H2,
    /// HTTP/1.1
    Http1,
}

/// The form of bodies, as it is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Body {
    /// JSON
    Json,
    /// Kubernetes' protobuf
    Protobuf,
}

/// A measurement to make.
pub(crate) struct Bench {
    /// What is measured.
    pub(crate) work: Work,
    /// Which server.
    pub(crate) server: Server,
    /// HTTP/2 or HTTP/1.1.
    pub(crate) protocol: Protocol,
    /// The form of bodies.
    pub(crate) encoding: Encoding,
    /// Namespace of the leases.
    pub(crate) namespace: String,
    /// First part of their names.
    pub(crate) prefix: String,
    /// Over all threads.
    pub(crate) connections: usize,
    /// Threads that send and receive.
    pub(crate) threads: usize,
    /// For one request.
    pub(crate) timeout: Duration,
    /// Processes to look at.
    pub(crate) pids: Vec<u32>,
    /// How to say what was found.
    pub(crate) form: Form,
}

/// What is measured.
#[derive(Clone, Copy)]
pub(crate) enum Work {
    /// Renewals.
    Heartbeat(Heartbeat),
    /// Watches of writes.
    Watch(Watch),
    /// Lists.
    List(List),
}

/// Which server, and as whom.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Server {
    /// The one of a kubeconfig.
    Kubeconfig {
        /// The file.
        path: PathBuf,
        /// The current one where `None`.
        context: Option<String>,
    },
    /// The one at a URL.
    Url {
        /// `https://` or `http://`.
        url: String,
        /// File of its CA.
        ca: Option<PathBuf>,
        /// Bearer token.
        token: Option<String>,
        /// Files of the client's certificate and key.
        certificate: Option<(PathBuf, PathBuf)>,
    },
}

impl Bench {
    /// Applies the defaults.
    pub(crate) fn new(
        command: BenchCommand,
        in_file: impl FnOnce() -> Result<Option<PathBuf>, Failure>,
        around: &Surroundings,
    ) -> Result<Self, Failure> {
        let (work, load, common) = match command {
            BenchCommand::Heartbeat(given) => heartbeat(*given)?,
            BenchCommand::Watch(given) => watch(*given)?,
            BenchCommand::List(given) => list(*given)?,
        };
        Self::of(work, load.pace, common, in_file, around)
    }

    fn of(
        work: Work,
        pace: Pace,
        given: CommonArgs,
        in_file: impl FnOnce() -> Result<Option<PathBuf>, Failure>,
        around: &Surroundings,
    ) -> Result<Self, Failure> {
        let protocol = given.protocol.into();
        let (Pace::Closed { in_flight } | Pace::Open { in_flight, .. }) = pace;
        let connections = given.connections.unwrap_or(match protocol {
            Protocol::H2 => CONNECTIONS.min(in_flight),
            Protocol::Http1 => in_flight,
        });
        Ok(Self {
            work,
            protocol,
            encoding: given.encoding.into(),
            connections,
            threads: given.threads.unwrap_or_else(half_of_the_machine),
            timeout: given.timeout.0,
            namespace: given.namespace.clone(),
            prefix: given.prefix.clone(),
            pids: given.pid.clone(),
            form: given.output,
            server: given.server(in_file, around)?,
        })
    }
}

fn heartbeat(given: HeartbeatArgs) -> Result<(Work, Load, CommonArgs), Failure> {
    let load = given.load.load(IN_FLIGHT, given.nodes as usize, &given.common)?;
    let idle = (given.idle_watches > 0).then(|| given.sockets.of(given.idle_watches, &given.common));
    let work = Work::Heartbeat(Heartbeat {
        nodes: given.nodes,
        load,
        idle,
        keep: given.keep,
    });
    Ok((work, load, given.common))
}

fn watch(given: WatchArgs) -> Result<(Work, Load, CommonArgs), Failure> {
    let load = given.load.load(IN_FLIGHT, given.nodes as usize, &given.common)?;
    let work = Work::Watch(Watch {
        watches: given.sockets.of(given.watchers, &given.common),
        single_name: given.single_name,
        nodes: given.nodes,
        load,
        keep: given.keep,
    });
    Ok((work, load, given.common))
}

fn list(given: ListArgs) -> Result<(Work, Load, CommonArgs), Failure> {
    let load = given.load.load(1, usize::MAX, &given.common)?;
    let work = Work::List(List {
        nodes: given.nodes,
        page: given.page,
        load,
        keep: given.keep,
    });
    Ok((work, load, given.common))
}

impl WatchSockets {
    /// For so many watches.
    fn of(&self, count: u32, common: &CommonArgs) -> Watches {
        let connections = self.watch_connections.unwrap_or(match common.protocol {
            Http::H2 => WATCH_CONNECTIONS.min(count as usize),
            Http::Http1 => count as usize,
        });
        Watches { count, connections }
    }
}

impl LoadArgs {
    /// For operations of which so many are in flight in a closed loop, and no more than `most` can be.
    fn load(&self, closed: usize, most: usize, common: &CommonArgs) -> Result<Load, Failure> {
        let pace = match self.rate {
            None => Pace::Closed {
                in_flight: self.in_flight.unwrap_or(closed.min(most)),
            },
            Some(rate) => {
                let of_connections = match common.protocol {
                    Http::H2 => IN_FLIGHT_OPEN,
                    Http::Http1 => common.connections.unwrap_or(closed),
                };
                let in_flight = self.in_flight.unwrap_or(of_connections.min(most));
                Pace::Open { rate, in_flight }
            }
        };
        let until = match (self.count, self.duration) {
            (Some(0), _) => return Err(Failure::new(Kind::Usage, "--count is at least 1")),
            (Some(count), _) => Until::Count(count),
            (None, given) => Until::Elapsed(given.map_or(DURATION, |given| given.0)),
        };
        Ok(Load {
            pace,
            until,
            warm_up: self.warm_up.0,
        })
    }
}

impl CommonArgs {
    fn server(
        self,
        in_file: impl FnOnce() -> Result<Option<PathBuf>, Failure>,
        around: &Surroundings,
    ) -> Result<Server, Failure> {
        if let Some(url) = self.server {
            return Ok(Server::Url {
                url,
                ca: self.ca,
                token: self.token,
                certificate: self.client_cert.zip(self.client_key),
            });
        }
        // Not $KUBECONFIG: load belongs only where somebody said so.
        let path = match (self.kubeconfig, self.data_dir) {
            (Some(path), _) => path,
            (None, Some(dir)) => kubeconfig::admin_path(&dir),
            (None, None) => kubeconfig::admin_path(&data_dir(in_file()?, around)?),
        };
        Ok(Server::Kubeconfig {
            path,
            context: self.context,
        })
    }
}

impl From<Http> for Protocol {
    fn from(typed: Http) -> Self {
        match typed {
            Http::H2 => Self::H2,
            Http::Http1 => Self::Http1,
        }
    }
}

impl From<Body> for Encoding {
    fn from(typed: Body) -> Self {
        match typed {
            Body::Json => Self::Json,
            Body::Protobuf => Self::Protobuf,
        }
    }
}

/// The other half is for a server on the same machine.
fn half_of_the_machine() -> usize {
    std::thread::available_parallelism().map_or(1, |threads| (threads.get() / 2).max(1))
}
