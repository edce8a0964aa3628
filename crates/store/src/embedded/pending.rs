//! Writes on their way: judged in order of arrival against what will be there once everything before them is durable.
//!
//! The overlay is a copy of the published state with every accepted write applied ([`State`] is cheap to copy). A write
//! is judged against it under one short lock, gets its revision and joins the current group. A refusal that what is
//! durable does not justify yet waits for the group it rests on. When a group fails, the overlay falls back to what is
//! published; the revisions that were given out are not given out again.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use leasehold_clock::{Clock, Monotonic};
use parking_lot::{Condvar, Mutex};
use tokio::sync::Notify;

use crate::{Change, ChangeKind, Error, Key, Memos, Revision};

use super::completion::Completion;
use super::log::{AppendError, record};
use super::metrics::Counters;
use crate::view::past::Past;
use crate::view::published::Published;
use crate::view::state::{Item, State};

/// The largest value, far above what the API accepts as a request.
const VALUE_BYTES: usize = 64 << 20;

/// How long a group may be on its way before the store calls itself unready: half of the ten seconds after which
/// client-go's leaders give up by default.
const STUCK: Duration = Duration::from_secs(5);

/// A write as it was asked for.
pub(crate) struct Write {
    pub(crate) key: Key,
    /// What to store, or `None` to delete.
    pub(crate) value: Option<Bytes>,
    /// What the key must be at, or `None` if it must hold nothing.
    pub(crate) expected: Option<Revision>,
}

impl Write {
    fn judge(&self, held: Option<&Item>) -> Result<(), Error> {
        match (held, self.expected) {
            (None, None) => Ok(()),
            (Some(item), None) => Err(Error::Exists(item.revision)),
            (None, Some(_)) => Err(Error::NotFound),
            #[cfg(leasehold_mutant = "compare-and-swap-off")]
            (Some(item), Some(_)) if item.revision > Revision(0) => Ok(()),
            (Some(item), Some(expected)) if item.revision == expected => Ok(()),
            (Some(item), Some(_)) => Err(Error::Conflict(item.revision)),
        }
    }

    fn check_size(&self) -> Result<(), Error> {
        let fits = record::fits(&self.key) && self.value.as_ref().is_none_or(|value| value.len() <= VALUE_BYTES);
        if fits {
            Ok(())
        } else {
            Err(Error::Unavailable("a key or value is too large".into()))
        }
    }
}

/// Writes that become durable and visible together.
#[derive(Default)]
pub(crate) struct Group {
    pub(crate) changes: Vec<Arc<Change>>,
    /// Bytes they will take in the log.
    pub(crate) bytes: usize,
    pub(crate) done: Arc<Completion>,
}

/// Whether writes are accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Health {
    Open,
    Closing,
    /// For good.
    Unavailable(Arc<str>),
}

impl Health {
    pub(crate) fn check(&self) -> Result<(), Error> {
        match self {
            Self::Open => Ok(()),
            Self::Closing => Err(Error::Closed),
            Self::Unavailable(why) => Err(Error::Unavailable(Arc::clone(why))),
        }
    }
}

/// What the lock protects.
pub(crate) struct Pending {
    /// The published state with every accepted write applied.
    pub(crate) overlay: State,
    /// The last revision given out.
    pub(crate) issued: Revision,
    /// The group that is being gathered.
    pub(crate) group: Group,
    /// The group that is being written, or was last.
    pub(crate) in_flight: Option<Arc<Completion>>,
    pub(crate) health: Health,
    /// Since when a group is being written, if one is.
    pub(crate) writing_since: Option<Monotonic>,
    /// The last append found no room.
    pub(crate) full: bool,
    /// How many writes wake the committer: none while it is at work.
    pub(crate) wake_at: Option<usize>,
    /// Writes in the group before this one.
    pub(crate) last_size: usize,
    /// A snapshot has been finished and the committer has not seen to it yet.
    pub(crate) snapshot_ended: bool,
}

