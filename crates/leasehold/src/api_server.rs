//! Finds the API server of those commands that work with any: by a kubeconfig, or by the service account of the pod.

use std::path::Path;

use kube::config::{KubeConfigOptions, Kubeconfig};

use crate::failure::{Failure, Kind};

/// As every client of Kubernetes does it: the kubeconfig that is named, else $KUBECONFIG or ~/.kube/config, else the
/// service account's token and CA, with the address in KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT. `hint` is for
/// those who have none of these. Nothing is asked of the server yet.
pub(crate) async fn config(
    kubeconfig: Option<&Path>,
    context: Option<&str>,
    hint: &str,
) -> Result<kube::Config, Failure> {
    let options = KubeConfigOptions {
        context: context.map(str::to_owned),
        ..KubeConfigOptions::default()
    };
    let found = match kubeconfig {
        Some(path) => {
            let file = Kubeconfig::read_from(path).map_err(|error| unusable(&chain(&error)))?;
            kube::Config::from_custom_kubeconfig(file, &options).await
        }
        None if context.is_some() => kube::Config::from_kubeconfig(&options).await,
        None => {
            let inferred = kube::Config::infer().await;
            return inferred.map_err(|error| nowhere(&chain(&error)).hint(hint));
        }
    };
    found.map_err(|error| unusable(&chain(&error)))
}

/// That what the kubeconfig says leads nowhere.
pub(crate) fn unusable(why: &str) -> Failure {
    Failure::new(Kind::Certificates, format!("the kubeconfig cannot be used: {why}"))
}

fn nowhere(why: &str) -> Failure {
    Failure::new(Kind::Certificates, format!("no API server was named: {why}"))
}

/// An error and what led to it, in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        // Many errors tell their cause themselves.
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}
