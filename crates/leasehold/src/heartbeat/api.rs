//! The server, as far as a node's agent needs it: its Node in JSON, and the way to its Lease.

use std::time::Duration;

use http::{Method, Request};
use leasehold_api::codec::Received;
use leasehold_api::core::Node;
use leasehold_election::{ApiFailure, KubeLeases, Leases};
use serde_json::Value;

use crate::api_server;
use crate::cli::HeartbeatSettings;
use crate::failure::Failure;

const NODES: &str = "/api/v1/nodes";
/// Who manages what is written, in `managedFields`.
const MANAGER: &str = "fieldManager=leasehold-heartbeat";

/// For who named no server.
const HINT: &str = "give --kubeconfig FILE; 'leasehold kubeconfig --node NAME' makes one";

/// A connection to the server, made when it is needed.
pub(super) struct Server {
    client: kube::Client,
    /// Host and port, for finding out by which address this machine reaches them.
    pub(super) address: Option<(String, u16)>,
}

impl Server {
    /// Reads the kubeconfig. Nothing is asked of the server yet.
    pub(super) async fn connect(settings: &HeartbeatSettings) -> Result<Self, Failure> {
        let mut config = api_server::config(settings.kubeconfig.as_deref(), None, HINT).await?;
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
        let client = kube::Client::try_from(config).map_err(|error| api_server::unusable(&error.to_string()))?;
        Ok(Self { client, address })
    }

    /// Leases, over the same connection.
    pub(super) fn leases(&self) -> Leases {
        Leases::new(KubeLeases::with_client(self.client.clone()))
    }

    /// The Node, if it is there.
    pub(super) async fn node(&self, name: &str) -> Result<Option<Node>, ApiFailure> {
        ApiFailure::absent_is_none(self.request(Method::GET, format!("{NODES}/{name}"), None).await)
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
        let Received(node) = self.client.request(request).await?;
        Ok(node)
    }
}

impl HeartbeatSettings {
    /// A request that takes longer than a period has missed its moment.
    pub(super) fn request_timeout(&self) -> Duration {
        self.period.clamp(Duration::from_secs(1), Duration::from_secs(10))
    }
}
