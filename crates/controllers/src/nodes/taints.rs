//! Which taints a node's conditions and spec call for, as Kubernetes' node lifecycle controller sets them.
//!
//! `NoSchedule` follows each condition at once. `NoExecute`, which evicts, follows Ready alone, and is withheld and taken
//! away while no node at all is ready: then it is more likely the control plane that cannot be reached.

use leasehold_api::Time;
use leasehold_api::core::{Node, Taint};

use super::conditions::{READY, UNKNOWN, find};

const NOT_READY: &str = "node.kubernetes.io/not-ready";
const UNREACHABLE: &str = "node.kubernetes.io/unreachable";
const UNSCHEDULABLE: &str = "node.kubernetes.io/unschedulable";

const NO_SCHEDULE: &str = "NoSchedule";
const NO_EXECUTE: &str = "NoExecute";

/// A condition and its status, and the taint that they call for.
const OF_CONDITIONS: [(&str, &str, &str); 6] = [
    (READY, "False", NOT_READY),
    (READY, UNKNOWN, UNREACHABLE),
    ("MemoryPressure", "True", "node.kubernetes.io/memory-pressure"),
    ("DiskPressure", "True", "node.kubernetes.io/disk-pressure"),
    ("NetworkUnavailable", "True", "node.kubernetes.io/network-unavailable"),
    ("PIDPressure", "True", "node.kubernetes.io/pid-pressure"),
];

/// The taints that the node should have, or `None` when it has them. What is not ours is kept; `now` is for people to read.
pub(super) fn settled(node: &Node, all_silent: bool, now: Time) -> Option<Vec<Taint>> {
    let wanted = wanted(node, all_silent);
    let is_wanted = |taint: &Taint| wanted.contains(&(taint.key.as_str(), taint.effect.as_str()));
    let taints = &node.spec.taints;
    let mut settled: Vec<_> = taints
        .iter()
        .filter(|taint| !is_ours(taint) || is_wanted(taint))
        .cloned()
        .collect();
    let has = |taints: &[Taint], key: &str, effect: &str| taints.iter().any(|t| t.key == key && t.effect == effect);
    for (key, effect) in &wanted {
        if !has(&settled, key, effect) {
            settled.push(Taint {
                key: (*key).to_owned(),
                effect: (*effect).to_owned(),
                time_added: Some(now),
                ..Taint::default()
            });
        }
    }
    (settled != *taints).then_some(settled)
}

/// The keys and effects that the node's state calls for.
fn wanted(node: &Node, all_silent: bool) -> Vec<(&'static str, &'static str)> {
    let is = |kind: &str, status: &str| find(node, kind).is_some_and(|condition| condition.status == status);
    let mut wanted: Vec<_> = OF_CONDITIONS
        .iter()
        .filter(|(kind, status, _)| is(kind, status))
        .map(|(_, _, key)| (*key, NO_SCHEDULE))
        .collect();
    if node.spec.unschedulable {
        wanted.push((UNSCHEDULABLE, NO_SCHEDULE));
    }
    if !all_silent {
        let evicting = wanted.iter().find(|(key, _)| [NOT_READY, UNREACHABLE].contains(key));
        wanted.extend(evicting.map(|(key, _)| (*key, NO_EXECUTE)));
    }
    wanted
}

