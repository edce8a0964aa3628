//! Lists of the past: what a resource held at a revision that has since been overtaken.
//!
//! A list in pages refers to the snapshot of its first page. The tables of such snapshots are kept for a while, which
//! costs only what has changed since; any other revision in the window is rebuilt by undoing the history.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use leasehold_clock::{Clock, Monotonic};
use parking_lot::Mutex;

use crate::{Error, Revision};

use super::published::Published;
use super::state::{Item, Table};

/// How long a table is kept after it was last asked for.
const KEPT: Duration = Duration::from_secs(60);
/// How many are kept.
const COUNT: usize = 64;
/// How many bytes they may hold that the latest state does not, as far as that is known.
const BYTES: u64 = 64 << 20;

/// The tables kept.
pub(crate) struct Past {
    clock: Arc<dyn Clock>,
    kept: Mutex<VecDeque<Kept>>,
}

struct Kept {
    resource: &'static str,
    revision: Revision,
    table: Table,
    last_used: Monotonic,
    /// Bytes that had been written to the store when it was taken.
    written: u64,
}

impl Past {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            kept: Mutex::new(VecDeque::new()),
        }
    }

    /// Keeps a table for the pages to come. `written` is how much has been written to the store so far.
    pub(crate) fn keep(&self, resource: &'static str, revision: Revision, table: &Table, written: u64) {
        let last_used = self.clock.now();
        let mut kept = self.kept.lock();
        let known = kept
            .iter()
            .position(|kept| kept.resource == resource && kept.revision == revision);
        // The least recently used is in front.
        let taken = known
            .and_then(|at| kept.remove(at))
            .map_or(written, |kept| kept.written);
        kept.push_back(Kept {
            resource,
            revision,
            table: table.clone(),
            last_used,
            written: taken,
        });
        expire(&mut kept, last_used, written);
    }

    /// Lets go of what nobody has asked for in a while. Called with every group, so that no table outlives its time.
    pub(crate) fn expire(&self, now: Monotonic, written: u64) {
        expire(&mut self.kept.lock(), now, written);
    }

    /// A resource as it was at a revision.
    pub(crate) fn table(
        &self,
        published: &Published,
        resource: &'static str,
        revision: Revision,
    ) -> Result<Table, Error> {
        let (mut table, undo) = {
            let view = published.view();
            let current = view.state.revision;
            if revision > current {
                return Err(Error::Future { current });
            }
            if let Some(table) = self.kept(resource, revision) {
                return Ok(table);
            }
            let oldest = view.history.oldest(resource);
            if revision < oldest {
                return Err(Error::Compacted { oldest });
            }
            let table = view.state.table(resource).cloned().unwrap_or_default();
            let undo: Vec<_> = view
                .history
                .from(resource, Revision(revision.0 + 1))
                .map(Arc::clone)
                .collect();
            (table, undo)
        };
        for change in undo.iter().rev() {
            let before = change
                .previous
                .clone()
                .map(|(value, revision)| Item { value, revision });
            table.set(&change.key, before);
        }
        Ok(table)
    }

    fn kept(&self, resource: &str, revision: Revision) -> Option<Table> {
        let now = self.clock.now();
        let kept = self.kept.lock();
        let fresh = kept.iter().filter(|kept| now.since(kept.last_used) <= KEPT);
        let mut found = fresh.filter(|kept| kept.resource == resource && kept.revision == revision);
        found.next().map(|kept| kept.table.clone())
    }
}

fn expire(kept: &mut VecDeque<Kept>, now: Monotonic, written: u64) {
    let mut held: u64 = kept.iter().map(|kept| written.saturating_sub(kept.written)).sum();
    while let Some(oldest) = kept.front()
        && (now.since(oldest.last_used) > KEPT || kept.len() > COUNT || held > BYTES)
    {
        held -= written.saturating_sub(oldest.written);
        kept.pop_front();
    }
}
