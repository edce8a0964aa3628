//! Leases of a Kubernetes API server.
//!
//! The server is reached through connections of its own, so that a renewal never waits behind the application's requests,
//! and nothing is retried below: what is tried again, and when, is the election's business. Requests and replies are the
//! types of `leasehold_api`, in JSON, so that it does not matter which version of `k8s-openapi` the application chose.

use std::fmt;
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::{StreamExt, TryStreamExt};
use http::Request;
use kube::Client;
use kube::core::WatchEvent;
use kube::core::params::{GetParams, ListParams, PostParams, WatchParams};
use kube::core::request::Request as Path;
use leasehold_api::Kind;
use leasehold_api::codec::Received;
use leasehold_api::coordination::Lease;
use leasehold_api::core::Event;
use leasehold_api::meta::ObjectMeta;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};

use crate::{ApiFailure, EventApi, LeaseApi, LeaseEvent, LeaseEvents};

/// How long a connection may take to come about, and a request on it, unless told otherwise.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);
/// How long the server may keep a watch open, in seconds. It is begun again at once.
const WATCH_SECONDS: u32 = 280;

/// Leases of a Kubernetes API server, over connections of its own.
#[derive(Clone)]
pub struct KubeLeases {
    client: Client,
    timeout: Duration,
}

impl KubeLeases {
    /// Leases of the server that `config` leads to. Needs a tokio runtime.
    ///
    /// # Errors
    /// When no client can be made of `config`: TLS or credentials that cannot be used.
    pub fn new(config: kube::Config) -> Result<Self, kube::Error> {
        Self::with_timeout(config, REQUEST_TIMEOUT)
    }

    /// The same, with requests that may take as long as this. An elector gives up earlier by its own
    /// [`crate::Timers::request_timeout`]; heartbeats and watches rely on this one.
    ///
    /// # Errors
    /// As [`KubeLeases::new`].
    pub fn with_timeout(mut config: kube::Config, timeout: Duration) -> Result<Self, kube::Error> {
        config.connect_timeout = Some(timeout);
        // A write that is repeated below us would be sent after we stopped counting on it.
        config.default_retry = false;
        // It would end quiet watches, and has its own say when to give up a request.
        config.read_timeout = None;
        Ok(Self {
            client: Client::try_from(config)?,
            timeout,
        })
    }

    /// Leases through a client that exists already, sharing its connections. Renewals may then wait behind other requests;
    /// prefer [`KubeLeases::new`].
    #[must_use]
    pub fn with_client(client: Client) -> Self {
        Self {
            client,
            timeout: REQUEST_TIMEOUT,
        }
    }

    /// Sends a request and reads the reply.
    pub(crate) async fn send<T: DeserializeOwned>(&self, request: Built) -> Result<T, ApiFailure> {
        self.within(self.client.request(request.map_err(invalid)?)).await
    }

    /// The same where the reply is an object.
    pub(crate) async fn object<T: Kind>(&self, request: Built) -> Result<T, ApiFailure> {
        self.send(request).await.map(|Received(object)| object)
    }

    async fn within<T>(&self, request: impl Future<Output = Result<T, kube::Error>>) -> Result<T, ApiFailure> {
        match tokio::time::timeout(self.timeout, request).await {
            Ok(result) => result.map_err(ApiFailure::from),
            Err(_) => Err(ApiFailure::Unknown(format!("no reply within {:?}", self.timeout))),
        }
    }

    /// Objects of one collection, all or one of them, as they are and then as they change. By a list and a watch from there:
    /// a watch that lists by itself is not offered by every server.
    pub(crate) async fn events<K>(&self, path: &str, name: Option<&str>) -> Result<WatchSteps<K>, ApiFailure>
    where
        K: Kind + Clone,
    {
        let path = Path::new(path);
        let only = name.map(|name| format!("metadata.name={name}"));
        let list = ListParams {
            field_selector: only.clone(),
            ..ListParams::default()
        };
        let list: List<Received<K>> = self.send(path.list(&list)).await?;
        let watch = WatchParams {
            field_selector: only,
            ..WatchParams::default().timeout(WATCH_SECONDS)
        };
        let request = path.watch(&watch, &list.metadata.resource_version).map_err(invalid)?;
        let changes = self.within(self.client.request_events::<Received<K>>(request)).await?;
        let changes = changes.map(|event| WatchStep::read(event?));
        let begin = list
            .items
            .into_iter()
            .flatten()
            .map(|Received(object)| WatchStep::Applied(object))
            .chain([WatchStep::Synced])
            .map(Ok);
        Ok(futures_util::stream::iter(begin).chain(changes).boxed())
    }
}

