//! What serves: the sockets, the store, the registry over it, the controllers. Ended in the reverse order, the store last.

use std::sync::Arc;

use leasehold_clock::Clock;
use leasehold_registry::Registry;
use leasehold_server::auth::{BuiltIn, CertificateOrToken};
use leasehold_server::discovery::Documents;
use leasehold_server::{App, VersionInfo, WatchesPerUser};
use tokio_util::sync::CancellationToken;

use super::announcement::Announcement;
use super::controllers::{self, Counted};
use super::engine::Engine;
use super::front::{Front, View};
use super::prepare::Prepared;
use super::staff::Staff;
use super::{figures, status};
use crate::cli::Settings;
use crate::data_dir::DataDir;
use crate::failure::{Failure, Kind};

/// Serves what was prepared until told to drain, or until the store cannot be trusted any more, and then ends everything.
pub(super) async fn run(prepared: Prepared, drain: &CancellationToken) -> Result<(), Failure> {
    let announcement = Announcement::of(&prepared);
    let Prepared {
        clock,
        settings,
        data_dir,
        https,
        http,
        pki,
        tls,
    } = prepared;
    let (front, view) = Front::new(&settings, https, http, (pki, tls), clock.clone())?;
    let serving = front.serve(drain.clone());
    tokio::pin!(serving);
    // Served meanwhile, where it takes long: probes are told that it does.
    let opened = tokio::select! {
        biased;
        opened = Backend::open(&settings, &data_dir, clock, drain) => opened,
        () = &mut serving => return Ok(()),
    };
    let (backend, counted) = match opened {
        Ok(opened) => opened,
        Err(failure) => {
            drain.cancel();
            serving.await;
            return Err(failure);
        }
    };
    view.open(backend.app(&settings, counted, &view, drain));
    // Whoever reads this finds a server that answers.
    announcement.make();
    backend.outlive(serving, drain).await
}

/// What is behind the sockets.
struct Backend {
    engine: Engine,
    registry: Arc<Registry>,
    staff: Staff,
}

impl Backend {
    /// Opens the store and starts what works on it.
    async fn open(
        settings: &Settings,
        data_dir: &DataDir,
        clock: Arc<dyn Clock>,
        drain: &CancellationToken,
    ) -> Result<(Self, Counted), Failure> {
        let engine = Engine::open(settings, data_dir, clock.clone()).await?;
        let registry = Registry::new(engine.store(), clock)
            .with_features(settings.features)
            .with_scope(settings.scope);
        let registry = Arc::new(engine.share(registry).await?);
        registry
            .bootstrap()
            .await
            .map_err(|e| Failure::new(Kind::Runtime, format!("cannot create the first namespaces: {e}")))?;
        let identity = controllers::identity(settings);
        let chosen = controllers::choose(settings, &identity);
        let counted = chosen.counted.clone();
        let staff = if engine.is_alone() {
            Staff::alone(&registry, chosen, &identity, drain)
        } else {
            Staff::among_others(&registry, chosen, &identity, drain)?
        };
        let backend = Self {
            engine,
            registry,
            staff,
        };
        Ok((backend, counted))
    }

    /// What answers requests.
    fn app(&self, settings: &Settings, counted: Counted, view: &View, drain: &CancellationToken) -> App {
        let served: Vec<_> = self.registry.served().resources().collect();
        let clock = self.registry.clock().clone();
        App {
            registry: self.registry.clone(),
            authenticator: Arc::new(CertificateOrToken::new(view.tokens.clone())),
            authorizer: Arc::new(BuiltIn),
            documents: Documents::build(&served, &view.address.to_string()),
            metrics: self
                .engine
                .metrics()
                .with(figures::of_features(settings.features))
                .with(figures::of_connections(view.connections.clone()))
                .with(figures::of_controllers(counted, self.staff.standings()))
                .with(figures::of_leadership(self.staff.standings())),
            backup: self.engine.backup(),
            limits: settings.limits.requests,
            watches: WatchesPerUser::default(),
            controllers: Some(status::of(self.staff.statuses(), self.staff.standings(), clock.clone())),
            version: VersionInfo::of(env!("CARGO_PKG_VERSION")),
            drain: drain.clone(),
            clock,
        }
    }

    /// Goes on until everybody was served, and ends then.
    async fn outlive(
        self,
        mut serving: std::pin::Pin<&mut impl Future<Output = ()>>,
        drain: &CancellationToken,
    ) -> Result<(), Failure> {
        let broken = tokio::select! {
            () = &mut serving => None,
            reason = self.engine.fatal() => {
                tracing::error!(%reason, "the store can no longer be written; ending");
                drain.cancel();
                serving.await;
                Some(reason)
            }
        };
        self.staff.join().await?;
        let closed = self.engine.close().await;
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
