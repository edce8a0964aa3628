//! What the verbs return: objects in the version that was asked for, not yet encoded.

use std::sync::Arc;

use bytes::Bytes;
use leasehold_api::codec::protobuf;
use leasehold_api::codec::stored::Stored;
use leasehold_api::meta::{ListMeta, Status};
use leasehold_api::{ApiError, Object};
use leasehold_store::{Change, Entry, Revision};

use crate::place::Place;
use crate::resource::{Resource, Version};

/// The result of a write.
#[derive(Debug)]
pub struct Written {
    /// The object as it is now, or would be after a dry run: then a new one has no version.
    pub item: Item,
    /// Whether it is new.
    pub created: bool,
    /// Unknown and duplicate fields, in Kubernetes' words.
    pub warnings: Vec<String>,
}

/// The result of a delete.
#[derive(Debug)]
pub enum Deleted {
    /// Gone.
    Gone(Box<Status>),
    /// Marked for deletion and waiting, as it is now.
    Waiting(Box<dyn Object>),
}

/// One stored object, decoded when it is asked for.
#[derive(Clone, Debug)]
pub struct Item {
    pub(crate) resource: &'static Resource,
    pub(crate) version: &'static Version,
    pub(crate) value: Bytes,
    pub(crate) revision: Revision,
}

impl Item {
    /// What was just stored at a place, or would have been.
    pub(crate) fn written(place: &Place, value: Bytes, revision: Revision) -> Self {
        Self {
            resource: place.resource,
            version: place.version,
            value,
            revision,
        }
    }

    pub(crate) fn new(resource: &'static Resource, version: &'static Version, entry: Entry) -> Self {
        Self {
            resource,
            version,
            value: entry.value,
            revision: entry.revision,
        }
    }

    /// How many bytes are stored.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.value.len()
    }

    /// The object in the stored version, with its resourceVersion.
    ///
    /// # Errors
    /// 500 when the store holds what cannot be read.
    pub fn stored(&self) -> Result<Box<dyn Object>, ApiError> {
        let mut object = protobuf::from_stored(&self.resource.stored.1, &self.value)?;
        // Nothing that is stored has revision 0.
        if self.revision > Revision(0) {
            object.metadata_mut().resource_version = self.revision.to_string();
        }
        Ok(object)
    }

    /// The object as it is stored, which can be written without being read first; `None` where it is asked for in
    /// another version.
    ///
    /// # Errors
    /// As [`Item::stored`].
    pub fn straight(&self) -> Result<Option<Stored<'_>>, ApiError> {
        if self.version.convert.is_some() {
            return Ok(None);
        }
        Stored::new(&self.resource.stored.1, &self.value, self.revision.0).map(Some)
    }

    /// The object in the version asked for, with its resourceVersion.
    ///
    /// # Errors
    /// As [`Item::stored`].
    pub fn object(&self) -> Result<Box<dyn Object>, ApiError> {
        let stored = self.stored()?;
        Ok(match self.version.convert {
            Some(convert) => (convert.from_stored)(&*stored),
            None => stored,
        })
    }
}

/// The result of a list.
#[derive(Debug)]
pub struct List {
    /// Where in history, and where to go on.
    pub metadata: ListMeta,
    /// The objects, by namespace and name.
    pub items: Vec<Item>,
}

/// The kinds of watch event that carry an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// New, or newly matching the selector.
    Added,
    /// Changed.
    Modified,
    /// Gone, or no longer matching the selector: the object as it was, with the version of the change.
    Deleted,
}

impl EventKind {
    /// As it stands in the stream.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Added => "ADDED",
            Self::Modified => "MODIFIED",
            Self::Deleted => "DELETED",
        }
    }
}

/// One change as a watcher sees it.
#[derive(Clone, Debug)]
pub struct Event {
    /// What happened.
    pub kind: EventKind,
    /// To which object.
    pub item: Item,
    /// Where the encoded forms of `item` are shared with other watchers; absent for the initial events.
    pub(crate) change: Option<Arc<Change>>,
}

impl Event {
    /// The object in an encoded form, computed by the first watcher that needs it. `form` is 0 or 1: which of the forms
    /// that the caller keeps apart.
    ///
    /// # Errors
    /// Those of `encode`.
    pub fn encoded(
        &self,
        form: usize,
        encode: impl FnOnce(&Item) -> Result<Bytes, ApiError>,
    ) -> Result<Bytes, ApiError> {
        debug_assert!(form < 2, "two forms are kept");
        let Some(change) = &self.change else {
            return encode(&self.item);
        };
        let slot = usize::from(self.kind == EventKind::Deleted) * 4 + self.item.version.slot * 2 + form;
        if let Some(bytes) = change.memos.get(slot) {
            return Ok(bytes);
        }
        let bytes = encode(&self.item)?;
        Ok(change.memos.get_or_init(slot, || bytes))
    }
}

/// What a watch hands out.
#[derive(Clone, Debug)]
pub enum WatchItem {
    /// A change.
    Event(Event),
    /// The initial events are over; they show this revision.
    InitialEnd(Revision),
}
