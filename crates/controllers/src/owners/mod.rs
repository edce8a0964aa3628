//! Owner collection: what belongs to a deleted object goes with it.
//!
//! An object is collected when every owner that it names is gone: when there is no object of that kind and name, or only
//! one with another uid. So deleting a Node removes its heartbeat Lease. An owner deleted in the foreground waits until
//! every dependent is gone that says it blocks; an owner deleted as an orphaner first has its dependents forget it. The
//! finalizers `foregroundDeletion` and `orphan` are answered for here, for every resource that is served but Events, which
//! take no part, as in Kubernetes.
//!
//! # What it never does
//!
//! It never decides on what it cannot know. An object with an owner of a kind that is not served here, or one that lives
//! in no namespace and names an owner in one, is left alone. Nor does it decide on what it remembers: the [`graph`] only
//! says where to look. Whether an owner is there is read from the store each time, and a write goes through only if the
//! object is still the one that was judged.

mod acts;
mod collector;
mod graph;
mod verdict;

pub use collector::OwnerCollection;

/// An owner with this finalizer waits until its dependents are gone.
const FOREGROUND: &str = "foregroundDeletion";
/// An owner with this finalizer waits until its dependents have forgotten it.
const ORPHAN: &str = "orphan";
