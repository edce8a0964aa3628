//! Who asks, and may they?
//!
//! [`Authenticator`] tells who from the connection and the headers, [`Authorizer`] whether they may from the path and
//! the verb, and [`NodeAdmission`] refuses what only shows in the object. Nothing here does I/O but reading the token
//! file, and nothing reads a clock: `now` is an argument.

mod authenticator;
mod authorizer;
mod built_in;
mod certificate;
mod csv;
mod may_create;
mod node_admission;
#[cfg(test)]
pub(crate) mod test_pki;
mod tokens;
mod user;

pub use authenticator::{Authenticator, CertificateOrToken};
pub use authorizer::{Authorizer, Decision, forbidden};
pub use built_in::BuiltIn;
pub use certificate::{CertificateError, ClientCas};
use leasehold_api::quote::Quoted;
pub(crate) use may_create::MayCreate;
pub use node_admission::NodeAdmission;
pub use tokens::{TokenFile, TokenFileError};
pub use user::{ANONYMOUS, AUTHENTICATED, Attributes, MASTERS, NODES, UNAUTHENTICATED, User};
