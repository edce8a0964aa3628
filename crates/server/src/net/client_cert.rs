//! Asks every client for a certificate and refuses none.
//!
//! kube-apiserver answers a bad certificate with 401 rather than break the handshake, and so do we. What must hold
//! within the handshake is that the client has the key of the certificate it shows; whether anybody vouches for that
//! certificate is judged afterwards by [`crate::auth::ClientCas`].

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};
use rustls_pki_types::{CertificateDer, UnixTime};

use crate::auth::ClientCas;

/// Takes any certificate whose key the client has.
#[derive(Debug)]
pub(super) struct AskAnyCertificate {
    hints: Vec<DistinguishedName>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl AskAnyCertificate {
    /// Clients that have several certificates are told which authorities would be believed.
    pub(super) fn new(cas: &ClientCas, algorithms: WebPkiSupportedAlgorithms) -> Self {
        let hints = cas
            .subjects()
            .map(|subject| DistinguishedName::from(subject.to_vec()))
            .collect();
        Self { hints, algorithms }
    }
}

impl ClientCertVerifier for AskAnyCertificate {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &self.hints
    }

    fn verify_client_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
