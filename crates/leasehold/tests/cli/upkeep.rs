//! `backup`, `restore` and `check` as a user meets them, with real servers.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::process::Signal;
use serde_json::{Value, json};

use super::asked::Asked;
use super::{Server, complaint, output};

const LEASES: &str = "/apis/coordination.k8s.io/v1/namespaces/default/leases";
const RAISE: u64 = 1_000_000_000;

/// Creates a lease and returns its resourceVersion.
fn create(server: &Asked, name: &str) -> u64 {
    let lease = json!({ "metadata": { "name": name }, "spec": { "holderIdentity": name } });
    let (code, created) = server.ask("POST", LEASES, &lease.to_string());
    assert_eq!(code, 201, "{created}");
    version(&created)
}

fn version(object: &Value) -> u64 {
    object["metadata"]["resourceVersion"].as_str().unwrap().parse().unwrap()
}

fn leases(server: &Asked) -> BTreeMap<String, u64> {
    let (code, list) = server.ask("GET", LEASES, "");
    assert_eq!(code, 200);
    let items = list["items"].as_array().unwrap().iter();
    items
        .map(|item| (item["metadata"]["name"].as_str().unwrap().to_owned(), version(item)))
        .collect()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// What the command printed; it must have worked.
fn printed(arguments: &[&str]) -> String {
    let output = output(arguments);
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// Exit code and first line of a command that must have failed.
fn failed(arguments: &[&str]) -> (i32, String) {
    let (code, lines) = complaint(&output(arguments));
    (code.unwrap(), lines.into_iter().next().unwrap())
}

/// A backup that was taken while leases were created, the ones that had been acknowledged before it began, and the last
/// resourceVersion that was given out.
fn backup_under_load(data: &Path, to: &Path) -> (BTreeMap<String, u64>, u64) {
    let server = Asked::start(data, &[]);
    let before: BTreeMap<String, u64> = (0..20).map(|n| (format!("before-{n}"), n)).collect();
    let before: BTreeMap<String, u64> = before
        .into_keys()
        .map(|name| {
            let version = create(&server, &name);
            (name, version)
        })
        .collect();
    let stop = AtomicBool::new(false);
    let last = std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let mut last = 0;
            for n in 0.. {
                last = create(&server, &format!("during-{n}"));
                if stop.load(Ordering::Relaxed) {
                    break;
                }
            }
            last
        });
        let line = printed(&["backup", "--data-dir", text(data), "--to", text(to)]);
        assert!(line.contains("objects at resourceVersion"), "{line}");
        stop.store(true, Ordering::Relaxed);
        writer.join().unwrap()
    });
    server.stop();
    (before, last)
}

#[test]
fn what_was_acknowledged_before_a_backup_is_there_after_a_restore_and_nothing_goes_back() {
    let home = tempfile::tempdir().unwrap();
    let path = |name: &str| home.path().join(name);
    let (old, new, file) = (path("old"), path("new"), path("b"));
    let (before, last) = backup_under_load(&old, &file);
    assert_eq!(file.metadata().unwrap().mode() & 0o7777, 0o600);
    assert!(printed(&["check", text(&old)]).ends_with("problems: 0\n"));

    let line = printed(&["restore", "--from", text(&file), "--data-dir", text(&new)]);
    assert!(line.contains("objects are restored"), "{line}");
    let report: Value = serde_json::from_str(&printed(&["check", text(&new), "-o", "json"])).unwrap();
    assert!(report["revision"].as_u64().unwrap() > RAISE, "{report:#}");
    assert!(
        report["resources"]["leases"]["objects"].as_u64().unwrap() >= 20,
        "{report:#}"
    );
    assert_eq!(report["problems"], json!([]));

    let server = Asked::start(&new, &[]);
    let now = leases(&server);
    for (name, version) in &before {
        assert_eq!(now.get(name), Some(&(version + RAISE)), "{name}");
    }
    assert!(now.values().all(|version| *version > last), "nothing goes back");
    assert!(create(&server, "after") > last + RAISE / 2);
    for old in [before["before-0"], last] {
        let watch = format!("{LEASES}?watch=true&resourceVersion={old}&timeoutSeconds=5");
        let (code, event) = server.ask("GET", &watch, "");
        let gone = if code == 410 {
            &event["code"]
        } else {
            &event["object"]["code"]
        };
        assert_eq!(gone, 410, "watch from {old}: {code} {event}");
        let exact = format!("{LEASES}?resourceVersion={old}&resourceVersionMatch=Exact");
        assert_eq!(server.ask("GET", &exact, "").0, 410, "list at {old}");
    }
    server.stop();
}

