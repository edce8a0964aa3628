//! Whole electors against a server in memory, in simulated time.

mod candidates;
mod contest;
mod heartbeats;
mod observers;
mod replicas;
mod watches;
mod work;
mod world;
