//! What becomes of a node's conditions when it has been silent for too long, in Kubernetes' words.

use leasehold_api::Time;
use leasehold_api::core::{Node, NodeCondition};

/// Whether the node is fit for use.
pub(super) const READY: &str = "Ready";
/// The conditions that only the node itself can know.
const REPORTED_BY_NODE: [&str; 4] = [READY, "MemoryPressure", "DiskPressure", "PIDPressure"];

pub(super) const UNKNOWN: &str = "Unknown";
/// The reason of a condition that the node has never posted.
pub(super) const NEVER_UPDATED: &str = "NodeStatusNeverUpdated";

/// The node's condition of this type.
pub(super) fn find<'a>(node: &'a Node, kind: &str) -> Option<&'a NodeCondition> {
    node.status.conditions.iter().find(|condition| condition.r#type == kind)
}

/// A silent node with the conditions that it deserves, or `None` when Ready is `Unknown` already. `now` is for people to
/// read.
pub(super) fn silenced(node: &Node, now: Time) -> Option<Node> {
    if find(node, READY).is_some_and(|ready| ready.status == UNKNOWN) {
        return None;
    }
    let mut silenced = node.clone();
    for kind in REPORTED_BY_NODE {
        let conditions = &mut silenced.status.conditions;
        match conditions.iter_mut().find(|condition| condition.r#type == kind) {
            Some(condition) if condition.status == UNKNOWN => {}
            Some(condition) => stopped(condition, now),
            None => conditions.push(never(kind, node.metadata.creation_timestamp, now)),
        }
    }
    Some(silenced)
}

fn stopped(condition: &mut NodeCondition, now: Time) {
    UNKNOWN.clone_into(&mut condition.status);
    "NodeStatusUnknown".clone_into(&mut condition.reason);
    "Kubelet stopped posting node status.".clone_into(&mut condition.message);
    condition.last_transition_time = now;
}

fn never(kind: &str, created: Time, now: Time) -> NodeCondition {
    NodeCondition {
        r#type: kind.to_owned(),
        status: UNKNOWN.to_owned(),
        last_heartbeat_time: created,
        last_transition_time: now,
        reason: NEVER_UPDATED.to_owned(),
        message: "Kubelet never posted node status.".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use leasehold_api::meta::ObjectMeta;

    use super::*;

    const CREATED: Time = Time::new(100, 0);
    const POSTED: Time = Time::new(200, 0);
    const NOW: Time = Time::new(300, 0);

    fn condition(kind: &str, status: &str) -> NodeCondition {
        NodeCondition {
            r#type: kind.into(),
            status: status.into(),
            last_heartbeat_time: POSTED,
            last_transition_time: POSTED,
            reason: "KubeletSays".into(),
            message: "so".into(),
        }
    }

    fn node(conditions: &[(&str, &str)]) -> Node {
        let mut node = Node {
            metadata: ObjectMeta {
                name: "n1".into(),
                creation_timestamp: CREATED,
                ..ObjectMeta::default()
            },
            ..Node::default()
        };
        node.status.conditions = conditions
            .iter()
            .map(|(kind, status)| condition(kind, status))
            .collect();
        node
    }

    /// What a condition looks like afterwards.
    #[derive(Debug, PartialEq)]
    enum After {
        Kept,
        Stopped,
        Never,
    }

    fn after(condition: &NodeCondition) -> After {
        let (reason, message) = (condition.reason.as_str(), condition.message.as_str());
        let times = (condition.last_heartbeat_time, condition.last_transition_time);
        match (condition.status.as_str(), reason, message, times) {
            (_, "KubeletSays", "so", (POSTED, POSTED)) => After::Kept,
            ("Unknown", "NodeStatusUnknown", "Kubelet stopped posting node status.", (POSTED, NOW)) => After::Stopped,
            ("Unknown", "NodeStatusNeverUpdated", "Kubelet never posted node status.", (CREATED, NOW)) => After::Never,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn silence_makes_unknown_what_only_the_node_can_know() {
        use After::{Kept, Never, Stopped};
        let all = [
            ("Ready", "True"),
            ("MemoryPressure", "False"),
            ("DiskPressure", "False"),
            ("PIDPressure", "False"),
        ];
        type Before = [(&'static str, &'static str)];
        let cases: &[(&Before, &[(&str, After)])] = &[
            (
                &[],
                &[
                    ("Ready", Never),
                    ("MemoryPressure", Never),
                    ("DiskPressure", Never),
                    ("PIDPressure", Never),
                ],
            ),
            (
                &all,
                &[
                    ("Ready", Stopped),
                    ("MemoryPressure", Stopped),
                    ("DiskPressure", Stopped),
                    ("PIDPressure", Stopped),
                ],
            ),
            (
                &[
                    ("PIDPressure", "Unknown"),
                    ("NetworkUnavailable", "False"),
                    ("Ready", "False"),
                ],
                &[
                    ("PIDPressure", Kept),
                    ("NetworkUnavailable", Kept),
                    ("Ready", Stopped),
                    ("MemoryPressure", Never),
                    ("DiskPressure", Never),
                ],
            ),
        ];
        for (before, wanted) in cases {
            let silenced = silenced(&node(before), NOW).expect("a change");
            let found: Vec<_> = silenced
                .status
                .conditions
                .iter()
                .map(|c| (c.r#type.as_str(), after(c)))
                .collect();
            assert_eq!(found, *wanted, "{before:?}");
        }
    }

    #[test]
    fn a_node_whose_readiness_is_unknown_is_left_as_it_is() {
        assert_eq!(
            silenced(&node(&[("Ready", "Unknown"), ("DiskPressure", "True")]), NOW),
            None
        );
    }
}
