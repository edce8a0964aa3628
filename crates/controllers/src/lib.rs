//! What gives stored objects their meaning over time: silent nodes are found out, what belongs to deleted objects goes,
//! namespaces that are being deleted are emptied, old events go.
//!
//! One [`driver`] runs every controller: it is woken by a change or by the clock, and an activation carries no input, so
//! that there is one code path for all of them. Each controller is a pure decision and a thin shell around it that acts
//! through the registry. A controller never holds state that it could not rebuild from the store, and no decision
//! compares a time that a client wrote with our clock.
//!
//! Where several replicas share a store, [`leadership`] lets each controller run in one of them only.

pub mod coordination;
pub mod driver;
mod event_expiry;
mod follow;
pub mod identity;
pub mod leadership;
mod lease_ttl;
mod namespace_deletion;
pub mod nodes;
mod owners;
mod recorder;
mod status;
mod writes;

pub use coordination::{CoordinatedElection, ElectionFigures, ElectionOutcome};
pub use driver::{Controller, Controllers, Outcome};
pub use event_expiry::EventExpiry;
pub use identity::{IdentityExpiry, IdentityFigures, LeasePublisher, ServerIdentity};
pub use leadership::{Duty, Led, Standing, Standings};
pub use lease_ttl::LeaseTtl;
pub use namespace_deletion::NamespaceDeletion;
pub use nodes::NodeMonitor;
pub use owners::OwnerCollection;
pub use status::{Cause, Status, Statuses};
