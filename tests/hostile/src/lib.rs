//! What it takes to attack a running `leasehold` over real sockets and to see that it minds nothing.
//!
//! An [`Arena`] is a server of its own with a few users. A [`Row`] is one attack and what is to come of it; after each
//! of them the arena looks whether the server still serves, and whether what was refused left no trace in the store.
//! [`Request`] writes what a well-behaved client would never send, [`Wire`] carries bytes over plain TCP or TLS as they
//! are, and [`frames`] are HTTP/2's.
//!
//! Everything here is for tests and panics when something is not as it must be. The attacks are in `tests/battery`.

mod arena;
pub mod frames;
mod identity;
pub mod protobuf;
mod reply;
mod request;
mod row;
mod wire;

pub use arena::{Arena, LEASES};
pub use identity::{Authority, Holder};
pub use reply::Reply;
pub use request::{Request, lease};
pub use row::{Row, Want, pages, refused, taken};
pub use wire::{Wire, soon};
