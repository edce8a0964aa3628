//! The one thread that makes groups durable and then visible.
//!
//! It takes whatever has gathered while the last group was being written, so groups grow with the load and are of one
//! write when there is none. A sync and the wake-ups around it cost as much processor time as a whole write or more, so
//! that after a group of several it waits a moment for the next one to become as large. Append, sync, publish, answer: in
//! this order and never another.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::MutexGuard;

use crate::{ChangeKind, Revision};

use super::completion::Completion;
use super::log::{AppendError, Log, frame, record};
use super::pending::{Group, Health, Pending, Shared};
use super::snapshotter::Snapshotter;
use crate::view::state::State;

/// How often a full disk is looked at again when nobody writes.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// How long a write may wait for others, where there were others just before.
const GATHER: Duration = Duration::from_millis(1);
/// Room that must be there before a full store calls itself ready again.
const ROOM: u64 = 64 << 10;
/// Capacity of the buffer that is kept between groups.
const BUFFER: usize = 1 << 20;

/// See the module.
pub(crate) struct Committer {
    shared: Arc<Shared>,
    log: Log,
    snapshotter: Snapshotter,
    buffer: Vec<u8>,
}

enum Work {
    Commit {
        group: Group,
        state: State,
        issued: Revision,
    },
    SnapshotEnded,
    LookForRoom,
    Close {
        issued: Revision,
    },
}

impl Committer {
    pub(crate) fn new(shared: Arc<Shared>, log: Log, snapshotter: Snapshotter) -> Self {
        Self {
            shared,
            log,
            snapshotter,
            buffer: Vec::new(),
        }
    }

    /// Runs until the store is closed or has failed for good.
    pub(crate) fn run(mut self) {
        loop {
            let work = self.next_work();
            if !self.carry_out(work) {
                break;
            }
        }
        self.snapshotter.stop();
    }

    /// Does what there is to do, without waiting for more, and says whether there may ever be.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn run_out(&mut self) -> bool {
        loop {
            let work = take_work(&self.shared, &mut self.shared.pending.lock());
            match work {
                None => return true,
                Some(work) => {
                    self.shared.room.notify_waiters();
                    if !self.carry_out(work) {
                        return false;
                    }
                }
            }
        }
    }

    /// Whether there may be more to do.
    fn carry_out(&mut self, work: Work) -> bool {
        let done = match work {
            Work::Commit { group, state, issued } => self.commit(group, state, issued).and_then(|()| self.tend()),
            Work::SnapshotEnded => self.tend(),
            Work::LookForRoom => self.look_for_room(),
            Work::Close { issued } => {
                self.close(issued);
                return false;
            }
        };
        let Err(error) = done else { return true };
        self.shared.fail(&error);
        !matches!(error, AppendError::Fatal(_))
    }

    fn next_work(&self) -> Work {
        let mut pending = self.shared.pending.lock();
        loop {
            if !pending.group.changes.is_empty() {
                self.gather(&mut pending);
            }
            if let Some(work) = take_work(&self.shared, &mut pending) {
                drop(pending);
                self.shared.room.notify_waiters();
                return work;
            }
            pending.wake_at = Some(1);
            if !pending.full {
                self.shared.work.wait(&mut pending);
            } else if self.shared.work.wait_for(&mut pending, LOOK_AGAIN).timed_out() && pending.wake_at.is_some() {
                pending.wake_at = None;
                return Work::LookForRoom;
            }
            pending.wake_at = None;
        }
    }

    /// Lets the group become as large as the one before, if that is soon. One write alone waits for nobody.
    fn gather(&self, pending: &mut MutexGuard<'_, Pending>) {
        if pending.group.changes.len() < pending.last_size && pending.health == Health::Open {
            pending.wake_at = Some(pending.last_size);
            // Woken early or not at all, for this or for anything else: what is there then is the group.
            self.shared.work.wait_for(pending, GATHER);
            pending.wake_at = None;
        }
    }

    fn commit(&mut self, group: Group, state: State, issued: Revision) -> Result<(), AppendError> {
        frame::begin(&mut self.buffer);
        for change in &group.changes {
            let value = match &change.kind {
                ChangeKind::Put(value) => Some(value),
                ChangeKind::Delete => None,
            };
            record::encode(&mut self.buffer, &change.key, change.revision, value);
        }
        let commits = group.changes.len();
        let count = u32::try_from(commits).expect("a group has fewer writes than bytes, and those are bounded");
        let appended = self.log.append(&mut self.buffer, count, issued)?;
        self.buffer.shrink_to(BUFFER);
        // Before anyone is answered, who may look at the counts.
        self.shared.counters.group(commits, appended.bytes, appended.sync);
        self.publish(group, state);
        self.snapshotter.appended(appended.bytes);
        Ok(())
    }

    fn publish(&self, group: Group, state: State) {
        let now = self.shared.clock.now();
        self.shared.published.publish(state, group.changes, now);
        {
            // Before answering: who has an answer must not be told that there is no room.
            let mut pending = self.shared.pending.lock();
            pending.full = false;
            pending.writing_since = None;
        }
        group.done.complete(Ok(()));
        self.shared.past.expire(now, self.shared.counters.written());
    }

    /// A full store whose readiness keeps traffic away would otherwise never find out that there is room again.
    fn look_for_room(&mut self) -> Result<(), AppendError> {
        match self.log.make_room(ROOM) {
            Ok(()) => self.shared.pending.lock().full = false,
            Err(AppendError::Full) => {}
            Err(fatal) => return Err(fatal),
        }
        Ok(())
    }

    fn tend(&mut self) -> Result<(), AppendError> {
        let tended = self.snapshotter.tend(&mut self.log, &self.shared);
        self.shared.counters.set_log_bytes(self.log.bytes());
        tended
    }

    /// Ends the log with an empty group. It proves to the next start that everything before it had been synced, so that
    /// damage at the end is not taken for an interrupted write, and it carries the revisions that were given out in vain.
    fn close(&mut self, issued: Revision) {
        frame::begin(&mut self.buffer);
        if let Err(error) = self.log.append(&mut self.buffer, 0, issued) {
            tracing::warn!(?error, "the log could not be ended; everything acknowledged is in it");
        }
    }
}

/// What there is to do now, if anything.
fn take_work(shared: &Shared, pending: &mut Pending) -> Option<Work> {
    if !pending.group.changes.is_empty() {
        let group = std::mem::take(&mut pending.group);
        pending.last_size = group.changes.len();
        pending.in_flight = Some(Arc::clone(&group.done));
        pending.writing_since = Some(shared.clock.now());
        let (state, issued) = (pending.overlay.clone(), pending.issued);
        return Some(Work::Commit { group, state, issued });
    }
    if std::mem::take(&mut pending.snapshot_ended) {
        return Some(Work::SnapshotEnded);
    }
    let issued = pending.issued;
    (pending.health != Health::Open).then_some(Work::Close { issued })
}

/// Makes sure that nobody waits for a committer that is no more.
pub(crate) struct Farewell {
    pub(crate) shared: Arc<Shared>,
    pub(crate) ended: Arc<Completion>,
}

impl Drop for Farewell {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.shared
                .fail(&AppendError::Fatal("the committer failed: this is a bug".into()));
        }
        self.ended.complete(Ok(()));
    }
}
