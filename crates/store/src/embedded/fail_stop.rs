//! A disk whose names are never synced again once that has failed.
//!
//! Two threads make names durable: the committer those of segments, the snapshot thread those of snapshots. The system
//! reports a failed sync once, to whoever asked. Without this the other thread's next sync could succeed although the name
//! that it cares for was forgotten with the first. Files need none of it: each has one owner, who stops.

use std::io;
use std::sync::Arc;

use parking_lot::Mutex;

use super::disk::{Disk, DiskFile};

/// See the module.
pub(crate) struct FailStop {
    disk: Arc<dyn Disk>,
    /// Why the last sync of names failed. Held during each of them, so that none can overtake the news.
    failed: Mutex<Option<io::ErrorKind>>,
}

impl FailStop {
    pub(crate) fn new(disk: Arc<dyn Disk>) -> Self {
        Self {
            disk,
            failed: Mutex::new(None),
        }
    }
}

impl Disk for FailStop {
    fn list(&self) -> io::Result<Vec<String>> {
        self.disk.list()
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        self.disk.create(name)
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        self.disk.open(name)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.disk.rename(from, to)
    }

    fn unlink(&self, name: &str) -> io::Result<()> {
        self.disk.unlink(name)
    }

    fn sync(&self) -> io::Result<()> {
        let mut failed = self.failed.lock();
        if let Some(kind) = *failed {
            return Err(io::Error::new(kind, "an earlier sync of the directory failed"));
        }
        self.disk.sync().inspect_err(|error| *failed = Some(error.kind()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Fault, MemoryDisk, Op};

    #[test]
    fn a_sync_that_failed_is_never_tried_again() {
        let below = MemoryDisk::default();
        let disk = FailStop::new(Arc::new(below.clone()));
        disk.sync().unwrap();
        below.set_fault(Some(Fault::once(0, io::ErrorKind::ReadOnlyFilesystem)));
        for _ in 0..3 {
            assert_eq!(disk.sync().unwrap_err().kind(), io::ErrorKind::ReadOnlyFilesystem);
        }
        assert_eq!(below.ops(), [Op::SyncNames, Op::FailedSyncNames]);
    }
}
