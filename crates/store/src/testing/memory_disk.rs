//! A [`Disk`] in memory: one flat directory whose calls are recorded and can be made to fail.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::embedded::disk::{Disk, DiskFile};

/// What a disk writes whole or not at all.
pub(super) const SECTOR: usize = 512;

/// The files of a disk and what they hold.
pub type Image = BTreeMap<String, Vec<u8>>;

/// A call that changed something or made it durable. Files are numbered in order of creation, those of the first image
/// in order of name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// A new, empty file.
    Create(String),
    /// Bytes written at an offset.
    Write(usize, u64, Vec<u8>),
    /// A file made longer (with zeros) or shorter.
    Resize(usize, u64),
    /// What was written to a file made durable.
    Sync(usize),
    /// A sync that failed: what it should have written may never be, and later syncs will not say so.
    FailedSync(usize),
    /// A file given another name.
    Rename(String, String),
    /// A name removed.
    Unlink(String),
    /// Names made durable.
    SyncNames,
    /// A sync of names that failed: they may be durable, now or later, or never.
    FailedSyncNames,
}

/// Which calls fail, counting all that could from 0, and how.
#[derive(Clone, Copy, Debug)]
pub struct Fault {
    /// The first call to fail.
    pub at: usize,
    /// Whether all later ones fail too.
    pub sticky: bool,
    /// What they say. Being out of room only befalls calls that need some.
    pub error: io::ErrorKind,
    /// Of a write that fails, how many quarters are done all the same, in whole sectors.
    pub quarters: usize,
}

impl Fault {
    /// One call fails; a write half way.
    #[must_use]
    pub fn once(at: usize, error: io::ErrorKind) -> Self {
        Self {
            at,
            sticky: false,
            error,
            quarters: 2,
        }
    }

    /// A call and all after it fail; writes half way.
    #[must_use]
    pub fn from(at: usize, error: io::ErrorKind) -> Self {
        Self {
            sticky: true,
            ..Self::once(at, error)
        }
    }
}

#[derive(Default)]
struct Inner {
    /// The process that may use the disk: handles of earlier ones are dead.
    life: usize,
    /// After how many more calls it is killed, if it is.
    doom: Option<usize>,
    names: BTreeMap<String, usize>,
    files: Vec<Vec<u8>>,
    ops: Vec<Op>,
    /// Calls are made and not remembered.
    forgets: bool,
    calls: usize,
    fault: Option<Fault>,
}

impl Inner {
    fn note(&mut self, op: Op) {
        if !self.forgets {
            self.ops.push(op);
        }
    }

    /// Whether a process is still there to make a call. One that has been killed is told so, and nothing is done.
    fn alive(&mut self, life: usize) -> io::Result<()> {
        let doomed = self.doom == Some(0);
        if life != self.life || doomed {
            return Err(io::Error::other("this process has been killed"));
        }
        self.doom = self.doom.map(|calls| calls - 1);
        Ok(())
    }

    /// Counts a call, and fails it if that is its turn.
    fn call(&mut self, needs_room: bool) -> io::Result<()> {
        let call = self.calls;
        self.calls += 1;
        let Some(fault) = self.fault else { return Ok(()) };
        let turn = if fault.sticky {
            call >= fault.at
        } else {
            call == fault.at
        };
        let out_of_room = matches!(fault.error, io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded);
        let applies = needs_room || !out_of_room;
        if turn && applies {
            Err(fault.error.into())
        } else {
            Ok(())
        }
    }
}

/// See the module. Clones are the same disk.
#[derive(Clone, Default)]
pub struct MemoryDisk {
    inner: Arc<Mutex<Inner>>,
    life: usize,
}

impl MemoryDisk {
    /// A disk that holds these files, durably.
    pub fn new(image: &Image) -> Self {
        let disk = Self::default();
        {
            let mut inner = disk.inner.lock();
            inner.names = image.keys().cloned().zip(0..).collect();
            inner.files = image.values().cloned().collect();
        }
        disk
    }

    /// An empty disk that keeps no record: for stores that live long.
    #[must_use]
    pub fn without_record() -> Self {
        let disk = Self::default();
        disk.inner.lock().forgets = true;
        disk
    }

    /// Makes calls fail from now on, or no more. Calls are counted from here.
    pub fn set_fault(&self, fault: Option<Fault>) {
        let mut inner = self.inner.lock();
        inner.fault = fault;
        inner.calls = 0;
    }

    /// Kills the process that uses the disk, after so many more calls: all later ones fail and do nothing. The system stays
    /// up, so that what was written and not synced is still there, and still uncertain.
    pub fn kill_after(&self, calls: usize) {
        self.inner.lock().doom = Some(calls);
    }

    /// The disk for the next process. All that was opened before is dead.
    #[must_use]
    pub fn next_life(&self) -> Self {
        let mut inner = self.inner.lock();
        inner.life += 1;
        inner.doom = None;
        Self {
            inner: Arc::clone(&self.inner),
            life: inner.life,
        }
    }

