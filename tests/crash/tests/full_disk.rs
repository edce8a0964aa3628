//! A full disk under the real program: writes are refused with a reason, reads go on, and with room everything is as before.
//!
//! Needs a file system of its own, and so the right to mount one. Without it the test says so and passes.

#![allow(clippy::print_stderr)] // what a test harness captures unless it fails, or is told not to

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use http::Method;
use http_body_util::BodyExt;
use leasehold_conformance::{Connection, TestServer};
use serde_json::{Value, json};

const LEASES: &str = "/apis/coordination.k8s.io/v1/namespaces/default/leases";
const JSON: &str = "application/json";
/// Room for a new store and little more: its first files of the log take 16 MiB each.
const SIZE: &str = "size=40m";
/// Given back later.
const BALLAST: usize = 16 << 20;
const NOTE_BYTES: usize = 200 << 10;
const WAIT_MAX: Duration = Duration::from_secs(60);

/// A small file system in memory, unmounted when dropped.
struct Small(tempfile::TempDir);

impl Small {
    fn mount() -> Option<Self> {
        let directory = tempfile::tempdir().ok()?;
        let mount = ["-t", "tmpfs", "-o", SIZE, "leasehold-test"];
        run("mount", &mount, directory.path()).then_some(Self(directory))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        run("umount", &["-l"], self.0.path());
    }
}

fn run(program: &str, arguments: &[&str], on: &Path) -> bool {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .arg(on)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

struct Reply {
    code: u16,
    retry_after: Option<String>,
    body: Value,
}

async fn ask(connection: &mut Connection, method: Method, path: &str, body: Option<&Value>) -> Reply {
    let body = body.map(|value| (JSON, value.to_string().into_bytes()));
    let reply = connection.send(method, path, body).await.unwrap();
    let header = reply.headers().get("retry-after").cloned();
    Reply {
        code: reply.status().as_u16(),
        retry_after: header.map(|value| value.to_str().unwrap().to_owned()),
        body: serde_json::from_slice(&reply.into_body().collect().await.unwrap().to_bytes()).unwrap_or_default(),
    }
}

fn lease(number: usize) -> Value {
    let metadata = json!({"name": format!("l{number}"), "annotations": {"note": "x".repeat(NOTE_BYTES)}});
    json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": {"holderIdentity": "a"}})
}

/// Creates leases until one is refused; returns how many there are and the refusal.
async fn fill(connection: &mut Connection) -> (usize, Reply) {
    for number in 0.. {
        let reply = ask(connection, Method::POST, LEASES, Some(&lease(number))).await;
        if reply.code != 201 {
            return (number, reply);
        }
    }
    unreachable!("no disk is endless")
}

async fn until(connection: &mut Connection, method: Method, path: &str, body: Option<&Value>, code: u16) {
    let wanted = async {
        while ask(connection, method.clone(), path, body).await.code != code {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let answered = tokio::time::timeout(WAIT_MAX, wanted).await;
    assert!(
        answered.is_ok(),
        "{method} {path} is not answered {code} within {WAIT_MAX:?}"
    );
}

async fn names(connection: &mut Connection) -> usize {
    ask(connection, Method::GET, LEASES, None).await.body["items"]
        .as_array()
        .unwrap()
        .len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_refuses_writes_and_nothing_else_and_is_forgotten_when_there_is_room() {
    let Some(small) = Small::mount() else {
        eprintln!("skipped: no file system may be mounted here");
        return;
    };
    let ballast: PathBuf = small.path().join("ballast");
    std::fs::write(&ballast, vec![1; BALLAST]).unwrap();
    let mut server = TestServer::start_in(&small.path().join("data"), &[]).await.unwrap();
    let mut connection = Connection::open(server.target()).await.unwrap();

    let (count, refusal) = fill(&mut connection).await;
    assert!(count > 0);
    assert_eq!(
        (refusal.code, refusal.body["kind"].as_str()),
        (503, Some("Status")),
        "{}",
        refusal.body
    );
    assert!(refusal.retry_after.is_some());
    assert_eq!(
        names(&mut connection).await,
        count,
        "reads go on, and tell what was acknowledged"
    );

    std::fs::remove_file(&ballast).unwrap();
    until(&mut connection, Method::POST, LEASES, Some(&lease(count)), 201).await;
    until(&mut connection, Method::GET, "/readyz", None, 200).await;

    server.kill().unwrap();
    server.respawn().unwrap();
    server.ready().await.unwrap();
    let mut connection = Connection::open(server.target()).await.unwrap();
    assert_eq!(
        names(&mut connection).await,
        count + 1,
        "all that was acknowledged is there after a crash"
    );
}
