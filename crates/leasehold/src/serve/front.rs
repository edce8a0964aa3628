//! What faces the network: sockets, TLS, tokens, and a door behind which the rest is made ready.

use std::sync::Arc;

use leasehold_clock::Clock;
use leasehold_server::auth::{ClientCas, TokenFile};
use leasehold_server::net::{self, Connections, Identity, Listener, Tls};
use leasehold_server::{App, Door};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{renewal, tokens};
use crate::cli::Settings;
use crate::failure::{Failure, Kind};
use crate::pki::{Pki, TlsMaterial};

/// Everything that connections need.
pub(super) struct Front {
    server: net::Server<Door>,
    listeners: Vec<Listener>,
    certificates: Certificates,
}

/// What is looked after while the server runs: its own certificates, and files that others change.
struct Certificates {
    pki: Pki,
    source: watch::Sender<TlsMaterial>,
    tls: Arc<Tls>,
    tokens: Option<Arc<TokenFile>>,
    clock: Arc<dyn Clock>,
}

/// What the rest needs to know of it.
#[derive(Clone)]
pub(super) struct View {
    /// Where HTTPS is served.
    pub(super) address: std::net::SocketAddr,
    pub(super) tokens: Option<Arc<TokenFile>>,
    pub(super) connections: Connections,
    door: Arc<Door>,
}

impl View {
    /// From now on requests are answered by this.
    pub(super) fn open(&self, app: App) {
        self.door.open(app);
    }
}

impl Front {
    pub(super) fn new(
        settings: &Settings,
        https: TcpListener,
        http: Option<TcpListener>,
        (pki, source): (Pki, watch::Sender<TlsMaterial>),
        clock: Arc<dyn Clock>,
    ) -> Result<(Self, View), Failure> {
        let tokens = settings.token_file.as_ref().map(token_file).transpose()?;
        let tls = Arc::new(tls(&source.borrow())?);
        let address = https
            .local_addr()
            .map_err(|e| Failure::new(Kind::Listen, format!("cannot listen: {e}")))?;
        let mut listeners = vec![Listener::tls(https, tls.clone())];
        if let Some(http) = http {
            let plain = Listener::plain(http).map_err(|e| Failure::new(Kind::Listen, e.to_string()))?;
            listeners.push(plain);
        }
        let limits = net::Limits {
            drain: settings.drain_timeout,
            ..settings.limits.net.clone()
        };
        let door = Arc::new(Door::new());
        let server = net::Server::new(door.clone(), limits);
        let view = View {
            address,
            tokens: tokens.clone(),
            connections: server.connections(),
            door,
        };
        let certificates = Certificates {
            pki,
            source,
            tls,
            tokens,
            clock,
        };
        let front = Self {
            server,
            listeners,
            certificates,
        };
        Ok((front, view))
    }

    /// Serves until `drain` is cancelled and every request has ended or its time is up.
    pub(super) async fn serve(self, drain: CancellationToken) {
        let Self {
            server,
            listeners,
            certificates,
        } = self;
        let serving = server.serve(listeners, drain.clone());
        let (drained, ()) = tokio::join!(serving, certificates.look_after(&drain));
        if drained.cut > 0 {
            tracing::warn!(connections = drained.cut, "requests did not end in time and were cut");
        }
    }
}

impl Certificates {
    /// Renews what is ours, and takes up what changes, until `drain` is cancelled.
    async fn look_after(&self, drain: &CancellationToken) {
        let follow = async {
            let mut changes = self.source.subscribe();
            while changes.changed().await.is_ok() {
                let material = changes.borrow_and_update().clone();
                self.take_up(&material);
            }
        };
        tokio::select! {
            () = renewal::keep(&self.pki, &self.source, &*self.clock, drain) => {}
            () = follow => {}
            () = self.follow_tokens() => {}
        }
    }

    fn take_up(&self, material: &TlsMaterial) {
        let replaced = ClientCas::new(&material.client_cas)
            .map_err(|e| e.to_string())
            .and_then(|cas| {
                self.tls
                    .replace(material.serving.clone().into(), Some(cas))
                    .map_err(|e| e.to_string())
            });
        if let Err(error) = replaced {
            tracing::error!(error, "new certificates cannot be used; going on with the old ones");
        }
    }

    async fn follow_tokens(&self) {
        match &self.tokens {
            Some(file) => tokens::follow(file, &*self.clock).await,
            None => std::future::pending().await,
        }
    }
}

fn tls(material: &TlsMaterial) -> Result<Tls, Failure> {
    let unusable = |e: &dyn std::fmt::Display| Failure::new(Kind::Certificates, e.to_string());
    let cas = ClientCas::new(&material.client_cas).map_err(|e| unusable(&e))?;
    Tls::new(Identity::from(material.serving.clone()), Some(cas)).map_err(|e| unusable(&e))
}

fn token_file(path: &std::path::PathBuf) -> Result<Arc<TokenFile>, Failure> {
    let opened = TokenFile::open(path).map_err(|e| Failure::new(Kind::Certificates, format!("token file {e}")));
    opened.map(Arc::new)
}
