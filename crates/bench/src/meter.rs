//! How far a measurement is, for whoever shows it while it runs.

use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

/// Counts that a measurement keeps up to date. It prints nothing.
#[derive(Debug, Default)]
pub struct Meter {
    phase: Mutex<&'static str>,
    done: AtomicU64,
    total: AtomicU64,
    failed: AtomicU64,
}

/// What a [`Meter`] shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// What is being done, such as `creating leases`.
    pub phase: &'static str,
    /// Operations of this phase that have ended.
    pub done: u64,
    /// How many there will be, where that is known, or else 0.
    pub total: u64,
    /// Operations of this phase that failed.
    pub failed: u64,
}

impl Meter {
    /// What it shows now.
    #[must_use]
    pub fn read(&self) -> Reading {
        Reading {
            phase: *self.phase.lock(),
            done: self.done.load(Ordering::Relaxed),
            total: self.total.load(Ordering::Relaxed),
            failed: self.failed.load(Ordering::Relaxed),
        }
    }

    pub(crate) fn begin(&self, phase: &'static str, total: u64) {
        *self.phase.lock() = phase;
        self.total.store(total, Ordering::Relaxed);
        self.done.store(0, Ordering::Relaxed);
        self.failed.store(0, Ordering::Relaxed);
    }

    pub(crate) fn done(&self, well: bool) {
        self.done.fetch_add(1, Ordering::Relaxed);
        if !well {
            self.failed.fetch_add(1, Ordering::Relaxed);
        }
    }
}
