//! A cluster, from its setup to its end.

use std::path::{Path, PathBuf};
use std::time::Duration;

use leasehold_etcd::{Client, Options, RangeRequest, TlsOptions};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::time::{sleep, timeout};

use crate::{Error, Identity, Member, Pki, Version};

/// How long a cluster may take to be ready. Generous: the machine may be busy.
const START_MAX: Duration = Duration::from_secs(60);
/// How often to look.
const LOOK_EVERY: Duration = Duration::from_millis(30);
/// Ports are free when they are chosen, and may be taken before they are used.
const STARTS: usize = 3;

/// What a cluster is to be.
#[derive(Clone, Debug)]
pub struct Setup {
    version: Version,
    members: usize,
    with_tls: bool,
    arguments: Vec<String>,
}

/// A running cluster. Killed when dropped.
pub struct Cluster {
    setup: Setup,
    members: Vec<Member>,
    pki: Option<(Pki, Identity)>,
    _directory: TempDir,
}

impl Setup {
    /// One member, no TLS.
    #[must_use]
    pub fn new(version: Version) -> Self {
        Self {
            version,
            members: 1,
            with_tls: false,
            arguments: Vec::new(),
        }
    }

    /// The same with so many members.
    #[must_use]
    pub fn members(self, members: usize) -> Self {
        Self { members, ..self }
    }

    /// The same with TLS between clients and members, and a client certificate required.
    #[must_use]
    pub fn with_tls(self) -> Self {
        Self { with_tls: true, ..self }
    }

    /// The same with this argument for every member.
    #[must_use]
    pub fn argument(mut self, argument: &str) -> Self {
        self.arguments.push(argument.to_owned());
        self
    }
}

impl Cluster {
    /// Starts a cluster and waits until it is ready.
    ///
    /// # Errors
    /// When it does not come up, with the end of a member's log.
    pub async fn start(setup: Setup) -> Result<Self, Error> {
        let mut failure = Error::from("never started");
        for _ in 0..STARTS {
            let mut cluster = Self::spawn(&setup).await?;
            match cluster.ready().await {
                Ok(()) => return Ok(cluster),
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }

    async fn spawn(setup: &Setup) -> Result<Self, Error> {
        let directory = tempfile::tempdir()?;
        let pki = if setup.with_tls {
            let pki = Pki::new()?;
            write_pki(&pki, directory.path())?;
            let client = pki.client("leasehold")?;
            Some((pki, client))
        } else {
            None
        };
        let ports = free_ports(2 * setup.members).await?;
        let members = (0..setup.members)
            .map(|index| member(setup, directory.path(), &ports, index))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            setup: setup.clone(),
            members,
            pki,
            _directory: directory,
        })
    }

    /// The endpoints of all members, in their order.
    #[must_use]
    pub fn endpoints(&self) -> Vec<String> {
        self.members.iter().map(|member| member.endpoint.clone()).collect()
    }

    /// A member, counted from 0.
    ///
    /// # Panics
    /// If there is none.
    pub fn member(&mut self, index: usize) -> &mut Member {
        &mut self.members[index]
    }

    /// The authority that members and their clients trust, of a cluster with TLS.
    #[must_use]
    pub fn pki(&self) -> Option<&Pki> {
        self.pki.as_ref().map(|(pki, _)| pki)
    }

    /// What a client needs, with the default bounds and, of a cluster with TLS, a client certificate.
    #[must_use]
    pub fn options(&self) -> Options {
        let mut options = Options::new(self.endpoints());
        options.tls = self.pki.as_ref().map(|(pki, client)| TlsOptions {
            ca: Some(pki.ca().into_bytes()),
            cert: Some(client.cert.clone().into_bytes()),
            key: Some(client.key.clone().into_bytes()),
        });
        options
    }

    /// A client of its own.
    ///
    /// # Errors
    /// Never, as far as is known.
    pub fn client(&self) -> Result<Client, Error> {
        Ok(Client::new(self.options())?)
    }

