//! Nodes as rows.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{AGE, NAME, Printer, age, column, text_or, wide};
use crate::Time;
use crate::core::{Node, NodeSystemInfo};
use crate::meta::TableColumnDefinition;

/// What follows this in a label's key is one of the node's roles.
const ROLE_PREFIX: &str = "node-role.kubernetes.io/";
/// The value of this label is one of the node's roles.
const ROLE_LABEL: &str = "kubernetes.io/role";

impl Printer for Node {
    const COLUMNS: &'static [TableColumnDefinition] = &[
        NAME,
        column(
            "Status",
            "Whether the node is ready, and whether it is closed to new pods.",
        ),
        column("Roles", "The node's roles, from its labels."),
        AGE,
        column("Version", "The version of the program that reports for the node."),
        wide("Internal-IP", "The node's first address within its own network."),
        wide("External-IP", "The node's first address that others can reach."),
        wide("OS-Image", "The node's operating system as it calls itself."),
        wide("Kernel-Version", "The version of the node's kernel."),
        wide("Container-Runtime", "Name and version of the node's container runtime."),
    ];

    fn cells(&self, now: Time) -> Vec<Value> {
        let info = &self.status.node_info;
        vec![
            self.metadata.name.as_str().into(),
            status(self).into(),
            roles(self).into(),
            age(self.metadata.creation_timestamp, now).into(),
            info.kubelet_version.as_str().into(),
            address(self, "InternalIP"),
            address(self, "ExternalIP"),
            text_or(&info.os_image, "<unknown>"),
            kernel(info).into(),
            text_or(&info.container_runtime_version, "<unknown>"),
        ]
    }
}

fn kernel(info: &NodeSystemInfo) -> String {
    let version = match info.kernel_version.as_str() {
        "" => "<unknown>",
        version => version,
    };
    match info.architecture.as_str() {
        "" => version.to_owned(),
        architecture => format!("{version} ({architecture})"),
    }
}

fn status(node: &Node) -> String {
    // Of several conditions of one type, the last one counts.
    let ready = node
        .status
        .conditions
        .iter()
        .rfind(|condition| condition.r#type == "Ready");
    let status = match ready {
        None => "Unknown",
        Some(condition) if condition.status == "True" => "Ready",
        Some(_) => "NotReady",
    };
    let closed = if node.spec.unschedulable {
        ",SchedulingDisabled"
    } else {
        ""
    };
    format!("{status}{closed}")
}

fn roles(node: &Node) -> String {
    let role = |(key, value): (&'_ String, &'_ String)| match key.strip_prefix(ROLE_PREFIX) {
        Some(role) => Some(role.to_owned()),
        None => (key == ROLE_LABEL).then(|| value.clone()),
    };
    let roles = node.metadata.labels.iter().filter_map(role);
    let roles: BTreeSet<_> = roles.filter(|role| !role.is_empty()).collect();
    if roles.is_empty() {
        return "<none>".to_owned();
    }
    Vec::from_iter(roles).join(",")
}

fn address(node: &Node, kind: &str) -> Value {
    let mut addresses = node.status.addresses.iter();
    let found = addresses.find(|address| address.r#type == kind);
    found.map_or("<none>", |address| &address.address).into()
}
