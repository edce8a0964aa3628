//! What a certificate says: from PEM to plain facts.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use jiff::Timestamp;
use rustls::crypto::ring;
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::x509::X509Name;

use super::decide::{Existing, Facts, Subject, Usage};
use super::names::Name;

/// All certificates of a PEM text, in its order; at least one, or what is wrong.
pub(crate) fn certificates(pem: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let chain: Vec<_> = CertificateDer::pem_slice_iter(pem.as_bytes())
        .collect::<Result<_, _>>()
        .map_err(|error| format!("is not PEM: {error}"))?;
    if chain.is_empty() {
        return Err("holds no certificate".to_owned());
    }
    for der in &chain {
        parse(der)?;
    }
    Ok(chain)
}

/// A certificate as PEM.
pub(crate) fn pem(der: &[u8]) -> String {
    armoured("CERTIFICATE", der)
}

/// Whatever the label says, as PEM.
pub(crate) fn armoured(label: &str, der: &[u8]) -> String {
    let text = BASE64_STANDARD.encode(der);
    let mut pem = format!("-----BEGIN {label}-----\n");
    for line in text.as_bytes().chunks(64) {
        pem.extend(line.iter().map(|byte| char::from(*byte)));
        pem.push('\n');
    }
    pem + &format!("-----END {label}-----\n")
}

/// The certificate in `der`, with nothing behind it.
pub(crate) fn parse<'a>(der: &'a CertificateDer<'_>) -> Result<X509Certificate<'a>, String> {
    match X509Certificate::from_der(der) {
        Ok(([], certificate)) => Ok(certificate),
        _ => Err("holds something that is not an X.509 certificate".to_owned()),
    }
}

/// A chain and the key that belongs to its first certificate, ready to serve with; or what is wrong.
pub(crate) fn certified(chain_pem: &str, key_pem: &str) -> Result<Arc<CertifiedKey>, CertifiedError> {
    let chain = certificates(chain_pem).map_err(CertifiedError::Certificate)?;
    // The error's own text is left out: it may quote what it read, and what it read is a key.
    let key = PrivateKeyDer::from_pem_slice(key_pem.as_bytes())
        .map_err(|_| CertifiedError::Key("holds no private key in PEM".to_owned()))?;
    match CertifiedKey::from_der(chain, key, &ring::default_provider()) {
        Ok(pair) => Ok(Arc::new(pair)),
        Err(rustls::Error::InconsistentKeys(_)) => {
            Err(CertifiedError::Key("does not belong to the certificate".to_owned()))
        }
        Err(_) => Err(CertifiedError::Key("is of a kind that cannot be used".to_owned())),
    }
}

/// Which of the two files is at fault, and what is wrong with it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum CertifiedError {
    Certificate(String),
    Key(String),
}

/// What is to be known about a certificate and its key, seen from our CA.
pub(crate) fn look_at(certificate_pem: &str, key_pem: &str, ca: &CertificateDer<'_>) -> Existing {
    let key_fits = match certified(certificate_pem, key_pem) {
        Ok(_) => true,
        Err(CertifiedError::Key(problem)) if problem.starts_with("does not belong") => false,
        Err(_) => return Existing::Unreadable,
    };
    match facts(certificate_pem, key_fits, ca) {
        Ok(facts) => Existing::Certificate(facts),
        Err(_) => Existing::Unreadable,
    }
}

fn facts(certificate_pem: &str, key_fits: bool, ca: &CertificateDer<'_>) -> Result<Facts, String> {
    let chain = certificates(certificate_pem)?;
    let certificate = parse(&chain[0])?;
    Ok(Facts {
        subject: subject(certificate.subject())?,
        names: names(&certificate)?,
        usages: usages(&certificate)?,
        not_before: time(certificate.validity().not_before.timestamp())?,
        not_after: time(certificate.validity().not_after.timestamp())?,
        key_fits,
        signed_by_ca: is_signed_by(&certificate, &parse(ca)?),
    })
}