    /// Waits until every member has a leader and reads are answered.
    ///
    /// # Errors
    /// When that takes too long, or a member has ended; with the end of its log.
    pub async fn ready(&mut self) -> Result<(), Error> {
        let client = self.client()?;
        let looking = async {
            loop {
                if let Some(member) = self
                    .members
                    .iter_mut()
                    .find_map(|member| member.has_ended().then_some(member))
                {
                    return Err(format!("a member ended; its log:\n{}", member.log()).into());
                }
                if is_ready(&client).await {
                    return Ok(());
                }
                sleep(LOOK_EVERY).await;
            }
        };
        let ended = timeout(START_MAX, looking).await;
        ended.unwrap_or_else(|_| Err(format!("not ready; a member's log:\n{}", self.members[0].log()).into()))
    }

    /// The index of the leader, once a member says that it is.
    ///
    /// # Errors
    /// When nobody says so for too long.
    pub async fn leader(&self) -> Result<usize, Error> {
        let client = self.client()?;
        let looking = async {
            loop {
                for (index, endpoint) in client.endpoints().iter().enumerate() {
                    let is_leader = |status: &leasehold_etcd::Status| status.leader == status.member;
                    // A member that is stopped would hold up the search.
                    let asked = timeout(Duration::from_secs(1), client.status(endpoint)).await;
                    if asked.is_ok_and(|status| status.as_ref().is_ok_and(is_leader)) {
                        return index;
                    }
                }
                sleep(LOOK_EVERY).await;
            }
        };
        timeout(START_MAX, looking).await.map_err(|_| "no leader".into())
    }

    /// Which etcd it runs.
    #[must_use]
    pub fn version(&self) -> Version {
        self.setup.version
    }
}

async fn is_ready(client: &Client) -> bool {
    for endpoint in client.endpoints() {
        if !client.status(endpoint).await.is_ok_and(|status| status.leader != 0) {
            return false;
        }
    }
    client.range(RangeRequest::key("\0")).await.is_ok()
}

fn member(setup: &Setup, directory: &Path, ports: &[u16], index: usize) -> Result<Member, Error> {
    let scheme = if setup.with_tls { "https" } else { "http" };
    let peer = |index: usize| format!("http://127.0.0.1:{}", ports[2 * index]);
    let client = format!("{scheme}://127.0.0.1:{}", ports[2 * index + 1]);
    let all: Vec<_> = (0..setup.members)
        .map(|index| format!("m{index}={}", peer(index)))
        .collect();
    let data = directory.join(format!("m{index}"));
    let mut arguments = vec![
        format!("--name=m{index}"),
        format!("--data-dir={}", data.display()),
        format!("--listen-peer-urls={}", peer(index)),
        format!("--initial-advertise-peer-urls={}", peer(index)),
        format!("--listen-client-urls={client}"),
        format!("--advertise-client-urls={client}"),
        format!("--initial-cluster={}", all.join(",")),
        // Elections within a second or two: tests wait for them.
        "--heartbeat-interval=100".to_owned(),
        "--election-timeout=1000".to_owned(),
    ];
    if setup.with_tls {
        arguments.extend([
            "--client-cert-auth".to_owned(),
            format!("--trusted-ca-file={}", directory.join("ca.pem").display()),
            format!("--cert-file={}", directory.join("server.pem").display()),
            format!("--key-file={}", directory.join("server-key.pem").display()),
        ]);
    }
    arguments.extend(setup.arguments.iter().cloned());
    let log: PathBuf = directory.join(format!("m{index}.log"));
    Member::start(&setup.version.program(), arguments, log, client)
}

fn write_pki(pki: &Pki, directory: &Path) -> Result<(), Error> {
    let server = pki.server()?;
    for (name, text) in [
        ("ca.pem", &pki.ca()),
        ("server.pem", &server.cert),
        ("server-key.pem", &server.key),
    ] {
        std::fs::write(directory.join(name), text)?;
    }
    Ok(())
}

/// All held at once, so that they differ.
async fn free_ports(count: usize) -> Result<Vec<u16>, Error> {
    let mut listeners = Vec::new();
    for _ in 0..count {
        listeners.push(TcpListener::bind("127.0.0.1:0").await?);
    }
    let ports = listeners.iter().map(|listener| Ok(listener.local_addr()?.port()));
    ports.collect()
}
