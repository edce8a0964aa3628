//! `leasehold status`, the features, and the leases of the server itself, as a user meets them.

use rustix::process::Signal;
use serde_json::Value;

use super::asked::Asked;
use super::{complaint, output};

const SYSTEM: &str = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases";
const IDENTITIES: &str = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases?labelSelector=apiserver.kubernetes.io%2Fidentity%3Dkube-apiserver";

/// Waits, with a bound, until the answer is good.
pub(super) fn until(server: &Asked, path: &str, good: impl Fn(&Value) -> bool) -> Value {
    let mut last = Value::Null;
    for _ in 0..500 {
        last = server.ask("GET", path, "").1;
        if good(&last) {
            return last;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    panic!("{path}: {last:#}");
}

fn names(list: &Value) -> Vec<&str> {
    let items = list["items"].as_array().unwrap().iter();
    items.map(|item| item["metadata"]["name"].as_str().unwrap()).collect()
}

#[test]
fn the_status_tells_of_each_controller_to_people_and_programs() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let server = Asked::start(&data, &[]);
    until(&server, SYSTEM, |list| names(list).len() == 2);
    let arguments = ["status", "--data-dir", data.to_str().unwrap()];
    let printed = output(&arguments);
    assert!(printed.status.success() && printed.stderr.is_empty(), "{printed:?}");
    let text = String::from_utf8(printed.stdout).unwrap();
    let mut lines = text.lines();
    let header: Vec<_> = lines.next().unwrap().split_whitespace().collect();
    assert_eq!(
        header,
        ["CONTROLLER", "STATE", "RUNS", "LAST", "CAUSE", "NEXT", "RESULT", "WHY"]
    );
    let identity = lines.find(|line| line.starts_with("server-identity ")).unwrap();
    assert!(
        identity.contains(" idle ") && identity.contains("published kube-system/apiserver-"),
        "{identity}"
    );
    assert!(identity.contains("renews kube-system/apiserver-"), "{identity}");

    let printed = output(&[&arguments[..], &["-o", "json"]].concat());
    let answer: Value = serde_json::from_slice(&printed.stdout).unwrap();
    let controllers = answer["controllers"].as_array().unwrap();
    let of = |name: &str| controllers.iter().find(|it| it["name"] == name).unwrap();
    assert_eq!(of("leader-election-controller")["why"], "there are no candidates");
    assert_eq!(of("identity-expiry")["last"]["ok"], true);

    let (exit, lines) = complaint(&output(&[&arguments[..], &["--context", "another"]].concat()));
    assert_eq!(exit, Some(4));
    assert!(lines[0].contains("the context is not there"), "{lines:?}");

    server.stop();
    let (exit, lines) = complaint(&output(&arguments));
    assert_eq!((exit, lines.len()), (Some(1), 1), "{lines:?}");
}

#[test]
fn a_server_has_one_identity_lease_whichever_process_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let named = [
        "--identity-hostname",
        "host-1.example",
        "--identity-lease-duration",
        "3s",
    ];
    let holder = |server: &Asked| {
        let list = until(server, IDENTITIES, |list| names(list).len() == 1);
        let lease = &list["items"][0];
        assert_eq!(lease["metadata"]["labels"]["kubernetes.io/hostname"], "host-1.example");
        assert_eq!(lease["spec"]["leaseDurationSeconds"], 3);
        (
            lease["metadata"]["uid"].clone(),
            lease["spec"]["holderIdentity"].clone(),
        )
    };
    let first = Asked::start(&data, &named);
    let (uid, before) = holder(&first);
    first.kill();

    let second = Asked::start(&data, &named);
    let taken = until(&second, IDENTITIES, |list| {
        list["items"][0]["spec"]["holderIdentity"] != before
    });
    assert_eq!(names(&taken).len(), 1);
    assert_eq!(taken["items"][0]["metadata"]["uid"], uid);
    second.stop();

    // Stopped as it should be, it has taken its lease away; a server of another name finds none.
    let other = [
        "--identity-hostname",
        "host-2.example",
        "--identity-lease-duration",
        "2s",
        "--identity-gc-period",
        "1s",
    ];
    let third = Asked::start(&data, &other);
    until(&third, IDENTITIES, |list| names(list).len() == 1);
    third.kill();
    // Killed, it leaves its lease behind, and another server clears it away when it has been silent for its two seconds.
    let other = ["--identity-hostname", "host-3.example", "--identity-gc-period", "1s"];
    let fourth = Asked::start(&data, &other);
    until(&fourth, IDENTITIES, |list| names(list).len() == 2);
    let left = until(&fourth, IDENTITIES, |list| names(list).len() == 1);
    assert_eq!(
        left["items"][0]["metadata"]["labels"]["kubernetes.io/hostname"],
        "host-3.example"
    );
    fourth.stop();
}

#[test]
fn without_its_feature_a_server_has_no_identity_lease() {
    let dir = tempfile::tempdir().unwrap();
    let server = Asked::start(
        &dir.path().join("data"),
        &[
            "--feature-gates=APIServerIdentity=false",
            "--feature-gates",
            "CoordinatedLeaderElection=false",
        ],
    );
    let list = until(&server, SYSTEM, |list| !names(list).is_empty());
    assert_eq!(names(&list), ["leasehold-controllers"]);
    let candidates = "/apis/coordination.k8s.io/v1beta1/namespaces/default/leasecandidates";
    assert_eq!(server.ask("GET", candidates, "").0, 404);
    let metrics = server.text("/metrics");
    for line in [
        "kubernetes_feature_enabled{name=\"APIServerIdentity\",stage=\"BETA\"} 0.0",
        "kubernetes_feature_enabled{name=\"AllAlpha\",stage=\"ALPHA\"} 0.0",
    ] {
        assert!(metrics.contains(line), "{line}\nin\n{metrics}");
    }
    assert!(!metrics.contains("leasehold_elections"), "{metrics}");
    let statuses = server.ask("GET", "/debug/controllers", "").0;
    assert_eq!(statuses, 200);
    server.stop();
    let (exit, lines) = complaint(&output(&["serve", "--feature-gates", "Made=true"]));
    assert_eq!(exit, Some(2));
    assert!(
        lines[0].contains("unrecognized feature gate 'Made'; the known ones are APIServerIdentity"),
        "{lines:?}"
    );
}

impl Asked {
    /// Ends it as a crash does.
    fn kill(mut self) {
        self.server.signal(Signal::KILL);
        self.server.child.wait().unwrap();
    }
}

#[test]
fn connections_are_counted() {
    let dir = tempfile::tempdir().unwrap();
    let server = Asked::start(&dir.path().join("data"), &[]);
    server.text("/version");
    // The one that asks is open; those before it were accepted too, and the last of them may not have been closed yet.
    let counted = (2..100).any(|asked| {
        let metrics = server.text("/metrics");
        for line in [
            format!("leasehold_connections_accepted_total {asked}.0\n"),
            "leasehold_connections_refused_total 0.0\n".to_owned(),
        ] {
            assert!(metrics.contains(&line), "{line}\nin\n{metrics}");
        }
        metrics.contains("leasehold_connections 1.0\n")
    });
    assert!(counted, "connections that are closed stay open");
    server.stop();
}
