//! What field selectors can select by: for each resource and version the labels that a request may use, and for each
//! stored kind the value behind a label.

use std::borrow::Cow;

use crate::ApiError;
use crate::coordination::{Lease, LeaseCandidate};
use crate::core::{Event, Namespace, Node};
use crate::meta::ObjectMeta;

/// The labels that requests to one resource in one version may use.
#[derive(Clone, Copy, Debug)]
pub struct FieldLabels {
    /// What a request says, and what [`Selectable::field`] calls it.
    labels: &'static [(&'static str, &'static str)],
    /// Whether the resource has labels of its own, which changes how others are refused.
    own: bool,
}

impl FieldLabels {
    /// What [`Selectable::field`] calls the field that a request calls `label`.
    ///
    /// # Errors
    /// 400 when requests cannot select by it.
    pub fn resolve(&self, label: &str) -> Result<&'static str, ApiError> {
        let mut labels = self.labels.iter();
        match labels.find(|(asked, _)| *asked == label) {
            Some((_, name)) => Ok(name),
            None => Err(ApiError::bad_request(self.refusal(label))),
        }
    }

    fn refusal(&self, label: &str) -> String {
        if self.own {
            return format!("field label not supported: {label}");
        }
        let known: Vec<_> = self.labels.iter().map(|(label, _)| format!("{label:?}")).collect();
        format!("{label:?} is not a known field selector: only {}", known.join(", "))
    }
}

/// Of resources without labels of their own: leases and lease candidates.
pub const METADATA_LABELS: FieldLabels = FieldLabels {
    labels: &[
        ("metadata.name", "metadata.name"),
        ("metadata.namespace", "metadata.namespace"),
    ],
    own: false,
};

/// Of nodes.
pub const NODE_LABELS: FieldLabels = FieldLabels {
    labels: &[
        ("metadata.name", "metadata.name"),
        ("spec.unschedulable", "spec.unschedulable"),
    ],
    own: true,
};

/// Of namespaces.
pub const NAMESPACE_LABELS: FieldLabels = FieldLabels {
    labels: &[("metadata.name", "metadata.name"), ("status.phase", "status.phase")],
    own: true,
};

/// Of events in the core group.
pub const EVENT_LABELS: FieldLabels = FieldLabels {
    labels: &[
        ("involvedObject.kind", "involvedObject.kind"),
        ("involvedObject.namespace", "involvedObject.namespace"),
        ("involvedObject.name", "involvedObject.name"),
        ("involvedObject.uid", "involvedObject.uid"),
        ("involvedObject.apiVersion", "involvedObject.apiVersion"),
        ("involvedObject.resourceVersion", "involvedObject.resourceVersion"),
        ("involvedObject.fieldPath", "involvedObject.fieldPath"),
        ("reason", "reason"),
        ("reportingComponent", "reportingComponent"),
        ("source", "source"),
        ("type", "type"),
        ("metadata.namespace", "metadata.namespace"),
        ("metadata.name", "metadata.name"),
    ],
    own: true,
};

/// Of events in `events.k8s.io/v1`, which are stored in the core form.
pub const EVENTS_V1_LABELS: FieldLabels = FieldLabels {
    labels: &[
        ("reason", "reason"),
        ("regarding.kind", "involvedObject.kind"),
        ("regarding.namespace", "involvedObject.namespace"),
        ("regarding.name", "involvedObject.name"),
        ("regarding.uid", "involvedObject.uid"),
        ("regarding.apiVersion", "involvedObject.apiVersion"),
        ("regarding.resourceVersion", "involvedObject.resourceVersion"),
        ("regarding.fieldPath", "involvedObject.fieldPath"),
        ("reportingController", "reportingComponent"),
        ("type", "type"),
        ("metadata.namespace", "metadata.namespace"),
        ("metadata.name", "metadata.name"),
    ],
    own: true,
};

/// A stored kind whose fields can be selected by.
pub trait Selectable {
    /// The value behind a label that [`FieldLabels::resolve`] returned; none for one of another kind.
    fn field(&self, label: &str) -> Option<Cow<'_, str>>;
}

/// The labels that all kinds have.
fn metadata<'a>(meta: &'a ObjectMeta, label: &str) -> Option<Cow<'a, str>> {
    match label {
        "metadata.name" => Some(meta.name.as_str().into()),
        "metadata.namespace" => Some(meta.namespace.as_str().into()),
        _ => None,
    }
}

impl Selectable for Lease {
    fn field(&self, label: &str) -> Option<Cow<'_, str>> {
        metadata(&self.metadata, label)
    }
}

impl Selectable for LeaseCandidate {
    fn field(&self, label: &str) -> Option<Cow<'_, str>> {
        metadata(&self.metadata, label)
    }
}

impl Selectable for Node {
    fn field(&self, label: &str) -> Option<Cow<'_, str>> {
        match label {
            "spec.unschedulable" => Some(self.spec.unschedulable.to_string().into()),
            _ => metadata(&self.metadata, label),
        }
    }
}

impl Selectable for Namespace {
    fn field(&self, label: &str) -> Option<Cow<'_, str>> {
        match label {
            "status.phase" => Some(self.status.phase.as_str().into()),
            _ => metadata(&self.metadata, label),
        }
    }
}

