//! Leader election, coordinated candidates and heartbeats on Kubernetes Leases.
//!
//! Everything here speaks to leases through [`LeaseApi`], so that the same code runs against any Kubernetes API server,
//! inside Leasehold's own server, and in a simulation. No decision compares a time that someone else wrote with a clock
//! of this machine.

mod lease_api;

pub use lease_api::{ApiFailure, LeaseApi, LeaseEvent, LeaseEvents};