/// Whether nobody but us decides on a taint.
fn is_ours(taint: &Taint) -> bool {
    let key = taint.key.as_str();
    match taint.effect.as_str() {
        NO_SCHEDULE => key == UNSCHEDULABLE || OF_CONDITIONS.iter().any(|(_, _, of_condition)| *of_condition == key),
        NO_EXECUTE => [NOT_READY, UNREACHABLE].contains(&key),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use leasehold_api::core::NodeCondition;

    use super::*;

    const NOW: Time = Time::new(300, 0);

    /// `key:effect`, with `*` behind it where the taint has been added now; `node.kubernetes.io/` is left out.
    fn taint(text: &str) -> Taint {
        let (text, added) = text.strip_suffix('*').map_or((text, false), |text| (text, true));
        let (key, effect) = text.split_once(':').expect("key:effect");
        Taint {
            key: if key.contains('/') {
                key.into()
            } else {
                format!("node.kubernetes.io/{key}")
            },
            effect: effect.into(),
            time_added: added.then_some(NOW),
            ..Taint::default()
        }
    }

    fn node(conditions: &str, unschedulable: bool, taints: &[&str]) -> Node {
        let mut node = Node::default();
        node.spec.unschedulable = unschedulable;
        node.spec.taints = taints.iter().map(|text| taint(text)).collect();
        let conditions = conditions.split_whitespace().map(|text| {
            let (kind, status) = text.split_once('=').expect("type=status");
            NodeCondition {
                r#type: kind.into(),
                status: status.into(),
                ..NodeCondition::default()
            }
        });
        node.status.conditions = conditions.collect();
        node
    }

    #[test]
    fn taints_follow_conditions_and_spec() {
        let none: &[&str] = &[];
        type Taints = &'static [&'static str];
        // conditions, unschedulable, all silent, taints before, taints after
        let cases: &[(&str, bool, bool, Taints, Taints)] = &[
            ("Ready=True", false, false, none, none),
            (
                "Ready=True",
                false,
                false,
                &["not-ready:NoSchedule", "not-ready:NoExecute"],
                none,
            ),
            (
                "Ready=True",
                false,
                false,
                &["unreachable:NoSchedule", "unreachable:NoExecute"],
                none,
            ),
            (
                "Ready=Unknown",
                false,
                false,
                none,
                &["unreachable:NoSchedule*", "unreachable:NoExecute*"],
            ),
            ("Ready=Unknown", false, true, none, &["unreachable:NoSchedule*"]),
            (
                "Ready=Unknown",
                false,
                true,
                &["unreachable:NoExecute"],
                &["unreachable:NoSchedule*"],
            ),
            (
                "Ready=Unknown",
                false,
                false,
                &["not-ready:NoSchedule", "not-ready:NoExecute"],
                &["unreachable:NoSchedule*", "unreachable:NoExecute*"],
            ),
            (
                "Ready=False",
                false,
                false,
                &["not-ready:NoSchedule"],
                &["not-ready:NoSchedule", "not-ready:NoExecute*"],
            ),
            // A node that never said anything has no condition to follow.
            ("", false, false, &["not-ready:NoSchedule"], none),
            ("Ready=True", true, false, none, &["unschedulable:NoSchedule*"]),
            ("Ready=True", false, false, &["unschedulable:NoSchedule"], none),
            (
                "Ready=True MemoryPressure=True DiskPressure=Unknown PIDPressure=True NetworkUnavailable=True",
                false,
                false,
                none,
                &[
                    "memory-pressure:NoSchedule*",
                    "network-unavailable:NoSchedule*",
                    "pid-pressure:NoSchedule*",
                ],
            ),
            // What is not ours stays, and so does its order.
            (
                "Ready=Unknown",
                false,
                true,
                &[
                    "example.com/gpu:NoExecute",
                    "memory-pressure:NoExecute",
                    "not-ready:PreferNoSchedule",
                ],
                &[
                    "example.com/gpu:NoExecute",
                    "memory-pressure:NoExecute",
                    "not-ready:PreferNoSchedule",
                    "unreachable:NoSchedule*",
                ],
            ),
        ];
        for (conditions, unschedulable, all_silent, before, after) in cases {
            let node = node(conditions, *unschedulable, before);
            let wanted: Vec<_> = after.iter().map(|text| taint(text)).collect();
            let settled = settled(&node, *all_silent, NOW);
            let case = format!("{conditions} unschedulable={unschedulable} all_silent={all_silent} {before:?}");
            assert_eq!(settled.is_none(), wanted == node.spec.taints, "{case}");
            assert_eq!(settled.unwrap_or(node.spec.taints), wanted, "{case}");
        }
    }
}
