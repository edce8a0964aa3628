//! Which objects a list or a watch is about.

use std::borrow::Cow;

use leasehold_api::options::ListOptions;
use leasehold_api::selector::{fields, labels};
use leasehold_api::{ApiError, Object};
use leasehold_store::{Key, Range};

use crate::place::Place;
use crate::resource::Resource;

/// Selects objects of one resource by labels and fields.
#[derive(Clone, Debug)]
pub(crate) struct Filter {
    resource: &'static Resource,
    labels: labels::Selector,
    fields: fields::Selector,
}

impl Filter {
    /// 400 for a field that cannot be selected by.
    pub(crate) fn new(place: &Place, options: &ListOptions) -> Result<Self, ApiError> {
        let resource = place.resource;
        for field in options.field_selector.fields() {
            resource.labels.resolve(field)?;
        }
        Ok(Self {
            resource,
            labels: options.label_selector.clone(),
            fields: options.field_selector.clone(),
        })
    }

    /// Whether it selects everything, so that no object needs to be looked at.
    pub(crate) fn is_everything(&self) -> bool {
        self.labels.is_empty() && self.fields.is_empty()
    }

    /// Whether it selects this object, in the stored version.
    pub(crate) fn matches(&self, object: &dyn Object) -> bool {
        self.labels.matches(&object.metadata().labels) && self.fields.matches(|field| self.field(object, field))
    }

    fn field<'a>(&self, object: &'a dyn Object, label: &str) -> Option<Cow<'a, str>> {
        let name = self.resource.labels.resolve(label).ok()?;
        (self.resource.view.field)(object, name)
    }

    /// The smallest range of keys that holds all it selects.
    pub(crate) fn range(&self, place: &Place) -> Range {
        let namespace = match self.fields.requires_exact("metadata.namespace") {
            Some(namespace) if place.namespace.is_empty() => namespace.into(),
            _ => place.namespace.clone(),
        };
        let one_namespace = !namespace.is_empty() || !place.resource.namespaced;
        match self.fields.requires_exact("metadata.name") {
            Some(name) if one_namespace => Range::Name(Key {
                resource: place.resource.storage,
                namespace,
                name: name.into(),
            }),
            _ => Place {
                namespace,
                ..place.clone()
            }
            .range(),
        }
    }
}
