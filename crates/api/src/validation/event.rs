//! The rules of events: lax for those that come through the core group, as they always were, and stricter for those
//! that come through `events.k8s.io/v1`. Both are checked in the core form and named by its fields.

use super::meta::{IMMUTABLE, immutable};
use super::{FieldError, Path, dns1123_subdomain, in_go, json, name_is_dns_subdomain, push_invalid};
use super::{qualified_name, validate_core_object_meta, validate_core_object_meta_update};
use crate::core::{Event, ObjectReference};

/// The most bytes of `reportingInstance`, `action` and `reason`.
const WORD_MAX: usize = 128;
/// What events.k8s.io calls who reports an event.
const REPORTER: &str = "reportingController";
/// The most bytes of `message`.
const MESSAGE_MAX: usize = 1024;

/// What is wrong with an event that is to be created through the core group.
#[must_use]
pub fn validate_event_create(event: &Event) -> Vec<FieldError> {
    in_both_groups(event, "reportingComponent")
}

/// The rules of both groups, which call the reporter by different names.
fn in_both_groups(event: &Event, reporter: &str) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if event.event_time.is_zero() {
        old_way(&mut errors, event);
    } else {
        new_way(&mut errors, event, reporter);
    }
    let namespace = &event.metadata.namespace;
    push_invalid(
        &mut errors,
        &Path::new("namespace"),
        namespace,
        dns1123_subdomain(namespace),
    );
    errors
}

/// What is wrong with a change of an event from `old` to `new` through the core group. Anything may change.
#[must_use]
pub fn validate_event_update(new: &Event, _old: &Event) -> Vec<FieldError> {
    validate_event_create(new)
}

/// What is wrong with an event that is to be created through `events.k8s.io/v1`.
#[must_use]
pub fn validate_events_v1_create(event: &Event) -> Vec<FieldError> {
    let mut errors = in_both_groups(event, REPORTER);
    let path = Path::new("metadata");
    let meta = validate_core_object_meta(&event.metadata, true, name_is_dns_subdomain, &path);
    errors.extend(meta);
    series(&mut errors, event);
    if event.event_time.is_zero() {
        errors.push(FieldError::required(&Path::new("eventTime"), ""));
    }
    if event.r#type != "Normal" && event.r#type != "Warning" {
        let detail = format!("has invalid value: {}", event.r#type);
        errors.push(FieldError::invalid(&Path::new("type"), "", &detail));
    }
    let source = &event.source;
    for (field, set) in [
        ("firstTimestamp", !event.first_timestamp.is_zero()),
        ("lastTimestamp", !event.last_timestamp.is_zero()),
        ("count", event.count != 0),
        ("source", !source.component.is_empty() || !source.host.is_empty()),
    ] {
        if set {
            errors.push(FieldError::invalid(&Path::new(field), "", "needs to be unset"));
        }
    }
    errors
}

/// What is wrong with a change of an event from `old` to `new` through `events.k8s.io/v1`: only the series and the
/// metadata may change.
#[must_use]
pub fn validate_events_v1_update(new: &Event, old: &Event) -> Vec<FieldError> {
    let mut errors = in_both_groups(new, REPORTER);
    let path = Path::new("metadata");
    errors.extend(validate_core_object_meta_update(&new.metadata, &old.metadata, &path));
    if new.series != old.series {
        series(&mut errors, new);
    }
    macro_rules! same {
        ($($field:ident as $name:literal),* $(,)?) => {
            $(immutable(&mut errors, &new.$field, &old.$field, &Path::new($name));)*
        };
    }
    let shown = reference_in_go(&new.involved_object);
    immutable_shown(
        &mut errors,
        &new.involved_object,
        &old.involved_object,
        "involvedObject",
        shown,
    );
    // Kubernetes looks at the reason twice.
    same! {
        reason as "reason",
        message as "message",
    }
    let source = in_go(&[
        ("Component", json(&new.source.component)),
        ("Host", json(&new.source.host)),
    ]);
    immutable_shown(&mut errors, &new.source, &old.source, "source", source);
    same! {
        first_timestamp as "firstTimestamp",
        last_timestamp as "lastTimestamp",
        count as "count",
        reason as "reason",
        r#type as "type",
        event_time as "eventTime",
        action as "action",
    }
    let related = new.related.as_ref().map_or_else(|| "null".to_owned(), reference_in_go);
    immutable_shown(&mut errors, &new.related, &old.related, "related", related);
    same! {
        reporting_component as "reportingController",
        reporting_instance as "reportingInstance",
    }
    errors
}

