//! The Kubernetes API verbs on typed resources.
//!
//! Here is what a request *means*: one file per verb, one table row per resource ([`resources::TABLE`]). Everything
//! that speaks HTTP is above, everything that keeps bytes is below. It never trusts a time in an object, and decides
//! nothing about who may do what, beyond asking the caller's [`Admission`].

mod bootstrap;
mod checks;
mod create;
mod delete;
pub mod errors;
mod features;
mod filter;
mod get;
mod list;
mod looks;
mod managed;
mod names;
mod outcome;
mod patch;
mod place;
mod registry;
mod resource;
pub mod resources;
mod served;
mod token;
mod update;
mod watch;
mod write;

pub use features::{Feature, Features, GATES, Gate, Stage};
pub use outcome::{Deleted, Event, EventKind, Item, List, WatchItem, Written};
pub use place::{Admission, Caller, PatchKind, Place, WriteOptions};
pub use registry::Registry;
pub use resource::{Conversion, Resource, Strategy, Subresource, Version, View};
pub use served::{Scope, Served};
pub use watch::Watch;
