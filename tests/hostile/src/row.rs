//! [`Row`]: one attack and what is to come of it.

use crate::Request;

/// What is to come of an attack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Want {
    /// This code and a `Status` that says the same; nothing changed.
    Refused(u16),
    /// This code and whatever body; nothing changed.
    Page(u16),
    /// This code; it may have changed something.
    Taken(u16),
    /// No success: at the most this code before the connection is closed; nothing changed.
    Cut(u16),
}

/// One attack.
#[derive(Clone, Debug)]
pub struct Row {
    /// What it is, for whoever reads a failure.
    pub name: String,
    /// What is sent.
    pub bytes: Vec<u8>,
    /// What is to come back.
    pub want: Want,
}

impl Row {
    /// An attack with bytes of its own.
    #[must_use]
    pub fn raw(name: &str, bytes: impl Into<Vec<u8>>, want: Want) -> Self {
        Self {
            name: name.to_owned(),
            bytes: bytes.into(),
            want,
        }
    }
}

/// A request to be refused with a `Status` of this code.
#[must_use]
#[allow(clippy::needless_pass_by_value, reason = "a table's rows read better")]
pub fn refused(name: impl ToString, request: Request, code: u16) -> Row {
    Row::raw(&name.to_string(), request.bytes(), Want::Refused(code))
}

/// A request that is answered with this code and changes nothing.
#[must_use]
#[allow(clippy::needless_pass_by_value, reason = "a table's rows read better")]
pub fn pages(name: impl ToString, request: Request, code: u16) -> Row {
    Row::raw(&name.to_string(), request.bytes(), Want::Page(code))
}

/// A request that is odd but fine.
#[must_use]
#[allow(clippy::needless_pass_by_value, reason = "a table's rows read better")]
pub fn taken(name: impl ToString, request: Request, code: u16) -> Row {
    Row::raw(&name.to_string(), request.bytes(), Want::Taken(code))
}
