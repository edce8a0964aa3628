//! The resources, a row each.

use crate::resource::{Resource, Version};

/// Every resource that is served.
pub static TABLE: &[&Resource] = &[];

/// The resource of this group, version and plural name.
#[must_use]
pub fn lookup(group: &str, version: &str, plural: &str) -> Option<(&'static Resource, &'static Version)> {
    let resource = TABLE
        .iter()
        .find(|resource| resource.group == group && resource.plural == plural)?;
    Some((resource, resource.version(version)?))
}
