//! Whole electors against a server in memory, in simulated time.

mod contest;
mod watches;
mod work;
mod world;
