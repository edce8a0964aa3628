//! The other end of a connection.

use std::net::SocketAddr;
use std::sync::Arc;

use crate::auth::User;

/// The other end of a connection, as far as the connection itself proves it.
#[derive(Clone, Debug)]
pub struct Peer {
    /// Where it connects from.
    pub address: SocketAddr,
    /// What its client certificate says, judged once per connection; `None` when it showed none.
    pub certificate: Option<Arc<PeerCertificate>>,
}

/// The outcome of judging a client certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PeerCertificate {
    /// It is good until `not_after`, in seconds since 1970: to be compared on every request.
    Good {
        /// CN is the name, O are the groups.
        user: User,
        /// The earliest end of validity in its chain.
        not_after: i64,
    },
    /// It is not, and why: the request is answered with 401.
    Bad(String),
}
