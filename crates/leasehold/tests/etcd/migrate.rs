//! From one engine to the other, and back.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use super::{Asked, Etcd, LEASES, complaint, create, output, version};

const EVERYWHERE: &str = "/apis/coordination.k8s.io/v1/leases";
const NAMESPACES: &str = "/api/v1/namespaces";

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// What the command printed; it must have worked.
fn printed(arguments: &[&str]) -> String {
    let output = output(arguments);
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// Exit code and lines of a command that must have failed.
fn failed(arguments: &[&str]) -> (i32, String) {
    let (code, lines) = complaint(&output(arguments));
    (code.unwrap(), lines.join("\n"))
}

/// The uids of leases and namespaces by name, without the server's own leases; and the list's resourceVersion.
fn content(server: &Asked) -> (BTreeMap<String, Value>, u64) {
    let (mut uids, mut revision) = (BTreeMap::new(), 0);
    for path in [EVERYWHERE, NAMESPACES] {
        let (code, list) = server.ask("GET", path, "");
        assert_eq!(code, 200);
        revision = version(&list);
        for item in list["items"].as_array().unwrap() {
            let metadata = &item["metadata"];
            if path == NAMESPACES || metadata["namespace"] != "kube-system" {
                uids.insert(format!("{path} {}", metadata["name"]), metadata["uid"].clone());
            }
        }
    }
    (uids, revision)
}

/// Makes a directory with some leases in it; what it holds, and its last resourceVersion.
fn directory(path: &Path, leases: usize) -> (BTreeMap<String, Value>, u64) {
    let server = Asked::start(path, &[]);
    for number in 0..leases {
        create(&server, &format!("l{number}"));
    }
    let found = content(&server);
    server.stop();
    found
}

#[test]
fn there_and_back_everything_stays_and_no_version_goes_back() {
    let (etcd, dir) = (Etcd::start(), tempfile::tempdir().unwrap());
    let (first, second) = (dir.path().join("first"), dir.path().join("second"));
    let (before, said) = directory(&first, 20);
    let url = format!("etcd://{}", etcd.url().strip_prefix("http://").unwrap());
    assert!(etcd.revision() < said);
    let told = printed(&["migrate", "--from", text(&first), "--to", &url]);
    assert!(told.contains("are copied from"), "{told}");
    assert!(
        etcd.keys("/registry/leasehold.dev/").is_empty(),
        "nothing is left of what raised it"
    );

    let server = Asked::start(&dir.path().join("replica"), &["--etcd", &etcd.url()]);
    let (there, now) = content(&server);
    assert_eq!(there, before);
    assert!(now > said);
    let (_, list) = server.ask("GET", LEASES, "");
    assert!(
        list["items"]
            .as_array()
            .unwrap()
            .iter()
            .all(|lease| version(lease) > said)
    );
    let said = create(&server, "in-etcd");
    server.stop();

    let told = printed(&["migrate", "--from", &url, "--to", text(&second)]);
    assert!(told.contains("are copied from etcd"), "{told}");
    let again = printed(&["migrate", "--from", &url, "--to", text(&second)]);
    assert!(again.contains("have been copied"), "{again}");
    let server = Asked::start(&second, &[]);
    let (back, now) = content(&server);
    assert_eq!(back.len(), before.len() + 1);
    assert!(before.iter().all(|(name, uid)| back.get(name) == Some(uid)));
    assert!(now > said);
    assert!(create(&server, "back") > now);
    server.stop();
    let (code, why) = failed(&["migrate", "--from", &url, "--to", text(&second)]);
    assert_eq!(code, 3);
    assert!(why.contains("holds other objects already"), "{why}");
}

#[test]
fn a_copy_that_was_interrupted_is_gone_on_with() {
    let (etcd, dir) = (Etcd::start(), tempfile::tempdir().unwrap());
    let (before, said) = directory(&dir.path().join("d"), 5);
    let (from, url) = (dir.path().join("d"), etcd.url());
    let migrate = ["migrate", "--from", text(&from), "--to", &url];
    printed(&migrate);
    // As if it had not come so far, and as if somebody had put the same there before: at a version that is too low.
    let client = etcd.cluster.client().unwrap();
    let gone = leasehold_etcd::Txn {
        success: vec![leasehold_etcd::Op::delete("/registry/leases/default/l3")],
        ..Default::default()
    };
    etcd.runtime.block_on(client.txn(gone)).unwrap();
    printed(&migrate);
    printed(&migrate);
    let server = Asked::start(&dir.path().join("replica"), &["--etcd", &url]);
    let (there, now) = content(&server);
    assert_eq!(there, before);
    assert!(now > said);
    server.stop();
}

#[test]
fn nothing_is_written_where_it_cannot_all_be() {
    let (etcd, dir) = (Etcd::start(), tempfile::tempdir().unwrap());
    let from = dir.path().join("d");
    directory(&from, 2);
    let url = etcd.url();
    let migrate = ["migrate", "--from", text(&from), "--to", &url];
    let at = etcd.revision();
    let (code, why) = failed(&[&migrate[..], &["--burn-at-most", "10"]].concat());
    assert_eq!(code, 1);
    assert!(
        why.contains("--burn-at-most 10") && why.contains("--bump-revision"),
        "{why}"
    );
    assert_eq!(etcd.revision(), at);

    etcd.put("/registry/leases/default/foreign", "k8s");
    let at = etcd.revision();
    let (_, why) = failed(&migrate);
    assert!(why.contains("leases/default/foreign"), "{why}");
    assert_eq!(etcd.revision(), at);
    let (_, why) = failed(&["migrate", "--from", &url, "--to", text(&dir.path().join("e"))]);
    assert!(why.contains("leases/default/foreign cannot be read"), "{why}");

    let server = Asked::start(&from, &[]);
    let (code, why) = failed(&migrate);
    assert_eq!(code, 3);
    assert!(why.contains("is in use by another server"), "{why}");
    server.stop();
    for (arguments, code, about) in [
        (["--from", "/nonexistent", "--to", &url], 3, "has no store"),
        (
            ["--from", &url, "--to", text(&dir.path().join("f"))],
            1,
            "cannot be read",
        ),
    ] {
        let (found, why) = failed(&[&["migrate"][..], &arguments].concat());
        assert_eq!(found, code, "{why}");
        assert!(why.contains(about), "{why}");
    }
}

#[test]
fn what_belongs_to_a_cluster_can_be_left_out() {
    let (etcd, dir) = (Etcd::start(), tempfile::tempdir().unwrap());
    let from = dir.path().join("d");
    directory(&from, 2);
    etcd.put("/registry/namespaces/default", "the cluster's");
    let url = etcd.url();
    printed(&["migrate", "--from", text(&from), "--to", &url, "--only", "coordination"]);
    assert_eq!(etcd.keys("/registry/namespaces/").len(), 1);
    assert_eq!(etcd.keys("/registry/leases/default/").len(), 2);
}
