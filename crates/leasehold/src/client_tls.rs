//! TLS as the user of a kubeconfig: whose certificates are trusted, and with which one we prove who asks.

use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use crate::access::Access;
use crate::failure::{Failure, Kind};

/// What a connection to the server of this kubeconfig is made with.
pub(crate) fn config(access: &Access) -> Result<ClientConfig, Failure> {
    let unusable = |what: &str| {
        Failure::new(
            Kind::Certificates,
            format!("the {what} in the kubeconfig cannot be used"),
        )
    };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(access.ca.as_bytes()) {
        let added = certificate.ok().and_then(|certificate| roots.add(certificate).ok());
        added.ok_or_else(|| unusable("certificate authority"))?;
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| Failure::new(Kind::Runtime, format!("no TLS: {error}")))?
        .with_root_certificates(roots);
    let Some((certificate, key)) = &access.certificate else {
        return Ok(builder.with_no_client_auth());
    };
    let chain = CertificateDer::pem_slice_iter(certificate.as_bytes()).collect::<Result<Vec<_>, _>>();
    let key = PrivateKeyDer::from_pem_slice(key.expose().as_bytes());
    let (Ok(chain), Ok(key)) = (chain, key) else {
        return Err(unusable("client certificate"));
    };
    builder
        .with_client_auth_cert(chain, key)
        .map_err(|_| unusable("client certificate"))
}
