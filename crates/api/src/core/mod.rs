//! The core group, `v1`: namespaces, nodes and events.

mod event;
mod namespace;
mod node;
mod node_status;
mod reference;

pub use event::{Event, EventSeries, EventSource};
pub use namespace::{Namespace, NamespaceCondition, NamespaceSpec, NamespaceStatus};
pub use node::{ConfigMapNodeConfigSource, Node, NodeConfigSource, NodeSpec, Taint};
pub use node_status::{
    AttachedVolume, ContainerImage, DaemonEndpoint, NodeAddress, NodeCondition, NodeConfigStatus, NodeDaemonEndpoints,
    NodeFeatures, NodeRuntimeHandler, NodeRuntimeHandlerFeatures, NodeStatus, NodeSwapStatus, NodeSystemInfo,
};
pub use reference::ObjectReference;