/// What a client has to know about a serving certificate that is not ours.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Given {
    /// The self-signed certificate of the file, PEM. Without one, clients check against their system's roots.
    pub(crate) root: Option<String>,
    /// A name to check the certificate against, where it does not have the address that clients use.
    pub(crate) other_name: Option<String>,
}

/// Reads a chain that someone else looks after, for clients that come to `address`.
pub(crate) fn given(chain_pem: &str, address: IpAddr) -> Result<Given, String> {
    let chain = certificates(chain_pem)?;
    let root = chain
        .iter()
        .find(|der| parse(der).is_ok_and(|own| is_signed_by(&own, &own)));
    let names = names(&parse(&chain[0])?)?;
    let has_address = !address.is_unspecified() && names.contains(&Name::Ip(address));
    let dns_name = names.into_iter().find_map(|name| match name {
        Name::Dns(name) if !name.starts_with('*') => Some(name),
        _ => None,
    });
    Ok(Given {
        root: root.map(|der| pem(der)),
        other_name: dns_name.filter(|_| !has_address),
    })
}

/// Signed with this CA's key and naming it as the issuer.
pub(crate) fn is_signed_by(certificate: &X509Certificate<'_>, ca: &X509Certificate<'_>) -> bool {
    certificate.issuer().as_raw() == ca.subject().as_raw()
        && certificate.verify_signature(Some(ca.public_key())).is_ok()
}

/// A point in time from seconds since 1970, as certificates are parsed into.
pub(crate) fn time(seconds: i64) -> Result<Timestamp, String> {
    Timestamp::from_second(seconds).map_err(|_| "has a date out of range".to_owned())
}

fn subject(name: &X509Name<'_>) -> Result<Subject, String> {
    let text = |attribute: &x509_parser::x509::AttributeTypeAndValue<'_>| {
        attribute
            .as_str()
            .map(str::to_owned)
            .map_err(|_| "has a subject that is not text".to_owned())
    };
    let common_name = name
        .iter_common_name()
        .next()
        .map(text)
        .transpose()?
        .unwrap_or_default();
    let organizations = name.iter_organization().map(text).collect::<Result<_, _>>()?;
    Ok(Subject {
        common_name,
        organizations,
    })
}

/// The subject's alternative names. One of another kind than ours counts as unreadable.
pub(crate) fn names(certificate: &X509Certificate<'_>) -> Result<BTreeSet<Name>, String> {
    let extension = certificate
        .subject_alternative_name()
        .map_err(|_| "has unreadable names".to_owned())?;
    let Some(extension) = extension else {
        return Ok(BTreeSet::new());
    };
    extension.value.general_names.iter().map(name).collect()
}

fn name(general: &GeneralName<'_>) -> Result<Name, String> {
    match general {
        GeneralName::DNSName(name) => Ok(Name::Dns(name.to_ascii_lowercase())),
        GeneralName::IPAddress(bytes) => ip(bytes)
            .map(Name::Ip)
            .ok_or_else(|| "has a strange IP address".to_owned()),
        _ => Err("has a name that is neither a DNS name nor an IP address".to_owned()),
    }
}

fn ip(bytes: &[u8]) -> Option<IpAddr> {
    match bytes.len() {
        4 => Some(<[u8; 4]>::try_from(bytes).ok()?.into()),
        16 => Some(<[u8; 16]>::try_from(bytes).ok()?.into()),
        _ => None,
    }
}

fn usages(certificate: &X509Certificate<'_>) -> Result<Vec<Usage>, String> {
    let extension = certificate
        .extended_key_usage()
        .map_err(|_| "has an unreadable use".to_owned())?;
    let Some(extension) = extension else {
        return Ok(Vec::new());
    };
    let all = [
        (extension.value.server_auth, Usage::Server),
        (extension.value.client_auth, Usage::Client),
    ];
    Ok(all
        .into_iter()
        .filter(|(has, _)| *has)
        .map(|(_, usage)| usage)
        .collect())
}
