//! Private keys in the older form of RFC 5915, `EC PRIVATE KEY`.
//!
//! Every client reads it. PKCS #8 is not as safe a choice: fabric8's client takes any PKCS #8 key in a kubeconfig for RSA
//! and gives up on ours.

use rcgen::KeyPair;
use x509_parser::asn1_rs::{Any, FromDer as _};

use super::inspect::armoured;
use crate::secret::Secret;

/// Everything around the two keys of a P-256 key pair, which have fixed sizes: `ECPrivateKey` with its version, the private
/// key, the curve's name and the public key.
const BEFORE_PRIVATE: [u8; 7] = [0x30, 0x77, 0x02, 0x01, 0x01, 0x04, 32];
const BEFORE_PUBLIC: [u8; 17] = [
    0xa0, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0xa1, 0x44, 0x03, 0x42, 0x00,
];
const PRIVATE_LENGTH: usize = 32;
const PUBLIC_LENGTH: usize = 65;

/// The key pair as PEM, if it is on the curve P-256 as all of ours are; otherwise in PKCS #8.
pub(crate) fn pem(key: &KeyPair) -> Secret {
    let public = key.public_key_raw();
    match private_key(key.serialized_der()) {
        Some(private) if private.len() == PRIVATE_LENGTH && public.len() == PUBLIC_LENGTH => {
            let der = [&BEFORE_PRIVATE[..], private, &BEFORE_PUBLIC[..], public].concat();
            Secret::new(armoured("EC PRIVATE KEY", &der))
        }
        _ => Secret::new(key.serialize_pem()),
    }
}

/// What PKCS #8 holds for an elliptic curve: `PrivateKeyInfo { version, algorithm, ECPrivateKey { version, private, .. } }`.
fn private_key(pkcs8: &[u8]) -> Option<&[u8]> {
    let (_, info) = Any::from_der(pkcs8).ok()?;
    let (rest, _version) = Any::from_der(info.data).ok()?;
    let (rest, _algorithm) = Any::from_der(rest).ok()?;
    let (_, key) = Any::from_der(rest).ok()?;
    let (_, key) = Any::from_der(key.data).ok()?;
    let (rest, _version) = Any::from_der(key.data).ok()?;
    let (_, private) = Any::from_der(rest).ok()?;
    Some(private.data)
}

#[cfg(test)]
mod tests {
    use rustls_pki_types::PrivateKeyDer;
    use rustls_pki_types::pem::PemObject as _;

    use super::*;

    #[test]
    fn it_is_the_same_key_in_the_older_form() {
        let key = KeyPair::generate().unwrap();
        let text = pem(&key);
        assert!(text.expose().starts_with("-----BEGIN EC PRIVATE KEY-----\n"));
        let read = PrivateKeyDer::from_pem_slice(text.expose().as_bytes()).unwrap();
        assert!(matches!(read, PrivateKeyDer::Sec1(_)));
        let signing = rustls::crypto::ring::sign::any_ecdsa_type(&read).unwrap();
        let public = signing.public_key().unwrap();
        assert!(public.as_ref().ends_with(key.public_key_raw()));
    }
}
