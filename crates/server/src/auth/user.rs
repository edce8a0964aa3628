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

impl User {
    /// Whether the user is in this group.
    #[must_use]
    pub fn is_in(&self, group: &str) -> bool {
        self.groups.iter().any(|g| &**g == group)
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
