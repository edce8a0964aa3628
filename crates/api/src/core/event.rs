//! Events of the core group: what happened to an object. This is also the form in which events are stored.

use super::ObjectReference;
use crate::meta::ObjectMeta;
use crate::schema::Merge;
use crate::{MicroTime, Time};

object! {
    /// Event tells that something happened to an object. It is kept for a while only.
    pub struct Event = "io.k8s.api.core.v1.Event" (top_level) {
        /// Standard object metadata.
        #[prost(message, required, tag = "1")]
        metadata: ObjectMeta => "metadata",
        /// The object that it happened to.
        #[prost(message, required, tag = "2")]
        involved_object: ObjectReference => "involvedObject" { merge: Merge::Atomic },
        /// For programs: why it happened, in one word.
        #[prost(string, required, tag = "3")]
        reason: String as "reason",
        /// For people: what happened.
        #[prost(string, required, tag = "4")]
        message: String as "message",
        /// Who reports it.
        #[prost(message, required, tag = "5")]
        source: EventSource as "source",
        /// When it was seen first.
        #[prost(message, required, tag = "6")]
        first_timestamp: Time => "firstTimestamp" { required: false },
        /// When it was seen last.
        #[prost(message, required, tag = "7")]
        last_timestamp: Time => "lastTimestamp" { required: false },
        /// How often it was seen.
        #[prost(int32, required, tag = "8")]
        count: i32 as "count",
        /// `Normal` or `Warning`.
        #[prost(string, required, tag = "9")]
        r#type: String as "type",
        /// When it was seen first; set by the newer way of reporting.
        #[prost(message, required, tag = "10")]
        event_time: MicroTime => "eventTime" { required: false },
        /// Present when it happened several times.
        #[prost(message, optional, tag = "11")]
        series: Option<EventSeries> as "series",
        /// For programs: what was done, or failed.
        #[prost(string, required, tag = "12")]
        action: String as "action",
        /// Another object that it concerns.
        #[prost(message, optional, tag = "13")]
        related: Option<ObjectReference> as "related" { merge: Merge::Atomic },
        /// The program that reports it, such as `kubernetes.io/kubelet`.
        #[prost(string, required, tag = "14")]
        reporting_component: String => "reportingComponent" { required: false },
        /// Which of the running copies of that program.
        #[prost(string, required, tag = "15")]
        reporting_instance: String => "reportingInstance" { required: false },
    }
}
kind!(Event);

object! {
    /// EventSource says who reports an event.
    pub struct EventSource = "io.k8s.api.core.v1.EventSource" {
        /// The program.
        #[prost(string, required, tag = "1")]
        component: String as "component",
        /// The machine.
        #[prost(string, required, tag = "2")]
        host: String as "host",
    }
}

object! {
    /// EventSeries tells how often an event happened.
    pub struct EventSeries = "io.k8s.api.core.v1.EventSeries" {
        /// How often so far.
        #[prost(int32, required, tag = "1")]
        count: i32 as "count",
        /// When it was seen last.
        #[prost(message, required, tag = "2")]
        last_observed_time: MicroTime => "lastObservedTime" { required: false },
    }
}