    /// Makes every call hang until what is returned is dropped.
    pub fn hang(&self) -> impl Drop + '_ {
        self.inner.lock()
    }

    /// How many calls that could fail there were since the disk was made or [`MemoryDisk::set_fault`] was called.
    pub fn calls(&self) -> usize {
        self.inner.lock().calls
    }

    /// How many entries the record has.
    pub fn position(&self) -> usize {
        self.inner.lock().ops.len()
    }

    /// The record so far.
    pub fn ops(&self) -> Vec<Op> {
        self.inner.lock().ops.clone()
    }

    /// What a process would read now: what is durable and what is not.
    pub fn image(&self) -> Image {
        let inner = self.inner.lock();
        inner
            .names
            .iter()
            .map(|(name, file)| (name.clone(), inner.files[*file].clone()))
            .collect()
    }

    fn file(&self, number: usize) -> Box<dyn DiskFile> {
        Box::new(MemoryFile {
            inner: Arc::clone(&self.inner),
            life: self.life,
            number,
        })
    }
}

fn not_found() -> io::Error {
    io::ErrorKind::NotFound.into()
}

impl Disk for MemoryDisk {
    fn list(&self) -> io::Result<Vec<String>> {
        let mut inner = self.inner.lock();
        inner.alive(self.life)?;
        inner.call(false)?;
        Ok(inner.names.keys().cloned().collect())
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        let mut inner = self.inner.lock();
        inner.alive(self.life)?;
        inner.call(true)?;
        if inner.names.contains_key(name) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let number = inner.files.len();
        inner.files.push(Vec::new());
        inner.names.insert(name.to_owned(), number);
        inner.note(Op::Create(name.to_owned()));
        Ok(self.file(number))
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        let mut inner = self.inner.lock();
        inner.alive(self.life)?;
        inner.call(false)?;
        let number = *inner.names.get(name).ok_or_else(not_found)?;
        Ok(self.file(number))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut inner = self.inner.lock();
        inner.alive(self.life)?;
        inner.call(false)?;
        let number = inner.names.remove(from).ok_or_else(not_found)?;
        inner.names.insert(to.to_owned(), number);
        inner.note(Op::Rename(from.to_owned(), to.to_owned()));
        Ok(())
    }

    fn unlink(&self, name: &str) -> io::Result<()> {
        let mut inner = self.inner.lock();
        inner.alive(self.life)?;
        inner.call(false)?;
        inner.names.remove(name).ok_or_else(not_found)?;
        inner.note(Op::Unlink(name.to_owned()));
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        let mut inner = self.inner.lock();
        inner.alive(self.life)?;
        let outcome = inner.call(false);
        inner.note(if outcome.is_ok() {
            Op::SyncNames
        } else {
            Op::FailedSyncNames
        });
        outcome
    }
}

struct MemoryFile {
    inner: Arc<Mutex<Inner>>,
    life: usize,
    number: usize,
}

impl MemoryFile {
    fn resize(&mut self, size: u64, needs_room: bool) -> io::Result<()> {
        let mut inner = self.inner.lock();
        inner.alive(self.life)?;
        inner.call(needs_room)?;
        inner.files[self.number].resize(index(size), 0);
        inner.note(Op::Resize(self.number, size));
        Ok(())
    }
}

impl DiskFile for MemoryFile {
    fn size(&self) -> io::Result<u64> {
        let mut inner = self.inner.lock();
        inner.alive(self.life)?;
        inner.call(false)?;
        Ok(inner.files[self.number].len() as u64)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let mut inner = self.inner.lock();
        inner.alive(self.life)?;
        inner.call(false)?;
        let start = index(offset);
        let bytes = inner.files[self.number].get(start..start + buffer.len());
        buffer.copy_from_slice(bytes.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    /// A write that fails leaves its first part, in whole sectors as one that runs out of room does.
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let mut inner = self.inner.lock();
        inner.alive(self.life)?;
        let outcome = inner.call(true);
        let quarters = inner.fault.map_or(0, |fault| fault.quarters);
        let part = (index(offset) + bytes.len() * quarters / 4).next_multiple_of(SECTOR) - index(offset);
        let written = match (&outcome, quarters) {
            (Ok(()), _) => bytes,
            (Err(_), 0) => &[],
            (Err(_), _) => &bytes[..part.min(bytes.len())],
        };
        put(&mut inner.files[self.number], offset, written);
        inner.note(Op::Write(self.number, offset, written.to_vec()));
        outcome
    }

    fn allocate(&mut self, size: u64) -> io::Result<()> {
        let now = self.inner.lock().files[self.number].len() as u64;
        self.resize(size.max(now), true)
    }

    fn truncate(&mut self, size: u64) -> io::Result<()> {
        self.resize(size, false)
    }

    fn sync(&mut self) -> io::Result<()> {
        let mut inner = self.inner.lock();
        inner.alive(self.life)?;
        let outcome = inner.call(false);
        inner.note(if outcome.is_ok() {
            Op::Sync(self.number)
        } else {
            Op::FailedSync(self.number)
        });
        outcome
    }
}

/// Writes into a file, which grows as far as needed.
pub(super) fn put(file: &mut Vec<u8>, offset: u64, bytes: &[u8]) {
    let start = index(offset);
    let end = start + bytes.len();
    if file.len() < end {
        file.resize(end, 0);
    }
    file[start..end].copy_from_slice(bytes);
}

/// An offset in a file that is in memory.
pub(super) fn index(offset: u64) -> usize {
    usize::try_from(offset).expect("files in memory are small")
}
