//! The node monitor. Its clock moves in steps of a second, since it takes a longer pause for sleep.

use std::sync::Arc;
use std::time::Duration;

use leasehold_api::options::DeleteOptions;
use leasehold_controllers::NodeMonitor;
use leasehold_controllers::nodes::{NodeFigures, Settings};
use leasehold_registry::resources::{CORE_EVENTS, LEASES, NODES};
use leasehold_registry::{PatchKind, Place, Subresource};
use serde_json::{Value, json};

use crate::harness::Harness;

/// The time that the harness's calendar begins with.
const START: &str = "2020-01-01T00:00:00Z";

async fn start() -> Harness {
    let h = Harness::with(NodeMonitor::new(Settings::default())).await;
    h.quiet().await;
    h
}

fn node(name: &str) -> Place {
    Place::collection(&NODES, "").named(name)
}

fn lease(name: &str) -> Place {
    Place::collection(&LEASES, "kube-node-lease").named(name)
}

fn condition(kind: &str, status: &str, heartbeat: &str) -> Value {
    json!({"type": kind, "status": status, "lastHeartbeatTime": heartbeat, "lastTransitionTime": START,
        "reason": "KubeletSays", "message": "so"})
}

/// What only the monitor's use of [`Harness`] needs.
impl Harness {
    /// A node that says it is ready, with a lease.
    async fn join(&self, name: &str) {
        self.create(&Place::collection(&NODES, ""), json!({"metadata": {"name": name}}))
            .await;
        let body = json!({"metadata": {"name": name}, "spec": {"renewTime": "2020-01-01T00:00:00.000001Z"}});
        self.create(&Place::collection(&LEASES, "kube-node-lease"), body).await;
        self.post(name, "True", "2019-01-01T00:00:00Z").await;
    }

    async fn post(&self, name: &str, ready: &str, heartbeat: &str) {
        let mut place = node(name);
        place.subresource = Some(Subresource::Status);
        let conditions = [
            condition("Ready", ready, heartbeat),
            condition("DiskPressure", "False", heartbeat),
        ];
        self.patch(
            &place,
            PatchKind::Strategic,
            json!({"status": {"conditions": conditions}}),
        )
        .await;
        self.quiet().await;
    }

    /// Changes a node's lease, and has the monitor see it.
    async fn touch(&self, name: &str, change: Value) {
        self.patch(&lease(name), PatchKind::Merge, change).await;
        self.seconds(1).await;
    }

    async fn seconds(&self, seconds: u64) {
        self.pass(Duration::from_secs(seconds), Duration::from_secs(1)).await;
    }

    /// What Ready says, with its reason.
    async fn ready(&self, name: &str) -> String {
        let node = self.get(&node(name)).await.expect("a node");
        let conditions = node["status"]["conditions"].as_array().cloned().unwrap_or_default();
        let ready = conditions.iter().find(|condition| condition["type"] == "Ready");
        ready.map_or("none".to_owned(), |ready| {
            format!(
                "{} {}",
                ready["status"].as_str().unwrap(),
                ready["reason"].as_str().unwrap()
            )
        })
    }

    /// The keys, shortened, and effects of a node's taints.
    async fn taints(&self, name: &str) -> Vec<String> {
        let node = self.get(&node(name)).await.expect("a node");
        let taints = node["spec"]["taints"].as_array().cloned().unwrap_or_default();
        let text = |taint: &Value| {
            let key = taint["key"].as_str().unwrap().trim_start_matches("node.kubernetes.io/");
            format!("{key}:{}", taint["effect"].as_str().unwrap())
        };
        taints.iter().map(text).collect()
    }

    /// Reason, message and count of each Event, sorted.
    async fn told(&self) -> Vec<(String, String, u64)> {
        let events = self.list(&Place::collection(&CORE_EVENTS, "default")).await;
        let text = |event: &Value, field: &str| event[field].as_str().unwrap().to_owned();
        let told = events.iter().map(|event| {
            assert_eq!(event["source"]["component"], "node-controller");
            assert_eq!(event["involvedObject"]["kind"], "Node");
            assert_eq!(event["type"], "Normal");
            (
                text(event, "reason"),
                text(event, "message"),
                event["count"].as_u64().unwrap(),
            )
        });
        let mut told: Vec<_> = told.collect();
        told.sort();
        told
    }
}

