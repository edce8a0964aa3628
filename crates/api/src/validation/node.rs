//! The rules of nodes. Not checked are the deprecated annotations and configuration sources that nothing reads.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::{FieldError, Path, in_go, json, push_invalid};
use super::{label_value, name_is_dns_subdomain, qualified_name};
use super::{validate_core_object_meta, validate_core_object_meta_update};
use crate::Quantity;
use crate::core::{Node, NodeSpec, Taint};

const EFFECTS: [&str; 3] = ["NoSchedule", "PreferNoSchedule", "NoExecute"];

/// Resources without a domain that come in whole numbers.
const WHOLE_RESOURCES: [&str; 9] = [
    "pods",
    "resourcequotas",
    "services",
    "replicationcontrollers",
    "secrets",
    "configmaps",
    "persistentvolumeclaims",
    "services.nodeports",
    "services.loadbalancers",
];

/// What is wrong with a node that is to be created.
#[must_use]
pub fn validate_node_create(node: &Node) -> Vec<FieldError> {
    let path = Path::new("metadata");
    let mut errors = validate_core_object_meta(&node.metadata, false, name_is_dns_subdomain, &path);
    taints(&mut errors, &node.spec.taints);
    resources(&mut errors, node);
    pod_cidrs(&mut errors, &ranges(&node.spec));
    errors
}

/// What is wrong with a change of a node from `old` to `new`. Kubernetes looks at some of it twice, and tells it twice.
#[must_use]
pub fn validate_node_update(new: &Node, old: &Node) -> Vec<FieldError> {
    let mut errors = validate_node_create(new);
    errors.extend(validate_node_status_update(new, old));
    errors
}

/// What is wrong with a change of a node's status from `old` to `new`.
#[must_use]
pub fn validate_node_status_update(new: &Node, old: &Node) -> Vec<FieldError> {
    let path = Path::new("metadata");
    let mut errors = validate_core_object_meta_update(&new.metadata, &old.metadata, &path);
    resources(&mut errors, new);
    addresses(&mut errors, new);
    let spec = Path::new("spec");
    let (old_ranges, new_ranges) = (ranges(&old.spec), ranges(&new.spec));
    if !old_ranges.is_empty() && old_ranges != new_ranges {
        let detail = "node updates may not change podCIDR except from \"\" to valid";
        errors.push(FieldError::forbidden(&spec.child("podCIDRs"), detail));
    }
    if !old.spec.provider_id.is_empty() && old.spec.provider_id != new.spec.provider_id {
        let detail = "node updates may not change providerID except from \"\" to valid";
        errors.push(FieldError::forbidden(&spec.child("providerID"), detail));
    }
    taints(&mut errors, &new.spec.taints);
    if old.spec.external_id != new.spec.external_id {
        errors.push(FieldError::forbidden(&spec.child("externalID"), "may not be updated"));
    }
    errors
}

fn taints(errors: &mut Vec<FieldError>, taints: &[Taint]) {
    let mut seen = BTreeSet::new();
    for (at, taint) in taints.iter().enumerate() {
        // The path is Kubernetes' own, though taints are in the spec.
        let path = Path::new("metadata");
        let path = path.child("taints");
        let path = path.index(at);
        push_invalid(errors, &path.child("key"), &taint.key, qualified_name(&taint.key));
        let wrong = label_value(&taint.value);
        if !wrong.is_empty() {
            let path = path.child("value");
            errors.push(FieldError::invalid(&path, &taint.value, &wrong.join(";")));
        }
        let effect = path.child("effect");
        if taint.effect.is_empty() {
            errors.push(FieldError::required(&effect, ""));
        } else if !EFFECTS.contains(&taint.effect.as_str()) {
            errors.push(FieldError::not_supported(&effect, &taint.effect, &EFFECTS));
        }
        if !seen.insert((&taint.effect, &taint.key)) {
            let detail = "taints must be unique by key and effect pair";
            errors.push(FieldError::duplicate_bare(&path, taint_in_go(taint), detail));
        }
    }
}

fn resources(errors: &mut Vec<FieldError>, node: &Node) {
    let status = Path::new("status");
    quantities(errors, &node.status.capacity, &status.child("capacity"));
    quantities(errors, &node.status.allocatable, &status.child("allocatable"));
}

fn quantities(errors: &mut Vec<FieldError>, resources: &BTreeMap<String, Quantity>, path: &Path<'_>) {
    for (name, quantity) in resources {
        let path = path.child(name);
        if quantity.is_negative() {
            let detail = "must be greater than or equal to 0";
            errors.push(FieldError::invalid(&path, quantity.as_str(), detail));
        }
        if is_whole(name) && !quantity.is_integer() {
            errors.push(FieldError::invalid(&path, quantity.as_str(), "must be an integer"));
        }
    }
}

