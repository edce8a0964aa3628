//! `nodes`: machines that say they are alive.

use leasehold_api::core::{Node, NodeSpec, Taint};
use leasehold_api::fields::NODE_LABELS;
use leasehold_api::validation::{FieldError, validate_node_create, validate_node_status_update, validate_node_update};
use leasehold_api::{Gvk, Object, TypeCodec};

use super::{typed, typed_mut};
use crate::features::Features;
use crate::resource::{Resource, Strategy, Subresource, Version, View};

const CODEC: TypeCodec = TypeCodec::of::<Node>();

/// A node is not to be used before it has said that it is ready.
const NOT_READY: &str = "node.kubernetes.io/not-ready";
const NO_SCHEDULE: &str = "NoSchedule";

/// The row of nodes.
pub static NODES: Resource = Resource {
    group: "",
    plural: "nodes",
    singular: "node",
    kind: "Node",
    list_kind: "NodeList",
    namespaced: false,
    short_names: &["no"],
    versions: &[Version {
        version: "v1",
        codec: CODEC,
        convert: None,
        warning: None,
        slot: 0,
    }],
    subresources: &[Subresource::Status],
    // Kubernetes' own name for where nodes are kept.
    storage: "minions",
    stored: (
        Gvk {
            group: "",
            version: "v1",
            kind: "Node",
        },
        CODEC,
    ),
    storage_version_hash: "XwShjMxG9Fs=",
    create_on_update: false,
    unconditional_update: true,
    labels: NODE_LABELS,
    view: View::of::<Node>(),
    feature: None,
    strategy: &NodeStrategy,
};

struct NodeStrategy;

/// Of the two fields for address ranges the older one wins where they disagree, and each fills the other.
fn default_ranges(spec: &mut NodeSpec) {
    match spec.pod_cidrs.first() {
        Some(first) if spec.pod_cidr.is_empty() => spec.pod_cidr.clone_from(first),
        Some(first) if *first == spec.pod_cidr => {}
        None if spec.pod_cidr.is_empty() => {}
        _ => spec.pod_cidrs = vec![spec.pod_cidr.clone()],
    }
}

impl Strategy for NodeStrategy {
    fn default(&self, new: &mut dyn Object) {
        let node: &mut Node = typed_mut(new);
        default_ranges(&mut node.spec);
        for quantity in node
            .status
            .capacity
            .values_mut()
            .chain(node.status.allocatable.values_mut())
        {
            *quantity = quantity.round_up_to_milli();
        }
        if node.status.allocatable.is_empty() {
            node.status.allocatable.clone_from(&node.status.capacity);
        }
    }

    fn prepare_create(&self, new: &mut dyn Object, _features: Features) {
        let node: &mut Node = typed_mut(new);
        node.spec.config_source = None;
        node.status.config = None;
        let tainted = node
            .spec
            .taints
            .iter()
            .any(|taint| taint.key == NOT_READY && taint.effect == NO_SCHEDULE);
        if !tainted {
            let taint = Taint {
                key: NOT_READY.to_owned(),
                effect: NO_SCHEDULE.to_owned(),
                ..Taint::default()
            };
            node.spec.taints.push(taint);
        }
    }

    fn validate_create(&self, new: &dyn Object, _version: &Version) -> Vec<FieldError> {
        validate_node_create(typed(new))
    }

    fn prepare_update(
        &self,
        new: &mut dyn Object,
        old: &dyn Object,
        subresource: Option<Subresource>,
        _features: Features,
    ) {
        let (new, old): (&mut Node, &Node) = (typed_mut(new), typed(old));
        match subresource {
            Some(Subresource::Status) => new.spec.clone_from(&old.spec),
            _ => new.status.clone_from(&old.status),
        }
        // Configuration from the cluster is a feature that was removed.
        if old.spec.config_source.is_none() {
            new.spec.config_source = None;
        }
        if old.status.config.is_none() {
            new.status.config = None;
        }
    }

    fn validate_update(
        &self,
        new: &dyn Object,
        old: &dyn Object,
        subresource: Option<Subresource>,
        _version: &Version,
    ) -> Vec<FieldError> {
        match subresource {
            Some(Subresource::Status) => validate_node_status_update(typed(new), typed(old)),
            _ => validate_node_update(typed(new), typed(old)),
        }
    }
}
