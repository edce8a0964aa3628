//! The resource table turned round: from resources with versions to groups with versions with resources.

use std::cmp::Reverse;

use leasehold_registry::{Resource, Subresource, Version};

/// What can be done with a resource, in the order in which discovery tells it.
pub(crate) const VERBS: &[&str] = &[
    "create",
    "delete",
    "deletecollection",
    "get",
    "list",
    "patch",
    "update",
    "watch",
];

/// What can be done with a subresource.
pub(crate) const fn subresource_verbs(subresource: Subresource) -> &'static [&'static str] {
    match subresource {
        Subresource::Status => &["get", "patch", "update"],
        Subresource::Finalize => &["update"],
    }
}

/// An API group as it is served.
pub(crate) struct Group {
    /// Empty for the core group.
    pub(crate) name: &'static str,
    /// Its versions, the preferred one first.
    pub(crate) versions: Vec<GroupVersionResources>,
}

/// A version of a group, with what is served in it.
pub(crate) struct GroupVersionResources {
    /// Empty for the core group.
    pub(crate) group: &'static str,
    /// Such as `v1beta1`.
    pub(crate) version: &'static str,
    /// In the order of the table.
    pub(crate) resources: Vec<(&'static Resource, &'static Version)>,
}

impl GroupVersionResources {
    /// As in `apiVersion`: `coordination.k8s.io/v1`, or `v1` in the core group.
    pub(crate) fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.to_owned()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }

    /// Where its resources are: `/apis/coordination.k8s.io/v1`, or `/api/v1` in the core group.
    pub(crate) fn path(&self) -> String {
        let root = if self.group.is_empty() { "/api" } else { "/apis" };
        format!("{root}/{}", self.api_version())
    }
}

/// The groups of a table, in its order, each with its versions in Kubernetes' order.
pub(crate) fn groups(table: &[&'static Resource]) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for &resource in table {
        let group = entry(
            &mut groups,
            |group| group.name == resource.group,
            || Group {
                name: resource.group,
                versions: Vec::new(),
            },
        );
        for version in resource.versions {
            let served = entry(
                &mut group.versions,
                |served| served.version == version.version,
                || GroupVersionResources {
                    group: resource.group,
                    version: version.version,
                    resources: Vec::new(),
                },
            );
            served.resources.push((resource, version));
        }
    }
    for group in &mut groups {
        group.versions.sort_by_key(|served| precedence(served.version));
    }
    groups
}

/// The first item that matches, or a new one at the end.
fn entry<T>(items: &mut Vec<T>, is: impl Fn(&T) -> bool, new: impl FnOnce() -> T) -> &mut T {
    let at = items.iter().position(is).unwrap_or_else(|| {
        items.push(new());
        items.len() - 1
    });
    &mut items[at]
}

/// Sorts stable versions before beta ones before alpha ones, higher numbers first, and all else at the end by name.
fn precedence(version: &str) -> (u8, Reverse<u32>, Reverse<u32>, &str) {
    parse(version).map_or((3, Reverse(0), Reverse(0), version), |(stage, major, minor)| {
        (stage, Reverse(major), Reverse(minor), version)
    })
}

/// `v2beta1` is stage 1, major 2, minor 1.
fn parse(version: &str) -> Option<(u8, u32, u32)> {
    let rest = version.strip_prefix('v')?;
    for (stage, name) in [(1, "beta"), (2, "alpha")] {
        if let Some((major, minor)) = rest.split_once(name) {
            return Some((stage, major.parse().ok()?, minor.parse().ok()?));
        }
    }
    Some((0, rest.parse().ok()?, 0))
}

#[cfg(test)]
mod tests {
    use super::precedence;

    #[test]
    fn stable_versions_come_before_beta_before_alpha_and_higher_before_lower() {
        let sorted = [
            "v10", "v2", "v1", "v2beta1", "v1beta2", "v1beta1", "v1alpha2", "foo1", "vx",
        ];
        let mut versions = sorted;
        versions.reverse();
        versions.sort_by_key(|version| precedence(version));
        assert_eq!(versions, sorted);
    }
}