/// As [`immutable`], for a value that Go shows in a form of its own.
fn immutable_shown<T: PartialEq>(errors: &mut Vec<FieldError>, new: &T, old: &T, field: &str, shown: String) {
    if new != old {
        errors.push(FieldError::invalid_bare(&Path::new(field), shown, IMMUTABLE));
    }
}

fn reference_in_go(reference: &ObjectReference) -> String {
    in_go(&[
        ("Kind", json(&reference.kind)),
        ("Namespace", json(&reference.namespace)),
        ("Name", json(&reference.name)),
        ("UID", json(&reference.uid)),
        ("APIVersion", json(&reference.api_version)),
        ("ResourceVersion", json(&reference.resource_version)),
        ("FieldPath", json(&reference.field_path)),
    ])
}

/// An event without `eventTime`: it lives in the namespace of the object that it is about.
fn old_way(errors: &mut Vec<FieldError>, event: &Event) {
    let (own, object) = (&event.metadata.namespace, &event.involved_object.namespace);
    let nowhere = own.is_empty() || own == "default";
    let agrees = if object.is_empty() { nowhere } else { own == object };
    if !agrees {
        namespace_differs(errors, object);
    }
}

/// An event with `eventTime`: it also says who reports it and what was done.
fn new_way(errors: &mut Vec<FieldError>, event: &Event, reporter: &str) {
    let (own, object) = (&event.metadata.namespace, &event.involved_object.namespace);
    if object.is_empty() && own != "default" && own != "kube-system" {
        namespace_differs(errors, object);
    }
    let (path, controller) = (Path::new(reporter), &event.reporting_component);
    if controller.is_empty() {
        errors.push(FieldError::required(&path, ""));
    }
    push_invalid(errors, &path, controller, qualified_name(controller));
    for (field, text) in [
        ("reportingInstance", &event.reporting_instance),
        ("action", &event.action),
        ("reason", &event.reason),
    ] {
        if text.is_empty() {
            errors.push(FieldError::required(&Path::new(field), ""));
        }
        at_most(errors, field, text, WORD_MAX);
    }
    at_most(errors, "message", &event.message, MESSAGE_MAX);
}

fn namespace_differs(errors: &mut Vec<FieldError>, namespace: &str) {
    let path = Path::new("involvedObject");
    let path = path.child("namespace");
    errors.push(FieldError::invalid(&path, namespace, "does not match event.namespace"));
}

fn at_most(errors: &mut Vec<FieldError>, field: &str, text: &str, max: usize) {
    if text.len() > max {
        let detail = format!("can have at most {max} characters");
        errors.push(FieldError::invalid(&Path::new(field), "", &detail));
    }
}

