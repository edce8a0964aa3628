//! TLS as etcd wants it: its certificate checked against given authorities or the system's, a client certificate if there is one.

use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsConnector;

use crate::{Error, TlsOptions};

/// HTTP/2 and nothing else.
const ALPN: &[u8] = b"h2";

/// What every TLS connection of a client begins with.
pub(crate) fn connector(options: Option<&TlsOptions>) -> Result<TlsConnector, Error> {
    let none = TlsOptions::default();
    let options = options.unwrap_or(&none);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| invalid("TLS", &error))?
        .with_root_certificates(roots(options.ca.as_deref())?);
    let mut config = match (&options.cert, &options.key) {
        (Some(cert), Some(key)) => {
            let key =
                PrivateKeyDer::from_pem_slice(key).map_err(|error| invalid("the client's key for etcd", &error))?;
            builder
                .with_client_auth_cert(certificates("the client's certificate for etcd", cert)?, key)
                .map_err(|error| invalid("the client's certificate and key for etcd", &error))?
        }
        (None, None) => builder.with_no_client_auth(),
        _ => {
            return Err(invalid(
                "TLS to etcd",
                &"a client certificate needs its key, and a key its certificate",
            ));
        }
    };
    config.alpn_protocols = vec![ALPN.to_vec()];
    Ok(TlsConnector::from(Arc::new(config)))
}

fn roots(ca: Option<&[u8]>) -> Result<RootCertStore, Error> {
    let mut roots = RootCertStore::empty();
    match ca {
        Some(pem) => {
            let what = "the certificate authority of etcd";
            for certificate in certificates(what, pem)? {
                roots.add(certificate).map_err(|error| invalid(what, &error))?;
            }
        }
        // A certificate of the system's that cannot be read is no reason to refuse the others.
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    Ok(roots)
}

fn certificates(what: &str, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, Error> {
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<_, _>>()
        .map_err(|error| invalid(what, &error))?;
    if certificates.is_empty() {
        return Err(invalid(what, &"no certificate in PEM form"));
    }
    Ok(certificates)
}

fn invalid(what: &str, why: &impl std::fmt::Display) -> Error {
    Error::Invalid(format!("{what}: {why}"))
}
