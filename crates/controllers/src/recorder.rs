//! Tells people what controllers did, as Events beside the objects concerned.
//!
//! The name of an Event follows from what it says about whom: the same thing said again counts up the Event that is
//! there, and nothing has to be remembered for that. An Event that cannot be written is logged and otherwise missed by
//! nobody: no decision rests on one.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use leasehold_api::codec::Decoded;
use leasehold_api::core::{Event, EventSource, ObjectReference};
use leasehold_api::meta::ObjectMeta;
use leasehold_api::options::ResourceVersion;
use leasehold_api::{ApiError, Time};
use leasehold_registry::resources::CORE_EVENTS;
use leasehold_registry::{Place, Registry, WriteOptions};

/// Where Events go that are about what lives in no namespace.
const DEFAULT_NAMESPACE: &str = "default";

/// Whether an Event tells of the course of things or of trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Mood {
    Normal,
    Warning,
}

impl Mood {
    const fn name(self) -> &'static str {
        match self {
            Self::Normal => "Normal",
            Self::Warning => "Warning",
        }
    }
}

/// What is to be told.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Notice {
    /// About whom: kind, apiVersion, name, uid and perhaps namespace.
    pub(crate) about: ObjectReference,
    pub(crate) mood: Mood,
    /// For programs: one word.
    pub(crate) reason: &'static str,
    /// For people.
    pub(crate) message: String,
}

/// Writes it down under the name of the component that reports, such as `node-controller`. Where no Events are served the log
/// is all there is.
pub(crate) async fn record(registry: &Registry, component: &str, notice: Notice) {
    if !registry.served().has(&CORE_EVENTS) {
        let (about, message) = (&notice.about.name, &notice.message);
        tracing::info!(component, reason = notice.reason, about, "{message}");
        return;
    }
    if let Err(error) = write(registry, component, &notice).await {
        tracing::warn!(component, reason = notice.reason, about = notice.about.name, %error, "an Event is lost");
    }
}

async fn write(registry: &Registry, component: &str, notice: &Notice) -> Result<(), ApiError> {
    let now = Time::from_system(registry.clock().wall());
    let mut event = event(component, notice, now);
    let collection = Place::collection(&CORE_EVENTS, &event.metadata.namespace);
    let place = collection.named(&event.metadata.name);
    let options = WriteOptions::internal(component);
    let found = match registry.get(&place, ResourceVersion::Unset).await {
        Ok(item) => Some(item.stored()?),
        Err(error) if error.code() == 404 => None,
        Err(error) => return Err(error),
    };
    if let Some(before) = found.as_ref().and_then(|object| object.downcast_ref::<Event>()) {
        event.metadata = before.metadata.clone();
        event.metadata.resource_version.clear();
        event.first_timestamp = before.first_timestamp;
        event.count = before.count.saturating_add(1);
        return registry.update(&place, decoded(event), &options).await.map(drop);
    }
    registry.create(&collection, decoded(event), &options).await.map(drop)
}

fn decoded(event: Event) -> Decoded {
    Decoded {
        object: Box::new(event),
        problems: Vec::new(),
    }
}

fn event(component: &str, notice: &Notice, now: Time) -> Event {
    let about = &notice.about;
    let namespace = if about.namespace.is_empty() {
        DEFAULT_NAMESPACE
    } else {
        &about.namespace
    };
    Event {
        metadata: ObjectMeta {
            name: format!("{}.{:016x}", about.name, digest(component, notice)),
            namespace: namespace.to_owned(),
            ..ObjectMeta::default()
        },
        involved_object: about.clone(),
        reason: notice.reason.to_owned(),
        message: notice.message.clone(),
        source: EventSource {
            component: component.to_owned(),
            ..EventSource::default()
        },
        first_timestamp: now,
        last_timestamp: now,
        count: 1,
        r#type: notice.mood.name().to_owned(),
        reporting_component: component.to_owned(),
        ..Event::default()
    }
}

/// Tells Events about one object apart. Stable within a release, which is longer than Events are kept.
fn digest(component: &str, notice: &Notice) -> u64 {
    let mut hasher = DefaultHasher::new();
    (
        component,
        &notice.about.uid,
        notice.mood,
        notice.reason,
        &notice.message,
    )
        .hash(&mut hasher);
    hasher.finish()
}
