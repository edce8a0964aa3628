//! Real directories and real processes.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use leasehold_clock::SystemClock;

use super::support::{key, value};
use crate::embedded::{Embedded, OpenError, Options};
use crate::{Error, Revision, Store};

/// Tells [`child_process`] that it is one, and where to work.
const DIRECTORY: &str = "LEASEHOLD_TEST_DIRECTORY";

fn options(directory: &Path) -> Options {
    Options {
        segment_bytes: 16 << 10,
        snapshot_bytes: 64 << 10,
        ..Options::new(directory)
    }
}

fn open(directory: &Path) -> Result<Embedded, OpenError> {
    Embedded::open(&options(directory), Arc::new(SystemClock))
}

#[tokio::test]
async fn what_was_written_is_there_after_closing_and_after_dropping() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path().join("new/data");
    let mut revision = Revision(0);
    for round in 0..6 {
        let store = open(&directory).unwrap();
        assert_eq!(
            store
                .get(&key("leases", "a"))
                .await
                .unwrap()
                .map_or(Revision(0), |entry| entry.revision),
            revision
        );
        for number in 0..100 {
            let held = (revision > Revision(0)).then_some(revision);
            let written = store
                .write(key("leases", "a"), Some(value(number, 400)), held)
                .await
                .unwrap();
            assert!(written > revision);
            revision = written;
        }
        if round % 2 == 0 {
            store.close().await.unwrap();
            assert_eq!(store.create(key("leases", "b"), value(1, 1)).await, Err(Error::Closed));
        }
    }
}

#[tokio::test]
async fn the_disk_holds_a_multiple_of_the_live_data_however_much_is_written() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path().join("data");
    let store = open(&directory).unwrap();
    let on_disk = || -> u64 {
        let files = std::fs::read_dir(&directory).unwrap();
        files.filter_map(|file| Some(file.ok()?.metadata().ok()?.len())).sum()
    };
    let mut revision = store.create(key("leases", "a"), value(0, 1000)).await.unwrap();
    // Two intervals of log, two snapshots and some slack: after ten times as much has been written, this must come about
    // again and again, though not at any given moment, because a snapshot takes its time.
    for number in 0.. {
        revision = store
            .update(key("leases", "a"), value(number, 1000), revision)
            .await
            .unwrap();
        let metrics = store.metrics();
        if metrics.written_bytes > 2_000_000 && metrics.log_bytes < 200_000 && on_disk() < 250_000 {
            assert!(metrics.snapshots > 3, "{metrics:?}");
            break;
        }
        assert!(number < 20_000, "{} bytes on the disk, {metrics:?}", on_disk());
    }
}

#[test]
fn everything_is_private_whatever_the_umask_and_links_are_not_followed() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    drop(open(&data).unwrap());
    assert_eq!(std::fs::metadata(&data).unwrap().mode() & 0o777, 0o700);
    for file in std::fs::read_dir(&data).unwrap() {
        let file = file.unwrap();
        assert_eq!(file.metadata().unwrap().mode() & 0o777, 0o600, "{:?}", file.path());
    }
    std::fs::rename(data.join("format"), directory.path().join("elsewhere")).unwrap();
    symlink(directory.path().join("elsewhere"), data.join("format")).unwrap();
    assert!(matches!(open(&data).err().unwrap(), OpenError::Io { .. }));
}

#[test]
fn a_directory_that_others_may_enter_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    std::fs::create_dir(&data).unwrap();
    std::fs::set_permissions(&data, std::fs::Permissions::from_mode(0o750)).unwrap();
    let error = open(&data).err().unwrap().to_string();
    assert!(error.ends_with("its mode is 0750 and must be 0700"), "{error}");
    assert_eq!(std::fs::read_dir(&data).unwrap().count(), 0, "nothing is touched");
    let file = directory.path().join("file");
    std::fs::write(&file, "").unwrap();
    let error = open(&file).err().unwrap().to_string();
    assert!(error.ends_with("is not a directory"), "{error}");
}

/// Not a test by itself: what the next ones run as another process. Writes, and says so, until it is killed.
#[tokio::test]
async fn child_process() {
    let Ok(directory) = std::env::var(DIRECTORY) else {
        return;
    };
    let store = open(Path::new(&directory)).unwrap();
    let mut held = store
        .get(&key("leases", "a"))
        .await
        .unwrap()
        .map(|entry| entry.revision);
    for number in 0.. {
        let revision = store
            .write(key("leases", "a"), Some(value(number, 300)), held)
            .await
            .unwrap();
        held = Some(revision);
        writeln!(std::io::stdout(), "wrote {revision}").unwrap();
    }
}

/// A process that holds the store in a directory, and the lines it writes.
fn start_child(directory: &Path) -> (Child, impl Iterator<Item = u64>) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "embedded::tests::directory::child_process", "--nocapture"])
        .env(DIRECTORY, directory)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    // What it was writing when it was killed may be cut off.
    let revisions = lines
        .map_while(Result::ok)
        .filter_map(|line| line.strip_prefix("wrote ")?.parse().ok());
    (child, revisions)
}

#[test]
fn a_second_process_is_refused_while_the_first_lives_and_loses_nothing_when_it_is_killed() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    for _ in 0..5 {
        let (mut child, mut revisions) = start_child(&data);
        let first = revisions.next().expect("the child writes");
        let refused = open(&data).err().unwrap();
        assert!(matches!(refused, OpenError::Locked { .. }), "{refused}");
        assert!(
            refused.to_string().ends_with("data is in use by another process"),
            "{refused}"
        );
        let later = revisions.by_ref().take(200).last().unwrap();
        assert!(later > first);
        child.kill().unwrap();
        let last = revisions.last().unwrap_or(later);
        child.wait().unwrap();
        let store = open(&data).unwrap();
        assert!(
            store.revision() >= Revision(last),
            "{} but {last} was acknowledged",
            store.revision()
        );
    }
}