impl Selectable for Event {
    fn field(&self, label: &str) -> Option<Cow<'_, str>> {
        let object = &self.involved_object;
        let value = match label {
            "involvedObject.kind" => &object.kind,
            "involvedObject.namespace" => &object.namespace,
            "involvedObject.name" => &object.name,
            "involvedObject.uid" => &object.uid,
            "involvedObject.apiVersion" => &object.api_version,
            "involvedObject.resourceVersion" => &object.resource_version,
            "involvedObject.fieldPath" => &object.field_path,
            "reason" => &self.reason,
            "reportingComponent" => &self.reporting_component,
            // Who reports it, in whichever way.
            "source" if self.source.component.is_empty() => &self.reporting_component,
            "source" => &self.source.component,
            "type" => &self.r#type,
            _ => return metadata(&self.metadata, label),
        };
        Some(value.as_str().into())
    }
}

#[cfg(test)]
mod tests {
    use serde::de::DeserializeOwned;
    use serde_json::{Value, json};

    use super::*;

    fn check<T: Selectable + DeserializeOwned>(labels: &FieldLabels, object: Value, wanted: &[(&str, &str)]) {
        let object: T = serde_json::from_value(object).unwrap();
        for (label, value) in wanted {
            let name = labels.resolve(label).unwrap();
            assert_eq!(object.field(name).as_deref(), Some(*value), "{label}");
        }
        // No label of the version is without a value, and none is left out above.
        assert!(labels.labels.iter().all(|(_, name)| object.field(name).is_some()));
        assert_eq!(labels.labels.len(), wanted.len());
        assert_eq!(object.field("spec.holderIdentity"), None);
    }

    #[test]
    fn every_label_finds_its_value() {
        let metadata = json!({"name": "a", "namespace": "n"});
        let names = [("metadata.name", "a"), ("metadata.namespace", "n")];
        check::<Lease>(&METADATA_LABELS, json!({"metadata": metadata}), &names);
        check::<LeaseCandidate>(&METADATA_LABELS, json!({"metadata": metadata}), &names);
        check::<Node>(
            &NODE_LABELS,
            json!({"metadata": metadata, "spec": {"unschedulable": true}}),
            &[("metadata.name", "a"), ("spec.unschedulable", "true")],
        );
        check::<Namespace>(
            &NAMESPACE_LABELS,
            json!({"metadata": metadata, "status": {"phase": "Active"}}),
            &[("metadata.name", "a"), ("status.phase", "Active")],
        );
    }

    #[test]
    fn every_label_of_events_finds_its_value_in_both_groups() {
        let event = json!({
            "metadata": {"name": "a", "namespace": "n"},
            "involvedObject": {
                "kind": "k", "namespace": "on", "name": "o", "uid": "u", "apiVersion": "v", "resourceVersion": "7",
                "fieldPath": "f",
            },
            "reason": "r",
            "reportingComponent": "c",
            "source": {"component": "s"},
            "type": "t",
        });
        let object = [
            ("kind", "k"),
            ("namespace", "on"),
            ("name", "o"),
            ("uid", "u"),
            ("apiVersion", "v"),
            ("resourceVersion", "7"),
            ("fieldPath", "f"),
        ];
        let with = |prefix: &str, others: &[(&'static str, &'static str)]| -> Vec<(String, &str)> {
            let object = object
                .iter()
                .map(|(label, value)| (format!("{prefix}.{label}"), *value));
            object
                .chain(others.iter().map(|(label, value)| ((*label).to_owned(), *value)))
                .collect()
        };
        let core = with(
            "involvedObject",
            &[
                ("metadata.name", "a"),
                ("metadata.namespace", "n"),
                ("reason", "r"),
                ("type", "t"),
                ("reportingComponent", "c"),
                ("source", "s"),
            ],
        );
        let newer = with(
            "regarding",
            &[
                ("metadata.name", "a"),
                ("metadata.namespace", "n"),
                ("reason", "r"),
                ("type", "t"),
                ("reportingController", "c"),
            ],
        );
        for (labels, wanted) in [(&EVENT_LABELS, core), (&EVENTS_V1_LABELS, newer)] {
            let wanted: Vec<_> = wanted.iter().map(|(label, value)| (label.as_str(), *value)).collect();
            check::<Event>(labels, event.clone(), &wanted);
        }
    }

    #[test]
    fn the_source_of_an_event_is_whoever_reports_it() {
        let event: Event = serde_json::from_value(json!({"reportingComponent": "c"})).unwrap();
        assert_eq!(event.field("source").as_deref(), Some("c"));
    }

    #[test]
    fn other_labels_are_refused() {
        for (labels, label, text) in [
            (
                METADATA_LABELS,
                "spec.holderIdentity",
                "\"spec.holderIdentity\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\"",
            ),
            (
                NODE_LABELS,
                "metadata.namespace",
                "field label not supported: metadata.namespace",
            ),
            (EVENTS_V1_LABELS, "source", "field label not supported: source"),
        ] {
            let error = labels.resolve(label).unwrap_err();
            assert_eq!((error.code(), error.to_string().as_str()), (400, text));
        }
    }
}
