//! What a node's agent may write: Kubernetes' NodeRestriction, for the resources that are here.
//!
//! Authorization sees verbs and names in paths. A new object's name, and what an update changes, stand in the body:
//! those are looked at here, just before the object is stored. Without it, a node could take another's lease, label or
//! untaint itself into work that is not for it, or have itself collected and come back without its taints
//! (CVE-2025-5187).

use std::collections::BTreeMap;
use std::sync::Arc;

use leasehold_api::core::Node;
use leasehold_api::meta::{ObjectMeta, OwnerReference};
use leasehold_api::{ApiError, Object};
use leasehold_registry::{Admission, Place};

use super::User;
use super::built_in::NODE_LEASES;

/// Says no to what a node may not write.
#[derive(Clone, Debug)]
pub struct NodeAdmission {
    node: Arc<str>,
}

type Refusal = Result<(), String>;

impl NodeAdmission {
    /// What there is to ask before this user writes: nothing, unless it is a node's agent.
    #[must_use]
    pub fn of(user: &User) -> Option<Arc<dyn Admission>> {
        let node = user.node()?.into();
        Some(Arc::new(Self { node }))
    }

    fn judge(&self, place: &Place, new: Option<&ObjectMeta>, old: Option<&ObjectMeta>) -> Refusal {
        match (place.resource.group, place.resource.plural) {
            ("coordination.k8s.io", "leases") => self.judge_lease(place, new, old),
            ("", "nodes") => self.judge_node(new, old),
            ("" | "events.k8s.io", "events") => Ok(()),
            _ => Err(format!("node {:?} may not write it", self.node)),
        }
    }

    fn judge_lease(&self, place: &Place, new: Option<&ObjectMeta>, old: Option<&ObjectMeta>) -> Refusal {
        if &*place.namespace != NODE_LEASES {
            return Err(format!(
                "node {:?} can only access leases in the {NODE_LEASES:?} system namespace",
                self.node
            ));
        }
        self.must_be_own(new, old)?;
        let Some(new) = new else { return Ok(()) };
        self.same_finalizers(new, old)?;
        let owners_changed = old.is_none_or(|old| old.owner_references != new.owner_references);
        if owners_changed && !new.owner_references.iter().all(|owner| self.is_me(owner)) {
            return Err(format!(
                "node {:?} can only name its own Node as the owner of its lease",
                self.node
            ));
        }
        Ok(())
    }

    fn judge_node(&self, new: Option<&ObjectMeta>, old: Option<&ObjectMeta>) -> Refusal {
        self.must_be_own(new, old)?;
        let Some(new) = new else { return Ok(()) };
        self.same_finalizers(new, old)?;
        let none = ObjectMeta::default();
        let old = old.unwrap_or(&none);
        if old.owner_references != new.owner_references {
            return Err(self.may_not_modify("ownerReferences"));
        }
        match changed_keys(&old.labels, &new.labels).find(|label| is_restricted(label)) {
            Some(label) => Err(self.may_not_modify(&format!("label {label:?}"))),
            None => Ok(()),
        }
    }

    fn must_be_own(&self, new: Option<&ObjectMeta>, old: Option<&ObjectMeta>) -> Refusal {
        let own = [new, old]
            .into_iter()
            .flatten()
            .all(|metadata| *metadata.name == *self.node);
        if own {
            return Ok(());
        }
        Err(format!("node {:?} can only access what has its own name", self.node))
    }

    /// A finalizer would keep others from deleting the object, and its removal would let it go too early.
    fn same_finalizers(&self, new: &ObjectMeta, old: Option<&ObjectMeta>) -> Refusal {
        let before = old.map_or(&[][..], |old| &old.finalizers);
        if new.finalizers == before {
            return Ok(());
        }
        Err(self.may_not_modify("finalizers"))
    }

    fn is_me(&self, owner: &OwnerReference) -> bool {
        owner.api_version == "v1" && owner.kind == "Node" && *owner.name == *self.node
    }

    fn may_not_modify(&self, what: &str) -> String {
        format!("node {:?} is not allowed to modify {what}", self.node)
    }
}

impl Admission for NodeAdmission {
    fn admit(&self, place: &Place, new: Option<&dyn Object>, old: Option<&dyn Object>) -> Result<(), ApiError> {
        self.judge(
            place,
            new.map(|object| object.metadata()),
            old.map(|object| object.metadata()),
        )
        .and_then(|()| match (new, old) {
            (Some(new), Some(old)) if place.resource.plural == "nodes" && taints_differ(new, old) => {
                Err(self.may_not_modify("taints"))
            }
            _ => Ok(()),
        })
        .map_err(|why| forbidden(place, new.or(old), &why))
    }
}

fn forbidden(place: &Place, object: Option<&dyn Object>, why: &str) -> ApiError {
    let name = object.map_or(&*place.name, |object| &object.metadata().name);
    ApiError::forbidden(place.resource.group, place.resource.plural, name, why)
}

/// A node may be registered with taints; afterwards they are for others to change.
fn taints_differ(new: &dyn Object, old: &dyn Object) -> bool {
    let taints = |object: &dyn Object| object.downcast_ref::<Node>().map(|node| node.spec.taints.clone());
    taints(new) != taints(old)
}

/// The keys that were added, removed or given another value.
fn changed_keys<'a>(
    old: &'a BTreeMap<String, String>,
    new: &'a BTreeMap<String, String>,
) -> impl Iterator<Item = &'a str> {
    old.keys()
        .chain(new.keys().filter(|key| !old.contains_key(*key)))
        .filter(|key| old.get(*key) != new.get(*key))
        .map(String::as_str)
}

/// The labels under `kubernetes.io` and `k8s.io` that a node's agent may set on its own Node, beside those under
/// `kubelet.kubernetes.io` and `node.kubernetes.io`.
const OWN_LABELS: &[&str] = &[
    "beta.kubernetes.io/arch",
    "beta.kubernetes.io/instance-type",
    "beta.kubernetes.io/os",
    "failure-domain.beta.kubernetes.io/region",
    "failure-domain.beta.kubernetes.io/zone",
    "kubernetes.io/arch",
    "kubernetes.io/hostname",
    "kubernetes.io/os",
    "topology.kubernetes.io/region",
    "topology.kubernetes.io/zone",
];

/// Whether a label says what a node is for, which is not for the node to say: everything under
/// `node-restriction.kubernetes.io`, and what is Kubernetes' own but not of the agent.
fn is_restricted(label: &str) -> bool {
    let domain = label.split_once('/').map_or("", |(domain, _)| domain);
    if is_within(domain, "node-restriction.kubernetes.io") {
        return true;
    }
    let of_kubernetes = is_within(domain, "kubernetes.io") || is_within(domain, "k8s.io");
    let of_agent = OWN_LABELS.contains(&label)
        || is_within(domain, "kubelet.kubernetes.io")
        || is_within(domain, "node.kubernetes.io");
    of_kubernetes && !of_agent
}

fn is_within(domain: &str, parent: &str) -> bool {
    domain
        .strip_suffix(parent)
        .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

#[cfg(test)]
#[path = "node_admission_tests.rs"]
mod tests;
