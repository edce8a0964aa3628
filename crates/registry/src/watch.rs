//! Watch: what exists, if asked for, and then every change, in order, once.

use std::sync::Arc;

use leasehold_api::ApiError;
use leasehold_api::options::{ListOptions, ResourceVersion};
use leasehold_store::{self as store, Change, ChangeKind, Error, Page, Revision, Snapshot};

use crate::errors;
use crate::filter::Filter;
use crate::outcome::{Event, EventKind, Item, WatchItem};
use crate::place::Place;
use crate::registry::Registry;

/// A watch under way. Dropping it ends it.
pub struct Watch {
    place: Place,
    filter: Filter,
    /// What existed at the start, not yet handed out.
    initial: Vec<WatchItem>,
    cursor: Result<Box<dyn store::Watch>, ApiError>,
}

impl Registry {
    /// Follows the changes of a collection. A version that is no longer known is told by the watch's first
    /// [`Watch::next`], as Kubernetes tells it inside the stream.
    ///
    /// # Errors
    /// 400 for selectors that make no sense, 504 for a version that has not come.
    pub async fn watch(&self, place: &Place, options: &ListOptions) -> Result<Watch, ApiError> {
        let filter = Filter::new(place, options)?;
        if let ResourceVersion::At(version) = options.resource_version {
            self.wait_for(Revision(version)).await?;
        }
        let (after, initial) = match (options.send_initial_events, options.resource_version) {
            // No version at all is the wish for the latest state; any other is met by what has been seen, after the wait.
            (Some(true), ResourceVersion::Unset) => self.initial(place, &filter, Snapshot::Latest).await?,
            (Some(true), _) => self.initial(place, &filter, Snapshot::Any).await?,
            (_, ResourceVersion::At(version)) => (Revision(version), Vec::new()),
            _ => (self.store.revision(), Vec::new()),
        };
        let cursor = self.store.watch(filter.range(place), after).map_err(|e| match e {
            Error::Compacted { oldest } => errors::too_old(after, oldest),
            other => errors::unavailable(&other),
        });
        Ok(Watch {
            place: place.clone(),
            filter,
            initial,
            cursor,
        })
    }

    /// What exists, and the version it was read at.
    async fn initial(
        &self,
        place: &Place,
        filter: &Filter,
        snapshot: Snapshot,
    ) -> Result<(Revision, Vec<WatchItem>), ApiError> {
        let range = filter.range(place);
        let listing = self.store.list(&range, snapshot, &Page::default()).await;
        let listing = listing.map_err(|e| errors::unavailable(&e))?;
        let mut items = Vec::with_capacity(listing.entries.len() + 1);
        for entry in listing.entries {
            let item = Item::new(place.resource, place.version, entry);
            if filter.is_everything() || filter.matches(&*item.stored()?) {
                items.push(WatchItem::Event(Event {
                    kind: EventKind::Added,
                    item,
                    change: None,
                }));
            }
        }
        items.push(WatchItem::InitialEnd(listing.revision));
        Ok((listing.revision, items))
    }
}

impl Watch {
    /// Appends what is there to hand out, waiting for it if there is nothing: perhaps changes that the selector hides,
    /// and so nothing. Cancel safe.
    ///
    /// # Errors
    /// Final. 410 when the watch has fallen too far behind; 503 ([`errors::is_closing`]) when the server is stopping.
    pub async fn next(&mut self, items: &mut Vec<WatchItem>) -> Result<(), ApiError> {
        if !self.initial.is_empty() {
            // Taken whole: the room it needed must not be kept for as long as the watch lasts.
            items.extend(std::mem::take(&mut self.initial));
            return Ok(());
        }
        let cursor = self.cursor.as_mut().map_err(|error| error.clone())?;
        let batch = cursor.next().await.map_err(|e| match e {
            Error::Compacted { oldest } => errors::too_old(cursor.progress(), oldest),
            other => errors::unavailable(&other),
        })?;
        for change in batch.changes {
            if let Some(event) = self.event(change)? {
                items.push(WatchItem::Event(event));
            }
        }
        Ok(())
    }

    /// The version that a bookmark may name: everything up to it has been handed out.
    pub fn progress(&mut self) -> Option<Revision> {
        if self.initial.is_empty() {
            self.cursor.as_mut().ok().map(|cursor| cursor.progress())
        } else {
            None
        }
    }

    /// What a change is to this watcher, who may see objects come and go as their labels change.
    fn event(&self, change: Arc<Change>) -> Result<Option<Event>, ApiError> {
        let now = match &change.kind {
            ChangeKind::Put(value) => Some(self.item(value, change.revision)),
            ChangeKind::Delete => None,
        };
        let before = change
            .previous
            .as_ref()
            .map(|(value, _)| self.item(value, change.revision));
        let (now, before) = (self.selected(now)?, self.selected(before)?);
        let (kind, item) = match (before, now) {
            (None, Some(now)) => (EventKind::Added, now),
            (Some(_), Some(now)) => (EventKind::Modified, now),
            (Some(before), None) => (EventKind::Deleted, before),
            (None, None) => return Ok(None),
        };
        Ok(Some(Event {
            kind,
            item,
            change: Some(change),
        }))
    }

    fn item(&self, value: &bytes::Bytes, revision: Revision) -> Item {
        Item {
            resource: self.place.resource,
            version: self.place.version,
            value: value.clone(),
            revision,
        }
    }

    fn selected(&self, item: Option<Item>) -> Result<Option<Item>, ApiError> {
        match item {
            Some(item) if !self.filter.is_everything() => {
                let selected = self.filter.matches(&*item.stored()?);
                Ok(selected.then_some(item))
            }
            other => Ok(other),
        }
    }
}
