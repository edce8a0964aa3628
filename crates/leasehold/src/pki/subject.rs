//! A subject with several organizations, which is how a client certificate carries several groups.
//!
//! rcgen's distinguished name holds one value for each attribute. So rcgen writes the certificate with a placeholder as
//! its subject, the placeholder is replaced in the part to be signed, and that part is signed again.

use rcgen::{CertificateParams, DnType, Error, Issuer, KeyPair, SigningKey};
use x509_parser::prelude::{FromDer, X509Certificate};

use super::decide::Subject;
use super::inspect::pem;

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const UTF8_STRING: u8 = 0x0c;
const BIT_STRING: u8 = 0x03;
/// id-at-commonName (2.5.4.3) and id-at-organizationName (2.5.4.10), encoded.
const COMMON_NAME: [u8; 5] = [0x06, 0x03, 0x55, 0x04, 0x03];
const ORGANIZATION: [u8; 5] = [0x06, 0x03, 0x55, 0x04, 0x0a];

/// Signs a certificate whose subject has all organizations of `who`, in their order. The result is PEM.
pub(crate) fn signed_with_many_organizations(
    mut params: CertificateParams,
    who: &Subject,
    key: &KeyPair,
    issuer: &Issuer<'_, KeyPair>,
) -> Result<String, Error> {
    params
        .distinguished_name
        .push(DnType::CommonName, uuid::Uuid::new_v4().to_string());
    let template = params.signed_by(key, issuer)?;
    let (_, parsed) = X509Certificate::from_der(template.der()).map_err(|_| Error::CouldNotParseCertificate)?;
    let to_sign = parsed.tbs_certificate.as_ref();
    let body = replaced(to_sign, parsed.subject().as_raw(), &name(who)).ok_or(Error::CouldNotParseCertificate)?;
    let algorithm = algorithm_behind(to_sign, template.der()).ok_or(Error::CouldNotParseCertificate)?;
    let signature = tlv(BIT_STRING, &[&[0], &issuer.key().sign(&body)?]);
    Ok(pem(&tlv(SEQUENCE, &[&body, algorithm, &signature])))
}

/// The part to be signed, with another subject in the place of the placeholder.
fn replaced(to_sign: &[u8], placeholder: &[u8], subject: &[u8]) -> Option<Vec<u8>> {
    let content = to_sign.get(to_sign.len() - content_length(to_sign)?..)?;
    let at = find(content, placeholder)?;
    Some(tlv(
        SEQUENCE,
        &[&content[..at], subject, &content[at + placeholder.len()..]],
    ))
}

/// The identifier of the signature's algorithm: the element that follows the signed part.
fn algorithm_behind<'a>(to_sign: &[u8], certificate: &'a [u8]) -> Option<&'a [u8]> {
    let start = find(certificate, to_sign)? + to_sign.len();
    let length = usize::from(*certificate.get(start + 1)?);
    certificate.get(start..start + 2 + length)
}

/// One relative distinguished name for each attribute: the organizations, then the common name.
fn name(who: &Subject) -> Vec<u8> {
    let organizations = who
        .organizations
        .iter()
        .map(|organization| attribute(&ORGANIZATION, organization));
    let parts: Vec<_> = organizations
        .chain([attribute(&COMMON_NAME, &who.common_name)])
        .collect();
    tlv(SEQUENCE, &parts.iter().map(Vec::as_slice).collect::<Vec<_>>())
}

fn attribute(kind: &[u8], value: &str) -> Vec<u8> {
    tlv(SET, &[&tlv(SEQUENCE, &[kind, &tlv(UTF8_STRING, &[value.as_bytes()])])])
}

/// One DER element: tag, length, content.
fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let length = content.len().to_be_bytes();
    let significant = &length[length.iter().position(|byte| *byte != 0).unwrap_or(length.len() - 1)..];
    let mut element = vec![tag];
    match significant {
        [short @ ..0x80] => element.push(*short),
        // At most eight bytes of length, so the count fits.
        long => element.extend([0x80 | long.len().to_le_bytes()[0]].iter().chain(long)),
    }
    element.extend(content);
    element
}

/// How many bytes the content of the element has, whose header is at the start.
fn content_length(element: &[u8]) -> Option<usize> {
    match *element.get(1)? {
        short @ ..0x80 => Some(usize::from(short)),
        long => {
            let bytes = element.get(2..2 + usize::from(long & 0x7f))?;
            Some(bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)))
        }
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_written_as_der_has_them() {
        for (length, header) in [
            (0, &[4, 0][..]),
            (127, &[4, 127]),
            (128, &[4, 0x81, 128]),
            (256, &[4, 0x82, 1, 0]),
            (70_000, &[4, 0x83, 1, 0x11, 0x70]),
        ] {
            let element = tlv(4, &[&vec![7; length]]);
            assert_eq!(&element[..header.len()], header, "{length}");
            assert_eq!(element.len(), header.len() + length);
            assert_eq!(content_length(&element), Some(length));
        }
    }
}
