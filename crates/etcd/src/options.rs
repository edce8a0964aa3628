//! How to reach etcd.

use std::fmt;
use std::time::Duration;

/// Where etcd is, and how long to wait for it.
#[derive(Debug, Clone)]
pub struct Options {
    /// `https://HOST:PORT` or `http://HOST:PORT`, one for each member; the port is 2379 when left out.
    pub endpoints: Vec<String>,
    /// For `https` endpoints. `None`: the system's certificate authorities, and no client certificate.
    pub tls: Option<TlsOptions>,
    /// Bound on opening a connection to one endpoint, TLS and the first exchange included. Default 2 s.
    pub connect_timeout: Duration,
    /// Bound on a whole call, over all endpoints it tries. Default 5 s.
    pub request_timeout: Duration,
    /// A peer that is silent for this long, with a request or a watch open, is asked for a sign of life, and is given up
    /// after being silent for as long again. Default 2 s.
    pub keep_alive: Duration,
}

/// PEM texts.
#[derive(Clone, Default)]
pub struct TlsOptions {
    /// Certificates of the authorities that etcd's certificate may come from. `None`: the system's.
    pub ca: Option<Vec<u8>>,
    /// The client's certificate chain; with its key or not at all.
    pub cert: Option<Vec<u8>>,
    /// The client's private key.
    pub key: Option<Vec<u8>>,
}

impl Options {
    /// These endpoints, with the default bounds and no TLS settings.
    pub fn new<E: Into<String>>(endpoints: impl IntoIterator<Item = E>) -> Self {
        Self {
            endpoints: endpoints.into_iter().map(Into::into).collect(),
            tls: None,
            connect_timeout: Duration::from_secs(2),
            request_timeout: Duration::from_secs(5),
            keep_alive: Duration::from_secs(2),
        }
    }
}

/// A secret is never printed.
impl fmt::Debug for TlsOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsOptions")
            .field("ca", &self.ca.is_some())
            .field("cert", &self.cert.is_some())
            .finish_non_exhaustive()
    }
}