#[tokio::test]
async fn a_node_is_watched_over_from_its_coming_to_its_going() {
    let h = start().await;
    h.join("witness").await;
    h.join("n1").await;
    h.seconds(1).await;
    assert_eq!(h.taints("n1").await, [""; 0], "the taint that it was born with is gone");

    for round in 0..9 {
        h.touch(
            "witness",
            json!({"spec": {"renewTime": format!("2020-01-01T00:00:{round:02}.000000Z")}}),
        )
        .await;
        h.seconds(4).await;
        assert_eq!(h.ready("n1").await, "True KubeletSays");
    }
    // Its last heartbeat was seen about a second after its coming: it is silent now, or within a period.
    h.touch("witness", json!({"spec": {"renewTime": "2020-01-01T09:00:00.000001Z"}}))
        .await;
    h.seconds(5).await;
    let found = h.get(&node("n1")).await.expect("a node");
    let conditions = found["status"]["conditions"].as_array().expect("conditions").clone();
    let now = conditions[0]["lastTransitionTime"].as_str().expect("a time").to_owned();
    assert!(
        now.as_str() > "2020-01-01T00:00:50Z" && now.as_str() <= "2020-01-01T00:00:57Z",
        "{now}"
    );
    let stopped = |kind: &str| {
        json!({"type": kind, "status": "Unknown", "reason": "NodeStatusUnknown",
            "message": "Kubelet stopped posting node status.", "lastHeartbeatTime": "2019-01-01T00:00:00Z",
            "lastTransitionTime": now})
    };
    let never = |kind: &str| {
        json!({"type": kind, "status": "Unknown", "reason": "NodeStatusNeverUpdated",
            "message": "Kubelet never posted node status.", "lastHeartbeatTime": START, "lastTransitionTime": now})
    };
    let wanted = [
        stopped("Ready"),
        stopped("DiskPressure"),
        never("MemoryPressure"),
        never("PIDPressure"),
    ];
    assert_eq!(conditions, wanted);
    let taints = &found["spec"]["taints"];
    for (index, effect) in ["NoSchedule", "NoExecute"].into_iter().enumerate() {
        let taint = &taints[index];
        assert_eq!(
            (&taint["key"], &taint["effect"]),
            (&json!("node.kubernetes.io/unreachable"), &json!(effect))
        );
        assert!(
            taint["timeAdded"].as_str().is_some_and(|added| added >= now.as_str()),
            "{taint}"
        );
    }
    assert_eq!(h.ready("witness").await, "True KubeletSays");

    h.post("n1", "True", "2018-01-01T00:00:00Z").await;
    h.seconds(1).await;
    assert_eq!(h.taints("n1").await, [""; 0]);
    h.touch("witness", json!({"spec": {"renewTime": "2020-01-01T09:00:00.000002Z"}}))
        .await;
    h.seconds(44).await;
    assert_eq!(
        h.ready("n1").await,
        "True KubeletSays",
        "a heartbeat that goes back is one"
    );

    h.delete(&node("n1"), &DeleteOptions::default()).await;
    h.seconds(1).await;
    let told = |reason: &str, message: &str| (reason.to_owned(), message.to_owned(), 1);
    let wanted = [
        told("NodeNotReady", "Node n1 status is now: NodeNotReady"),
        told("RegisteredNode", "Node n1 event: Registered Node n1 in Controller"),
        told(
            "RegisteredNode",
            "Node witness event: Registered Node witness in Controller",
        ),
        told("RemovingNode", "Node n1 event: Removing Node n1 from Controller"),
    ];
    assert_eq!(h.told().await, wanted);
    h.end().await;
}

#[tokio::test]
async fn only_a_change_of_renew_time_is_a_heartbeat_of_a_lease() {
    let h = start().await;
    for name in ["alive", "labelled"] {
        h.join(name).await;
    }
    for round in 0..12_u32 {
        let renewed = format!("2019-01-01T00:00:{:02}.000000Z", 59 - round);
        h.touch("alive", json!({"spec": {"renewTime": renewed}})).await;
        h.touch(
            "labelled",
            json!({"metadata": {"labels": {"round": round.to_string()}}}),
        )
        .await;
        h.seconds(3).await;
    }
    assert_eq!(
        h.ready("alive").await,
        "True KubeletSays",
        "though its clock goes backwards"
    );
    assert_eq!(h.ready("labelled").await, "Unknown NodeStatusUnknown");
    h.end().await;
}

#[tokio::test]
async fn a_node_that_never_posts_has_a_longer_grace_and_a_lease_puts_it_off() {
    let h = start().await;
    for name in ["mute", "leased"] {
        h.create(&Place::collection(&NODES, ""), json!({"metadata": {"name": name}}))
            .await;
    }
    h.seconds(40).await;
    h.create(
        &Place::collection(&LEASES, "kube-node-lease"),
        json!({"metadata": {"name": "leased"}, "spec": {}}),
    )
    .await;
    h.touch("leased", json!({"spec": {"renewTime": "2020-01-01T00:00:00.000001Z"}}))
        .await;
    h.seconds(17).await;
    assert_eq!(h.ready("mute").await, "none");
    h.seconds(7).await;
    assert_eq!(h.ready("mute").await, "Unknown NodeStatusNeverUpdated");
    assert_eq!(h.ready("leased").await, "none");
    h.seconds(40).await;
    assert_eq!(h.ready("leased").await, "Unknown NodeStatusNeverUpdated");
    let not_ready = h.told().await.iter().any(|(reason, ..)| reason == "NodeNotReady");
    assert!(!not_ready, "neither was ready before");
    h.end().await;
}

