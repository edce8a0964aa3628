//! What the command is told, and what runs while someone else leads.

use std::process::{Command, Output};

use rustix::process::Signal;
use serde_json::Value;

use super::{Stage, eventually};

#[test]
fn the_command_knows_its_term() {
    let stage = Stage::new();
    let script =
        r#"echo "$LEASEHOLD_TOKEN $LEASEHOLD_LEASE $LEASEHOLD_IDENTITY $LEASEHOLD_STATUS_FILE" > env; sleep 60"#;
    let mut candidate = stage.candidate("a", &["--label", "team=red"], script);
    let env = stage.lines("env", 1).remove(0);
    let [token, lease, identity, path] = env.split(' ').collect::<Vec<_>>()[..] else {
        panic!("{env}");
    };
    assert_eq!((lease, identity), ("default/job", "a"));
    let status = || -> Value { serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap() };
    let first = status();
    assert_eq!(first["token"], token.parse::<u64>().unwrap());
    assert_eq!(
        (&first["holder"], &first["lease"]),
        (&"a".into(), &"default/job".into())
    );
    assert_eq!(first["validUntil"]["clock"], "CLOCK_BOOTTIME");

    // It is in the future of the clock that it names, by no more than the lease lasts, and moves on.
    let uptime = std::fs::read_to_string("/proc/uptime").unwrap();
    let now: f64 = uptime.split(' ').next().unwrap().parse().unwrap();
    let until = |status: &Value| status["validUntil"]["seconds"].as_f64().unwrap();
    assert!(until(&first) < now + 2.0, "{first} at {now}");
    let later = eventually("renewal", || {
        Some(status()).filter(|status| until(status) > until(&first))
    });
    assert_eq!(later["token"], first["token"]);
    let (code, object) = stage
        .server
        .ask("GET", "/apis/coordination.k8s.io/v1/namespaces/default/leases/job", "");
    assert_eq!((code, &object["metadata"]["labels"]["team"]), (200, &"red".into()));

    candidate.signal(Signal::TERM);
    assert_eq!(candidate.code(), Some(143));
    assert!(!std::path::Path::new(path).exists(), "removed at the end");
}

#[test]
fn the_status_file_does_not_outlive_a_killed_elector() {
    let stage = Stage::new();
    let candidate = stage.candidate("a", &["--status-file", "status.json"], "echo > leads; sleep 60");
    stage.lines("leads", 1);
    assert!(stage.read("status.json").contains("\"validUntil\""));
    candidate.signal(Signal::KILL);
    eventually("end of the status file", || {
        (!stage.path("status.json").exists()).then_some(())
    });
}

#[test]
fn the_command_of_followers_ends_before_the_leaders_begins() {
    let stage = Stage::new();
    let mut leader = stage.candidate("a", &[], "echo > leads; sleep 60");
    stage.lines("leads", 1);
    let follows = "trap 'sleep 1; echo gone >> story; exit' TERM; echo follows >> story; sleep 60 & wait";
    let flags = ["--on-follower", follows];
    let mut follower = stage.candidate("b", &flags, "echo leads >> story; sleep 60");
    stage.lines("story", 1);
    leader.signal(Signal::TERM);
    assert_eq!(leader.code(), Some(143));
    assert_eq!(stage.lines("story", 3), ["follows", "gone", "leads"]);

    // Deposed, it follows again.
    stage.delete_lease();
    assert!(stage.lines("story", 4).len() >= 4);
    follower.signal(Signal::TERM);
    follower.ended();
}

/// Puts the files of a service account where they are in a pod, for what follows and for nobody else.
const IN_A_POD: &str = r#"
    set -e; run=$(readlink -f /var/run); account=$run/secrets/kubernetes.io/serviceaccount
    cp data/pki/ca.crt ca.crt; mount -t tmpfs tmpfs "$run"; mkdir -p "$account"
    mv ca.crt "$account"; printf secret > "$account/token"; printf kube-system > "$account/namespace"
    exec "$@""#;

#[test]
fn in_a_pod_it_needs_no_flags() {
    let possible = Command::new("unshare")
        .args(["-Urm", "mount", "-t", "tmpfs", "tmpfs", "/mnt"])
        .output();
    if !possible.is_ok_and(|output| output.status.success()) {
        return; // No mount namespace of our own to be had here.
    }
    let stage = Stage::new();
    let port = stage.server.server.listens.split("https://127.0.0.1:").nth(1).unwrap();
    let port = port.split([' ', '.']).next().unwrap();
    let elect = stage.elect("a", &[], &["sh", "-c", "echo $LEASEHOLD_LEASE > lease"]);
    let mut pod = Command::new("unshare");
    pod.args(["-Urm", "sh", "-c", IN_A_POD, "sh"])
        .arg(elect.get_program())
        .args(elect.get_args());
    pod.envs(elect.get_envs().filter_map(|(name, value)| Some((name, value?))));
    pod.env_remove("KUBECONFIG")
        .env("KUBERNETES_SERVICE_HOST", "127.0.0.1")
        .env("KUBERNETES_SERVICE_PORT", port);
    let ended = ended_in(pod, &stage);
    assert!(ended.status.success(), "{ended:?}");
    assert_eq!(stage.read("lease"), "kube-system/job\n");
}

fn ended_in(mut command: Command, stage: &Stage) -> Output {
    command.env("HOME", stage.path("home")).current_dir(stage.path("."));
    crate::ended(command)
}
