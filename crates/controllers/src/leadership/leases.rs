//! Leases for the election library, by way of the registry: no socket lies between a replica and its own candidates.

use std::collections::VecDeque;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use futures_util::{StreamExt as _, stream};
use leasehold_api::codec::Decoded;
use leasehold_api::coordination::Lease;
use leasehold_api::options::{ListOptions, ResourceVersion};
use leasehold_api::{ApiError, Object};
use leasehold_election::{ApiFailure, LeaseApi, LeaseEvent, LeaseEvents, Leases};
use leasehold_registry::resources::LEASES;
use leasehold_registry::{Event, EventKind, Item, Place, Registry, Watch, WatchItem, WriteOptions};

/// Whose name goes into `managedFields`.
const MANAGER: &str = "leasehold";

/// The leases of a registry. Requests take as long as the store does: the elector bounds them.
pub struct RegistryLeases(Arc<Registry>);

impl RegistryLeases {
    /// For electors, by the registry's clock.
    #[must_use]
    pub fn shared(registry: Arc<Registry>) -> Leases {
        let clock = registry.clock().clone();
        Leases::with_clock(Arc::new(Self(registry)), clock)
    }
}

impl LeaseApi for RegistryLeases {
    fn get<'a>(&'a self, namespace: &'a str, name: &'a str) -> BoxFuture<'a, Result<Option<Lease>, ApiFailure>> {
        Box::pin(async move {
            let place = Place::collection(&LEASES, namespace).named(name);
            let found = self.0.get(&place, ResourceVersion::Unset).await;
            ApiFailure::absent_is_none(found.map_err(|e| failure(&e)).and_then(|item| lease(&item)))
        })
    }

    fn create(&self, lease: Lease) -> BoxFuture<'_, Result<Lease, ApiFailure>> {
        Box::pin(async move {
            let place = Place::collection(&LEASES, &lease.metadata.namespace);
            let options = WriteOptions::internal(MANAGER);
            let written = self.0.create(&place, body(lease), &options).await;
            self::lease(&written.map_err(|e| failure(&e))?.item)
        })
    }

    fn update(&self, lease: Lease) -> BoxFuture<'_, Result<Lease, ApiFailure>> {
        Box::pin(async move {
            let place = Place::collection(&LEASES, &lease.metadata.namespace).named(&lease.metadata.name);
            let options = WriteOptions::internal(MANAGER);
            let written = self.0.update(&place, body(lease), &options).await;
            self::lease(&written.map_err(|e| failure(&e))?.item)
        })
    }

    fn watch<'a>(
        &'a self,
        namespace: &'a str,
        name: Option<&'a str>,
    ) -> BoxFuture<'a, Result<LeaseEvents, ApiFailure>> {
        Box::pin(async move {
            let mut options = ListOptions {
                send_initial_events: Some(true),
                ..ListOptions::default()
            };
            if let Some(name) = name {
                let selector = format!("metadata.name={name}").parse();
                options.field_selector = selector.map_err(|e| failure(&ApiError::from(e)))?;
            }
            let place = Place::collection(&LEASES, namespace);
            let watch = self.0.watch(&place, &options).await.map_err(|e| failure(&e))?;
            Ok(stream::try_unfold(Told::by(watch), Told::next).boxed())
        })
    }
}

/// What a watch has told and nobody has taken yet.
struct Told {
    watch: Watch,
    items: VecDeque<WatchItem>,
}

impl Told {
    fn by(watch: Watch) -> Self {
        Self {
            watch,
            items: VecDeque::new(),
        }
    }

    async fn next(mut self) -> Result<Option<(LeaseEvent, Self)>, ApiFailure> {
        loop {
            if let Some(item) = self.items.pop_front() {
                return Ok(Some((event(item)?, self)));
            }
            let mut items = Vec::new();
            self.watch.next(&mut items).await.map_err(|e| failure(&e))?;
            self.items.extend(items);
        }
    }
}

fn event(item: WatchItem) -> Result<LeaseEvent, ApiFailure> {
    Ok(match item {
        WatchItem::InitialEnd(_) => LeaseEvent::Synced,
        WatchItem::Event(Event { kind, item, .. }) => match kind {
            EventKind::Added | EventKind::Modified => LeaseEvent::Applied(lease(&item)?),
            EventKind::Deleted => LeaseEvent::Deleted(lease(&item)?),
        },
    })
}

fn body(lease: Lease) -> Decoded {
    Decoded {
        object: Box::new(lease),
        problems: Vec::new(),
    }
}

fn lease(item: &Item) -> Result<Lease, ApiFailure> {
    let object: Box<dyn Object> = item.stored().map_err(|e| failure(&e))?;
    let lease = object.downcast_ref::<Lease>().cloned();
    lease.ok_or_else(|| ApiFailure::Invalid("what is stored is no lease".to_owned()))
}

/// What an error means to an elector.
fn failure(error: &ApiError) -> ApiFailure {
    let why = error.status().message.clone();
    match error.code() {
        401 | 403 => ApiFailure::Forbidden(why),
        404 => ApiFailure::NotFound(why),
        409 => ApiFailure::Conflict(why),
        // Asked to come back later, or to watch anew.
        408 | 410 | 429 | 500.. => ApiFailure::Unknown(why),
        _ => ApiFailure::Invalid(why),
    }
}
