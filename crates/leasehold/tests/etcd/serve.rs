//! Servers that share an etcd.

use std::net::TcpListener;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::{Asked, Etcd, LEASES, Setup, Version, complaint, create, leasehold, names, output, until};

const IDENTITIES: &str = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases?labelSelector=apiserver.kubernetes.io%2Fidentity%3Dkube-apiserver";

fn server(data: &Path, etcd: &Etcd, host: &str, more: &[&str]) -> Asked {
    let url = etcd.url();
    let flags = ["--etcd", &url, "--identity-hostname", host];
    Asked::start(&data.join(host), &[&flags[..], more].concat())
}

/// Whether this server runs the controllers, by its own word.
fn leads(server: &Asked) -> bool {
    let (_, status) = server.ask("GET", "/debug/controllers", "");
    let monitor = status["controllers"]
        .as_array()
        .unwrap()
        .iter()
        .find(|it| it["name"] == "node-monitor");
    let is_on = monitor.expect("it is listed")["state"] != "off";
    assert_eq!(is_on, status["leadership"][0]["leads"] == true, "{status:#}");
    is_on
}

#[test]
fn servers_share_what_is_stored_and_one_of_them_runs_the_controllers() {
    let (etcd, dir) = (Etcd::start(), tempfile::tempdir().unwrap());
    let a = server(dir.path(), &etcd, "host-a", &[]);
    until(|| leads(&a), |it| *it);
    let b = server(dir.path(), &etcd, "host-b", &[]);
    let written = create(&a, "x");
    create(&b, "y");
    let (_, listed) = b.ask("GET", LEASES, "");
    assert_eq!(names(&listed), ["x", "y"]);
    assert_eq!(super::version(&listed["items"][0]), written);
    assert_eq!(
        etcd.keys("/registry/leases/default/"),
        ["/registry/leases/default/x", "/registry/leases/default/y"]
    );

    let (_, first) = a.ask("GET", &format!("{LEASES}?limit=1"), "");
    let next = first["metadata"]["continue"].as_str().unwrap();
    let (code, second) = b.ask("GET", &format!("{LEASES}?limit=1&continue={next}"), "");
    assert_eq!(
        (code, names(&second)),
        (200, vec!["y"]),
        "a page of one server goes on at the other"
    );

    assert!(leads(&a) && !leads(&b));
    until(|| b.ask("GET", IDENTITIES, "").1, |list| names(list).len() == 2);
    let why = |server: &Asked| server.ask("GET", "/debug/controllers", "").1["leadership"][0]["why"].clone();
    assert!(
        why(&b)
            .as_str()
            .unwrap()
            .ends_with(" holds kube-system/leasehold-controllers"),
        "{:?}",
        why(&b)
    );
    a.stop();
    until(|| leads(&b), |it| *it);
    until(|| b.ask("GET", IDENTITIES, "").1, |list| names(list).len() == 1);
    assert!(
        b.text("/metrics")
            .contains("leader_election_master_status{name=\"leasehold-controllers\"} 1")
    );
    b.stop();
}

