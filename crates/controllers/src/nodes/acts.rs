//! What the monitor does to one node: each reads it afresh, decides, and writes if nothing came between.

use std::sync::Arc;

use leasehold_api::codec::Decoded;
use leasehold_api::core::{Node, ObjectReference};
use leasehold_api::options::ResourceVersion;
use leasehold_api::{ApiError, Time};
use leasehold_registry::resources::NODES;
use leasehold_registry::{Place, Registry, Subresource, WriteOptions};

use super::conditions::{READY, find, silenced};
use super::roll::{Overdue, Told, posted};
use super::taints;
use crate::recorder::{Mood, Notice};

/// What Kubernetes' own controller calls itself in Events.
pub(super) const COMPONENT: &str = "node-controller";

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// There was nothing to do, or nobody to do it to.
    Moot,
    /// It is written. `was_ready`: the node was ready before.
    Done { was_ready: bool },
    /// Somebody else's write came between, perhaps the node's own.
    Again,
}

/// Makes unknown what a silent node can no longer tell.
pub(super) async fn silence(registry: &Registry, overdue: &Overdue) -> Result<Step, ApiError> {
    let Some(node) = get(registry, &overdue.name).await? else {
        return Ok(Step::Moot);
    };
    if node.metadata.uid != *overdue.uid {
        return Ok(Step::Moot);
    }
    if posted(&node) != overdue.posted {
        // A heartbeat that has not been taken up yet.
        return Ok(Step::Again);
    }
    let was_ready = find(&node, READY).is_some_and(|ready| ready.status == "True");
    match silenced(&node, now(registry)) {
        Some(silenced) => write(registry, Some(Subresource::Status), silenced, was_ready).await,
        None => Ok(Step::Moot),
    }
}

/// Gives a node the taints that its state calls for.
pub(super) async fn settle(registry: &Registry, name: &str, all_silent: bool) -> Result<Step, ApiError> {
    let Some(mut node) = get(registry, name).await? else {
        return Ok(Step::Moot);
    };
    match taints::settled(&node, all_silent, now(registry)) {
        Some(settled) => {
            node.spec.taints = settled;
            write(registry, None, node, false).await
        }
        None => Ok(Step::Moot),
    }
}

/// What is to be told of a node's coming or going.
pub(super) fn notice_of(told: Told) -> Notice {
    match told {
        Told::Registered { name, uid } => {
            let message = format!("Node {name} event: Registered Node {name} in Controller");
            notice(&name, &uid, "RegisteredNode", message)
        }
        Told::Removed { name, uid } => {
            let message = format!("Node {name} event: Removing Node {name} from Controller");
            notice(&name, &uid, "RemovingNode", message)
        }
    }
}

/// What is to be told of a node that was ready and has become silent.
pub(super) fn notice_of_silence(Overdue { name, uid, .. }: &Overdue) -> Notice {
    let message = format!("Node {name} status is now: NodeNotReady");
    notice(name, uid, "NodeNotReady", message)
}

fn notice(name: &Arc<str>, uid: &Arc<str>, reason: &'static str, message: String) -> Notice {
    Notice {
        about: ObjectReference {
            api_version: "v1".to_owned(),
            kind: "Node".to_owned(),
            name: name.to_string(),
            uid: uid.to_string(),
            ..ObjectReference::default()
        },
        mood: Mood::Normal,
        reason,
        message,
    }
}

fn now(registry: &Registry) -> Time {
    Time::from_system(registry.clock().wall())
}

async fn get(registry: &Registry, name: &str) -> Result<Option<Node>, ApiError> {
    let place = Place::collection(&NODES, "").named(name);
    match registry.get(&place, ResourceVersion::Unset).await {
        Ok(item) => Ok(item.stored()?.downcast_ref::<Node>().cloned()),
        Err(error) if error.code() == 404 => Ok(None),
        Err(error) => Err(error),
    }
}

async fn write(registry: &Registry, part: Option<Subresource>, node: Node, was_ready: bool) -> Result<Step, ApiError> {
    let mut place = Place::collection(&NODES, "").named(&node.metadata.name);
    place.subresource = part;
    let body = Decoded {
        object: Box::new(node),
        problems: Vec::new(),
    };
    match registry.update(&place, body, &WriteOptions::internal(COMPONENT)).await {
        Ok(_) => Ok(Step::Done { was_ready }),
        Err(error) if error.code() == 404 => Ok(Step::Moot),
        Err(error) if error.code() == 409 => Ok(Step::Again),
        Err(error) => Err(error),
    }
}
