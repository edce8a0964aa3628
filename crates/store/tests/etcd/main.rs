//! The etcd engine over real etcds: the contract's suite, and what several processes over one etcd owe each other.
//!
//! They need an etcd, so that they are built with the feature `real-etcd` only: `cargo xtask test etcd` gets one and runs them.

mod compaction;
mod contract;
mod gaps;
mod harness;
mod others;
mod outages;
mod progress;
mod replicas;
mod stored_values;
