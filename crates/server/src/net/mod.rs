//! Sockets, TLS and HTTP connections, each with its limits and deadlines.

mod peer;

pub use peer::{Peer, PeerCertificate};
