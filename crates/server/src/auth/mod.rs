//! Who asks, and may they?

mod user;

pub use user::{Attributes, User};
