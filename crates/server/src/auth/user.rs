//! The caller, and what is known of a request before its body is read.

use std::sync::Arc;

/// Who makes a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Such as `system:node:n1`.
    pub name: Arc<str>,
    /// The groups the user is in; `system:authenticated` or `system:unauthenticated` among them.
    pub groups: Arc<[Arc<str>]>,
}

/// Whose requests carry no credentials that are recognised.
pub const ANONYMOUS: &str = "system:anonymous";
/// The group of everybody with credentials.
pub const AUTHENTICATED: &str = "system:authenticated";
/// The group of everybody without.
pub const UNAUTHENTICATED: &str = "system:unauthenticated";
/// The group that may do everything.
pub const MASTERS: &str = "system:masters";
/// The group of the machines' own agents.
pub const NODES: &str = "system:nodes";
/// What comes before a node's name in the name of its agent.
const NODE_PREFIX: &str = "system:node:";

impl User {
    /// The user of a request without credentials.
    #[must_use]
    pub fn anonymous() -> Self {
        Self {
            name: ANONYMOUS.into(),
            groups: [UNAUTHENTICATED.into()].into(),
        }
    }

    /// A user whose credentials were good: `system:authenticated` joins the groups, by the same rule as in Kubernetes.
    #[must_use]
    pub fn authenticated<'a>(name: &str, groups: impl IntoIterator<Item = &'a str>) -> Self {
        let mut groups: Vec<Arc<str>> = groups.into_iter().map(Arc::from).collect();
        let settled = name == ANONYMOUS || groups.iter().any(|g| matches!(&**g, AUTHENTICATED | UNAUTHENTICATED));
        if !settled {
            groups.push(AUTHENTICATED.into());
        }
        Self {
            name: name.into(),
            groups: groups.into(),
        }
    }

    /// Whether nothing is known of who this is.
    #[must_use]
    pub fn is_anonymous(&self) -> bool {
        &*self.name == ANONYMOUS || self.is_in(UNAUTHENTICATED)
    }

    /// The node whose agent this is, if it is one: both the name and the group must say so.
    #[must_use]
    pub fn node(&self) -> Option<&str> {
        let node = self.name.strip_prefix(NODE_PREFIX)?;
        (!node.is_empty() && self.is_in(NODES)).then_some(node)
    }

    /// Whether the user is in this group.
    #[must_use]
    pub fn is_in(&self, group: &str) -> bool {
        self.groups.iter().any(|g| &**g == group)
    }
}

impl Attributes<'_> {
    /// Whether the path is that of a resource.
    #[must_use]
    pub fn is_resource(&self) -> bool {
        !self.resource.is_empty()
    }
}

/// What a request would do, as Kubernetes' RequestInfo puts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attributes<'a> {
    /// `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection`; for paths that are no
    /// resource, the HTTP method in lower case.
    pub verb: &'a str,
    /// The API group; empty for the core group and for paths that are no resource.
    pub group: &'a str,
    /// The version.
    pub version: &'a str,
    /// The plural name of the resource; empty for paths that are no resource.
    pub resource: &'a str,
    /// The subresource, or empty.
    pub subresource: &'a str,
    /// The namespace, or empty.
    pub namespace: &'a str,
    /// The object's name, or empty. A list or watch of exactly one name (`fieldSelector=metadata.name=…`) has it.
    pub name: &'a str,
    /// The path without its query.
    pub path: &'a str,
}
