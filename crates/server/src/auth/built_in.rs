//! The rules that need no configuration: masters, nodes, and what everybody may know.

use std::sync::Arc;

use leasehold_registry::Admission;

use super::user::{AUTHENTICATED, MASTERS, UNAUTHENTICATED};
use super::{Attributes, Authorizer, Decision, NodeAdmission, User};

/// Where the leases of nodes live.
pub(super) const NODE_LEASES: &str = "kube-node-lease";

/// The built-in rules; what none of them allows is denied.
///
/// - `system:masters` may do everything.
/// - `system:node:NAME` in `system:nodes` may do to its Lease in `kube-node-lease`, its Node and events what kubelet
///   does. A create has no name yet: [`super::NodeAdmission`] looks at the object itself.
/// - Who has credentials may read what clients need to find their way (Kubernetes' `system:discovery`).
/// - Everybody may ask for health and version (`system:public-info-viewer`).
#[derive(Clone, Copy, Debug, Default)]
pub struct BuiltIn;

impl Authorizer for BuiltIn {
    fn decide(&self, user: &User, attributes: &Attributes<'_>) -> Decision {
        let allowed = user.is_in(MASTERS)
            || if attributes.is_resource() {
                user.node().is_some_and(|node| node_may(node, attributes))
            } else {
                everybody_may(user, attributes)
            };
        if allowed { Decision::Allow } else { Decision::Deny }
    }

    fn admission(&self, user: &User) -> Option<Arc<dyn Admission>> {
        NodeAdmission::of(user)
    }
}

fn node_may(node: &str, attributes: &Attributes<'_>) -> bool {
    match (attributes.group, attributes.resource) {
        ("coordination.k8s.io", "leases") => {
            attributes.namespace == NODE_LEASES && attributes.subresource.is_empty() && may_keep(node, attributes)
        }
        ("", "nodes") => attributes.namespace.is_empty() && may_touch_node(node, attributes),
        ("" | "events.k8s.io", "events") => {
            attributes.subresource.is_empty() && matches!(attributes.verb, "create" | "patch")
        }
        _ => false,
    }
}

/// Its own object in all ways but by the collection; a new one may not have told its name yet.
fn may_keep(node: &str, attributes: &Attributes<'_>) -> bool {
    match attributes.verb {
        "create" => attributes.name.is_empty() || attributes.name == node,
        "get" | "update" | "patch" | "delete" => attributes.name == node,
        _ => false,
    }
}

fn may_touch_node(node: &str, attributes: &Attributes<'_>) -> bool {
    match (attributes.subresource, attributes.verb) {
        ("", "list" | "watch") | ("status", "get" | "update" | "patch") => attributes.name == node,
        ("", _) => may_keep(node, attributes),
        _ => false,
    }
}

fn everybody_may(user: &User, attributes: &Attributes<'_>) -> bool {
    if attributes.verb != "get" {
        return false;
    }
    let known = user.is_in(AUTHENTICATED);
    let public = ["/healthz", "/livez", "/readyz", "/version"];
    let discovery = ["/api", "/apis", "/openapi"];
    (known || user.is_in(UNAUTHENTICATED)) && is_under(attributes.path, &public)
        || known && is_under(attributes.path, &discovery)
}

/// Whether the path is one of these or below one of them.
fn is_under(path: &str, roots: &[&str]) -> bool {
    roots.iter().any(|root| {
        path.strip_prefix(root)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    })
}

#[cfg(test)]
#[path = "built_in_tests.rs"]
mod tests;
