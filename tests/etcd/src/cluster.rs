//! A cluster, from its setup to its end.

use std::path::{Path, PathBuf};
use std::time::Duration;

use leasehold_etcd::{Client, Options, RangeRequest, TlsOptions};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use crate::peers::Peers;
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
    is_isolatable: bool,
    arguments: Vec<String>,
}

/// A running cluster. Killed when dropped.
pub struct Cluster {
    setup: Setup,
    members: Vec<Member>,
    pki: Option<(Pki, Identity)>,
    /// Between the members, if they can be isolated; with the id of each, once it is known.
    peers: Option<Between>,
    _directory: TempDir,
}

type Between = (Peers, Vec<watch::Sender<String>>);

impl Setup {
    /// One member, no TLS.
    #[must_use]
    pub fn new(version: Version) -> Self {
        Self {
            version,
            members: 1,
            with_tls: false,
            is_isolatable: false,
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

    /// The same with members that can be isolated: see [`Cluster::isolate`].
    #[must_use]
    pub fn isolatable(self) -> Self {
        Self {
            is_isolatable: true,
            ..self
        }
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
                Ok(()) => {
                    cluster.name_members().await?;
                    return Ok(cluster);
                }
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
        let (peers, urls) = between(setup, &ports).await?;
        let members = (0..setup.members)
            .map(|index| member(setup, directory.path(), &ports, &urls, index))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            setup: setup.clone(),
            members,
            pki,
            peers,
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

    /// Cuts a member off from the others: it runs, its clients reach it, and it has no quorum. For an isolatable cluster.
    ///
    /// # Panics
    /// If the cluster is not isolatable.
    pub fn isolate(&self, member: usize) {
        self.set_isolated(member, true);
    }

    /// Ends the isolation.
    ///
    /// # Panics
    /// As [`Cluster::isolate`].
    pub fn rejoin(&self, member: usize) {
        self.set_isolated(member, false);
    }

    fn set_isolated(&self, member: usize, is_isolated: bool) {
        let (peers, ids) = self.peers.as_ref().expect("the setup is isolatable");
        let id = ids[member].borrow().clone();
        peers.set(&id, is_isolated);
    }

    /// Learns the ids of the members.
    async fn name_members(&self) -> Result<(), Error> {
        let Some((_, ids)) = &self.peers else {
            return Ok(());
        };
        let client = self.client()?;
        for (endpoint, id) in client.endpoints().iter().zip(ids) {
            let status = client.status(endpoint).await?;
            id.send_replace(format!("{:x}", status.member));
        }
        Ok(())
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

/// The proxies between the members, if there are to be some, and the URLs at which members reach each other.
async fn between(setup: &Setup, ports: &[u16]) -> Result<(Option<Between>, Vec<String>), Error> {
    let url = |port: u16| format!("http://127.0.0.1:{port}");
    let own = ports.iter().step_by(2).copied();
    if !setup.is_isolatable {
        return Ok((None, own.map(url).collect()));
    }
    let (mut peers, mut ids, mut urls) = (Peers::new(), Vec::new(), Vec::new());
    for port in own {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        urls.push(url(listener.local_addr()?.port()));
        let id = watch::Sender::default();
        peers.pass_on(listener, port, id.subscribe());
        ids.push(id);
    }
    Ok((Some((peers, ids)), urls))
}

fn member(setup: &Setup, directory: &Path, ports: &[u16], urls: &[String], index: usize) -> Result<Member, Error> {
    let scheme = if setup.with_tls { "https" } else { "http" };
    let client = format!("{scheme}://127.0.0.1:{}", ports[2 * index + 1]);
    let all: Vec<_> = urls
        .iter()
        .enumerate()
        .map(|(index, url)| format!("m{index}={url}"))
        .collect();
    let data = directory.join(format!("m{index}"));
    let mut arguments = vec![
        format!("--name=m{index}"),
        format!("--data-dir={}", data.display()),
        format!("--listen-peer-urls=http://127.0.0.1:{}", ports[2 * index]),
        format!("--initial-advertise-peer-urls={}", urls[index]),
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
