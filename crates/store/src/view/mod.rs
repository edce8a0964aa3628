//! What everybody sees of a store, whichever engine keeps it: a state at one revision, the recent changes that led to it, and
//! who watches.
//!
//! An engine decides what has happened and in which order, and publishes it here, group by group. Reads copy a pointer
//! (`published`, `state`); watches are places in the history (`history`, `cursor`, `watchers`); lists of the past undo it
//! (`past`). Nothing here writes, waits for a disk or a network, or makes up a revision.
//!
//! Several changes may share one revision, where an engine allows transactions. They are published together, and a watch
//! never stops between them: its progress always stands between two revisions.

mod cursor;
pub(crate) mod history;
pub(crate) mod past;
pub(crate) mod published;
pub(crate) mod resources;
pub(crate) mod state;
#[cfg(test)]
mod tests;
mod watchers;
