//! The crate against the `leasehold` program, over its connections: what no fake can show. The rules themselves are tested
//! in the crate, in simulated time; here nothing waits for a lease to expire.

mod cluster;
mod election;
mod leases;