impl Pending {
    pub(crate) fn new(state: &State) -> Self {
        Self {
            overlay: state.clone(),
            issued: state.revision,
            group: Group::default(),
            in_flight: None,
            health: Health::Open,
            writing_since: None,
            full: false,
            wake_at: None,
            last_size: 0,
            snapshot_ended: false,
        }
    }

    /// Whether a write would be acknowledged soon, as far as that is known.
    pub(crate) fn ready(&self, now: Monotonic) -> Result<(), Error> {
        self.health.check()?;
        if self.full {
            return Err(Error::Full);
        }
        match self.writing_since.map(|since| now.since(since)) {
            Some(waited) if waited >= STUCK => {
                let why = format!("the disk has been busy with one write for {} s", waited.as_secs());
                Err(Error::Unavailable(why.into()))
            }
            _ => Ok(()),
        }
    }

    /// Whether the group is what the committer waits for. Says so once.
    fn wakes_committer(&mut self, group_bytes: usize) -> bool {
        let enough = |size| self.group.changes.len() >= size || self.group.bytes >= group_bytes;
        self.wake_at.take_if(|size| enough(*size)).is_some()
    }

    /// The group that ends last of those on their way.
    fn latest(&self) -> Option<Arc<Completion>> {
        if self.group.changes.is_empty() {
            self.in_flight.clone()
        } else {
            Some(Arc::clone(&self.group.done))
        }
    }

    /// Applies a write that was judged to be right and adds it to the group.
    fn accept(&mut self, key: Key, write: &Write) -> Revision {
        let revision = Revision(self.issued.0 + 1);
        let item = write.value.clone().map(|value| Item { value, revision });
        let before = self.overlay.set(&key, item);
        let kind = write.value.clone().map_or(ChangeKind::Delete, ChangeKind::Put);
        let previous = before.map(|item| (item.value, item.revision));
        self.issued = revision;
        self.overlay.revision = revision;
        self.group.bytes += record::encoded_len(&key, write.value.as_ref());
        self.group.changes.push(Arc::new(Change {
            key,
            revision,
            kind,
            previous,
            memos: Memos::default(),
        }));
        revision
    }
}

/// What callers, the committer and the snapshot thread share.
pub(crate) struct Shared {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) published: Arc<Published>,
    pub(crate) past: Past,
    pub(crate) counters: Counters,
    pub(crate) pending: Mutex<Pending>,
    /// Wakes the committer.
    pub(crate) work: Condvar,
    /// Wakes writes that found the group full.
    pub(crate) room: Notify,
    /// Wakes who waits for [`Health::Unavailable`].
    pub(crate) failed: Notify,
    /// Bytes after which a group takes no more.
    pub(crate) group_bytes: usize,
}

/// What became of a write.
enum Submitted {
    Joined(Revision, Arc<Completion>),
    Refused(Error),
    /// Refused for the sake of a write that may still fail.
    RefusedIf(Error, Arc<Completion>),
    NoRoom,
}

impl Shared {
    /// Carries a write out. Until the group has room for it the write has not begun, and dropping the future means it
    /// never does; after that it runs to completion whether or not anyone waits.
    pub(crate) async fn write(&self, write: Write) -> Result<Revision, Error> {
        write.check_size()?;
        loop {
            // Before submitting: a group that makes room right after the refusal is not missed.
            let room = self.room.notified();
            match self.submit(&write) {
                #[cfg(leasehold_mutant = "acknowledge-before-append")]
                Submitted::Joined(revision, _) => return Ok(revision),
                Submitted::Joined(revision, done) => return done.wait().await.map(|()| revision),
                Submitted::Refused(error) => return Err(error),
                Submitted::RefusedIf(error, done) => {
                    if done.wait().await.is_ok() {
                        return Err(error);
                    }
                    // Otherwise what it rested on never happened: it is judged again.
                }
                Submitted::NoRoom => room.await,
            }
        }
    }

