//! `events`, in the core group and in `events.k8s.io`: two views of what is stored once, as the core group's.

use leasehold_api::fields::{EVENT_LABELS, EVENTS_V1_LABELS};
use leasehold_api::validation::{
    FieldError, validate_event_create, validate_event_update, validate_events_v1_create, validate_events_v1_update,
};
use leasehold_api::{Gvk, Object, TypeCodec, core, events};

use super::typed;
use crate::resource::{Conversion, Resource, Strategy, Subresource, Version, View};

const CODEC: TypeCodec = TypeCodec::of::<core::Event>();
const STORED: (Gvk, TypeCodec) = (
    Gvk {
        group: "",
        version: "v1",
        kind: "Event",
    },
    CODEC,
);

/// The row of events in the core group.
pub static CORE_EVENTS: Resource = Resource {
    group: "",
    plural: "events",
    singular: "event",
    kind: "Event",
    list_kind: "EventList",
    namespaced: true,
    short_names: &["ev"],
    versions: &[Version {
        version: "v1",
        codec: CODEC,
        convert: None,
        warning: None,
        slot: 0,
    }],
    subresources: &[],
    storage: "events",
    stored: STORED,
    storage_version_hash: "r2yiGXH7wu8=",
    create_on_update: true,
    unconditional_update: true,
    labels: EVENT_LABELS,
    view: View::of::<core::Event>(),
    feature: None,
    strategy: &EventStrategy { group: Group::Core },
};

/// The row of events in `events.k8s.io`.
pub static EVENTS: Resource = Resource {
    group: "events.k8s.io",
    plural: "events",
    singular: "event",
    kind: "Event",
    list_kind: "EventList",
    namespaced: true,
    short_names: &["ev"],
    versions: &[Version {
        version: "v1",
        codec: TypeCodec::of::<events::Event>(),
        convert: Some(Conversion { to_stored, from_stored }),
        warning: None,
        slot: 1,
    }],
    subresources: &[],
    storage: "events",
    stored: STORED,
    storage_version_hash: "r2yiGXH7wu8=",
    create_on_update: true,
    unconditional_update: true,
    labels: EVENTS_V1_LABELS,
    view: View::of::<core::Event>(),
    feature: None,
    strategy: &EventStrategy { group: Group::Events },
};

fn to_stored(served: &dyn Object) -> Box<dyn Object> {
    Box::new(events::to_core(typed::<events::Event>(served).clone()))
}

fn from_stored(stored: &dyn Object) -> Box<dyn Object> {
    Box::new(events::from_core(typed::<core::Event>(stored).clone()))
}

/// Which of the two groups a request speaks: their rules and the names of their fields differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Group {
    Core,
    Events,
}

struct EventStrategy {
    group: Group,
}

impl Strategy for EventStrategy {
    fn has_dependents(&self) -> bool {
        false
    }

    fn validate_create(&self, new: &dyn Object, _version: &Version) -> Vec<FieldError> {
        match self.group {
            Group::Core => validate_event_create(typed(new)),
            Group::Events => validate_events_v1_create(typed(new)),
        }
    }

    fn validate_update(
        &self,
        new: &dyn Object,
        old: &dyn Object,
        _subresource: Option<Subresource>,
        _version: &Version,
    ) -> Vec<FieldError> {
        match self.group {
            Group::Core => validate_event_update(typed(new), typed(old)),
            Group::Events => validate_events_v1_update(typed(new), typed(old)),
        }
    }
}
