//! The Kubernetes API over HTTP.
//!
//! A request passes, in this order: connection limits and TLS ([`net`]), deadline, authentication and authorization
//! ([`auth`]), the in-flight limit, and only then its body is read, decoded, handed to the registry, and the outcome
//! encoded as the client asked. Nothing here knows what a lease is.

pub mod auth;
pub mod discovery;
pub mod net;
mod openapi;

pub use auth::{Attributes, User};
