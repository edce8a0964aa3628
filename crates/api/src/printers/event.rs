//! Events as rows, whichever of the two ways they were reported in.

use serde_json::Value;

use super::{Printer, age, column, definition, wide};
use crate::core::Event;
use crate::meta::TableColumnDefinition;
use crate::{MicroTime, Time};

impl Printer for Event {
    const COLUMNS: &'static [TableColumnDefinition] = &[
        column("Last Seen", "How long ago it happened last."),
        column("Type", "Normal or Warning."),
        column("Reason", "Why it happened, in one word."),
        column("Object", "The object that it happened to."),
        wide("Subobject", "The part of the object that it happened to."),
        wide("Source", "Who reports it."),
        column("Message", "What happened."),
        wide("First Seen", "How long ago it happened first."),
        wide("Count", "How often it happened."),
        definition("Name", "name", "The event's name, unique within its namespace.", 1),
    ];

    fn cells(&self, now: Time) -> Vec<Value> {
        let (first, last) = seen(self);
        vec![
            age(last, now).into(),
            self.r#type.as_str().into(),
            self.reason.as_str().into(),
            object(self).into(),
            self.involved_object.field_path.as_str().into(),
            source(self).into(),
            self.message.trim().into(),
            age(first, now).into(),
            count(self).into(),
            self.metadata.name.as_str().into(),
        ]
    }
}

fn whole(time: MicroTime) -> Time {
    Time::new(time.seconds, 0)
}

/// When it was seen first and last.
fn seen(event: &Event) -> (Time, Time) {
    let or = |time: Time, otherwise| if time.is_zero() { otherwise } else { time };
    let first = or(event.first_timestamp, whole(event.event_time));
    let last = match &event.series {
        Some(series) => whole(series.last_observed_time),
        None => or(event.last_timestamp, first),
    };
    (first, last)
}

fn count(event: &Event) -> i32 {
    match &event.series {
        Some(series) => series.count,
        // The newer way of reporting leaves it out for what happened once.
        None if event.count == 0 => 1,
        None => event.count,
    }
}

fn object(event: &Event) -> String {
    let kind = event.involved_object.kind.to_lowercase();
    match event.involved_object.name.as_str() {
        "" => kind,
        name => format!("{kind}/{name}"),
    }
}

fn source(event: &Event) -> String {
    let or = |text: &'_ str, otherwise: &'_ str| {
        let chosen = if text.is_empty() { otherwise } else { text };
        chosen.to_owned()
    };
    let program = or(&event.source.component, &event.reporting_component);
    match or(&event.source.host, &event.reporting_instance) {
        instance if instance.is_empty() => program,
        instance => format!("{program}, {instance}"),
    }
}
