//! Client certificates: which authorities are believed, and what a chain says under them.
//!
//! As in Kubernetes, a client certificate never decides whether a connection is made, only who speaks on it. So a chain
//! is judged here, after the handshake has proved that the client holds its key; not within the handshake.

use std::time::Duration;

use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, TrustAnchor, UnixTime};
use thiserror::Error;
use webpki::{EndEntityCert, KeyUsage, VerifiedPath};
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;

use super::User;
use crate::net::PeerCertificate;

/// The authorities whose client certificates are believed.
#[derive(Debug)]
pub struct ClientCas {
    anchors: Vec<TrustAnchor<'static>>,
    /// Of each anchor, in the same order: an anchor itself does not say.
    validity: Vec<Validity>,
    /// Of each anchor, as DER: what clients are told to choose a certificate by.
    subjects: Vec<Vec<u8>>,
}

/// Why certificates cannot be used.
#[derive(Debug, Error)]
pub enum CertificateError {
    /// The text is no PEM.
    #[error("not readable as PEM: {0}")]
    Pem(String),
    /// There is no certificate in it.
    #[error("it holds no certificate")]
    Empty,
    /// One of the certificates cannot be an authority; counted from 1.
    #[error("certificate {0} is not usable: {1}")]
    Unusable(usize, String),
}

/// From when until when, both included, in seconds since 1970.
#[derive(Clone, Copy, Debug)]
struct Validity {
    not_before: i64,
    not_after: i64,
}

impl Validity {
    fn of(certificate: &X509Certificate<'_>) -> Self {
        Self {
            not_before: certificate.validity().not_before.timestamp(),
            not_after: certificate.validity().not_after.timestamp(),
        }
    }

    fn holds(self, now: i64) -> bool {
        (self.not_before..=self.not_after).contains(&now)
    }
}

impl ClientCas {
    /// Reads a bundle of PEM certificates. Anything else in the text is passed over.
    ///
    /// # Errors
    /// When there is none, or one that cannot be an authority.
    pub fn from_pem(pem: &[u8]) -> Result<Self, CertificateError> {
        let certificates = CertificateDer::pem_slice_iter(pem)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| CertificateError::Pem(error.to_string()))?;
        Self::new(&certificates)
    }

    /// The authorities that these certificates are of.
    ///
    /// # Errors
    /// When there is none, or one that cannot be an authority.
    pub fn new(certificates: &[CertificateDer<'_>]) -> Result<Self, CertificateError> {
        if certificates.is_empty() {
            return Err(CertificateError::Empty);
        }
        let mut cas = Self {
            anchors: Vec::new(),
            validity: Vec::new(),
            subjects: Vec::new(),
        };
        for (index, certificate) in certificates.iter().enumerate() {
            cas.add(certificate)
                .map_err(|why| CertificateError::Unusable(index + 1, why))?;
        }
        Ok(cas)
    }

    fn add(&mut self, certificate: &CertificateDer<'_>) -> Result<(), String> {
        let anchor = webpki::anchor_from_trusted_cert(certificate).map_err(|e| e.to_string())?;
        let parsed = parse(certificate)?;
        self.validity.push(Validity::of(&parsed));
        self.subjects.push(parsed.subject().as_raw().to_vec());
        self.anchors.push(anchor.to_owned());
        Ok(())
    }

    /// The distinguished names of the authorities, as DER.
    pub fn subjects(&self) -> impl Iterator<Item = &[u8]> {
        self.subjects.iter().map(Vec::as_slice)
    }

    /// Judges a chain, the client's own certificate first, at `now` in seconds since 1970.
    ///
    /// The chain must lead to one of the authorities, every certificate in it must be valid now, and the client's must
    /// be usable by clients.
    #[must_use]
    pub fn judge(&self, chain: &[CertificateDer<'_>], now: i64) -> PeerCertificate {
        self.verify(chain, now).unwrap_or_else(PeerCertificate::Bad)
    }

    fn verify(&self, chain: &[CertificateDer<'_>], now: i64) -> Result<PeerCertificate, String> {
        let (own, intermediates) = chain.split_first().ok_or("the chain is empty")?;
        let end_entity = EndEntityCert::try_from(own).map_err(|e| e.to_string())?;
        let time = UnixTime::since_unix_epoch(Duration::from_secs(now.max(0).cast_unsigned()));
        let path = end_entity
            .verify_for_usage(
                webpki::ALL_VERIFICATION_ALGS,
                &self.anchors,
                intermediates,
                time,
                KeyUsage::client_auth(),
                None,
                Some(&|path: &VerifiedPath<'_>| {
                    // webpki takes an anchor as given; to us it is a certificate that expires like the others.
                    self.anchor_not_after(path.anchor(), now)
                        .map(drop)
                        .ok_or(webpki::Error::UnknownIssuer)
                }),
            )
            .map_err(|error| error.to_string())?;

        let own = parse(own)?;
        Ok(PeerCertificate::Good {
            user: user(&own)?,
            not_after: self.earliest_end(&own, &path, now)?,
        })
    }

    fn earliest_end(&self, own: &X509Certificate<'_>, path: &VerifiedPath<'_>, now: i64) -> Result<i64, String> {
        let anchor = self
            .anchor_not_after(path.anchor(), now)
            .ok_or("the authority is not valid")?;
        let mut earliest = anchor.min(Validity::of(own).not_after);
        for intermediate in path.intermediate_certificates() {
            earliest = earliest.min(Validity::of(&parse(&intermediate.der())?).not_after);
        }
        Ok(earliest)
    }

    /// Until when this authority is valid; `None` when it is not now. An authority that was renewed with the same name
    /// and key is in the bundle twice: the later end counts.
    fn anchor_not_after(&self, anchor: &TrustAnchor<'_>, now: i64) -> Option<i64> {
        self.anchors
            .iter()
            .zip(&self.validity)
            .filter(|(known, validity)| {
                known.subject == anchor.subject
                    && known.subject_public_key_info == anchor.subject_public_key_info
                    && validity.holds(now)
            })
            .map(|(_, validity)| validity.not_after)
            .max()
    }
}

fn parse<'a>(certificate: &'a CertificateDer<'_>) -> Result<X509Certificate<'a>, String> {
    X509Certificate::from_der(certificate)
        .map(|(_, parsed)| parsed)
        .map_err(|error| error.to_string())
}

/// Kubernetes' reading of a subject: the (last) common name is the user, every organization a group.
fn user(certificate: &X509Certificate<'_>) -> Result<User, String> {
    let subject = certificate.subject();
    let name = match subject.iter_common_name().last() {
        Some(name) => name.as_str().map_err(|e| format!("common name: {e}"))?,
        None => "",
    };
    if name.is_empty() {
        return Err("it has no common name".to_owned());
    }
    let groups = subject
        .iter_organization()
        .map(|group| group.as_str().map_err(|e| format!("organization: {e}")))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(User::authenticated(name, groups))
}

#[cfg(test)]
#[path = "certificate_tests.rs"]
mod tests;
