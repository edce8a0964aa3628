//! What clients did and saw: plain data, filled by a run and judged by [`crate::check`].

use std::sync::Arc;

/// Nanoseconds since the run began, on one clock for all clients.
pub type Nanos = u64;

/// A resourceVersion as the number it is.
pub type Revision = u64;

/// What a write leaves in an object, as far as the harness looks.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Content {
    /// Of the object: another one after a deletion.
    pub uid: Arc<str>,
    /// The holder: every write brings one of its own, so that whoever reads it knows the write.
    pub token: Arc<str>,
    /// The value of the label that one watcher selects by.
    pub group: Arc<str>,
}

/// A content and the revision it was stored at.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Version {
    /// As `metadata.resourceVersion` said.
    pub revision: Revision,
    /// What was there.
    pub content: Content,
}

/// One request of a client.
#[derive(Clone, Debug)]
pub struct Operation {
    /// The object's name; empty for a list.
    pub key: Arc<str>,
    /// When it was begun.
    pub called: Nanos,
    /// When the reply was there. Where none came: when the server that it was sent to was dead, and so the request.
    pub returned: Nanos,
    /// What was asked for.
    pub action: Action,
    /// What came of it.
    pub outcome: Outcome,
}

/// What an operation asks for.
#[derive(Clone, Debug)]
pub enum Action {
    /// Store a new holder and label.
    Write {
        /// How.
        kind: WriteKind,
        /// See [`Content::token`].
        token: Arc<str>,
        /// See [`Content::group`].
        group: Arc<str>,
    },
    /// Delete whatever is there.
    Delete,
    /// Read one object.
    Get,
    /// Read all, perhaps page by page.
    List(Freshness),
}

/// Which state a list is to be of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// The latest.
    Latest,
    /// This revision or a later one.
    NotOlder(Revision),
    /// Exactly this revision, be it from the page before or from a list that somebody else was given.
    Exact(Revision),
}

/// The ways to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WriteKind {
    /// Where nothing is.
    Create,
    /// Only in place of exactly this.
    Update(Version),
    /// In place of whatever is there.
    Patch,
}

/// What came of an operation.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// A write was acknowledged.
    Stored(Version),
    /// A deletion was acknowledged, of the object with this uid.
    Deleted(Arc<str>),
    /// A read found this.
    Found(Version),
    /// 404.
    Absent,
    /// A create found something there.
    Exists,
    /// An update found something else there, or nothing.
    Conflict,
    /// A list, at this revision.
    Listed(Revision, Vec<(Arc<str>, Version)>),
    /// 410: the state asked for is forgotten.
    Forgotten(Revision),
    /// Refused for a reason that says nothing about the object.
    Refused,
    /// An answer that nobody should get here.
    Odd(u16),
    /// No answer. It may have been carried out.
    Unknown,
}

/// A watcher from its first connection to its last.
#[derive(Clone, Debug)]
pub struct Watcher {
    /// For messages.
    pub name: String,
    /// It selects objects of this group, or all.
    pub group: Option<Arc<str>>,
    /// Its connections, in order.
    pub sessions: Vec<Session>,
}

/// One watch request and what came.
#[derive(Clone, Debug)]
pub struct Session {
    /// The resourceVersion it asked to go on from.
    pub from: Revision,
    /// What came, in order.
    pub events: Vec<Event>,
    /// When it was told that what it needs is forgotten.
    pub forgotten: Option<Nanos>,
    /// Another refusal, another ERROR event, or something that is no event.
    pub error: Option<String>,
}

/// One line of a watch.
#[derive(Clone, Debug)]
pub struct Event {
    /// When it was read.
    pub at: Nanos,
    /// Its type.
    pub kind: EventKind,
    /// `metadata.resourceVersion` of its object.
    pub revision: Revision,
    /// Name and content of its object; empty in a bookmark.
    pub object: Option<(Arc<str>, Content)>,
}

/// The types of event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// `ADDED`
    Added,
    /// `MODIFIED`
    Modified,
    /// `DELETED`
    Deleted,
    /// `BOOKMARK`
    Bookmark,
}

/// Everything that was done and seen in a run.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// Of all clients, in no order.
    pub operations: Vec<Operation>,
    /// All watchers. Those that select everything saw, together, the whole run: the checker learns the revisions of deletions
    /// from them.
    pub watchers: Vec<Watcher>,
    /// How old something must be at least before the store may forget it; `None` if no watch is to be told within a run that it
    /// has, and nothing is said of lists.
    pub forgets_after: Option<Nanos>,
}
