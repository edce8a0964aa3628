//! The Kubernetes API verbs on typed resources.
//!
//! Here is what a request *means*: one file per verb, one table row per resource ([`resources::TABLE`]). Everything
//! that speaks HTTP is above, everything that keeps bytes is below. It never trusts a time in an object, and decides
//! nothing about who may do what, beyond asking the caller's [`Admission`].

mod outcome;
mod place;
mod resource;
pub mod resources;

pub use outcome::{Deleted, Event, EventKind, Item, List, WatchItem, Written};
pub use place::{Admission, Caller, PatchKind, Place, WriteOptions};
pub use resource::{Column, Conversion, Resource, Strategy, Subresource, Version};
