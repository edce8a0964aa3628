//! A type with every kind of list and map: the part of a node that tells them apart.

// The macro makes public types, wherever it stands.
#![expect(unreachable_pub)]

use std::collections::BTreeMap;

use crate::Time;
use crate::meta::ObjectMeta;
use crate::schema::{Merge, Patch};

object! {
    /// A whole object.
    pub struct TestNode = "test.Node" (top_level) {
        #[prost(message, required, tag = "1")]
        metadata: ObjectMeta as "metadata",
        #[prost(message, required, tag = "2")]
        spec: TestNodeSpec as "spec",
        #[prost(message, required, tag = "3")]
        status: TestNodeStatus as "status",
    }
}
kind!(TestNode);

object! {
    /// Scalars, a set, an atomic list and an optional struct.
    pub struct TestNodeSpec = "test.NodeSpec" {
        #[prost(string, required, tag = "1")]
        pod_cidr: String as "podCIDR",
        #[prost(string, repeated, tag = "7")]
        pod_cidrs: Vec<String> as "podCIDRs" { merge: Merge::Set, patch: Patch::Merge },
        #[prost(bool, required, tag = "4")]
        unschedulable: bool as "unschedulable",
        #[prost(message, repeated, tag = "5")]
        taints: Vec<TestTaint> as "taints" { merge: Merge::Atomic },
        #[prost(message, optional, tag = "6")]
        config_source: Option<TestConfigSource> as "configSource",
    }
}

object! {
    /// An item of an atomic list.
    pub struct TestTaint = "test.Taint" {
        #[prost(string, required, tag = "1")]
        key: String => "key",
        #[prost(string, required, tag = "2")]
        effect: String => "effect",
    }
}

object! {
    /// A struct within an optional one.
    pub struct TestConfigSource = "test.ConfigSource" {
        #[prost(message, optional, tag = "1")]
        config_map: Option<TestConfigMap> as "configMap",
    }
}

object! {
    /// Plain fields.
    pub struct TestConfigMap = "test.ConfigMap" {
        #[prost(string, required, tag = "1")]
        namespace: String => "namespace",
        #[prost(string, required, tag = "2")]
        name: String => "name",
        #[prost(string, required, tag = "3")]
        kubelet_config_key: String => "kubeletConfigKey",
    }
}

object! {
    /// A map, keyed lists, and a struct that is always written.
    pub struct TestNodeStatus = "test.NodeStatus" {
        #[prost(btree_map = "string, string", tag = "1")]
        capacity: BTreeMap<String, String> as "capacity",
        #[prost(string, required, tag = "3")]
        phase: String as "phase",
        #[prost(message, repeated, tag = "4")]
        conditions: Vec<TestCondition> as "conditions"
            { merge: Merge::Keyed(&["type"]), patch: Patch::MergeKey("type") },
        #[prost(message, repeated, tag = "5")]
        addresses: Vec<TestAddress> as "addresses"
            { merge: Merge::Keyed(&["type"]), patch: Patch::MergeKey("type") },
        #[prost(message, required, tag = "7")]
        node_info: TestNodeInfo as "nodeInfo",
        #[prost(string, repeated, tag = "9")]
        volumes_in_use: Vec<String> as "volumesInUse",
    }
}

object! {
    /// An item of a keyed list, with fields that are always written.
    pub struct TestCondition = "test.NodeCondition" {
        #[prost(string, required, tag = "1")]
        kind: String => "type",
        #[prost(string, required, tag = "2")]
        status: String => "status",
        #[prost(message, required, tag = "3")]
        last_heartbeat_time: Time => "lastHeartbeatTime",
        #[prost(message, required, tag = "4")]
        last_transition_time: Time => "lastTransitionTime",
        #[prost(string, required, tag = "5")]
        reason: String as "reason",
        #[prost(string, required, tag = "6")]
        message: String as "message",
    }
}

object! {
    /// An item of a keyed list.
    pub struct TestAddress = "test.NodeAddress" {
        #[prost(string, required, tag = "1")]
        kind: String => "type",
        #[prost(string, required, tag = "2")]
        address: String => "address",
    }
}

object! {
    /// Always written.
    pub struct TestNodeInfo = "test.NodeInfo" {
        #[prost(string, required, tag = "1")]
        machine_id: String => "machineID",
    }
}
