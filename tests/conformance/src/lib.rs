//! Replays recorded conversations with a Kubernetes API server and tells where another server answers differently.
//!
//! The transcripts beside this crate were recorded from kube-apiserver 1.36; README.md describes their format.
//! [`replay()`] holds one conversation with a [`Target`], each in a namespace of its own, so that any number can run at
//! once. What legitimately differs between two runs (uids, versions, times) is replaced by names before comparing.
//!
//! [`TestServer`] starts the `leasehold` program itself and is of use to any test that needs one.
//!
//! Nothing here knows what the right answer is: that stands in the transcripts alone.

#![allow(
    clippy::disallowed_methods,
    reason = "a test harness waits for other processes in real time"
)]

mod compare;
mod connection;
mod doc;
mod exchange;
#[cfg(test)]
mod fake;
mod normalise;
mod replay;
mod target;
mod test_server;
#[cfg(test)]
mod tls_fake;
mod transcript;

pub use compare::Difference;
pub use connection::Connection;
pub use replay::replay;
pub use rustix::process::Signal;
pub use target::Target;
pub use test_server::TestServer;
pub use transcript::{Lenient, Request, Step, Transcript};

/// What can go wrong outside the conversation itself: files, sockets, processes.
pub type Error = Box<dyn std::error::Error + Send + Sync>;
