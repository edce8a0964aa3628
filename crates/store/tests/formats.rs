//! Data of every format that was ever written can still be read.
//!
//! Goal: no change to the engine loses or alters what an earlier version has written.
//! Method: open a copy of a directory that was written then, and compare all of it with the writes that made it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use leasehold_clock::SystemClock;
use leasehold_store::embedded::{self, Embedded, Options};
use leasehold_store::{ChangeKind, Error, Key, Page, Range, Revision, Snapshot, Store};

/// Where the store began.
const FIRST: u64 = 1000;
/// Files of the format, the version apart: small, and enough of every kind.
const SMALL: (u64, u64) = (2048, 3000);

/// The writes in order. Each was a group, so their revisions follow one another.
fn writes() -> Vec<(Key, Option<Bytes>)> {
    let key = |resource, namespace: &str, name: &str| Key {
        resource,
        namespace: namespace.into(),
        name: name.into(),
    };
    let value = |number: usize, len: usize| -> Option<Bytes> {
        Some(format!("value {number} \0\u{e9}").bytes().cycle().take(len).collect())
    };
    let mut writes = vec![
        (key("namespaces", "", "kube-system"), value(0, 40)),
        (key("minions", "", "node-1.example"), value(1, 300)),
        (key("leases", "kube-system", "empty"), Some(Bytes::new())),
    ];
    for round in 0..40 {
        let name = format!("lease-{}", round % 3);
        let gone = round % 8 == 7;
        let value = if gone { None } else { value(round, 100 + round * 7) };
        writes.push((key("leases", ["kube-system", "team-\u{e9}"][round % 2], &name), value));
    }
    writes
}

/// A key with its value and revision.
type Content = BTreeMap<Key, (Bytes, Revision)>;

fn expected() -> (Content, Revision) {
    let (mut content, mut revision) = (Content::new(), Revision(FIRST));
    for (key, value) in writes() {
        revision.0 += 1;
        match value {
            Some(value) => content.insert(key, (value, revision)),
            None => content.remove(&key),
        };
    }
    (content, revision)
}

fn options(directory: &Path) -> Options {
    let mut options = Options::new(directory);
    (options.segment_bytes, options.snapshot_bytes) = SMALL;
    options.first_revision = Revision(FIRST);
    options
}

fn fixture(version: u32) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/format-{version}"))
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir(to).unwrap();
    std::fs::set_permissions(to, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    for file in std::fs::read_dir(from).unwrap() {
        let file = file.unwrap();
        std::fs::copy(file.path(), to.join(file.file_name())).unwrap();
    }
}

async fn content(store: &Embedded) -> Content {
    let mut content = Content::new();
    for resource in ["leases", "minions", "namespaces"] {
        let range = Range::Resource(resource);
        let listing = store.list(&range, Snapshot::Latest, &Page::default()).await.unwrap();
        let entries = listing.entries.into_iter();
        content.extend(entries.map(|entry| (entry.key, (entry.value, entry.revision))));
    }
    content
}

/// Everything after some revision that can still be watched, compared with the writes.
async fn check_history(store: &Embedded) {
    let range = Range::Resource("leases");
    let Some(Error::Compacted { oldest }) = store.watch(range.clone(), Revision(FIRST)).err() else {
        panic!("the log of the fixture begins with a snapshot");
    };
    let mut watch = store.watch(range, oldest).unwrap();
    let mut seen = Vec::new();
    while watch.progress() < store.revision() {
        seen.extend(watch.next().await.unwrap().changes);
    }
    let index = |revision: Revision| usize::try_from(revision.0 - FIRST).unwrap();
    let written = writes().split_off(index(oldest));
    assert!(written.len() > 5, "there is some history");
    assert_eq!(seen.len(), written.len());
    for (change, (key, value)) in seen.iter().zip(written) {
        let kind = value.map_or(ChangeKind::Delete, ChangeKind::Put);
        assert_eq!((&change.key, &change.kind), (&key, &kind), "{}", change.revision);
    }
}

#[tokio::test]
async fn format_1_is_read_as_it_was_written() {
    let (wanted, revision) = expected();
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("store");
    copy(&fixture(1), &data);

    let found = embedded::inspect(&data, &mut |_, _| Ok(())).unwrap();
    assert_eq!(found.problems, []);
    assert!(found.segments.len() > 2 && found.snapshots.len() == 2, "{found:?}");
    assert_eq!(found.content.unwrap().revision, revision);

    let store = Embedded::open(&options(&data), Arc::new(SystemClock)).unwrap();
    assert_eq!(store.revision(), revision);
    assert_eq!(content(&store).await, wanted);
    check_history(&store).await;
    let (key, (_, held)) = wanted.first_key_value().unwrap();
    let written = store
        .update(key.clone(), Bytes::from_static(b"now"), *held)
        .await
        .unwrap();
    assert_eq!(written.0, revision.0 + 1);
    store.close().await.unwrap();
}

#[tokio::test]
async fn a_backup_of_format_1_can_be_restored() {
    const BY: u64 = 1_000_000;
    let (wanted, revision) = expected();
    let backup = fixture(1).with_extension("backup");
    let found = embedded::verify_backup(&backup).unwrap();
    assert_eq!((found.revision, found.objects), (revision, wanted.len()));

    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("store");
    let restored = embedded::restore(&backup, &data, BY).unwrap();
    assert_eq!(restored.revision.0, revision.0 + BY);
    let found = embedded::inspect(&data, &mut |_, _| Ok(())).unwrap();
    assert_eq!(found.problems, []);
    let store = Embedded::open(&options(&data), Arc::new(SystemClock)).unwrap();
    let raised = wanted
        .into_iter()
        .map(|(key, (value, revision))| (key, (value, Revision(revision.0 + BY))));
    assert_eq!(content(&store).await, raised.collect());
    store.close().await.unwrap();
}

/// Writes a fixture: see the README beside them.
#[tokio::test]
#[ignore = "writes a fixture of the newest format, by hand and once for each format"]
async fn write_the_newest() {
    let version = 1;
    let data = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("format-{version}"));
    // When a snapshot is ready depends on the scheduler, so it may take a few attempts.
    for _ in 0..1000 {
        let _none = std::fs::remove_dir_all(&data);
        let store = Embedded::open(&options(&data), Arc::new(SystemClock)).unwrap();
        let mut held = BTreeMap::new();
        for (key, value) in writes() {
            match (value, held.remove(&key)) {
                (Some(value), None) => _ = held.insert(key.clone(), store.create(key, value).await.unwrap()),
                (Some(value), Some(expected)) => {
                    _ = held.insert(key.clone(), store.update(key, value, expected).await.unwrap());
                }
                (None, expected) => _ = store.delete(key, expected.unwrap()).await.unwrap(),
            }
        }
        let backup: Vec<u8> = store.backup().flatten().collect();
        std::fs::write(data.with_extension("backup"), backup).unwrap();
        store.close().await.unwrap();
        std::fs::remove_file(data.join("lock")).unwrap();
        let found = embedded::inspect(&data, &mut |_, _| Ok(())).unwrap();
        if found.segments.len() > 2 && found.snapshots.len() == 2 {
            return;
        }
    }
    panic!("there were never two snapshots");
}