#[tokio::test]
async fn nobody_is_evicted_while_all_are_silent() {
    let h = start().await;
    for name in ["a", "b"] {
        h.join(name).await;
    }
    h.seconds(20).await;
    h.touch("b", json!({"spec": {"renewTime": "2020-01-01T00:00:20.000000Z"}}))
        .await;
    h.seconds(37).await;
    assert_eq!(h.taints("a").await, ["unreachable:NoSchedule", "unreachable:NoExecute"]);
    assert_eq!(h.taints("b").await, [""; 0]);
    h.seconds(20).await;
    assert_eq!(h.ready("b").await, "Unknown NodeStatusUnknown");
    for name in ["a", "b"] {
        assert_eq!(h.taints(name).await, ["unreachable:NoSchedule"], "{name}");
    }
    h.post("b", "True", "2020-01-01T00:01:20Z").await;
    h.seconds(1).await;
    assert_eq!(h.taints("a").await, ["unreachable:NoSchedule", "unreachable:NoExecute"]);
    assert_eq!(h.taints("b").await, [""; 0]);
    h.end().await;
}

#[tokio::test]
async fn a_spec_that_keeps_work_away_is_a_taint_too() {
    let h = start().await;
    h.join("n1").await;
    h.patch(&node("n1"), PatchKind::Merge, json!({"spec": {"unschedulable": true}}))
        .await;
    h.seconds(1).await;
    assert_eq!(h.taints("n1").await, ["unschedulable:NoSchedule"]);
    h.post("n1", "False", "2020-01-01T00:00:01Z").await;
    h.seconds(1).await;
    assert_eq!(
        h.taints("n1").await,
        ["unschedulable:NoSchedule", "not-ready:NoSchedule"],
        "the only one: not evicted"
    );
    h.patch(&node("n1"), PatchKind::Merge, json!({"spec": {"unschedulable": null}}))
        .await;
    h.seconds(1).await;
    assert_eq!(h.taints("n1").await, ["not-ready:NoSchedule"]);
    h.end().await;
}

#[tokio::test]
async fn a_lost_place_in_history_is_no_silence() {
    // Room for a few changes only.
    let h = Harness::over(NodeMonitor::new(Settings::default()), |options| {
        options.history_bytes = 4096;
    })
    .await;
    h.quiet().await;
    h.join("n1").await;
    h.seconds(45).await;
    // What the monitor is to see next has left the window when it looks.
    for round in 0..50 {
        let renewed = format!("2020-01-01T00:00:00.{round:06}Z");
        h.patch(&lease("n1"), PatchKind::Merge, json!({"spec": {"renewTime": renewed}}))
            .await;
    }
    h.seconds(45).await;
    assert_eq!(h.ready("n1").await, "True KubeletSays");
    h.seconds(10).await;
    assert_eq!(h.ready("n1").await, "Unknown NodeStatusUnknown");
    h.end().await;
}

#[tokio::test]
async fn a_machine_that_slept_gives_everyone_another_chance() {
    let h = start().await;
    h.join("n1").await;
    h.seconds(30).await;
    h.clock.advance(Duration::from_secs(3600));
    h.seconds(45).await;
    assert_eq!(h.ready("n1").await, "True KubeletSays");
    h.seconds(10).await;
    assert_eq!(h.ready("n1").await, "Unknown NodeStatusUnknown");
    h.end().await;
}

#[tokio::test]
async fn what_was_there_at_the_start_is_no_news_and_has_a_full_grace() {
    let h = start().await;
    h.join("n1").await;
    h.seconds(45).await;
    let told = h.told().await;
    let h = h.restart(NodeMonitor::new(Settings::default())).await;
    h.seconds(45).await;
    assert_eq!(h.ready("n1").await, "True KubeletSays");
    assert_eq!(h.told().await, told);
    h.seconds(10).await;
    assert_eq!(h.ready("n1").await, "Unknown NodeStatusUnknown");
    h.end().await;
}

#[tokio::test]
async fn the_monitor_counts() {
    let figures = Arc::<NodeFigures>::default();
    let h = Harness::with(NodeMonitor::counting(Settings::default(), figures.clone())).await;
    h.quiet().await;
    h.join("n1").await;
    h.join("n2").await;
    h.seconds(1).await;
    let before = figures.heartbeats();
    h.touch("n1", json!({"spec": {"renewTime": "2020-01-01T00:00:20.000000Z"}}))
        .await;
    h.touch("n1", json!({"metadata": {"labels": {"a": "b"}}})).await;
    h.post("n1", "False", "2020-01-01T00:00:20Z").await;
    h.seconds(1).await;
    assert_eq!(figures.heartbeats() - before, 2);
    let nodes = figures.nodes();
    assert_eq!((nodes.ready, nodes.not_ready, nodes.unknown), (1, 1, 0));
    h.seconds(60).await;
    assert_eq!((figures.nodes().unknown, figures.silences()), (2, 2));
    assert!(figures.lag() <= Duration::from_secs(1), "{:?}", figures.lag());
    h.end().await;
}
