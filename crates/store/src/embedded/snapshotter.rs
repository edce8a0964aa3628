//! When a snapshot is written, by whom, and what may go once it is there.
//!
//! A snapshot is written by a thread of its own from the immutable published state, so that no commit waits for it. The
//! newest two are kept, and the log from the older one on: a start begins there, and so has a history to resume watches
//! from. The disk therefore holds at most two snapshots and the log of two intervals.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use crate::Revision;

use super::disk::Disk;
use super::log::{AppendError, Log, segment};
use super::pending::Shared;
use super::snapshot::{self, WriteError};
use crate::view::state::State;

/// See the module. Owned by the committer.
pub(crate) struct Snapshotter {
    disk: Arc<dyn Disk>,
    /// Bytes of log between two snapshots, at least.
    interval: u64,
    /// Revisions of the snapshots on the disk, oldest first.
    taken: Vec<Revision>,
    /// Bytes appended since the state of the last one.
    since: u64,
    running: Option<Running>,
}

struct Running {
    thread: JoinHandle<Result<(), WriteError>>,
    cancel: Arc<AtomicBool>,
    /// All that is left to the thread is to end.
    done: Arc<AtomicBool>,
    plan: Plan,
}

impl Running {
    fn is_done(&self) -> bool {
        // A thread that panicked did not get as far as saying so.
        self.done.load(Ordering::Acquire) || self.thread.is_finished()
    }
}

/// What one snapshot replaces.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Plan {
    revision: Revision,
    /// Snapshots to remove once it is there.
    snapshots: Vec<Revision>,
    /// Segments to remove once it is there.
    segments: Vec<u64>,
}

impl Snapshotter {
    pub(crate) fn new(disk: Arc<dyn Disk>, interval: u64, taken: Vec<Revision>, since: u64) -> Self {
        Self {
            disk,
            interval,
            taken,
            since,
            running: None,
        }
    }

    /// Counts what was appended to the log.
    pub(crate) fn appended(&mut self, bytes: u64) {
        self.since += bytes;
    }

    /// Sees to a snapshot that has ended, and starts one that is due.
    pub(crate) fn tend(&mut self, log: &mut Log, shared: &Arc<Shared>) -> Result<(), AppendError> {
        if let Some(running) = self.running.take_if(|running| running.is_done()) {
            self.ended(running, log, shared)?;
        }
        if self.running.is_some() || self.since < self.interval {
            return Ok(());
        }
        let state = shared.published.state();
        if self.since >= state.bytes() as u64 {
            self.start(state, log, shared);
        }
        Ok(())
    }

    /// Abandons a snapshot that is being written, and waits for its thread.
    pub(crate) fn stop(&mut self) {
        if let Some(running) = self.running.take() {
            running.cancel.store(true, Ordering::Relaxed);
            // Whatever came of it: without its name it is removed on the next start, with it, it is used.
            let _ended = running.thread.join();
        }
    }

    fn start(&mut self, state: Arc<State>, log: &Log, shared: &Arc<Shared>) {
        let plan = self.plan(state.revision, log);
        let (cancel, done) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let task = {
            let (disk, shared) = (Arc::clone(&self.disk), Arc::clone(shared));
            let (plan, cancel, done) = (plan.clone(), Arc::clone(&cancel), Arc::clone(&done));
            move || {
                let written = snapshot::write(disk.as_ref(), &state, &cancel);
                if written.is_ok() {
                    remove(disk.as_ref(), &plan);
                }
                done.store(true, Ordering::Release);
                shared.nudge(|pending| pending.snapshot_ended = true);
                written.map(|_| ())
            }
        };
        match std::thread::Builder::new().name("store-snapshot".into()).spawn(task) {
            Ok(thread) => {
                self.since = 0;
                self.running = Some(Running {
                    thread,
                    cancel,
                    done,
                    plan,
                });
            }
            Err(error) => self.put_off(&error.to_string()),
        }
    }

    fn plan(&self, revision: Revision, log: &Log) -> Plan {
        let Some((newest, older)) = self.taken.split_last() else {
            return Plan {
                revision,
                snapshots: Vec::new(),
                segments: Vec::new(),
            };
        };
        Plan {
            revision,
            snapshots: older.to_vec(),
            segments: log.obsolete(*newest),
        }
    }

    fn ended(&mut self, running: Running, log: &mut Log, shared: &Shared) -> Result<(), AppendError> {
        let Running { thread, plan, .. } = running;
        match thread.join() {
            Ok(Ok(())) => {
                shared.counters.snapshots.fetch_add(1, Ordering::Relaxed);
                self.taken.retain(|taken| !plan.snapshots.contains(taken));
                self.taken.push(plan.revision);
                plan.segments.last().into_iter().for_each(|last| log.forget(*last));
                Ok(())
            }
            Ok(Err(WriteError::Full)) => {
                self.put_off("no space left");
                Ok(())
            }
            Ok(Err(WriteError::Cancelled)) => Ok(()),
            Ok(Err(WriteError::Fatal(error))) => Err(AppendError::fatal("writing a snapshot", &error)),
            Err(_panic) => Err(AppendError::Fatal("writing a snapshot failed: this is a bug".into())),
        }
    }

    /// Tries again after a quarter of the interval.
    fn put_off(&mut self, why: &str) {
        tracing::warn!(why, "no snapshot could be written; the log grows until one can");
        self.since = self.interval - self.interval / 4;
    }
}

/// Removes what a durable snapshot has replaced. What cannot be removed now will be on the next start.
fn remove(disk: &dyn Disk, plan: &Plan) {
    let snapshots = plan.snapshots.iter().map(|revision| snapshot::name(*revision));
    let segments = plan.segments.iter().map(|sequence| segment::name(*sequence));
    for name in snapshots.chain(segments) {
        if let Err(error) = disk.unlink(&name) {
            tracing::warn!(%error, file = name, "a file that is not needed any more could not be removed");
        }
    }
}
