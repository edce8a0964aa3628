//! Finds the API server: a kubeconfig, or the service account of the pod.

use kube::config::{KubeConfigOptions, Kubeconfig};
use leasehold_election::KubeLeases;

use crate::cli::{Elect, KubeAccess};
use crate::failure::{Failure, Kind};

/// The way to the leases, and the namespace that is meant. Nothing is asked of the server yet.
pub(super) async fn connect(settings: &Elect) -> Result<(KubeLeases, String), Failure> {
    let config = config(&settings.access).await?;
    let namespace = settings
        .namespace
        .clone()
        .unwrap_or_else(|| config.default_namespace.clone());
    let api = KubeLeases::with_timeout(config, settings.timers.request_timeout)
        .map_err(|error| unusable(&error.to_string()))?;
    Ok((api, namespace))
}

/// As every client of Kubernetes does it: the kubeconfig that is named, else $KUBECONFIG or ~/.kube/config, else the
/// service account's token and CA, with the address in KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT.
async fn config(access: &KubeAccess) -> Result<kube::Config, Failure> {
    let options = KubeConfigOptions {
        context: access.context.clone(),
        ..KubeConfigOptions::default()
    };
    let found = match &access.kubeconfig {
        Some(path) => {
            let file = Kubeconfig::read_from(path).map_err(|error| unusable(&error.to_string()))?;
            kube::Config::from_custom_kubeconfig(file, &options).await
        }
        None if access.context.is_some() => kube::Config::from_kubeconfig(&options).await,
        None => return kube::Config::infer().await.map_err(|error| nowhere(&error.to_string())),
    };
    found.map_err(|error| unusable(&error.to_string()))
}

fn unusable(why: &str) -> Failure {
    Failure::new(Kind::Certificates, format!("the kubeconfig cannot be used: {why}"))
}

fn nowhere(why: &str) -> Failure {
    Failure::new(Kind::Certificates, format!("no API server was named: {why}"))
        .hint("give --kubeconfig FILE or set KUBECONFIG; 'leasehold serve' prints one")
}
