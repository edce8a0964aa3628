//! What is posted of a node. Pure: facts, health and time are arguments.

use std::collections::BTreeMap;
use std::time::Duration;

use leasehold_api::Time;
use leasehold_api::core::{Node, NodeAddress, NodeCondition, NodeStatus};
use leasehold_api::meta::ObjectMeta;
use serde_json::{Value, json};

use super::facts::Facts;

/// One aspect of the machine's state, as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    /// The condition's type, such as `Ready`.
    pub(super) kind: &'static str,
    pub(super) holds: bool,
    /// For programs: one word.
    pub(super) reason: &'static str,
    /// For people.
    pub(super) message: String,
}

/// A Node to be registered.
pub(super) fn new_node(
    name: &str,
    labels: &BTreeMap<String, String>,
    facts: &Facts,
    findings: &[Finding],
    now: Time,
) -> Node {
    Node {
        metadata: ObjectMeta {
            name: name.to_owned(),
            labels: all_labels(labels, facts),
            ..ObjectMeta::default()
        },
        status: status(&NodeStatus::default(), facts, findings, now),
        ..Node::default()
    }
}

/// The labels that a registered node should have but has not, as a patch.
pub(super) fn missing_labels(node: &Node, labels: &BTreeMap<String, String>, facts: &Facts) -> Option<Value> {
    let mut missing = all_labels(labels, facts);
    missing.retain(|key, value| node.metadata.labels.get(key) != Some(value));
    (!missing.is_empty()).then(|| json!({"metadata": {"labels": missing}}))
}

/// What the status should be, after what it was before.
pub(super) fn status(before: &NodeStatus, facts: &Facts, findings: &[Finding], now: Time) -> NodeStatus {
    let addresses = facts.addresses.iter().map(|(kind, address)| NodeAddress {
        r#type: (*kind).to_owned(),
        address: address.clone(),
    });
    NodeStatus {
        capacity: facts.capacity.clone(),
        allocatable: facts.capacity.clone(),
        conditions: findings.iter().map(|finding| condition(before, finding, now)).collect(),
        addresses: addresses.collect(),
        node_info: facts.system.clone(),
        ..NodeStatus::default()
    }
}

fn condition(before: &NodeStatus, finding: &Finding, now: Time) -> NodeCondition {
    let status = if finding.holds { "True" } else { "False" };
    let same = |old: &&NodeCondition| old.r#type == finding.kind && old.status == status;
    let since = before
        .conditions
        .iter()
        .find(same)
        .map_or(now, |old| old.last_transition_time);
    NodeCondition {
        r#type: finding.kind.to_owned(),
        status: status.to_owned(),
        last_heartbeat_time: now,
        last_transition_time: since,
        reason: finding.reason.to_owned(),
        message: finding.message.clone(),
    }
}

/// Whether the status is to be posted: what is there says something else, or the last post is `every` ago.
pub(super) fn is_due(there: &NodeStatus, wanted: &NodeStatus, since_post: Duration, every: Duration) -> bool {
    let says_so = |wanted: &NodeCondition| {
        let said = |c: &NodeCondition| (c.status.clone(), c.reason.clone(), c.message.clone());
        let there = there.conditions.iter().find(|there| there.r#type == wanted.r#type);
        there.is_some_and(|there| said(there) == said(wanted))
    };
    since_post >= every
        || !wanted.conditions.iter().all(says_so)
        || !wanted.addresses.iter().all(|address| there.addresses.contains(address))
        || there.node_info != wanted.node_info
        || !wanted
            .capacity
            .iter()
            .all(|(name, amount)| there.capacity.get(name) == Some(amount))
}

/// The patch that posts it. Conditions and addresses that others added stay.
pub(super) fn post(wanted: &NodeStatus) -> Value {
    json!({"status": wanted})
}

fn all_labels(labels: &BTreeMap<String, String>, facts: &Facts) -> BTreeMap<String, String> {
    let usual = [
        ("kubernetes.io/hostname", &facts.hostname),
        ("kubernetes.io/os", &facts.system.operating_system),
        ("kubernetes.io/arch", &facts.system.architecture),
    ];
    let usual = usual.into_iter().map(|(key, value)| (key.to_owned(), value.clone()));
    // What was asked for wins.
    usual.chain(labels.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: Time = Time::new(100, 0);
    const NOW: Time = Time::new(200, 0);
    const EVERY: Duration = Duration::from_secs(300);

    fn facts() -> Facts {
        Facts::example()
    }

    fn ready(holds: bool) -> Finding {
        Finding {
            kind: "Ready",
            holds,
            reason: "AgentReady",
            message: "well".into(),
        }
    }

    #[test]
    fn a_status_keeps_since_when_a_condition_holds() {
        let before = status(&NodeStatus::default(), &facts(), &[ready(true)], OLD);
        for (holds, since) in [(true, OLD), (false, NOW)] {
            let after = status(&before, &facts(), &[ready(holds)], NOW);
            let condition = &after.conditions[0];
            assert_eq!(
                (condition.last_transition_time, condition.last_heartbeat_time),
                (since, NOW)
            );
        }
    }

    #[test]
    fn a_status_is_posted_when_it_differs_and_now_and_then() {
        let there = status(&NodeStatus::default(), &facts(), &[ready(true)], OLD);
        let same = status(&there, &facts(), &[ready(true)], NOW);
        let due = |there: &NodeStatus, wanted: &NodeStatus, seconds| {
            is_due(there, wanted, Duration::from_secs(seconds), EVERY)
        };
        assert!(!due(&there, &same, 299));
        assert!(due(&there, &same, 300));

        let mut unknown = there.clone();
        unknown.conditions[0].status = "Unknown".into();
        assert!(due(&unknown, &same, 0), "the server found us silent");
        assert!(due(&there, &status(&there, &facts(), &[ready(false)], NOW), 0));
        assert!(due(&NodeStatus::default(), &same, 0));
        let moved = Facts {
            addresses: vec![("InternalIP", "192.0.2.2".into())],
            ..facts()
        };
        assert!(due(&there, &status(&there, &moved, &[ready(true)], NOW), 0));

        let mut others = there.clone();
        others.conditions.push(NodeCondition {
            r#type: "NetworkUnavailable".into(),
            ..NodeCondition::default()
        });
        assert!(!due(&others, &same, 0), "what others say is theirs");
    }

    #[test]
    fn labels_that_are_missing_or_wrong_are_patched() {
        let wish = BTreeMap::from([("tier".to_owned(), "edge".to_owned())]);
        let mut node = new_node("n1", &wish, &facts(), &[ready(true)], NOW);
        assert_eq!(node.metadata.labels["kubernetes.io/hostname"], "host-1");
        assert_eq!(missing_labels(&node, &wish, &facts()), None);
        node.metadata.labels.remove("tier");
        node.metadata.labels.insert("mine".into(), "too".into());
        let patch = missing_labels(&node, &wish, &facts());
        assert_eq!(patch, Some(json!({"metadata": {"labels": {"tier": "edge"}}})));
    }
}
