//! What is reported about a node.

use std::collections::BTreeMap;

use super::NodeConfigSource;
use crate::schema::{Merge, Patch};
use crate::{Quantity, Time};

object! {
    /// NodeStatus is what a node and those who watch it report.
    pub struct NodeStatus = "io.k8s.api.core.v1.NodeStatus" {
        /// What the machine has of each resource.
        #[prost(btree_map = "string, message", tag = "1")]
        capacity: BTreeMap<String, Quantity> as "capacity",
        /// What of that pods may use.
        #[prost(btree_map = "string, message", tag = "2")]
        allocatable: BTreeMap<String, Quantity> as "allocatable",
        /// Deprecated: never set.
        #[prost(string, required, tag = "3")]
        phase: String as "phase",
        /// Whether the node is ready, and what it is short of.
        #[prost(message, repeated, tag = "4")]
        conditions: Vec<NodeCondition> as "conditions"
            { merge: Merge::Keyed(&["type"]), patch: Patch::MergeKey("type") },
        /// Where the node can be reached.
        #[prost(message, repeated, tag = "5")]
        addresses: Vec<NodeAddress> as "addresses"
            { merge: Merge::Keyed(&["type"]), patch: Patch::MergeKey("type") },
        /// Ports of the programs that run on every node.
        #[prost(message, required, tag = "6")]
        daemon_endpoints: NodeDaemonEndpoints as "daemonEndpoints",
        /// Which machine it is and what runs on it.
        #[prost(message, required, tag = "7")]
        node_info: NodeSystemInfo as "nodeInfo",
        /// The container images on the node.
        #[prost(message, repeated, tag = "8")]
        images: Vec<ContainerImage> as "images" { merge: Merge::Atomic },
        /// The volumes that the node uses.
        #[prost(string, repeated, tag = "9")]
        volumes_in_use: Vec<String> as "volumesInUse" { merge: Merge::Atomic },
        /// The volumes attached to the node.
        #[prost(message, repeated, tag = "10")]
        volumes_attached: Vec<AttachedVolume> as "volumesAttached" { merge: Merge::Atomic },
        /// Deprecated: the configuration that the kubelet runs with.
        #[prost(message, optional, tag = "11")]
        config: Option<NodeConfigStatus> as "config",
        /// The ways in which containers can be run.
        #[prost(message, repeated, tag = "12")]
        runtime_handlers: Vec<NodeRuntimeHandler> as "runtimeHandlers" { merge: Merge::Atomic },
        /// What the container runtime as a whole can do.
        #[prost(message, optional, tag = "13")]
        features: Option<NodeFeatures> as "features",
        /// What the node says that it can do, by name.
        #[prost(string, repeated, tag = "14")]
        declared_features: Vec<String> as "declaredFeatures" { merge: Merge::Atomic },
    }
}

object! {
    /// NodeCondition is one aspect of a node's health.
    pub struct NodeCondition = "io.k8s.api.core.v1.NodeCondition" {
        /// The aspect, such as `Ready`.
        #[prost(string, required, tag = "1")]
        r#type: String => "type",
        /// `True`, `False` or `Unknown`.
        #[prost(string, required, tag = "2")]
        status: String => "status",
        /// When the node last reported it, by the node's clock.
        #[prost(message, required, tag = "3")]
        last_heartbeat_time: Time => "lastHeartbeatTime" { required: false },
        /// When the status changed last.
        #[prost(message, required, tag = "4")]
        last_transition_time: Time => "lastTransitionTime" { required: false },
        /// For programs: one word.
        #[prost(string, required, tag = "5")]
        reason: String as "reason",
        /// For people.
        #[prost(string, required, tag = "6")]
        message: String as "message",
    }
}

object! {
    /// NodeAddress is one way to reach a node.
    pub struct NodeAddress = "io.k8s.api.core.v1.NodeAddress" {
        /// `Hostname`, `InternalIP`, `ExternalIP`, `InternalDNS` or `ExternalDNS`.
        #[prost(string, required, tag = "1")]
        r#type: String => "type",
        /// The address.
        #[prost(string, required, tag = "2")]
        address: String => "address",
    }
}

object! {
    /// NodeDaemonEndpoints lists ports of the programs that run on every node.
    pub struct NodeDaemonEndpoints = "io.k8s.api.core.v1.NodeDaemonEndpoints" {
        /// The kubelet's.
        #[prost(message, required, tag = "1")]
        kubelet_endpoint: DaemonEndpoint as "kubeletEndpoint",
    }
}

object! {
    /// DaemonEndpoint is a port of one program.
    pub struct DaemonEndpoint = "io.k8s.api.core.v1.DaemonEndpoint" {
        /// The port; 0 when there is none. The capital letter is Kubernetes' own.
        #[prost(int32, required, tag = "1")]
        port: i32 => "Port",
    }
}

