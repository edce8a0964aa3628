//! The way from an election's settings to its leases.

use leasehold_election::KubeLeases;

use crate::api_server;
use crate::cli::{Elect, KubeAccess};
use crate::failure::Failure;

/// For who named no server.
const HINT: &str = "give --kubeconfig FILE or set KUBECONFIG; 'leasehold serve' prints one";

/// The way to the leases, and the namespace that is meant. Nothing is asked of the server yet.
pub(super) async fn connect(settings: &Elect) -> Result<(KubeLeases, String), Failure> {
    let KubeAccess { kubeconfig, context } = &settings.access;
    let config = api_server::config(kubeconfig.as_deref(), context.as_deref(), HINT).await?;
    let namespace = settings
        .namespace
        .clone()
        .unwrap_or_else(|| config.default_namespace.clone());
    let api = KubeLeases::with_timeout(config, settings.timers.request_timeout)
        .map_err(|error| api_server::unusable(&error.to_string()))?;
    Ok((api, namespace))
}
