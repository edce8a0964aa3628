//! etcd's side: a store that is opened once, and never compacted by us.

use std::sync::Arc;
use std::time::Duration;

use leasehold_clock::SystemClock;
use leasehold_registry::Scope;
use leasehold_store::etcd::{Etcd, Options};

use crate::cli::EtcdSettings;
use crate::etcd_access;
use crate::failure::{Failure, Kind};

/// How long etcd may take to serve.
const PATIENCE: Duration = Duration::from_secs(10);

/// Opens the store, or says at once why it cannot be.
pub(super) async fn open(settings: &EtcdSettings, scope: Scope) -> Result<Etcd, Failure> {
    let access = etcd_access::options(settings)?;
    etcd_access::try_out(&access).await?;
    let mut options = Options::new(access, scope.stored());
    options.prefix.clone_from(&settings.prefix);
    options.compaction_interval = Duration::ZERO;
    options.open_timeout = PATIENCE;
    let opened = Etcd::open(options, Arc::new(SystemClock)).await;
    opened.map_err(|error| Failure::new(Kind::Runtime, error.to_string()))
}
