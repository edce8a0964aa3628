//! The server's own certificate and the authorities of its clients, exchangeable while it serves.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::RwLock;
use rustls::ServerConfig;
use rustls::server::ServerSessionMemoryCache;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::version::{TLS12, TLS13};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use thiserror::Error;

use super::client_cert::AskAnyCertificate;
use crate::auth::ClientCas;

/// Sessions kept for clients that come back: without, each would cost a full handshake.
const SESSIONS: usize = 4096;

/// Who the server is: its certificate chain, its own first, and the key.
#[derive(Debug)]
pub struct Identity(Arc<CertifiedKey>);

impl From<Arc<CertifiedKey>> for Identity {
    fn from(key: Arc<CertifiedKey>) -> Self {
        Self(key)
    }
}

/// Why TLS cannot be served so.
#[derive(Debug, Error)]
pub enum TlsError {
    /// The certificates are not readable.
    #[error("the serving certificate is not readable as PEM: {0}")]
    Chain(String),
    /// The key is not readable.
    #[error("the serving key is not readable as PEM: {0}")]
    Key(String),
    /// Certificate and key cannot be used, or not together.
    #[error("the serving certificate cannot be used with this key: {0}")]
    Unusable(#[from] rustls::Error),
}

impl Identity {
    /// A certificate chain, the server's own first, and the key of that.
    ///
    /// # Errors
    /// When they cannot be used, or not together.
    pub fn new(chain: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static>) -> Result<Self, TlsError> {
        let key = CertifiedKey::from_der(chain, key, &rustls::crypto::ring::default_provider())?;
        Ok(Self(Arc::new(key)))
    }

    /// Reads a certificate chain and a private key from PEM, which may be one and the same text.
    ///
    /// # Errors
    /// When either is missing or not readable.
    pub fn from_pem(chain: &[u8], key: &[u8]) -> Result<Self, TlsError> {
        let chain = CertificateDer::pem_slice_iter(chain)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| TlsError::Chain(error.to_string()))?;
        if chain.is_empty() {
            return Err(TlsError::Chain("it holds no certificate".to_owned()));
        }
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| TlsError::Key(error.to_string()))?;
        Self::new(chain, key)
    }
}

/// What TLS listeners serve with. New connections take up a replacement at once; old ones keep their cipher but have
/// their client certificate judged again.
#[derive(Debug)]
pub struct Tls {
    current: RwLock<Arc<Current>>,
    generation: AtomicU64,
}

/// What is in use, and since which exchange.
#[derive(Debug)]
pub(super) struct Current {
    pub(super) config: Arc<ServerConfig>,
    pub(super) clients: Option<ClientCas>,
    pub(super) generation: u64,
}

impl Tls {
    /// Serves as `identity`; asks clients for certificates when there are authorities to judge them by.
    ///
    /// # Errors
    /// When certificate and key cannot be used, or not together.
    pub fn new(identity: Identity, clients: Option<ClientCas>) -> Result<Self, TlsError> {
        let config = config(identity, clients.as_ref())?;
        Ok(Self {
            current: RwLock::new(Arc::new(Current {
                config,
                clients,
                generation: 0,
            })),
            generation: AtomicU64::new(0),
        })
    }

    /// Serves as `identity` from now on. In use stays what was when it fails.
    ///
    /// # Errors
    /// When certificate and key cannot be used, or not together.
    pub fn replace(&self, identity: Identity, clients: Option<ClientCas>) -> Result<(), TlsError> {
        let config = config(identity, clients.as_ref())?;
        let mut current = self.current.write();
        let generation = current.generation + 1;
        *current = Arc::new(Current {
            config,
            clients,
            generation,
        });
        // After the exchange and under its lock: who sees the number finds what it stands for.
        self.generation.store(generation, Ordering::Release);
        Ok(())
    }

    /// What is in use.
    pub(super) fn current(&self) -> Arc<Current> {
        Arc::clone(&self.current.read())
    }

    /// The number of exchanges so far.
    pub(super) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }
}

fn config(identity: Identity, clients: Option<&ClientCas>) -> Result<Arc<ServerConfig>, TlsError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let algorithms = provider.signature_verification_algorithms;
    let builder = ServerConfig::builder_with_provider(provider).with_protocol_versions(&[&TLS13, &TLS12])?;
    let builder = match clients {
        Some(cas) => builder.with_client_cert_verifier(Arc::new(AskAnyCertificate::new(cas, algorithms))),
        None => builder.with_no_client_auth(),
    };
    let mut config = builder.with_cert_resolver(Arc::new(SingleCertAndKey::from(identity.0)));
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    config.session_storage = ServerSessionMemoryCache::new(SESSIONS);
    config.send_tls13_tickets = 1;
    Ok(Arc::new(config))
}
