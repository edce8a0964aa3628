//! The seam between the engine and the disk.
//!
//! Every access to stored data goes through [`Disk`] and [`DiskFile`], one method per system call, so that tests can
//! record the calls, build every image that a power cut could leave, and fail any of them. Nothing here retries, caches
//! or decides.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;
use std::path::Path;

use rustix::fs::{AtFlags, FallocateFlags, Mode, OFlags};

/// What is readable and writable by the owner and nobody else, whatever the umask.
const PRIVATE: Mode = Mode::RUSR.union(Mode::WUSR);

/// A flat directory of files.
pub trait Disk: Send + Sync + 'static {
    /// The names of all regular files, in no particular order.
    ///
    /// # Errors
    /// Those of the operating system.
    fn list(&self) -> io::Result<Vec<String>>;

    /// Creates a file for reading and writing.
    ///
    /// # Errors
    /// [`io::ErrorKind::AlreadyExists`] and those of the operating system.
    fn create(&self, name: &str) -> io::Result<Box<dyn DiskFile>>;

    /// Opens a file for reading and writing.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotFound`] and those of the operating system.
    fn open(&self, name: &str) -> io::Result<Box<dyn DiskFile>>;

    /// Gives a file another name, replacing what had it. Durable after [`Disk::sync`].
    ///
    /// # Errors
    /// Those of the operating system.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a file. Durable after [`Disk::sync`].
    ///
    /// # Errors
    /// Those of the operating system.
    fn unlink(&self, name: &str) -> io::Result<()>;

    /// Makes names durable: creations, renames and removals before this call.
    ///
    /// # Errors
    /// Those of the operating system. A failed sync must never be tried again: what it did not write may have been
    /// forgotten, and a second one would report success.
    fn sync(&self) -> io::Result<()>;
}

/// An open file.
pub trait DiskFile: Send {
    /// How many bytes the file has.
    ///
    /// # Errors
    /// Those of the operating system.
    fn size(&self) -> io::Result<u64>;

    /// Fills `buffer` from `offset`.
    ///
    /// # Errors
    /// [`io::ErrorKind::UnexpectedEof`] and those of the operating system.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()>;

    /// Writes all of `bytes` at `offset`. After an error any part of them may have been written.
    ///
    /// # Errors
    /// Those of the operating system.
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()>;

    /// Makes the file `size` bytes long, reserving room for all of them where the file system can; new bytes are zero.
    ///
    /// # Errors
    /// Those of the operating system.
    fn allocate(&mut self, size: u64) -> io::Result<()>;

    /// Cuts the file to `size` bytes, which are not more than it has.
    ///
    /// # Errors
    /// Those of the operating system.
    fn truncate(&mut self, size: u64) -> io::Result<()>;

    /// Makes the content durable, and the size as far as reading the content needs it.
    ///
    /// # Errors
    /// As [`Disk::sync`], and as final.
    fn sync(&mut self) -> io::Result<()>;
}

/// Whether an error means that there is no room, rather than that something is broken.
pub(crate) fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// All of a file.
pub(crate) fn read_all(file: &dyn DiskFile) -> io::Result<Vec<u8>> {
    let size = usize::try_from(file.size()?).map_err(|_| io::Error::from(io::ErrorKind::FileTooLarge))?;
    let mut bytes = vec![0; size];
    file.read_at(0, &mut bytes)?;
    Ok(bytes)
}

/// A directory of the operating system. Files are created with mode 0600 and symbolic links are never followed.
pub(crate) struct RealDisk {
    directory: OwnedFd,
}

impl RealDisk {
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(Self {
            directory: rustix::fs::open(path, flags, Mode::empty())?,
        })
    }

    /// The open directory itself, for what is not data.
    pub(crate) fn directory(&self) -> &OwnedFd {
        &self.directory
    }

    fn open_with(&self, name: &str, extra: OFlags) -> io::Result<Box<dyn DiskFile>> {
        let flags = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::CLOEXEC | extra;
        let file = rustix::fs::openat(&self.directory, name, flags, PRIVATE)?;
        // The umask can only have taken bits away, but a file from elsewhere may have more.
        rustix::fs::fchmod(&file, PRIVATE)?;
        Ok(Box::new(RealFile { file: File::from(file) }))
    }
}

impl Disk for RealDisk {
    fn list(&self) -> io::Result<Vec<String>> {
        names(&self.directory)
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        self.open_with(name, OFlags::CREATE | OFlags::EXCL)
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        self.open_with(name, OFlags::empty())
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        Ok(rustix::fs::renameat(&self.directory, from, &self.directory, to)?)
    }

    fn unlink(&self, name: &str) -> io::Result<()> {
        Ok(rustix::fs::unlinkat(&self.directory, name, AtFlags::empty())?)
    }

    fn sync(&self) -> io::Result<()> {
        Ok(rustix::fs::fsync(&self.directory)?)
    }
}

/// The names in an open directory.
pub(crate) fn names(directory: &OwnedFd) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in rustix::fs::Dir::read_from(directory)? {
        let entry = entry?;
        // A name that is not UTF-8 is none of ours.
        if let Ok(name) = entry.file_name().to_str()
            && !matches!(name, "." | "..")
        {
            names.push(name.to_owned());
        }
    }
    Ok(names)
}

struct RealFile {
    file: File,
}

impl DiskFile for RealFile {
    fn size(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.file.read_exact_at(buffer, offset)
    }

    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all_at(bytes, offset)
    }

    fn allocate(&mut self, size: u64) -> io::Result<()> {
        let length = size.saturating_sub(self.size()?);
        if length == 0 {
            return Ok(());
        }
        match rustix::fs::fallocate(&self.file, FallocateFlags::empty(), size - length, length) {
            // Not every file system can reserve room; growing the file is enough to be correct.
            Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::NOSYS) => self.file.set_len(size),
            other => Ok(other?),
        }
    }

    fn truncate(&mut self, size: u64) -> io::Result<()> {
        self.file.set_len(size)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.file.sync_data()
    }
}
