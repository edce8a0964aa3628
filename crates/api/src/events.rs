//! `events.k8s.io`: the newer form of events. Both forms carry the same; the core one is what is stored.

use crate::core::{self, EventSource, ObjectReference};
use crate::meta::ObjectMeta;
use crate::schema::Merge;
use crate::{MicroTime, Time};

object! {
    /// Event tells that something happened to an object. It is kept for a while only.
    pub struct Event = "io.k8s.api.events.v1.Event" (top_level) {
        /// Standard object metadata.
        #[prost(message, required, tag = "1")]
        metadata: ObjectMeta => "metadata",
        /// When it was seen first.
        #[prost(message, required, tag = "2")]
        event_time: MicroTime => "eventTime",
        /// Present when it happened several times.
        #[prost(message, optional, tag = "3")]
        series: Option<EventSeries> as "series",
        /// The program that reports it, such as `kubernetes.io/kubelet`.
        #[prost(string, required, tag = "4")]
        reporting_controller: String as "reportingController",
        /// Which of the running copies of that program; at most 128 bytes.
        #[prost(string, required, tag = "5")]
        reporting_instance: String as "reportingInstance",
        /// For programs: what was done, or failed; at most 128 bytes.
        #[prost(string, required, tag = "6")]
        action: String as "action",
        /// For programs: why it happened, in one word; at most 128 bytes.
        #[prost(string, required, tag = "7")]
        reason: String as "reason",
        /// The object that it happened to.
        #[prost(message, required, tag = "8")]
        regarding: ObjectReference as "regarding" { merge: Merge::Atomic },
        /// Another object that it concerns.
        #[prost(message, optional, tag = "9")]
        related: Option<ObjectReference> as "related" { merge: Merge::Atomic },
        /// For people: what happened; at most 1024 bytes.
        #[prost(string, required, tag = "10")]
        note: String as "note",
        /// `Normal` or `Warning`.
        #[prost(string, required, tag = "11")]
        r#type: String as "type",
        /// The core event's `source`.
        #[prost(message, required, tag = "12")]
        deprecated_source: EventSource as "deprecatedSource",
        /// The core event's `firstTimestamp`.
        #[prost(message, required, tag = "13")]
        deprecated_first_timestamp: Time => "deprecatedFirstTimestamp" { required: false },
        /// The core event's `lastTimestamp`.
        #[prost(message, required, tag = "14")]
        deprecated_last_timestamp: Time => "deprecatedLastTimestamp" { required: false },
        /// The core event's `count`.
        #[prost(int32, required, tag = "15")]
        deprecated_count: i32 as "deprecatedCount",
    }
}
kind!(Event);

object! {
    /// EventSeries tells how often an event happened.
    pub struct EventSeries = "io.k8s.api.events.v1.EventSeries" {
        /// How often so far.
        #[prost(int32, required, tag = "1")]
        count: i32 => "count",
        /// When it was seen last.
        #[prost(message, required, tag = "2")]
        last_observed_time: MicroTime => "lastObservedTime",
    }
}

/// The same event in the core group's form. Nothing is lost: [`from_core`] is the exact inverse.
#[must_use]
pub fn to_core(event: Event) -> core::Event {
    // Every field is taken apart by name, so that a new one cannot be forgotten.
    let Event {
        metadata,
        event_time,
        series,
        reporting_controller,
        reporting_instance,
        action,
        reason,
        regarding,
        related,
        note,
        r#type,
        deprecated_source,
        deprecated_first_timestamp,
        deprecated_last_timestamp,
        deprecated_count,
    } = event;
    core::Event {
        metadata,
        involved_object: regarding,
        reason,
        message: note,
        source: deprecated_source,
        first_timestamp: deprecated_first_timestamp,
        last_timestamp: deprecated_last_timestamp,
        count: deprecated_count,
        r#type,
        event_time,
        series: series.map(|series| core::EventSeries {
            count: series.count,
            last_observed_time: series.last_observed_time,
        }),
        action,
        related,
        reporting_component: reporting_controller,
        reporting_instance,
    }
}

/// The same event in the `events.k8s.io` form. Nothing is lost: [`to_core`] is the exact inverse.
#[must_use]
pub fn from_core(event: core::Event) -> Event {
    let core::Event {
        metadata,
        involved_object,
        reason,
        message,
        source,
        first_timestamp,
        last_timestamp,
        count,
        r#type,
        event_time,
        series,
        action,
        related,
        reporting_component,
        reporting_instance,
    } = event;
    Event {
        metadata,
        event_time,
        series: series.map(|series| EventSeries {
            count: series.count,
            last_observed_time: series.last_observed_time,
        }),
        reporting_controller: reporting_component,
        reporting_instance,
        action,
        reason,
        regarding: involved_object,
        related,
        note: message,
        r#type,
        deprecated_source: source,
        deprecated_first_timestamp: first_timestamp,
        deprecated_last_timestamp: last_timestamp,
        deprecated_count: count,
    }
}
