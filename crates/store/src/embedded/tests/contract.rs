//! The contract's suite, on a real directory.

use std::ops::Deref;
use std::sync::Arc;

use leasehold_clock::SystemClock;

use crate::embedded::{Embedded, Options};

/// A store and the directory it lives in, which goes after it.
struct InDirectory {
    store: Embedded,
    _directory: tempfile::TempDir,
}

impl Deref for InDirectory {
    type Target = Embedded;

    fn deref(&self) -> &Embedded {
        &self.store
    }
}

fn open() -> InDirectory {
    let directory = tempfile::tempdir().unwrap();
    // Small files, so that segments and snapshots come and go meanwhile.
    let options = Options {
        segment_bytes: 8192,
        snapshot_bytes: 16384,
        ..Options::new(directory.path().join("data"))
    };
    InDirectory {
        store: Embedded::open(&options, Arc::new(SystemClock)).unwrap(),
        _directory: directory,
    }
}

crate::store_suite!(open());
