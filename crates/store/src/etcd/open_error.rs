//! Why a store in etcd cannot be opened.

use std::time::Duration;

use leasehold_etcd as etcd;

/// Why a store in etcd cannot be opened. Texts are for people.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// An endpoint, a certificate or a key cannot be used.
    #[error(transparent)]
    Settings(#[from] etcd::Error),
    /// The prefix is no path, or there is no resource.
    #[error("'{0}' cannot be what all keys begin with: it must be a path such as /registry")]
    Prefix(String),
    /// etcd did not serve in time.
    #[error("etcd has not served within {} s: {why}", waited.as_secs())]
    NotServed {
        /// How long it was tried.
        waited: Duration,
        /// What hindered it last.
        why: String,
    },
}
