//! Reads: from what is held here where that is good enough, else from etcd.

use std::sync::atomic::Ordering;
use std::time::Duration;

use leasehold_etcd::{self as etcd, RangeRequest};

use super::direct::item;
use super::shared::{Shared, unavailable};
use crate::view::state::{self, Table};
use crate::{Entry, Error, Key, Listing, Page, Range, Revision, Snapshot};

/// How long a list waits for the watch to bring what etcd has, before it asks etcd itself.
const SEEN_WITHIN: Duration = Duration::from_secs(2);
/// The same where the watch's word on its progress cannot be trusted, and only a change of ours tells how far it is.
const COMES_BY_ITSELF: Duration = Duration::from_millis(20);

impl Shared {
    pub(super) async fn get(&self, key: &Key) -> Result<Option<Entry>, Error> {
        let Some(path) = self.keys.encode(key) else {
            return Ok(None);
        };
        let reply = self.range(RangeRequest::key(path)).await.map_err(|e| unavailable(&e))?;
        let held = reply.kvs.into_iter().next().map(item);
        Ok(held.map(|held| state::entry(key.clone(), &held)))
    }

    pub(super) async fn glance(&self, key: &Key) -> Result<Option<Entry>, Error> {
        if !self.keys.has(key.resource) {
            return self.get(key).await;
        }
        let state = self.published.state();
        Ok(state.get(key).map(|held| state::entry(key.clone(), held)))
    }

    pub(super) async fn list(&self, range: &Range, snapshot: Snapshot, page: &Page) -> Result<Listing, Error> {
        let read = match snapshot {
            Snapshot::At(revision) => self.at(range, revision).await?,
            _ if !self.keys.has(range.resource()) => self.straight(range).await?,
            Snapshot::Any => self.held(range),
            Snapshot::Latest => self.latest(range).await?,
        };
        let Read {
            table,
            revision,
            is_whole,
        } = read;
        let listing = table.list(range, page, revision);
        if listing.remaining > 0 && is_whole {
            self.past.keep(range.resource(), revision, &table, self.counters.told());
        }
        Ok(listing)
    }

    fn held(&self, range: &Range) -> Read {
        let state = self.published.state();
        Read {
            table: state.table(range.resource()).cloned().unwrap_or_default(),
            revision: state.revision,
            is_whole: true,
        }
    }

    async fn latest(&self, range: &Range) -> Result<Read, Error> {
        #[cfg(leasehold_mutant = "latest-list-without-asking")]
        return Ok(self.held(range));
        let current = self.current().await.map_err(|e| unavailable(&e))?;
        // Where the watch cannot be asked, a change of ours still comes by itself.
        let seen = if self.progress_is_sound.load(Ordering::Relaxed) {
            self.comes_along(current).await?
        } else {
            self.seen(current, COMES_BY_ITSELF).await
        };
        if seen {
            Ok(self.held(range))
        } else {
            self.straight(range).await
        }
    }

    async fn at(&self, range: &Range, revision: Revision) -> Result<Read, Error> {
        if !self.keys.has(range.resource()) {
            return self.straight_at(range, revision).await;
        }
        match self.past(range, revision) {
            Err(Error::Compacted { .. }) => self.straight_at(range, revision).await,
            Err(Error::Future { .. }) => {
                let current = self.current().await.map_err(|e| unavailable(&e))?;
                if revision > current {
                    return Err(Error::Future { current });
                }
                if self.comes_along(revision).await? {
                    self.past(range, revision)
                } else {
                    self.straight_at(range, revision).await
                }
            }
            known => known,
        }
    }

    fn past(&self, range: &Range, revision: Revision) -> Result<Read, Error> {
        let table = self.past.table(&self.published, range.resource(), revision)?;
        Ok(Read {
            table,
            revision,
            is_whole: true,
        })
    }

    /// Waits a while for a revision that etcd has reached; whether it came.
    async fn comes_along(&self, revision: Revision) -> Result<bool, Error> {
        match tokio::time::timeout(SEEN_WITHIN, self.reached(revision)).await {
            Ok(reached) => reached.map(|()| true),
            Err(_elapsed) => Ok(false),
        }
    }

    async fn straight(&self, range: &Range) -> Result<Read, Error> {
        self.read_table(range, None)
            .await
            .map(|read| of_etcd(range, read))
            .map_err(|e| unavailable(&e))
    }

    async fn straight_at(&self, range: &Range, revision: Revision) -> Result<Read, Error> {
        let read = self.read_table(range, Some(revision)).await;
        read.map(|read| of_etcd(range, read)).map_err(|error| match error {
            etcd::Error::Compacted => {
                let oldest = self.published.view().history.oldest(range.resource());
                // Another process may know more than this one, and less: etcd's word counts.
                let oldest = oldest.max(Revision(revision.0.saturating_add(1)));
                Error::Compacted { oldest }
            }
            etcd::Error::FutureRevision => {
                let current = self.published.revision();
                Error::Future { current }
            }
            other => unavailable(&other),
        })
    }
}

/// What a list is taken from.
struct Read {
    table: Table,
    revision: Revision,
    /// Whether the table holds all of the resource, or only what the list needs.
    is_whole: bool,
}

fn of_etcd(range: &Range, (table, revision): (Table, Revision)) -> Read {
    Read {
        table,
        revision,
        is_whole: matches!(range, Range::Resource(_)),
    }
}
