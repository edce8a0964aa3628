//! The data directory: private, and ours alone while it is open.

use std::fs::DirBuilder;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use rustix::fs::{FlockOperation, Mode, OFlags};
use rustix::io::Errno;

use super::disk::RealDisk;
use super::open_error::OpenError;

/// The name of the file that is locked.
pub(crate) const NAME: &str = "lock";

/// The lock on a data directory, held until it is dropped or the process ends, however it ends.
pub(crate) struct DirectoryLock {
    _file: OwnedFd,
}

/// Opens a data directory, creating it when missing, and locks it.
pub(crate) fn open(path: &Path) -> Result<(RealDisk, DirectoryLock), OpenError> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => not_a_directory(path),
            _ => OpenError::io_at(path)(error),
        })?;
    let disk = RealDisk::open(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotADirectory => not_a_directory(path),
        _ => OpenError::io_at(path)(error),
    })?;
    check_private(&disk, path)?;
    let lock = lock(&disk, path)?;
    Ok((disk, lock))
}

fn not_a_directory(path: &Path) -> OpenError {
    OpenError::Directory {
        directory: path.to_owned(),
        problem: "is not a directory".into(),
    }
}

fn check_private(disk: &RealDisk, path: &Path) -> Result<(), OpenError> {
    let stat = rustix::fs::fstat(disk.directory()).map_err(|error| OpenError::io_at(path)(error.into()))?;
    let mode = stat.st_mode & 0o777;
    if mode & 0o077 == 0 {
        return Ok(());
    }
    let problem = format!("can be entered by others: its mode is {mode:04o} and must be 0700");
    Err(OpenError::Directory {
        directory: path.to_owned(),
        problem,
    })
}

fn lock(disk: &RealDisk, path: &Path) -> Result<DirectoryLock, OpenError> {
    let io = |error: Errno| OpenError::io_at(&path.join(NAME))(error.into());
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = rustix::fs::openat(disk.directory(), NAME, flags, Mode::RUSR | Mode::WUSR).map_err(io)?;
    match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(DirectoryLock { _file: file }),
        Err(Errno::WOULDBLOCK) => Err(OpenError::Locked {
            directory: path.to_owned(),
        }),
        Err(error) => Err(io(error)),
    }
}