/// A list, as far as it matters here.
#[derive(Deserialize)]
struct List<K> {
    metadata: ListMeta,
    // Go's empty list may be `null`.
    items: Option<Vec<K>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListMeta {
    resource_version: String,
}

/// A request as kube builds it, which fails only for what cannot be sent at all.
pub(crate) type Built = Result<Request<Vec<u8>>, kube::core::request::Error>;

/// What a watch brings.
pub(crate) type WatchSteps<K> = futures_util::stream::BoxStream<'static, Result<WatchStep<K>, ApiFailure>>;

/// A step of a watch on any kind.
pub(crate) enum WatchStep<K> {
    /// It is like this.
    Applied(K),
    /// It was like this when it was deleted.
    Deleted(K),
    /// Everything that was there at the start has been told.
    Synced,
    /// The watch is alive.
    Bookmark,
}

impl<K> WatchStep<K> {
    fn read(event: WatchEvent<Received<K>>) -> Result<Self, ApiFailure> {
        Ok(match event {
            WatchEvent::Added(Received(object)) | WatchEvent::Modified(Received(object)) => Self::Applied(object),
            WatchEvent::Deleted(Received(object)) => Self::Deleted(object),
            WatchEvent::Bookmark(_) => Self::Bookmark,
            WatchEvent::Error(status) => return Err(kube::Error::Api(status).into()),
        })
    }
}

impl From<WatchStep<Lease>> for LeaseEvent {
    fn from(event: WatchStep<Lease>) -> Self {
        match event {
            WatchStep::Applied(lease) => Self::Applied(lease),
            WatchStep::Deleted(lease) => Self::Deleted(lease),
            WatchStep::Synced => Self::Synced,
            WatchStep::Bookmark => Self::Bookmark,
        }
    }
}

/// An object with the type that Go's decoders want to see.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Typed<'a, T> {
    pub(crate) api_version: &'static str,
    pub(crate) kind: &'static str,
    #[serde(flatten)]
    pub(crate) object: &'a T,
}

impl<T: Serialize> Typed<'_, T> {
    pub(crate) fn to_vec(&self) -> Result<Vec<u8>, ApiFailure> {
        serde_json::to_vec(self).map_err(|error| ApiFailure::Invalid(error.to_string()))
    }
}

const LEASE: &str = "/apis/coordination.k8s.io/v1";

fn lease_path(namespace: &str) -> String {
    format!("{LEASE}/namespaces/{namespace}/leases")
}

fn body(lease: &Lease) -> Result<Vec<u8>, ApiFailure> {
    let typed = Typed {
        api_version: "coordination.k8s.io/v1",
        kind: "Lease",
        object: lease,
    };
    typed.to_vec()
}

impl LeaseApi for KubeLeases {
    fn get<'a>(&'a self, namespace: &'a str, name: &'a str) -> BoxFuture<'a, Result<Option<Lease>, ApiFailure>> {
        Box::pin(async move {
            let request = Path::new(lease_path(namespace)).get(name, &GetParams::default());
            ApiFailure::absent_is_none(self.object(request).await)
        })
    }

    fn create(&self, lease: Lease) -> BoxFuture<'_, Result<Lease, ApiFailure>> {
        Box::pin(async move {
            let path = Path::new(lease_path(&lease.metadata.namespace));
            self.object(path.create(&PostParams::default(), body(&lease)?)).await
        })
    }

    fn update(&self, lease: Lease) -> BoxFuture<'_, Result<Lease, ApiFailure>> {
        Box::pin(async move {
            let ObjectMeta { namespace, name, .. } = &lease.metadata;
            let path = Path::new(lease_path(namespace));
            self.object(path.replace(name, &PostParams::default(), body(&lease)?))
                .await
        })
    }

    fn watch<'a>(
        &'a self,
        namespace: &'a str,
        name: Option<&'a str>,
    ) -> BoxFuture<'a, Result<LeaseEvents, ApiFailure>> {
        Box::pin(async move {
            let events = self.events::<Lease>(&lease_path(namespace), name).await?;
            Ok(events.map_ok(LeaseEvent::from).boxed())
        })
    }
}

impl EventApi for KubeLeases {
    fn create_event(&self, event: Event) -> BoxFuture<'_, Result<(), ApiFailure>> {
        Box::pin(async move {
            let path = Path::new(format!("/api/v1/namespaces/{}/events", event.metadata.namespace));
            let typed = Typed {
                api_version: "v1",
                kind: "Event",
                object: &event,
            };
            let created = self
                .send::<IgnoredAny>(path.create(&PostParams::default(), typed.to_vec()?))
                .await;
            created.map(drop)
        })
    }
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn invalid(error: kube::core::request::Error) -> ApiFailure {
    ApiFailure::Invalid(error.to_string())
}

impl From<kube::Error> for ApiFailure {
    fn from(error: kube::Error) -> Self {
        let kube::Error::Api(status) = error else {
            return Self::Unknown(chain(&error));
        };
        let message = status.message.clone();
        match status.code {
            409 => Self::Conflict(message),
            404 => Self::NotFound(message),
            401 | 403 => Self::Forbidden(message),
            // Asked to come back later: the request was not refused for what it is. And 410 ends a watch.
            408 | 410 | 429 => Self::Unknown(message),
            400..500 => Self::Invalid(message),
            _ => Self::Unknown(message),
        }
    }
}

/// An error with what caused it, in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        // Many errors tell their cause themselves.
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}

impl fmt::Debug for KubeLeases {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KubeLeases")
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}