/// Whether a resource comes in whole numbers: some of Kubernetes' own, and all that others define.
fn is_whole(resource: &str) -> bool {
    let extended = resource.contains('/')
        && !resource.contains("kubernetes.io/")
        && !resource.starts_with("requests.")
        && qualified_name(&format!("requests.{resource}")).is_empty();
    extended || WHOLE_RESOURCES.contains(&resource)
}

fn addresses(errors: &mut Vec<FieldError>, node: &Node) {
    let path = Path::new("status");
    let path = path.child("addresses");
    let mut seen = BTreeSet::new();
    for (at, address) in node.status.addresses.iter().enumerate() {
        if !seen.insert((&address.r#type, &address.address)) {
            let shown = in_go(&[("Type", json(&address.r#type)), ("Address", json(&address.address))]);
            errors.push(FieldError::duplicate_bare(&path.index(at), shown, ""));
        }
    }
}

/// The node's address ranges: `podCIDR` alone where `podCIDRs` is empty or begins with another one.
fn ranges(spec: &NodeSpec) -> Vec<&str> {
    let first = spec.pod_cidrs.first();
    if !spec.pod_cidr.is_empty() && first != Some(&spec.pod_cidr) {
        return vec![&spec.pod_cidr];
    }
    spec.pod_cidrs.iter().map(String::as_str).collect()
}

fn pod_cidrs(errors: &mut Vec<FieldError>, ranges: &[&str]) {
    let path = Path::new("spec");
    let path = path.child("podCIDRs");
    for (at, range) in ranges.iter().enumerate() {
        if is_ipv4(range).is_none() {
            let detail = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)";
            errors.push(FieldError::invalid(&path.index(at), range, detail));
        } else if has_host_bits(range) {
            let detail = "must not have bits set beyond the prefix length";
            errors.push(FieldError::invalid(&path.index(at), range, detail));
        }
    }
    let mut families = BTreeSet::new();
    if !ranges
        .iter()
        .filter_map(|range| is_ipv4(range))
        .all(|family| families.insert(family))
    {
        let detail = "may specify no more than one CIDR for each IP family";
        errors.push(FieldError::invalid_bare(&path, json(&ranges), detail));
    }
    let mut seen = BTreeSet::new();
    for (at, range) in ranges.iter().enumerate() {
        if !seen.insert(range) {
            errors.push(FieldError::duplicate(&path.index(at), range));
        }
    }
}

/// Whether a range such as `10.0.0.0/24` is one of IPv4 addresses, not IPv6; none if it is no range.
fn is_ipv4(range: &str) -> Option<bool> {
    let (address, length) = range.split_once('/')?;
    let address: IpAddr = address.parse().ok()?;
    let length: u8 = length.parse().ok()?;
    let max = if address.is_ipv4() { 32 } else { 128 };
    (length <= max).then_some(address.is_ipv4())
}

/// Whether a range names an address within it instead of its first.
fn has_host_bits(range: &str) -> bool {
    let Some((address, length)) = range.split_once('/') else {
        return false;
    };
    match (address.parse(), length.parse::<u32>()) {
        (Ok(IpAddr::V4(address)), Ok(length)) => address.to_bits().checked_shl(length).unwrap_or(0) != 0,
        (Ok(IpAddr::V6(address)), Ok(length)) => address.to_bits().checked_shl(length).unwrap_or(0) != 0,
        _ => false,
    }
}

fn taint_in_go(taint: &Taint) -> String {
    in_go(&[
        ("Key", json(&taint.key)),
        ("Value", json(&taint.value)),
        ("Effect", json(&taint.effect)),
        ("TimeAdded", json(&taint.time_added)),
    ])
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::validation::texts;

    fn node(spec: &Value, status: &Value) -> Node {
        let metadata = json!({"name": "a", "resourceVersion": "1"});
        serde_json::from_value(json!({"metadata": metadata, "spec": spec, "status": status})).unwrap()
    }

    #[test]
    fn taints_are_well_formed_and_unique() {
        let taints = json!([
            {"key": "a", "effect": "NoSchedule"},
            {"key": "a", "effect": "NoExecute"},
            {"key": "", "value": "", "effect": ""},
            {"key": "b", "effect": "Never"},
            {"key": "a", "value": "v", "effect": "NoExecute"},
        ]);
        let node = node(&json!({"taints": taints}), &json!({}));
        let errors = texts(&validate_node_create(&node));
        assert_eq!(
            errors[0],
            "metadata.taints[2].key: Invalid value: \"\": name part must be non-empty"
        );
        assert!(errors[1].starts_with("metadata.taints[2].key: Invalid value: \"\": name part must consist of"));
        let rest = [
            "metadata.taints[2].effect: Required value",
            "metadata.taints[3].effect: Unsupported value: \"Never\": supported values: \"NoSchedule\", \"PreferNoSchedule\", \"NoExecute\"",
            "metadata.taints[4]: Duplicate value: {\"Key\":\"a\",\"Value\":\"v\",\"Effect\":\"NoExecute\",\"TimeAdded\":null}: taints must be unique by key and effect pair",
        ];
        assert_eq!(errors[2..], rest);
        assert_eq!(texts(&validate_node_status_update(&node, &node)), errors);
        assert_eq!(
            texts(&validate_node_update(&node, &node)),
            [&errors[..], &errors].concat()
        );
    }

    #[test]
    fn resources_are_not_negative_and_some_are_whole() {
        let status = json!({
            "capacity": {"cpu": "-100m", "memory": "0.5", "pods": "0.5", "x.io/gpu": "1500m"},
            "allocatable": {"cpu": "1500m", "pods": "110", "kubernetes.io/batch-cpu": "0.5"},
        });
        let wrong = [
            "status.capacity.cpu: Invalid value: \"-100m\": must be greater than or equal to 0",
            "status.capacity.pods: Invalid value: \"500m\": must be an integer",
            "status.capacity.x.io/gpu: Invalid value: \"1500m\": must be an integer",
        ];
        let node = node(&json!({}), &status);
        assert_eq!(texts(&validate_node_create(&node)), wrong);
        assert_eq!(texts(&validate_node_status_update(&node, &node)), wrong);
    }

    #[test]
    fn address_ranges_are_one_for_each_family() {
        let invalid = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)";
        let twice = "may specify no more than one CIDR for each IP family";
        let check = |spec: Value, wrong: &[String]| {
            let errors = validate_node_create(&node(&spec, &json!({})));
            assert_eq!(texts(&errors), wrong, "{spec}");
        };
        check(
            json!({"podCIDR": "10.0.0.0/24", "podCIDRs": ["10.0.0.0/24", "fd00::/64"]}),
            &[],
        );
        check(
            json!({"podCIDRs": ["x", "10.0.0.0/33"]}),
            &[
                format!("spec.podCIDRs[0]: Invalid value: \"x\": {invalid}"),
                format!("spec.podCIDRs[1]: Invalid value: \"10.0.0.0/33\": {invalid}"),
            ],
        );
        check(
            json!({"podCIDRs": ["10.0.0.0/24", "10.0.0.0/24"]}),
            &[
                format!("spec.podCIDRs: Invalid value: [\"10.0.0.0/24\",\"10.0.0.0/24\"]: {twice}"),
                "spec.podCIDRs[1]: Duplicate value: \"10.0.0.0/24\"".to_owned(),
            ],
        );
        check(
            json!({"podCIDR": "10.0.0.0/24", "podCIDRs": ["10.0.0.0/24", "x"]}),
            &[format!("spec.podCIDRs[1]: Invalid value: \"x\": {invalid}")],
        );
        check(
            json!({"podCIDRs": ["10.0.0.5/24", "fd00::1/64"]}),
            &["10.0.0.5/24", "fd00::1/64"].map(|range| {
                let at = usize::from(range.starts_with('f'));
                format!(
                    "spec.podCIDRs[{at}]: Invalid value: \"{range}\": must not have bits set beyond the prefix length"
                )
            }),
        );
        // The single field wins over a list that begins otherwise.
        check(json!({"podCIDR": "10.0.0.0/24", "podCIDRs": ["x"]}), &[]);
    }

    #[test]
    fn what_a_provider_set_stays() {
        let empty = node(&json!({}), &json!({}));
        let set = node(
            &json!({"providerID": "x://1", "podCIDR": "10.0.0.0/24"}),
            &json!({"addresses": [
                {"type": "Hostname", "address": "a"},
                {"type": "InternalIP", "address": "a"},
                {"type": "Hostname", "address": "a"},
            ]}),
        );
        let duplicate = "status.addresses[2]: Duplicate value: {\"Type\":\"Hostname\",\"Address\":\"a\"}";
        assert_eq!(texts(&validate_node_update(&set, &empty)), [duplicate]);
        let wrong = [
            "spec.podCIDRs: Forbidden: node updates may not change podCIDR except from \"\" to valid",
            "spec.providerID: Forbidden: node updates may not change providerID except from \"\" to valid",
        ];
        assert_eq!(texts(&validate_node_update(&empty, &set)), wrong);
        let external = node(&json!({"externalID": "x"}), &json!({}));
        let wrong = ["spec.externalID: Forbidden: may not be updated"];
        assert_eq!(texts(&validate_node_update(&external, &empty)), wrong);
    }
}
