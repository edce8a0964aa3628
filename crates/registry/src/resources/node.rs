//! `nodes`: machines that say they are alive.

use leasehold_api::core::{Node, Taint};
use leasehold_api::fields::NODE_LABELS;
use leasehold_api::validation::{FieldError, validate_node_create, validate_node_update};
use leasehold_api::{Gvk, Object, TypeCodec};

use super::{typed, typed_mut};
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
    strategy: &NodeStrategy,
};

struct NodeStrategy;

impl Strategy for NodeStrategy {
    fn prepare_create(&self, new: &mut dyn Object) {
        let node: &mut Node = typed_mut(new);
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

    fn prepare_update(&self, new: &mut dyn Object, old: &dyn Object, subresource: Option<Subresource>) {
        let (new, old): (&mut Node, &Node) = (typed_mut(new), typed(old));
        match subresource {
            Some(Subresource::Status) => new.spec.clone_from(&old.spec),
            _ => new.status.clone_from(&old.status),
        }
    }

    fn validate_update(
        &self,
        new: &dyn Object,
        old: &dyn Object,
        _subresource: Option<Subresource>,
        _version: &Version,
    ) -> Vec<FieldError> {
        validate_node_update(typed(new), typed(old))
    }
}