fn series(errors: &mut Vec<FieldError>, event: &Event) {
    let Some(series) = &event.series else {
        return;
    };
    let path = Path::new("series");
    if series.count < 2 {
        errors.push(FieldError::invalid(&path.child("count"), "", "should be at least 2"));
    }
    if series.last_observed_time.is_zero() {
        errors.push(FieldError::required(&path.child("lastObservedTime"), ""));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::validation::texts;

    const TIME: &str = "2026-01-02T03:04:05.000006Z";

    /// An event that keeps the stricter rules, with these changes.
    fn event(changes: &Value) -> Event {
        let mut event = json!({
            "metadata": {"name": "a", "namespace": "n", "resourceVersion": "1"},
            "involvedObject": {"kind": "Lease", "namespace": "n", "name": "app"},
            "eventTime": TIME,
            "reportingComponent": "x.io/elector",
            "reportingInstance": "one",
            "action": "Elect",
            "reason": "LeaderElection",
            "message": "one became leader",
            "type": "Normal",
        });
        for (field, value) in changes.as_object().unwrap() {
            event[field] = value.clone();
        }
        serde_json::from_value(event).unwrap()
    }

    #[test]
    fn through_the_core_group_old_events_need_only_agree_with_their_object() {
        let differs = "involvedObject.namespace: Invalid value:";
        for (own, object, wrong) in [
            ("n", "n", None),
            ("default", "", None),
            ("n", "", Some(format!("{differs} \"\": does not match event.namespace"))),
            (
                "n",
                "m",
                Some(format!("{differs} \"m\": does not match event.namespace")),
            ),
        ] {
            let event = serde_json::from_value::<Event>(json!({
                "metadata": {"name": "a", "namespace": own},
                "involvedObject": {"namespace": object},
            }));
            let errors = texts(&validate_event_create(&event.unwrap()));
            assert_eq!(errors, Vec::from_iter(wrong), "{own} {object}");
        }
    }

    #[test]
    fn events_with_a_time_may_be_about_what_lives_in_no_namespace() {
        let about_node = |namespace: &str| {
            let metadata = json!({"name": "a", "namespace": namespace});
            let event = event(&json!({"metadata": metadata, "involvedObject": {"kind": "Node"}}));
            validate_event_create(&event).len()
        };
        assert_eq!(["default", "kube-system", "n"].map(about_node), [0, 0, 1]);
    }

    #[test]
    fn events_with_a_time_say_who_did_what() {
        let long = "x".repeat(129);
        let message = "x".repeat(1025);
        let event = event(&json!({
            "involvedObject": {},
            "reportingComponent": "",
            "reportingInstance": "",
            "action": long,
            "reason": "",
            "message": message,
        }));
        let errors = texts(&validate_event_create(&event));
        assert!(errors[3].starts_with("reportingComponent: Invalid value: \"\": name part must consist of"));
        let others = errors.iter().enumerate().filter(|(at, _)| *at != 3);
        let others: Vec<_> = others.map(|(_, text)| text.as_str()).collect();
        let wrong = [
            "involvedObject.namespace: Invalid value: \"\": does not match event.namespace",
            "reportingComponent: Required value",
            "reportingComponent: Invalid value: \"\": name part must be non-empty",
            "reportingInstance: Required value",
            "action: Invalid value: \"\": can have at most 128 characters",
            "reason: Required value",
            "message: Invalid value: \"\": can have at most 1024 characters",
        ];
        assert_eq!(others, wrong);
        assert_eq!(texts(&validate_event_update(&event, &event)), errors);
    }

    #[test]
    fn through_the_newer_group_nothing_old_may_be_set() {
        let good = event(&json!({"series": {"count": 2, "lastObservedTime": TIME}}));
        assert_eq!(texts(&validate_events_v1_create(&good)), Vec::<String>::new());
        let bad = event(&json!({
            "eventTime": null,
            "series": {"count": 1},
            "type": "Odd",
            "firstTimestamp": TIME,
            "lastTimestamp": TIME,
            "count": 1,
            "source": {"host": "h"},
        }));
        assert_eq!(texts(&validate_event_create(&bad)), Vec::<String>::new());
        let wrong = [
            "series.count: Invalid value: \"\": should be at least 2",
            "series.lastObservedTime: Required value",
            "eventTime: Required value",
            "type: Invalid value: \"\": has invalid value: Odd",
            "firstTimestamp: Invalid value: \"\": needs to be unset",
            "lastTimestamp: Invalid value: \"\": needs to be unset",
            "count: Invalid value: \"\": needs to be unset",
            "source: Invalid value: \"\": needs to be unset",
        ];
        assert_eq!(texts(&validate_events_v1_create(&bad)), wrong);
    }

    #[test]
    fn through_the_newer_group_only_the_series_may_change() {
        let old = event(&json!({}));
        let new = event(&json!({"series": {"count": 2, "lastObservedTime": TIME}}));
        assert_eq!(texts(&validate_events_v1_update(&new, &old)), Vec::<String>::new());
        let new = event(&json!({"message": "other", "count": 3, "series": {"count": 1}}));
        let wrong = [
            "series.count: Invalid value: \"\": should be at least 2",
            "series.lastObservedTime: Required value",
            "message: Invalid value: \"other\": field is immutable",
            "count: Invalid value: 3: field is immutable",
        ];
        assert_eq!(texts(&validate_events_v1_update(&new, &old)), wrong);
        assert_eq!(texts(&validate_event_update(&new, &old)), Vec::<String>::new());
    }
}
