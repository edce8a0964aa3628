//! The data directory: ours, private, and used by one server at a time.
//!
//! It is checked before anything is written into it, also when it was there before: a directory that others can read
//! is repaired if it is plainly ours, and refused otherwise. The lock is taken before the first certificate is
//! looked at, so a second server changes nothing.

use std::fs::{File, Metadata, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::failure::{Failure, Kind};
use crate::files;

const LOCK: &str = "leasehold.lock";
const STICKY: u32 = 0o1000;

/// Where the store is in a data directory.
pub(crate) fn store_in(path: &Path) -> PathBuf {
    path.join("store")
}

/// A data directory that this process holds until it is dropped.
#[derive(Debug)]
pub(crate) struct DataDir {
    path: PathBuf,
    _lock: File,
}

impl DataDir {
    /// Creates the directory if need be, checks it and locks it.
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        let failed = |error| refusal(path, &error);
        files::create_private_dir(path).map_err(failed)?;
        // Absolute, so that the lines printed for the user work from anywhere.
        let path = path.canonicalize().map_err(failed)?;
        check(&path)?;
        let lock = lock(&path)?;
        Ok(Self { path, _lock: lock })
    }

    /// Its absolute path.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

/// Ours, and nobody else's to read. Repairs the mode where that can harm nobody.
fn check(path: &Path) -> Result<(), Failure> {
    let metadata = path.metadata().map_err(|error| refusal(path, &error))?;
    let uid = rustix::process::geteuid().as_raw();
    if metadata.uid() != uid {
        let owner = metadata.uid();
        return Err(problem(
            path,
            &format!("belongs to user id {owner}, and this process runs as {uid}"),
        )
        .hint("run as its owner, or name a directory below it with --data-dir"));
    }
    if metadata.mode() & 0o077 == 0 {
        return Ok(());
    }
    if !is_plainly_ours(path, &metadata) {
        return Err(problem(
            path,
            "is open to other users and holds other things, so its mode is left alone",
        )
        .hint("name a directory of its own with --data-dir"));
    }
    files::make_private(path).map_err(|error| refusal(path, &error))?;
    tracing::warn!(path = %path.display(), "the data directory was open to other users; its mode is 0700 now");
    Ok(())
}

/// Empty, or used by us before; never a shared directory such as /tmp.
fn is_plainly_ours(path: &Path, metadata: &Metadata) -> bool {
    let is_empty = || path.read_dir().is_ok_and(|mut entries| entries.next().is_none());
    metadata.mode() & STICKY == 0 && (path.join(LOCK).exists() || is_empty())
}

fn lock(dir: &Path) -> Result<File, Failure> {
    let path = dir.join(LOCK);
    let mut file = files::open_private(&path).map_err(|error| refusal(&path, &error))?;
    match file.try_lock() {
        Ok(()) => {
            note_holder(&mut file).map_err(|error| refusal(&path, &error))?;
            Ok(file)
        }
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            let _ = file.read_to_string(&mut holder);
            Err(problem(
                dir,
                &format!("is in use by another server (process {})", holder.trim()),
            ))
        }
        Err(TryLockError::Error(error)) => Err(refusal(&path, &error)),
    }
}

/// Leaves our process id for whoever finds the lock taken. Only the lock itself decides.
fn note_holder(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{}", std::process::id())
}

fn problem(path: &Path, what: &str) -> Failure {
    Failure::new(Kind::DataDir, format!("data directory {} {what}", path.display()))
}

fn refusal(path: &Path, error: &io::Error) -> Failure {
    problem(path, &format!("cannot be used: {error}"))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn set_mode(path: &Path, mode: u32) {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }

    fn mode_of(path: &Path) -> u32 {
        path.metadata().unwrap().mode() & 0o7777
    }

    #[test]
    fn it_is_created_private() {
        let home = tempfile::tempdir().unwrap();
        let dir = DataDir::open(&home.path().join("share/leasehold")).unwrap();
        assert_eq!(mode_of(dir.path()), 0o700);
        assert_eq!(mode_of(&dir.path().join(LOCK)), 0o600);
        assert!(dir.path().is_absolute());
    }

    #[test]
    fn a_second_server_is_refused_and_told_who_is_there() {
        let home = tempfile::tempdir().unwrap();
        let first = DataDir::open(home.path()).unwrap();
        let failure = DataDir::open(home.path()).unwrap_err();
        assert!(
            failure.message().contains(&format!("process {}", std::process::id())),
            "{failure:?}"
        );
        drop(first);
        DataDir::open(home.path()).unwrap();
    }

    #[test]
    fn an_open_mode_is_repaired_only_where_it_is_plainly_ours() {
        let home = tempfile::tempdir().unwrap();
        set_mode(home.path(), 0o755);
        drop(DataDir::open(home.path()).unwrap());
        assert_eq!(mode_of(home.path()), 0o700, "an empty directory");

        set_mode(home.path(), 0o755);
        drop(DataDir::open(home.path()).unwrap());
        assert_eq!(mode_of(home.path()), 0o700, "one that we used before");

        let foreign = tempfile::tempdir().unwrap();
        std::fs::write(foreign.path().join("thesis.txt"), "x").unwrap();
        set_mode(foreign.path(), 0o755);
        assert!(DataDir::open(foreign.path()).is_err());
        assert_eq!(mode_of(foreign.path()), 0o755, "someone else's is left alone");

        let shared = tempfile::tempdir().unwrap();
        set_mode(shared.path(), 0o1777);
        assert!(DataDir::open(shared.path()).is_err());
        assert_eq!(mode_of(shared.path()), 0o1777, "a shared one is left alone");
    }

    #[test]
    fn a_file_in_its_place_is_one_clear_line() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("file");
        std::fs::write(&path, "x").unwrap();
        let failure = DataDir::open(&path).unwrap_err();
        assert!(failure.message().contains("file"), "{failure:?}");
    }
}
