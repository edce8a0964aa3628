//! Names of groups, versions and kinds.

use std::fmt;

/// A group and version, such as `coordination.k8s.io/v1`, or `v1` for the group without a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct GroupVersion {
    /// The group; empty for the core group.
    pub group: &'static str,
    /// The version, such as `v1beta1`.
    pub version: &'static str,
}

impl GroupVersion {
    /// The kind of this name in this group and version.
    #[must_use]
    pub const fn kind(self, kind: &'static str) -> Gvk {
        Gvk {
            group: self.group,
            version: self.version,
            kind,
        }
    }

    /// Whether `api_version`, as it stands in an object's `apiVersion`, names this group and version.
    #[must_use]
    pub fn is(self, api_version: &str) -> bool {
        match api_version.split_once('/') {
            Some((group, version)) => group == self.group && version == self.version,
            None => self.group.is_empty() && api_version == self.version,
        }
    }
}

impl fmt::Display for GroupVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.group.is_empty() {
            f.write_str(self.version)
        } else {
            write!(f, "{}/{}", self.group, self.version)
        }
    }
}

/// A group, version and kind: what `apiVersion` and `kind` say of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Gvk {
    /// The group; empty for the core group.
    pub group: &'static str,
    /// The version.
    pub version: &'static str,
    /// The kind, in `CamelCase`.
    pub kind: &'static str,
}

impl Gvk {
    /// Group and version without the kind.
    #[must_use]
    pub const fn group_version(self) -> GroupVersion {
        GroupVersion {
            group: self.group,
            version: self.version,
        }
    }

    /// What the object's `apiVersion` says.
    #[must_use]
    pub fn api_version(self) -> String {
        self.group_version().to_string()
    }
}

impl fmt::Display for Gvk {
    /// Kubernetes' form in messages: `coordination.k8s.io/v1, Kind=Lease`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, Kind={}", self.group_version(), self.kind)
    }
}
