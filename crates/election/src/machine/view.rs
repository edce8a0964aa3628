//! What a candidate knows of the lease, and which of it is its own doing.

use std::collections::VecDeque;

use leasehold_api::coordination::Lease;
use leasehold_clock::Monotonic;

use super::Sight;
use crate::Record;

/// The lease as this candidate saw it last.
#[derive(Debug, Default)]
pub(super) enum View {
    /// Never seen.
    #[default]
    Unknown,
    /// There is none.
    Absent,
    /// It is there.
    Present(Box<Seen>),
}

/// A lease that was seen.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) lease: Lease,
    pub(super) record: Record,
    /// When we saw its record, or the object, become another. Not when its resourceVersion did: somebody's new label must
    /// not keep a dead leader alive.
    pub(super) changed_at: Monotonic,
}

impl View {
    /// The lease, when there is one.
    pub(super) fn seen(&self) -> Option<&Seen> {
        match self {
            Self::Present(seen) => Some(seen),
            Self::Unknown | Self::Absent => None,
        }
    }

    /// Takes in the answer to a request, which is always the newest state there is. Says whether the record changed.
    pub(super) fn learn(&mut self, now: Monotonic, lease: Option<Lease>) -> bool {
        let Some(lease) = lease else {
            return !matches!(std::mem::replace(self, Self::Absent), Self::Absent);
        };
        let record = Record::of(&lease);
        let since = self
            .seen()
            .filter(|seen| seen.is_same(&lease, &record))
            .map(|seen| seen.changed_at);
        *self = Self::Present(Box::new(Seen {
            lease,
            record,
            changed_at: since.unwrap_or(now),
        }));
        since.is_none()
    }

    /// Whether a watch tells something that is not older than what is known. A watch may lag behind replies, and a server
    /// with several replicas may go back a little when it reconnects.
    pub(super) fn is_news(&self, sight: &Sight) -> bool {
        let (Sight::Present(lease) | Sight::Deleted(lease)) = sight else {
            return true;
        };
        let known = self.seen().and_then(|seen| version(&seen.lease));
        match (known, version(lease)) {
            (Some(known), Some(told)) => told > known,
            _ => true,
        }
    }
}

impl Seen {
    fn is_same(&self, lease: &Lease, record: &Record) -> bool {
        self.record == *record && self.lease.metadata.uid == lease.metadata.uid
    }
}

/// The resourceVersion, where it is a number.
pub(super) fn version(lease: &Lease) -> Option<u64> {
    lease.metadata.resource_version.parse().ok()
}

/// Whose doing the present record is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Whose {
    /// Nobody holds the lease.
    Nobody,
    /// This process wrote it, with a request sent then.
    Ours(Monotonic),
    /// It has our identity, and this process did not write it.
    Twin,
    /// This one holds the lease.
    Other(String),
}

/// The records that this candidate sent and that may be in the lease now or later: a write without an answer may have been
/// done, or may yet be. Stamps make each of them unlike any other.
#[derive(Debug, Default)]
pub(super) struct Written {
    records: VecDeque<(Record, Monotonic)>,
}

/// More than can be under way: an update lands only while the lease is as it was, so all but the last few are dead. A
/// forgotten one that lands after all is taken for another's, and waited out.
const REMEMBERED: usize = 16;

impl Written {
    /// Before it is sent.
    pub(super) fn push(&mut self, record: Record, sent: Monotonic) {
        if self.records.len() == REMEMBERED {
            self.records.pop_front();
        }
        self.records.push_back((record, sent));
    }

    /// When this record was sent, if it was.
    pub(super) fn sent(&self, record: &Record) -> Option<Monotonic> {
        let found = self.records.iter().rev().find(|(written, _)| written == record);
        found.map(|(_, sent)| *sent)
    }

    /// Whose doing `record` is, for the candidate `identity`.
    pub(super) fn whose(&self, record: &Record, identity: &str) -> Whose {
        match &record.holder {
            None => Whose::Nobody,
            Some(holder) if holder != identity => Whose::Other(holder.clone()),
            Some(_) => self.sent(record).map_or(Whose::Twin, Whose::Ours),
        }
    }
}
