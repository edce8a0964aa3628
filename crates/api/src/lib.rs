//! Kubernetes API objects around leases: types, codecs, validation, selectors, patches and apply.
//!
//! Everything here is a pure function of its arguments, so that the server, the clients, the store's tools and the
//! simulator share one reading of the wire. This crate does no I/O, reads no clock, draws no random number and never
//! depends on a runtime.

#[macro_use]
mod object;

pub mod apply;
pub mod codec;
pub mod coordination;
pub mod core;
mod error;
pub mod events;
pub mod fields;
mod gvk;
pub mod meta;
pub mod options;
pub mod patch;
pub mod printers;
mod quantity;
pub mod quote;
pub mod schema;
pub mod selector;
mod time;
pub mod validation;

pub use error::ApiError;
pub use gvk::{GroupVersion, Gvk};
pub use object::{ChangedValues, Encode, Kind, Object, TypeCodec};
pub use quantity::{Quantity, QuantityError};
pub use time::{MicroTime, Time, TimeError};
