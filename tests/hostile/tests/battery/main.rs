//! Attacks, each kind in a file of its own: tables of requests that no client should send, and what comes of them.
//!
//! What takes longer than ten seconds to come about (an idle connection, half a header, half a handshake, a watch that
//! nobody reads) is tested with paused time beside the code, in `crates/server/src/net`. Here such connections are only
//! opened, many of them, to see that others are served.

mod bodies;
mod credentials;
mod headers;
mod http1;
mod http2;
mod leftovers;
mod nodes;
mod patches;
mod paths;
mod protobuf;
mod queries;
mod tls;
mod yaml;