object! {
    /// NodeSystemInfo says which machine a node is and what runs on it.
    pub struct NodeSystemInfo = "io.k8s.api.core.v1.NodeSystemInfo" {
        /// The machine's identity, from `/etc/machine-id`.
        #[prost(string, required, tag = "1")]
        machine_id: String => "machineID",
        /// The machine's identity as its firmware tells it.
        #[prost(string, required, tag = "2")]
        system_uuid: String => "systemUUID",
        /// Changes with every boot.
        #[prost(string, required, tag = "3")]
        boot_id: String => "bootID",
        /// The kernel's version.
        #[prost(string, required, tag = "4")]
        kernel_version: String => "kernelVersion",
        /// The operating system as it calls itself.
        #[prost(string, required, tag = "5")]
        os_image: String => "osImage",
        /// Name and version of the container runtime, such as `containerd://2.1.0`.
        #[prost(string, required, tag = "6")]
        container_runtime_version: String => "containerRuntimeVersion",
        /// The version of the program that reports.
        #[prost(string, required, tag = "7")]
        kubelet_version: String => "kubeletVersion",
        /// Deprecated.
        #[prost(string, required, tag = "8")]
        kube_proxy_version: String => "kubeProxyVersion",
        /// The operating system, such as `linux`.
        #[prost(string, required, tag = "9")]
        operating_system: String => "operatingSystem",
        /// The processor architecture, such as `amd64`.
        #[prost(string, required, tag = "10")]
        architecture: String => "architecture",
        /// The machine's swap space.
        #[prost(message, optional, tag = "11")]
        swap: Option<NodeSwapStatus> as "swap",
    }
}

object! {
    /// NodeSwapStatus tells of a machine's swap space.
    pub struct NodeSwapStatus = "io.k8s.api.core.v1.NodeSwapStatus" {
        /// Its size in bytes.
        #[prost(int64, optional, tag = "1")]
        capacity: Option<i64> as "capacity",
    }
}

object! {
    /// ContainerImage is one container image on a node.
    pub struct ContainerImage = "io.k8s.api.core.v1.ContainerImage" {
        /// The names that it is known by.
        #[prost(string, repeated, tag = "1")]
        names: Vec<String> => "names" { merge: Merge::Atomic, required: false },
        /// Its size in bytes.
        #[prost(int64, required, tag = "2")]
        size_bytes: i64 as "sizeBytes",
    }
}

object! {
    /// AttachedVolume is a volume attached to a node.
    pub struct AttachedVolume = "io.k8s.api.core.v1.AttachedVolume" {
        /// Its name.
        #[prost(string, required, tag = "1")]
        name: String => "name",
        /// The device under which the node sees it.
        #[prost(string, required, tag = "2")]
        device_path: String => "devicePath",
    }
}

object! {
    /// NodeConfigStatus tells which configuration a kubelet runs with. Deprecated.
    pub struct NodeConfigStatus = "io.k8s.api.core.v1.NodeConfigStatus" {
        /// The one that it is to use.
        #[prost(message, optional, tag = "1")]
        assigned: Option<NodeConfigSource> as "assigned",
        /// The one that it uses.
        #[prost(message, optional, tag = "2")]
        active: Option<NodeConfigSource> as "active",
        /// The one that it goes back to when the assigned one fails.
        #[prost(message, optional, tag = "3")]
        last_known_good: Option<NodeConfigSource> as "lastKnownGood",
        /// Why the assigned one is not in use.
        #[prost(string, required, tag = "4")]
        error: String as "error",
    }
}

object! {
    /// NodeRuntimeHandler is one way in which a node can run containers.
    pub struct NodeRuntimeHandler = "io.k8s.api.core.v1.NodeRuntimeHandler" {
        /// Its name; empty for the default one.
        #[prost(string, required, tag = "1")]
        name: String => "name" { required: false },
        /// What it can do.
        #[prost(message, optional, tag = "2")]
        features: Option<NodeRuntimeHandlerFeatures> as "features",
    }
}

object! {
    /// NodeRuntimeHandlerFeatures says what a runtime handler can do.
    pub struct NodeRuntimeHandlerFeatures = "io.k8s.api.core.v1.NodeRuntimeHandlerFeatures" {
        /// Whether mounts below a read-only one can be made read-only too.
        #[prost(bool, optional, tag = "1")]
        recursive_read_only_mounts: Option<bool> as "recursiveReadOnlyMounts",
        /// Whether containers can have users of their own.
        #[prost(bool, optional, tag = "2")]
        user_namespaces: Option<bool> as "userNamespaces",
    }
}

object! {
    /// NodeFeatures says what a node's container runtime can do whatever the handler.
    pub struct NodeFeatures = "io.k8s.api.core.v1.NodeFeatures" {
        /// Whether a pod's supplemental groups policy is followed.
        #[prost(bool, optional, tag = "1")]
        supplemental_groups_policy: Option<bool> as "supplementalGroupsPolicy",
    }
}
