//! A registry over a scratch directory, and requests as one-liners.

use std::sync::Arc;

use bytes::Bytes;
use leasehold_api::codec::{self, Format};
use leasehold_api::options::{DeleteOptions, ListOptions, Query, ResourceVersion};
use leasehold_api::{ApiError, Object};
use leasehold_clock::SystemClock;
use leasehold_registry::resources::{self, LEASES};
use leasehold_registry::{Deleted, Features, List, PatchKind, Place, Registry, Watch, WriteOptions, Written};
use leasehold_store::embedded::{Embedded, Options};
use serde_json::{Value, json};

pub(crate) struct Harness {
    pub(crate) registry: Registry,
    store: Arc<Embedded>,
    _directory: tempfile::TempDir,
}

/// Leases in `default`.
pub(crate) fn leases() -> Place {
    Place::collection(&LEASES, "default")
}

/// A collection by its names in a path.
pub(crate) fn place(group: &str, version: &str, plural: &str, namespace: &str) -> Place {
    let (resource, version) = resources::lookup(group, version, plural).expect("a served resource");
    Place {
        version,
        ..Place::collection(resource, namespace)
    }
}

pub(crate) fn lease(name: &str, holder: &str) -> Value {
    json!({"metadata": {"name": name}, "spec": {"holderIdentity": holder}})
}

pub(crate) fn list_options(query: &str) -> ListOptions {
    let pairs: Vec<_> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            pair.split_once('=')
                .map(|(name, value)| (name.into(), value.into()))
                .expect("a pair")
        })
        .collect();
    ListOptions::from_query(Query::new(&pairs)).expect("good options")
}

pub(crate) fn version(object: &dyn Object) -> u64 {
    object.metadata().resource_version.parse().expect("a revision")
}

pub(crate) fn as_json(object: &dyn Object) -> Value {
    object.to_value()
}

pub(crate) fn options() -> WriteOptions {
    WriteOptions::internal("test")
}

impl Harness {
    pub(crate) async fn new() -> Self {
        let directory = tempfile::tempdir().expect("a scratch directory");
        let clock = Arc::new(SystemClock);
        let store = Embedded::open(&Options::new(directory.path().join("store")), clock.clone()).expect("a new store");
        let store = Arc::new(store);
        let registry = Registry::new(store.clone(), clock);
        registry.bootstrap().await.expect("the first namespaces");
        Self {
            registry,
            store,
            _directory: directory,
        }
    }

    /// The same data with other features.
    pub(crate) fn featuring(self, features: Features) -> Self {
        Self {
            registry: self.restarted().with_features(features),
            ..self
        }
    }

    /// How many commit groups there have been.
    pub(crate) fn groups(&self) -> u64 {
        self.store.metrics().groups
    }

    /// What a new process would be over the same data.
    pub(crate) fn restarted(&self) -> Registry {
        Registry::new(self.store.clone(), Arc::new(SystemClock))
    }

    pub(crate) async fn close(self) {
        self.store.close().await.expect("a clean end");
    }

    pub(crate) async fn create(&self, place: &Place, body: Value) -> Result<Written, ApiError> {
        self.registry.create(place, decode(place, &body)?, &options()).await
    }

    pub(crate) async fn update(&self, place: &Place, body: Value) -> Result<Written, ApiError> {
        self.registry.update(place, decode(place, &body)?, &options()).await
    }

    pub(crate) async fn merge(&self, place: &Place, body: Value) -> Result<Written, ApiError> {
        self.registry
            .patch(place, PatchKind::Merge, &Bytes::from(body.to_string()), &options())
            .await
    }

    pub(crate) async fn apply(&self, place: &Place, manager: &str, body: Value) -> Result<Written, ApiError> {
        let options = WriteOptions::internal(manager);
        self.registry
            .patch(place, PatchKind::Apply, &Bytes::from(body.to_string()), &options)
            .await
    }

    pub(crate) async fn delete(&self, place: &Place) -> Result<Deleted, ApiError> {
        self.registry.delete(place, &DeleteOptions::default(), &options()).await
    }

    pub(crate) async fn get(&self, place: &Place) -> Result<Box<dyn Object>, ApiError> {
        self.registry.get(place, ResourceVersion::Unset).await?.object()
    }

    pub(crate) async fn list(&self, place: &Place, query: &str) -> Result<List, ApiError> {
        self.registry.list(place, &list_options(query)).await
    }

    pub(crate) async fn watch(&self, place: &Place, query: &str) -> Watch {
        self.registry
            .watch(place, &list_options(&format!("watch=1&{query}")))
            .await
            .expect("a watch")
    }
}

fn decode(place: &Place, body: &Value) -> Result<codec::Decoded, ApiError> {
    codec::decode(Format::Json, &place.target(), &Bytes::from(body.to_string()))
}

pub(crate) fn names(list: &List) -> Vec<String> {
    list.items
        .iter()
        .map(|item| item.object().expect("readable").metadata().name.clone())
        .collect()
}