    fn submit(&self, write: &Write) -> Submitted {
        let mut pending = self.pending.lock();
        if let Err(error) = pending.health.check() {
            return Submitted::Refused(error);
        }
        let held = pending.overlay.get_key_value(&write.key);
        if let Err(error) = write.judge(held.as_ref().map(|(_, item)| *item)) {
            // The same answer from what is durable rests on nothing that could still fail.
            let durable = write.judge(self.published.state().get(&write.key));
            return match pending.latest() {
                Some(done) if durable.as_ref() != Err(&error) => Submitted::RefusedIf(error, done),
                _ => Submitted::Refused(error),
            };
        }
        if pending.group.bytes >= self.group_bytes {
            return Submitted::NoRoom;
        }
        // The names that are there already serve the change as well: it outlives the write by minutes.
        let key = held.map_or_else(|| write.key.clone(), |(key, _)| key);
        let revision = pending.accept(key, write);
        let done = Arc::clone(&pending.group.done);
        let wake = pending.wakes_committer(self.group_bytes);
        drop(pending);
        if wake {
            self.work.notify_one();
        }
        Submitted::Joined(revision, done)
    }

    /// Drops every write that is not durable, tells everyone why, and goes back to what is published.
    pub(crate) fn fail(&self, error: &AppendError) {
        let (in_flight, gathered, error) = {
            let mut pending = self.pending.lock();
            let error = match error {
                AppendError::Full => {
                    pending.full = true;
                    Error::Full
                }
                AppendError::Fatal(why) => {
                    tracing::error!(%why, "the store cannot be written any more");
                    pending.health = Health::Unavailable(Arc::clone(why));
                    Error::Unavailable(Arc::clone(why))
                }
            };
            pending.writing_since = None;
            pending.overlay = State::clone(&self.published.state());
            #[cfg(leasehold_mutant = "revision-reused-after-failed-append")]
            {
                pending.issued = pending.overlay.revision;
            }
            (pending.in_flight.take(), std::mem::take(&mut pending.group), error)
        };
        for done in in_flight.into_iter().chain([gathered.done]) {
            done.complete(Err(error.clone()));
        }
        self.room.notify_waiters();
        self.failed.notify_waiters();
        self.published.moved.notify_waiters();
    }

    /// Wakes the committer to look at what has changed.
    pub(crate) fn nudge(&self, change: impl FnOnce(&mut Pending)) {
        change(&mut self.pending.lock());
        self.work.notify_one();
    }

    /// Waits until the store has failed for good, and says why.
    pub(crate) async fn failure(&self) -> Arc<str> {
        loop {
            let failed = self.failed.notified();
            if let Health::Unavailable(why) = &self.pending.lock().health {
                return Arc::clone(why);
            }
            failed.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(name: &str) -> Write {
        Write {
            key: Key {
                resource: "leases",
                namespace: "n".into(),
                name: name.into(),
            },
            value: Some(Bytes::from_static(b"value")),
            expected: None,
        }
    }

    /// Which of three writes wake a committer that waits for `wake_at` of them.
    fn who_wakes(wake_at: Option<usize>, group_bytes: usize) -> [bool; 3] {
        let mut pending = Pending::new(&State::at(Revision(0)));
        pending.wake_at = wake_at;
        ["a", "b", "c"].map(|name| {
            let write = put(name);
            pending.accept(write.key.clone(), &write);
            pending.wakes_committer(group_bytes)
        })
    }

    #[test]
    fn the_committer_is_woken_once_by_the_write_that_it_waits_for() {
        assert_eq!(who_wakes(None, usize::MAX), [false; 3]);
        assert_eq!(who_wakes(Some(1), usize::MAX), [true, false, false]);
        assert_eq!(who_wakes(Some(3), usize::MAX), [false, false, true]);
        assert_eq!(who_wakes(Some(9), usize::MAX), [false; 3]);
    }

    #[test]
    fn a_full_group_wakes_it_whatever_it_waits_for() {
        assert_eq!(who_wakes(Some(9), 1), [true, false, false]);
    }
}
