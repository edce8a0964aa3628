//! What serves: the store, the registry over it, the controllers, the requests. Started in this order and ended in the
//! reverse one, the store last.

use std::sync::{Arc, OnceLock};

use leasehold_controllers::Controllers;
use leasehold_registry::Registry;
use leasehold_server::auth::{BuiltIn, CertificateOrToken, ClientCas, TokenFile};
use leasehold_server::discovery::Documents;
use leasehold_server::net::{self, Identity, Listener, Tls};
use leasehold_server::{App, BackupSource, Metrics, VersionInfo, WatchesPerUser};
use leasehold_store::Revision;
use leasehold_store::embedded::{Embedded, Options};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::prepare::Prepared;
use super::{controllers, figures};
use super::{renewal, status, tokens};
use crate::cli::Settings;
use crate::data_dir::{DataDir, store_in};
use crate::failure::{Failure, Kind};
use crate::pki::{Pki, TlsMaterial};

/// A new store's first object comes right after this: see [`Options::first_revision`].
const FIRST_REVISION: Revision = Revision(1000);

/// Everything that runs, and the sockets it will serve.
pub(super) struct Running {
    store: Arc<Embedded>,
    controllers: Controllers,
    server: net::Server<App>,
    listeners: Vec<Listener>,
    certificates: Certificates,
    drain: CancellationToken,
    /// Locked until everything has ended.
    data_dir: DataDir,
}

/// What is looked after while the server runs: its own certificates, and files that others change.
struct Certificates {
    pki: Pki,
    source: watch::Sender<TlsMaterial>,
    tls: Arc<Tls>,
    tokens: Option<Arc<TokenFile>>,
    clock: Arc<dyn leasehold_clock::Clock>,
}

impl Running {
    /// Opens the store and starts everything over it. Requests are taken only by [`Running::serve`].
    pub(super) async fn start(prepared: Prepared, drain: &CancellationToken) -> Result<Self, Failure> {
        let Prepared {
            clock,
            settings,
            data_dir,
            https,
            http,
            pki,
            tls: source,
        } = prepared;
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
        let store = Arc::new(open_store(&settings, &data_dir, clock.clone())?);
        let registry = Registry::new(store.clone(), clock.clone())
            .with_features(settings.features)
            .with_scope(settings.scope);
        let registry = Arc::new(registry);
        registry
            .bootstrap()
            .await
            .map_err(|e| Failure::new(Kind::Runtime, format!("cannot create the first namespaces: {e}")))?;
        let chosen = controllers::choose(&settings);
        let controllers = Controllers::start(&registry, chosen.controllers, drain);
        let served: Vec<_> = registry.served().resources().collect();
        // The metrics come before the server that they tell of.
        let connections = Arc::new(OnceLock::new());
        let app = App {
            registry,
            authenticator: Arc::new(CertificateOrToken::new(tokens.clone())),
            authorizer: Arc::new(BuiltIn),
            documents: Documents::build(&served, &address.to_string()),
            metrics: Metrics::new(Some(figures::of(store.clone())))
                .with(figures::of_features(settings.features))
                .with(figures::of_connections(connections.clone()))
                .with(figures::of_controllers(chosen.counted)),
            backup: Some(backup_of(store.clone())),
            limits: settings.limits.requests,
            watches: WatchesPerUser::default(),
            controllers: Some(status::of(controllers.watch_statuses(), clock.clone())),
            version: VersionInfo::of(env!("CARGO_PKG_VERSION")),
            drain: drain.clone(),
            clock: clock.clone(),
        };
        let limits = net::Limits {
            drain: settings.drain_timeout,
            ..settings.limits.net.clone()
        };
        let server = net::Server::new(Arc::new(app), limits);
        connections.get_or_init(|| server.connections());
        Ok(Self {
            store,
            controllers,
            server,
            listeners,
            certificates: Certificates {
                pki,
                source,
                tls,
                tokens,
                clock,
            },
            drain: drain.clone(),
            data_dir,
        })
    }

    /// Serves until told to drain, or until the store cannot be trusted any more, and then ends everything.
    pub(super) async fn serve(self) -> Result<(), Failure> {
        let Self {
            store,
            controllers,
            server,
            listeners,
            certificates,
            drain,
            data_dir: _locked,
        } = self;
        let fatal = store.fatal();
        let serving = async { tokio::join!(server.serve(listeners, drain.clone()), certificates.look_after(&drain)).0 };
        let watching = async {
            let reason = fatal.await;
            tracing::error!(%reason, "the store can no longer be written; ending");
            drain.cancel();
            reason
        };
        tokio::pin!(serving);
        let (drained, broken) = tokio::select! {
            drained = &mut serving => (drained, None),
            reason = watching => (serving.await, Some(reason)),
        };
        if drained.cut > 0 {
            tracing::warn!(connections = drained.cut, "requests did not end in time and were cut");
        }
        controllers
            .join()
            .await
            .map_err(|e| Failure::new(Kind::Runtime, format!("a controller ended early: {e}")))?;
        let closed = store.close().await;
        match (broken, closed) {
            (Some(reason), _) => Err(
                Failure::new(Kind::Runtime, format!("the store cannot be written: {reason}"))
                    .hint("nothing that was acknowledged is lost; look at the disk, then start again"),
            ),
            (None, Err(error)) => Err(Failure::new(Kind::Runtime, format!("closing the store: {error}"))),
            (None, Ok(())) => Ok(()),
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

fn backup_of(store: Arc<Embedded>) -> BackupSource {
    Box::new(move || {
        let backup = store.backup();
        tracing::info!(revision = %backup.revision(), "a backup begins");
        Box::new(backup)
    })
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

fn open_store(
    settings: &Settings,
    data_dir: &DataDir,
    clock: Arc<dyn leasehold_clock::Clock>,
) -> Result<Embedded, Failure> {
    let mut options = Options::new(store_in(data_dir.path()));
    options.history_age = settings.history_window;
    options.history_bytes = settings.history_bytes;
    options.first_revision = FIRST_REVISION;
    Embedded::open(&options, clock).map_err(|e| Failure::new(Kind::DataDir, e.to_string()))
}
