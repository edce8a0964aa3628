//! Nodes: the machines that heartbeat, and what is wanted of them.

use super::NodeStatus;
use crate::Time;
use crate::meta::ObjectMeta;
use crate::schema::{Merge, Patch};

object! {
    /// Node is a machine that reports its state and renews a lease to show that it is alive.
    pub struct Node = "io.k8s.api.core.v1.Node" (top_level) {
        /// Standard object metadata.
        #[prost(message, required, tag = "1")]
        metadata: ObjectMeta as "metadata",
        /// What is wanted of the node.
        #[prost(message, required, tag = "2")]
        spec: NodeSpec as "spec",
        /// What the node and those who watch it report.
        #[prost(message, required, tag = "3")]
        status: NodeStatus as "status",
    }
}
kind!(Node);

object! {
    /// NodeSpec says what is wanted of a node.
    pub struct NodeSpec = "io.k8s.api.core.v1.NodeSpec" {
        /// The addresses given to the node for its pods: the first of `podCIDRs`.
        #[prost(string, required, tag = "1")]
        pod_cidr: String as "podCIDR",
        /// The addresses given to the node for its pods: at most one range for IPv4 and one for IPv6.
        #[prost(string, repeated, tag = "7")]
        pod_cidrs: Vec<String> as "podCIDRs" { merge: Merge::Set, patch: Patch::Merge },
        /// The machine's identity at its cloud provider, `<provider>://<identity>`. It cannot be changed once set.
        #[prost(string, required, tag = "3")]
        provider_id: String as "providerID",
        /// Whether new pods stay away from the node.
        #[prost(bool, required, tag = "4")]
        unschedulable: bool as "unschedulable",
        /// What keeps pods away that do not tolerate it.
        #[prost(message, repeated, tag = "5")]
        taints: Vec<Taint> as "taints" { merge: Merge::Atomic },
        /// Deprecated: where the kubelet reads its configuration.
        #[prost(message, optional, tag = "6")]
        config_source: Option<NodeConfigSource> as "configSource",
        /// Deprecated: not used.
        #[prost(string, required, tag = "2")]
        external_id: String as "externalID",
    }
}

object! {
    /// Taint keeps pods away from a node unless they tolerate it.
    pub struct Taint = "io.k8s.api.core.v1.Taint" {
        /// Its key, such as `node.kubernetes.io/unreachable`.
        #[prost(string, required, tag = "1")]
        key: String => "key",
        /// Its value.
        #[prost(string, required, tag = "2")]
        value: String as "value",
        /// `NoSchedule`, `PreferNoSchedule` or `NoExecute`.
        #[prost(string, required, tag = "3")]
        effect: String => "effect",
        /// When it was added.
        #[prost(message, optional, tag = "4")]
        time_added: Option<Time> as "timeAdded",
    }
}

object! {
    /// NodeConfigSource says where a kubelet reads its configuration. Deprecated.
    pub struct NodeConfigSource = "io.k8s.api.core.v1.NodeConfigSource" {
        /// A ConfigMap.
        #[prost(message, optional, tag = "2")]
        config_map: Option<ConfigMapNodeConfigSource> as "configMap",
    }
}

object! {
    /// ConfigMapNodeConfigSource names a ConfigMap with a kubelet's configuration. Deprecated.
    pub struct ConfigMapNodeConfigSource = "io.k8s.api.core.v1.ConfigMapNodeConfigSource" {
        /// Namespace of the ConfigMap.
        #[prost(string, required, tag = "1")]
        namespace: String => "namespace",
        /// Name of the ConfigMap.
        #[prost(string, required, tag = "2")]
        name: String => "name",
        /// UID of the ConfigMap; only in a status.
        #[prost(string, required, tag = "3")]
        uid: String as "uid",
        /// Version of the ConfigMap; only in a status.
        #[prost(string, required, tag = "4")]
        resource_version: String as "resourceVersion",
        /// The key within it.
        #[prost(string, required, tag = "5")]
        kubelet_config_key: String => "kubeletConfigKey",
    }
}
