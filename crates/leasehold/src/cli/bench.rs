//! What the flags of `bench` mean.

use std::path::PathBuf;
use std::time::Duration;

use leasehold_bench::{Encoding, Heartbeat, List, Load, Pace, Protocol, Until, Watch, Watches};

use super::bench_args::{
    BenchCommand, Body, CommonArgs, HeartbeatArgs, Http, ListArgs, LoadArgs, WatchArgs, WatchSockets,
};
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
    let stalled = (given.stalled_watches > 0).then(|| given.sockets.of(given.stalled_watches, &given.common));
    let work = Work::Heartbeat(Heartbeat {
        nodes: given.nodes,
        load,
        idle,
        stalled,
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
