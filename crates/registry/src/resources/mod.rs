//! The resources, a row each. Adding one is a row here, a strategy beside it and a type in the api crate.

mod event;
mod lease;
mod lease_candidate;
mod namespace;
mod node;

use leasehold_api::{Kind, Object};

pub use event::{CORE_EVENTS, EVENTS};
pub use lease::LEASES;
pub use lease_candidate::LEASE_CANDIDATES;
pub use namespace::{INITIAL_NAMESPACES, NAMESPACES};
pub use node::NODES;

use crate::resource::{Resource, Version};

/// Every resource that can be served.
pub static TABLE: &[&Resource] = &[&NAMESPACES, &NODES, &CORE_EVENTS, &LEASES, &LEASE_CANDIDATES, &EVENTS];

/// The resource of this group, version and plural name, served or not.
#[must_use]
pub fn lookup(group: &str, version: &str, plural: &str) -> Option<(&'static Resource, &'static Version)> {
    let resource = TABLE
        .iter()
        .find(|resource| resource.group == group && resource.plural == plural)?;
    Some((resource, resource.version(version)?))
}

/// An object as the type that its resource stores.
pub(crate) fn typed<T: Kind>(object: &dyn Object) -> &T {
    object
        .downcast_ref()
        .expect("a strategy is given objects of its own resource")
}

fn typed_mut<T: Kind>(object: &mut dyn Object) -> &mut T {
    object
        .downcast_mut()
        .expect("a strategy is given objects of its own resource")
}
