//! The server, as far as a node's agent needs it: its Node and its Lease, in JSON.

use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use http::{Method, Request};
use kube::config::{KubeConfigOptions, Kubeconfig};
use leasehold_api::coordination::Lease;
use leasehold_api::core::Node;
use leasehold_election::{ApiFailure, LeaseApi, LeaseEvents};
use serde::Serialize;
use serde::de::DeserializeOwned;
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
        let url = config.cluster_url.clone();
        let address = url.host().map(|host| {
            let port = url.port_u16().unwrap_or(443);
            (host.trim_matches(['[', ']']).to_owned(), port)
        });
        let client = kube::Client::try_from(config).map_err(|error| unusable(&error.to_string()))?;
        Ok(Self { client, address })
    }

    /// The Node, if it is there.
    pub(super) async fn node(&self, name: &str) -> Result<Option<Node>, ApiFailure> {
        found(self.request(Method::GET, format!("{NODES}/{name}"), None).await)
    }

    /// Creates the Node. [`ApiFailure::Conflict`] when it is there.
    pub(super) async fn register(&self, node: &Node) -> Result<Node, ApiFailure> {
        let body = typed(node, "v1", "Node");
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

    async fn request<T: DeserializeOwned>(
        &self,
        method: Method,
        path: String,
        body: Option<(&str, Value)>,
    ) -> Result<T, ApiFailure> {
        let request = Request::builder().method(method).uri(path);
        let request = match body {
            Some((form, body)) => request
                .header(http::header::CONTENT_TYPE, form)
                .body(body.to_string().into_bytes()),
            None => request.body(Vec::new()),
        };
        let request = request.map_err(|error| ApiFailure::Invalid(error.to_string()))?;
        self.client.request(request).await.map_err(failure)
    }
}

/// Leases, for [`leasehold_election::Heartbeat`], which watches none.
impl LeaseApi for Server {
    fn get<'a>(&'a self, namespace: &'a str, name: &'a str) -> BoxFuture<'a, Result<Option<Lease>, ApiFailure>> {
        async move { found(self.request(Method::GET, leases(namespace, name), None).await) }.boxed()
    }

    fn create(&self, lease: Lease) -> BoxFuture<'_, Result<Lease, ApiFailure>> {
        async move {
            let path = format!("{}?{MANAGER}", leases(&lease.metadata.namespace, ""));
            let body = typed(&lease, "coordination.k8s.io/v1", "Lease");
            self.request(Method::POST, path, Some(("application/json", body))).await
        }
        .boxed()
    }

    fn update(&self, lease: Lease) -> BoxFuture<'_, Result<Lease, ApiFailure>> {
        async move {
            let path = format!("{}?{MANAGER}", leases(&lease.metadata.namespace, &lease.metadata.name));
            let body = typed(&lease, "coordination.k8s.io/v1", "Lease");
            self.request(Method::PUT, path, Some(("application/json", body))).await
        }
        .boxed()
    }

    /// A node may not watch leases.
    fn watch<'a>(
        &'a self,
        _namespace: &'a str,
        _name: Option<&'a str>,
    ) -> BoxFuture<'a, Result<LeaseEvents, ApiFailure>> {
        async { Err(ApiFailure::Forbidden("a node's agent does not watch leases".to_owned())) }.boxed()
    }
}

fn leases(namespace: &str, name: &str) -> String {
    let all = format!("/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases");
    if name.is_empty() { all } else { format!("{all}/{name}") }
}

/// An object's JSON with its kind.
fn typed(object: &impl Serialize, api_version: &str, kind: &str) -> Value {
    let mut value = serde_json::to_value(object).unwrap_or_default();
    value["apiVersion"] = api_version.into();
    value["kind"] = kind.into();
    value
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