#[test]
fn a_quorum_that_is_lost_shows_and_comes_back() {
    let (mut etcd, dir) = (Etcd::start(), tempfile::tempdir().unwrap());
    let server = server(dir.path(), &etcd, "h", &[]);
    create(&server, "before");
    assert_eq!(server.text("/readyz"), "ok");
    etcd.cluster.member(0).stop().unwrap();
    until(|| server.text("/readyz"), |text| text.contains("[-]store failed"));
    let refused = server.ask("POST", LEASES, r#"{"metadata":{"name":"during"}}"#);
    assert_eq!(
        (refused.0, &refused.1["details"]["retryAfterSeconds"]),
        (503, &Value::from(1)),
        "{refused:?}"
    );
    etcd.cluster.member(0).resume().unwrap();
    until(|| server.text("/readyz"), |text| text == "ok");
    create(&server, "after");
    server.stop();
}

#[test]
fn a_server_beside_a_cluster_touches_nothing_but_leases() {
    let (etcd, dir) = (Etcd::start(), tempfile::tempdir().unwrap());
    let more = ["--serve-only", "coordination", "--etcd-prefix", "/cluster"];
    let server = server(dir.path(), &etcd, "h", &more);
    create(&server, "x");
    until(|| server.ask("GET", IDENTITIES, "").1, |list| names(list).len() == 1);
    server.stop();
    let keys = etcd.keys("");
    let is_ours = |key: &&String| key.starts_with("/cluster/leases/") || key.starts_with("/cluster/leasehold.dev/");
    // What all servers that share an etcd agree on when it is to forget.
    let others: Vec<_> = keys
        .iter()
        .filter(|key| !is_ours(key) && *key != "compact_rev_key")
        .collect();
    assert!(others.is_empty(), "{others:?}");
    assert!(keys.iter().any(|key| key == "/cluster/leases/default/x"), "{keys:?}");
}

/// A port that nothing listens on for now.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// The status line of a reply, if there is one.
fn code(address: &str, path: &str) -> Option<String> {
    use std::io::{Read as _, Write as _};
    let mut stream = std::net::TcpStream::connect(address).ok()?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").ok()?;
    let mut reply = String::new();
    stream.read_to_string(&mut reply).ok()?;
    Some(reply.split(' ').nth(1)?.to_owned())
}

#[test]
fn a_server_waits_for_an_etcd_that_is_away_and_can_be_told_to_stop() {
    let dir = tempfile::tempdir().unwrap();
    let (address, nobody) = (
        format!("127.0.0.1:{}", free_port()),
        format!("http://127.0.0.1:{}", free_port()),
    );
    let data = dir.path().join("d");
    let flags = [
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--insecure-http",
        &address,
        "--etcd",
        &nobody,
    ];
    let mut child = leasehold(&flags)
        .args(["--data-dir", data.to_str().unwrap()])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let found = until(|| code(&address, "/readyz"), Option::is_some);
    assert_eq!(found.as_deref(), Some("500"));
    assert_eq!(code(&address, "/livez").as_deref(), Some("200"));
    assert_eq!(code(&address, LEASES).as_deref(), Some("503"));
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    for _ in 0..250 {
        if child.try_wait().unwrap().is_some() {
            break;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let ended = child.try_wait().unwrap();
    let _ = child.kill();
    assert_eq!(ended.expect("it ends within five seconds").code(), Some(0));
}

#[test]
fn an_etcd_that_comes_late_is_taken_up() {
    let (mut etcd, dir) = (Etcd::start(), tempfile::tempdir().unwrap());
    etcd.cluster.member(0).kill().unwrap();
    let starting = std::thread::spawn({
        let (path, url) = (dir.path().join("h"), etcd.url());
        move || Asked::start(&path, &["--etcd", &url])
    });
    std::thread::sleep(Duration::from_millis(500));
    assert!(!starting.is_finished(), "there is nothing to serve from");
    etcd.cluster.member(0).restart().unwrap();
    let server = starting.join().unwrap();
    create(&server, "x");
    server.stop();
}

#[test]
fn tls_needs_the_right_certificates_and_what_is_wrong_is_told_at_once() {
    let (etcd, dir) = (
        Etcd::of(Setup::new(Version::newest()).with_tls()),
        tempfile::tempdir().unwrap(),
    );
    let tls = etcd.cluster.options().tls.unwrap();
    let file = |name: &str, text: Option<Vec<u8>>| {
        let path = dir.path().join(name);
        std::fs::write(&path, text.unwrap()).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (ca, cert, key) = (
        file("ca.pem", tls.ca),
        file("cert.pem", tls.cert),
        file("key.pem", tls.key),
    );
    let other = leasehold_test_etcd::Pki::new().unwrap();
    let stranger = file("stranger.pem", Some(other.ca().into_bytes()));
    let garbage = file("garbage.pem", Some(b"garbage".to_vec()));
    let server = server(
        dir.path(),
        &etcd,
        "h",
        &["--etcd-ca", &ca, "--etcd-cert", &cert, "--etcd-key", &key],
    );
    create(&server, "x");
    server.stop();

    let (url, data) = (etcd.url(), dir.path().join("d"));
    let serve = [
        "serve",
        "--log-level",
        "off",
        "--listen",
        "127.0.0.1:0",
        "--etcd",
        &url,
        "--data-dir",
        data.to_str().unwrap(),
    ];
    for (flags, about) in [
        (
            &["--etcd-ca", &stranger, "--etcd-cert", &cert, "--etcd-key", &key][..],
            "etcd denies access",
        ),
        (&["--etcd-ca", &ca], "etcd denies access"),
        (&["--etcd-ca", &garbage], "no certificate"),
        (&["--etcd-ca", "/nonexistent/ca.pem"], "/nonexistent/ca.pem"),
    ] {
        let (code, lines) = complaint(&output(&[&serve[..], flags].concat()));
        assert_eq!(code, Some(4), "{flags:?}: {lines:?}");
        assert!(lines[0].contains(about), "{flags:?}: {lines:?}");
    }
}