#[test]
fn a_store_is_not_restored_over_and_a_bad_backup_makes_nothing() {
    let home = tempfile::tempdir().unwrap();
    let path = |name: &str| home.path().join(name);
    let (old, new, file) = (path("old"), path("new"), path("b"));
    let server = Server::start(&old, &[]);
    printed(&["backup", "--data-dir", text(&old), "--to", text(&file)]);
    let restore = |from: &Path, to: &Path| failed(&["restore", "--from", text(from), "--data-dir", text(to)]);

    let (code, line) = restore(&file, &old);
    assert!(code == 3 && line.contains("in use by another server"), "{line}");
    drop(server);
    let (code, line) = restore(&file, &old);
    assert!(code == 3 && line.ends_with("has a store already"), "{line}");

    let whole = std::fs::read(&file).unwrap();
    let mut damaged = whole.clone();
    damaged[300] ^= 1;
    for (bytes, what) in [(&damaged[..], "checksum"), (&whole[..whole.len() - 40], "it ends ")] {
        let bad = path("bad");
        std::fs::write(&bad, bytes).unwrap();
        let (code, line) = restore(&bad, &new);
        let about = format!("leasehold: {} is damaged at byte ", text(&bad));
        assert!(code == 1 && line.starts_with(&about) && line.contains(what), "{line}");
        assert!(!new.exists());
    }
    assert_eq!(restore(&path("none"), &new).0, 1);
}

#[test]
fn a_backup_that_cannot_be_made_leaves_the_old_one() {
    let home = tempfile::tempdir().unwrap();
    let path = |name: &str| home.path().join(name);
    let (data, file, node) = (path("data"), path("b"), path("node"));
    std::fs::write(&file, "the last backup").unwrap();
    let backup = |more: &[&str]| failed(&[&["backup", "--to", text(&file)], more].concat());
    let (code, line) = backup(&["--data-dir", text(&data)]);
    assert!(
        code == 4 && line.contains("admin.kubeconfig: there is no such file"),
        "{line}"
    );

    let server = Server::start(&data, &[]);
    let credentials = printed(&["kubeconfig", "--data-dir", text(&data), "--node", "n"]);
    std::fs::write(&node, credentials).unwrap();
    let (code, line) = backup(&["--kubeconfig", text(&node)]);
    assert!(
        code == 1 && line.contains("answers 403") && line.contains("system:node:n"),
        "{line}"
    );
    let to = path("none/b");
    let (code, line) = failed(&["backup", "--data-dir", text(&data), "--to", text(&to)]);
    assert!(code == 1 && line.contains("cannot write"), "{line}");
    drop(server);
    let (code, line) = backup(&["--data-dir", text(&data)]);
    assert!(code == 1 && line.contains("https://127.0.0.1:"), "{line}");
    assert_eq!(std::fs::read(&file).unwrap(), b"the last backup");
    let left = home
        .path()
        .read_dir()
        .unwrap()
        .filter(|entry| entry.as_ref().unwrap().file_name() != "b");
    assert_eq!(left.count(), 2, "the data directory and the node's kubeconfig");
}

#[test]
fn a_check_finds_damage_names_it_and_changes_nothing() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("data");
    let (code, line) = failed(&["check", text(&data)]);
    assert!(code == 3 && line.contains(text(&data)), "{line}");

    let server = Server::start(&data, &[]);
    let (code, line) = failed(&["check", text(&data)]);
    assert!(code == 3 && line.ends_with("is in use by another process"), "{line}");
    server.signal(Signal::TERM);
    let mut server = server;
    server.child.wait().unwrap();

    let log = data.join("store/log-00000000000000000001");
    let mut bytes = std::fs::read(&log).unwrap();
    bytes[100] ^= 1;
    std::fs::write(&log, &bytes).unwrap();
    let found = output(&["check", text(&data), "-o", "json"]);
    assert_eq!(found.status.code(), Some(1), "{found:?}");
    let report: Value = serde_json::from_slice(&found.stdout).unwrap();
    assert_eq!(report["problems"][0]["file"], "log-00000000000000000001");
    assert_eq!(report["problems"][0]["offset"], 64, "{report:#}");
    assert_eq!(report["revision"], Value::Null);
    let found = output(&["check", text(&data)]);
    let lines = String::from_utf8(found.stdout).unwrap();
    assert!(
        lines.contains("log-00000000000000000001 is damaged at byte 64: "),
        "{lines}"
    );
    assert!(String::from_utf8(found.stderr).unwrap().contains("hint: "));
    assert_eq!(std::fs::read(&log).unwrap(), bytes);
}

#[test]
fn a_value_that_is_no_object_is_a_problem() {
    let home = tempfile::tempdir().unwrap();
    let store = home.path().join("store");
    std::fs::create_dir(&store).unwrap();
    // A sound store, whose values were never objects.
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("../store/tests/fixtures/format-1");
    for file in fixture.read_dir().unwrap() {
        let file = file.unwrap();
        std::fs::copy(file.path(), store.join(file.file_name())).unwrap();
    }
    let found = output(&["check", text(home.path()), "-o", "json"]);
    assert_eq!(found.status.code(), Some(1), "{found:?}");
    let report: Value = serde_json::from_slice(&found.stdout).unwrap();
    assert_eq!(report["resources"]["minions"]["objects"], 1, "it can be read");
    let problems = report["problems"].as_array().unwrap();
    assert_eq!(problems[0]["file"], "log-00000000000000000004");
    let what = problems[0]["what"].as_str().unwrap();
    assert!(
        what.starts_with("the value of leases ") && what.contains("protobuf"),
        "{what}"
    );
}
