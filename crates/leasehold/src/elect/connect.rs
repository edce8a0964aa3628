//! The way from an election's settings to its leases.

use http::Uri;
use leasehold_election::{KubeLeases, Replicas};

use crate::api_server;
use crate::cli::{Elect, KubeAccess};
use crate::failure::Failure;

/// For who named no server.
const HINT: &str = "give --kubeconfig FILE or set KUBECONFIG; 'leasehold serve' prints one";

/// The way to the leases, and the namespace that is meant. Nothing is asked of any server yet.
pub(super) async fn connect(settings: &Elect) -> Result<(Replicas<KubeLeases>, String), Failure> {
    let KubeAccess {
        kubeconfig,
        context,
        servers,
    } = &settings.access;
    let config = api_server::config(kubeconfig.as_deref(), context.as_deref(), HINT).await?;
    let namespace = settings
        .namespace
        .clone()
        .unwrap_or_else(|| config.default_namespace.clone());
    let leases = |config| {
        KubeLeases::with_timeout(config, settings.timers.request_timeout)
            .map_err(|error| api_server::unusable(&error.to_string()))
    };
    let at = |server: &Uri| {
        let mut config = config.clone();
        config.cluster_url = server.clone();
        leases(config)
    };
    let mut servers = servers.iter().map(at);
    let first = servers.next().unwrap_or_else(|| leases(config.clone()))?;
    let others: Vec<_> = servers.collect::<Result<_, _>>()?;
    Ok((Replicas::new(first, others), namespace))
}
