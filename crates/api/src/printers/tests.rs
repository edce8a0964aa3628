use serde::de::DeserializeOwned;
use serde_json::json;

use super::*;
use crate::coordination::{Lease, LeaseCandidate};
use crate::core::{Event, Namespace, Node};

const CREATED: &str = "2026-01-02T03:04:05Z";

/// The cells of an object 90 seconds after [`CREATED`].
fn cells<T: Printer + DeserializeOwned>(object: Value) -> Vec<Value> {
    let now = Time::parse("2026-01-02T03:05:35Z").unwrap();
    let cells = serde_json::from_value::<T>(object).unwrap().cells(now);
    assert_eq!(cells.len(), T::COLUMNS.len());
    cells
}

fn names<T: Printer>() -> Vec<(String, String, i32)> {
    let columns = T::COLUMNS.iter().inspect(|column| assert_eq!(column.r#type, "string"));
    columns
        .map(|column| (column.name.to_string(), column.format.to_string(), column.priority))
        .collect()
}

fn check_columns<T: Printer>(wanted: &[(&str, &str, i32)]) {
    let wanted = wanted
        .iter()
        .map(|(name, format, priority)| ((*name).into(), (*format).into(), *priority));
    assert_eq!(names::<T>(), wanted.collect::<Vec<(String, String, i32)>>());
}

#[test]
fn columns_are_those_that_kubectl_knows() {
    check_columns::<Lease>(&[("Name", "name", 0), ("Holder", "", 0), ("Age", "", 0)]);
    check_columns::<Namespace>(&[("Name", "name", 0), ("Status", "", 0), ("Age", "", 0)]);
    check_columns::<LeaseCandidate>(&[
        ("Name", "name", 0),
        ("LeaseName", "", 0),
        ("BinaryVersion", "", 0),
        ("EmulationVersion", "", 0),
        ("Age", "", 0),
    ]);
    check_columns::<Node>(&[
        ("Name", "name", 0),
        ("Status", "", 0),
        ("Roles", "", 0),
        ("Age", "", 0),
        ("Version", "", 0),
        ("Internal-IP", "", 1),
        ("External-IP", "", 1),
        ("OS-Image", "", 1),
        ("Kernel-Version", "", 1),
        ("Container-Runtime", "", 1),
    ]);
    check_columns::<Event>(&[
        ("Last Seen", "", 0),
        ("Type", "", 0),
        ("Reason", "", 0),
        ("Object", "", 0),
        ("Subobject", "", 1),
        ("Source", "", 1),
        ("Message", "", 0),
        ("First Seen", "", 1),
        ("Count", "", 1),
        ("Name", "name", 1),
    ]);
}

#[test]
fn leases_and_candidates_and_namespaces_print_what_they_hold() {
    let metadata = json!({"name": "a", "creationTimestamp": CREATED});
    let lease = json!({"metadata": metadata, "spec": {"holderIdentity": "h1"}});
    assert_eq!(cells::<Lease>(lease), ["a", "h1", "90s"]);
    assert_eq!(
        cells::<Lease>(json!({"metadata": {"name": "a"}})),
        ["a", "", "<unknown>"]
    );
    let spec = json!({"leaseName": "job", "binaryVersion": "1.36.0", "emulationVersion": "1.35.0"});
    let candidate = json!({"metadata": metadata, "spec": spec});
    assert_eq!(
        cells::<LeaseCandidate>(candidate),
        ["a", "job", "1.36.0", "1.35.0", "90s"]
    );
    let namespace = json!({"metadata": metadata, "status": {"phase": "Active"}});
    assert_eq!(cells::<Namespace>(namespace), ["a", "Active", "90s"]);
}

#[test]
fn a_bare_node_is_unknown() {
    let unknown = "<unknown>";
    let node = json!({"metadata": {"name": "n", "creationTimestamp": CREATED}});
    let wanted = [
        "n", "Unknown", "<none>", "90s", "", "<none>", "<none>", unknown, unknown, unknown,
    ];
    assert_eq!(cells::<Node>(node), wanted);
}

#[test]
fn a_node_prints_its_state_and_roles() {
    let node = |status: &str, unschedulable: bool| {
        json!({
            "metadata": {"name": "n", "creationTimestamp": CREATED, "labels": {
                "node-role.kubernetes.io/worker": "",
                "node-role.kubernetes.io/": "no",
                "kubernetes.io/role": "edge",
                "other": "x",
            }},
            "spec": {"unschedulable": unschedulable},
            "status": {
                "conditions": [
                    {"type": "DiskPressure", "status": "False"},
                    {"type": "Ready", "status": status},
                ],
                "addresses": [
                    {"type": "Hostname", "address": "n"},
                    {"type": "InternalIP", "address": "10.0.0.1"},
                    {"type": "InternalIP", "address": "fd00::1"},
                    {"type": "ExternalIP", "address": "192.0.2.1"},
                ],
                "nodeInfo": {
                    "kubeletVersion": "v1", "osImage": "os", "kernelVersion": "k", "containerRuntimeVersion": "c",
                },
            },
        })
    };
    let wanted = [
        "n",
        "Ready",
        "edge,worker",
        "90s",
        "v1",
        "10.0.0.1",
        "192.0.2.1",
        "os",
        "k",
        "c",
    ];
    assert_eq!(cells::<Node>(node("True", false)), wanted);
    for (status, unschedulable, printed) in [
        ("True", true, "Ready,SchedulingDisabled"),
        ("False", false, "NotReady"),
        ("Unknown", true, "NotReady,SchedulingDisabled"),
    ] {
        assert_eq!(cells::<Node>(node(status, unschedulable))[1], printed);
    }
}

#[test]
fn the_last_of_several_ready_conditions_counts() {
    let conditions = json!([{"type": "Ready", "status": "False"}, {"type": "Ready", "status": "True"}]);
    let node = json!({"metadata": {"name": "n"}, "status": {"conditions": conditions}});
    assert_eq!(cells::<Node>(node)[1], "Ready");
}

#[test]
fn an_event_of_the_old_way_prints_its_own_times_and_count() {
    let event = json!({
        "metadata": {"name": "e"},
        "involvedObject": {"kind": "Lease", "name": "app", "fieldPath": "spec"},
        "reason": "LeaderElection",
        "message": " one became leader\n",
        "source": {"component": "one", "host": "h"},
        "firstTimestamp": CREATED,
        "lastTimestamp": "2026-01-02T03:05:05Z",
        "count": 3,
        "type": "Normal",
    });
    let wanted = json!([
        "30s",
        "Normal",
        "LeaderElection",
        "lease/app",
        "spec",
        "one, h",
        "one became leader",
        "90s",
        3,
        "e",
    ]);
    assert_eq!(Value::from(cells::<Event>(event)), wanted);
}

#[test]
fn an_event_of_the_new_way_prints_its_series() {
    let mut event = json!({
        "metadata": {"name": "e"},
        "involvedObject": {"kind": "Node"},
        "eventTime": "2026-01-02T03:04:05.900000Z",
        "reportingComponent": "x.io/elector",
    });
    let wanted = json!(["90s", "", "", "node", "", "x.io/elector", "", "90s", 1, "e"]);
    assert_eq!(Value::from(cells::<Event>(event.clone())), wanted);
    event["series"] = json!({"count": 7, "lastObservedTime": "2026-01-02T03:05:34.100000Z"});
    let wanted = json!(["1s", "", "", "node", "", "x.io/elector", "", "90s", 7, "e"]);
    assert_eq!(Value::from(cells::<Event>(event)), wanted);
}
