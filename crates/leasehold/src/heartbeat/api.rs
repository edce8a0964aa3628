//! The server, as far as a node's agent needs it: its Node in JSON, and the way to its Lease.

use std::time::Duration;

use http::{Method, Request};
use kube::config::{KubeConfigOptions, Kubeconfig};
use leasehold_api::codec::Received;
use leasehold_api::core::Node;
use leasehold_election::{ApiFailure, KubeLeases, Leases};
use serde_json::Value;

use crate::cli::HeartbeatSettings;
use crate::failure::{Failure, Kind};

const NODES: &str = "/api/v1/nodes";
/// Who manages what is written, in `managedFields`.
const MANAGER: &str = "fieldManager=leasehold-heartbeat";

/// A connection to the server, made when it is needed.
pub(super) struct Server {
    client: kube::Client,
    /// Host and port, for finding out by which address this machine reaches them.
    pub(super) address: Option<(String, u16)>,
}

impl Server {
    /// Reads the kubeconfig. Nothing is asked of the server yet.
    pub(super) async fn connect(settings: &HeartbeatSettings) -> Result<Self, Failure> {
        let mut config = config(settings).await?;
        let patience = settings.request_timeout();
        config.connect_timeout = Some(patience);
        config.read_timeout = Some(patience);
        config.write_timeout = Some(patience);
        // What is tried again, and when, is decided here.
        config.default_retry = false;
        let url = config.cluster_url.clone();
        let address = url.host().map(|host| {
            let port = url.port_u16().unwrap_or(443);
            (host.trim_matches(['[', ']']).to_owned(), port)
        });
        let client = kube::Client::try_from(config).map_err(|error| unusable(&error.to_string()))?;
        Ok(Self { client, address })
    }

    /// Leases, over the same connection.
    pub(super) fn leases(&self) -> Leases {
        Leases::new(KubeLeases::with_client(self.client.clone()))
    }

    /// The Node, if it is there.
    pub(super) async fn node(&self, name: &str) -> Result<Option<Node>, ApiFailure> {
        found(self.request(Method::GET, format!("{NODES}/{name}"), None).await)
    }

    /// Creates the Node. [`ApiFailure::Conflict`] when it is there.
    pub(super) async fn register(&self, node: &Node) -> Result<Node, ApiFailure> {
        let mut body = serde_json::to_value(node).map_err(|error| ApiFailure::Invalid(error.to_string()))?;
        body["apiVersion"] = "v1".into();
        body["kind"] = "Node".into();
        self.request(
            Method::POST,
            format!("{NODES}?{MANAGER}"),
            Some(("application/json", body)),
        )
        .await
    }

    /// Changes the Node by a strategic merge patch.
    pub(super) async fn patch_node(&self, name: &str, patch: Value) -> Result<Node, ApiFailure> {
        self.patch(format!("{NODES}/{name}?{MANAGER}"), patch).await
    }

    /// The same for its status.
    pub(super) async fn patch_status(&self, name: &str, patch: Value) -> Result<Node, ApiFailure> {
        self.patch(format!("{NODES}/{name}/status?{MANAGER}"), patch).await
    }

    async fn patch(&self, path: String, patch: Value) -> Result<Node, ApiFailure> {
        let body = Some(("application/strategic-merge-patch+json", patch));
        self.request(Method::PATCH, path, body).await
    }

    async fn request(&self, method: Method, path: String, body: Option<(&str, Value)>) -> Result<Node, ApiFailure> {
        let request = Request::builder().method(method).uri(path);
        let request = match body {
            Some((form, body)) => request
                .header(http::header::CONTENT_TYPE, form)
                .body(body.to_string().into_bytes()),
            None => request.body(Vec::new()),
        };
        let request = request.map_err(|error| ApiFailure::Invalid(error.to_string()))?;
        let reply = self.client.request(request).await.map_err(failure);
        reply.map(|Received(node)| node)
    }
}

fn found<T>(reply: Result<T, ApiFailure>) -> Result<Option<T>, ApiFailure> {
    match reply {
        Ok(object) => Ok(Some(object)),
        Err(ApiFailure::NotFound(_)) => Ok(None),
        Err(failure) => Err(failure),
    }
}

fn failure(error: kube::Error) -> ApiFailure {
    let kube::Error::Api(status) = error else {
        return ApiFailure::Unknown(chain(&error));
    };
    let why = status.message.clone();
    match status.code {
        401 | 403 => ApiFailure::Forbidden(why),
        404 => ApiFailure::NotFound(why),
        409 => ApiFailure::Conflict(why),
        429 | 500.. => ApiFailure::Unknown(why),
        _ => ApiFailure::Invalid(why),
    }
}

/// An error and what led to it, in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}

/// As every client of Kubernetes does it: the kubeconfig that is named, else $KUBECONFIG or ~/.kube/config, else a pod's
/// service account.
async fn config(settings: &HeartbeatSettings) -> Result<kube::Config, Failure> {
    let Some(path) = &settings.kubeconfig else {
        let inferred = kube::Config::infer().await;
        return inferred.map_err(|error| {
            Failure::new(
                Kind::Certificates,
                format!("no API server was named: {}", chain(&error)),
            )
            .hint("give --kubeconfig FILE; 'leasehold kubeconfig --node NAME' makes one")
        });
    };
    let file = Kubeconfig::read_from(path).map_err(|error| unusable(&chain(&error)))?;
    let config = kube::Config::from_custom_kubeconfig(file, &KubeConfigOptions::default()).await;
    config.map_err(|error| unusable(&chain(&error)))
}

fn unusable(why: &str) -> Failure {
    Failure::new(Kind::Certificates, format!("the kubeconfig cannot be used: {why}"))
}

impl HeartbeatSettings {
    /// A request that takes longer than a period has missed its moment.
    pub(super) fn request_timeout(&self) -> Duration {
        self.period.clamp(Duration::from_secs(1), Duration::from_secs(10))
    }
}
