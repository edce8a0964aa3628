//! A data directory that is only looked at: nothing in it can be changed through this, not even by mistake.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;
use std::path::Path;

use rustix::fs::{FlockOperation, Mode, OFlags};
use rustix::io::Errno;

use super::disk::{Disk, DiskFile};
use super::lock;
use super::open_error::OpenError;

/// See the module. The lock is held until this is dropped.
pub(crate) struct ReadOnlyDisk {
    directory: OwnedFd,
    _lock: Option<File>,
}

impl ReadOnlyDisk {
    /// Opens a directory and locks it, so that nobody writes it meanwhile.
    pub(crate) fn open(path: &Path) -> Result<Self, OpenError> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let io = |error: Errno| OpenError::io_at(path)(error.into());
        let directory = rustix::fs::open(path, flags, Mode::empty()).map_err(io)?;
        let lock = match open(&directory, lock::NAME) {
            Ok(file) => Some(file),
            // Whoever writes a store makes this file first, so a copy without it is nobody's.
            Err(Errno::NOENT) => None,
            Err(error) => return Err(OpenError::io_at(&path.join(lock::NAME))(error.into())),
        };
        if let Some(file) = &lock {
            match rustix::fs::flock(file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => {}
                Err(Errno::WOULDBLOCK) => {
                    return Err(OpenError::Locked {
                        directory: path.to_owned(),
                    });
                }
                Err(error) => return Err(io(error)),
            }
        }
        Ok(Self { directory, _lock: lock })
    }
}

fn open(directory: &OwnedFd, name: &str) -> Result<File, Errno> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::openat(directory, name, flags, Mode::empty()).map(File::from)
}

fn refused<T>() -> io::Result<T> {
    Err(io::ErrorKind::ReadOnlyFilesystem.into())
}

impl Disk for ReadOnlyDisk {
    fn list(&self) -> io::Result<Vec<String>> {
        super::disk::names(&self.directory)
    }

    fn create(&self, _name: &str) -> io::Result<Box<dyn DiskFile>> {
        refused()
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(ReadOnlyFile(open(&self.directory, name)?)))
    }

    fn rename(&self, _from: &str, _to: &str) -> io::Result<()> {
        refused()
    }

    fn unlink(&self, _name: &str) -> io::Result<()> {
        refused()
    }

    fn sync(&self) -> io::Result<()> {
        refused()
    }
}

struct ReadOnlyFile(File);

impl DiskFile for ReadOnlyFile {
    fn size(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.0.read_exact_at(buffer, offset)
    }

    fn write_at(&mut self, _offset: u64, _bytes: &[u8]) -> io::Result<()> {
        refused()
    }

    fn allocate(&mut self, _size: u64) -> io::Result<()> {
        refused()
    }

    fn truncate(&mut self, _size: u64) -> io::Result<()> {
        refused()
    }

    fn sync(&mut self) -> io::Result<()> {
        refused()
    }
}
