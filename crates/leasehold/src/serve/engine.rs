//! Where objects are kept: in the data directory, or in an etcd.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use leasehold_clock::Clock;
use leasehold_registry::Registry;
use leasehold_server::{BackupSource, Metrics};
use leasehold_store::embedded::{self, Embedded};
use leasehold_store::etcd::{self, Etcd};
use leasehold_store::{Revision, Store};
use rand::Rng as _;

use super::store_figures as figures;
use crate::cli::{EngineSettings, EtcdSettings, Settings};
use crate::data_dir::{DataDir, store_in};
use crate::etcd_access;
use crate::failure::{Failure, Kind};

/// A new embedded store's first object comes right after this: see [`embedded::Options::first_revision`].
const FIRST_REVISION: Revision = Revision(1000);
/// The secret in etcd that seals continue tokens, so that one of a server is good at every other.
const TOKENS: &str = "continue-tokens";
/// How long opening is tried before it is told what hinders it, and tried again.
const PATIENCE: Duration = Duration::from_secs(10);

/// An open store.
#[derive(Clone)]
pub(super) enum Engine {
    /// This process has it for itself.
    Embedded(Arc<Embedded>),
    /// Others may share it.
    Etcd(Arc<Etcd>),
}

impl Engine {
    /// Opens the store. Waits for an etcd that is away, for as long as it takes: drop this to give up.
    pub(super) async fn open(settings: &Settings, data_dir: &DataDir, clock: Arc<dyn Clock>) -> Result<Self, Failure> {
        match &settings.engine {
            EngineSettings::Embedded => open_embedded(settings, data_dir, clock).map(|it| Self::Embedded(Arc::new(it))),
            EngineSettings::Etcd {
                etcd,
                compaction_interval,
            } => {
                let mut options = etcd_options(etcd, settings)?;
                options.compaction_interval = compaction_interval.unwrap_or_default();
                open_etcd(options, clock).await.map(|it| Self::Etcd(Arc::new(it)))
            }
        }
    }

    /// The store itself.
    pub(super) fn store(&self) -> Arc<dyn Store> {
        match self {
            Self::Embedded(store) => store.clone(),
            Self::Etcd(store) => store.clone(),
        }
    }

    /// Whether no other process can be at work on the same objects.
    pub(super) fn is_alone(&self) -> bool {
        matches!(self, Self::Embedded(_))
    }

    /// The registry with what all servers over this store share.
    pub(super) async fn share(&self, registry: Registry) -> Result<Registry, Failure> {
        let Self::Etcd(store) = self else {
            return Ok(registry);
        };
        let secret = store.shared_secret(TOKENS, || {
            let mut secret = [0; 32];
            rand::rng().fill_bytes(&mut secret);
            Bytes::copy_from_slice(&secret)
        });
        let secret = secret.await.map_err(|e| Failure::new(Kind::Runtime, e.to_string()))?;
        let secret = <[u8; 32]>::try_from(&*secret).map_err(|_| {
            let why = format!("the secret '{TOKENS}' in etcd is not one of this version's");
            Failure::new(Kind::Runtime, why)
        })?;
        Ok(registry.with_token_secret(secret))
    }

    /// Everything as one file, where that is how backups are made.
    pub(super) fn backup(&self) -> Option<BackupSource> {
        let Self::Embedded(store) = self else { return None };
        let store = store.clone();
        Some(Box::new(move || {
            let backup = store.backup();
            tracing::info!(revision = %backup.revision(), "a backup begins");
            Box::new(backup)
        }))
    }

    /// A page of metrics that begins with what the store counts.
    pub(super) fn metrics(&self) -> Metrics {
        match self {
            Self::Embedded(store) => Metrics::new(Some(figures::of_embedded(store.clone()))),
            Self::Etcd(store) => {
                Metrics::new(Some(figures::of_etcd(store.clone()))).with(figures::of_requests(store.clone()))
            }
        }
    }

    /// Waits until the store has failed for good, and says why. One that only waits for others never does.
    pub(super) async fn fatal(&self) -> Arc<str> {
        match self {
            Self::Embedded(store) => store.fatal().await,
            Self::Etcd(_) => std::future::pending().await,
        }
    }

    /// Ends what is under way.
    pub(super) async fn close(&self) -> Result<(), leasehold_store::Error> {
        match self {
            Self::Embedded(store) => store.close().await,
            Self::Etcd(store) => {
                store.close().await;
                Ok(())
            }
        }
    }
}

fn open_embedded(settings: &Settings, data_dir: &DataDir, clock: Arc<dyn Clock>) -> Result<Embedded, Failure> {
    let mut options = embedded::Options::new(store_in(data_dir.path()));
    options.history_age = settings.history_window;
    options.history_bytes = settings.history_bytes;
    options.first_revision = FIRST_REVISION;
    Embedded::open(&options, clock).map_err(|e| Failure::new(Kind::DataDir, e.to_string()))
}

fn etcd_options(settings: &EtcdSettings, served: &Settings) -> Result<etcd::Options, Failure> {
    let access = etcd_access::options(settings)?;
    let mut options = etcd::Options::new(access, served.scope.stored());
    options.prefix.clone_from(&settings.prefix);
    options.history_age = served.history_window;
    options.history_bytes = served.history_bytes;
    options.open_timeout = PATIENCE;
    Ok(options)
}

/// Opens a store in etcd, as soon as there is one to open. What waiting does not mend is told at once.
async fn open_etcd(options: etcd::Options, clock: Arc<dyn Clock>) -> Result<Etcd, Failure> {
    loop {
        etcd_access::try_out(&options.etcd).await?;
        match Etcd::open(options.clone(), clock.clone()).await {
            Ok(store) => return Ok(store),
            Err(etcd::OpenError::NotServed { why, .. }) => {
                tracing::warn!(why, endpoints = ?options.etcd.endpoints, "waiting for etcd");
            }
            Err(error) => return Err(Failure::new(Kind::Usage, error.to_string())),
        }
    }
}
