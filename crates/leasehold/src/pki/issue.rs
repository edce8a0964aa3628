//! Making certificates: ECDSA P-256 keys, random serial numbers, subject and authority key identifiers.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    SanType, SerialNumber,
};

use super::decide::{Subject, Usage, Wanted};
use super::names::Name;
use super::{sec1, subject};
use crate::secret::Secret;

/// Life of the CA: ten years.
const CA_LIFE: SignedDuration = SignedDuration::from_hours(10 * 365 * 24);
/// Life of what `serve` issues for itself: one year.
pub(crate) const LEAF_LIFE: SignedDuration = SignedDuration::from_hours(365 * 24);
/// Validity begins this long ago, for machines whose clocks are a little behind.
const BACKDATED: SignedDuration = SignedDuration::from_mins(5);

/// A certificate with its private key, both PEM.
pub(crate) struct Pair {
    pub(crate) certificate: String,
    pub(crate) key: Secret,
    pub(crate) not_after: Timestamp,
}

/// A new private key.
pub(crate) fn key() -> Result<Secret, rcgen::Error> {
    Ok(Secret::new(KeyPair::generate()?.serialize_pem()))
}

/// A CA certificate for this key. Every CA has a name of its own, so that two are never mistaken for each other.
pub(crate) fn ca(key: &KeyPair, now: Timestamp) -> Result<String, rcgen::Error> {
    let mut params = params(now, now + CA_LIFE);
    params
        .distinguished_name
        .push(DnType::CommonName, format!("leasehold-ca-{}", short_id()));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![
        KeyUsagePurpose::KeyCertSign,
        KeyUsagePurpose::CrlSign,
        KeyUsagePurpose::DigitalSignature,
    ];
    Ok(params.self_signed(key)?.pem())
}

/// A certificate as wanted, with a new key, until `not_after`.
pub(crate) fn leaf(
    issuer: &Issuer<'_, KeyPair>,
    wanted: &Wanted,
    now: Timestamp,
    not_after: Timestamp,
) -> Result<Pair, rcgen::Error> {
    let mut params = params(now, not_after);
    params.subject_alt_names = wanted.names.iter().map(san).collect::<Result<_, _>>()?;
    params.is_ca = IsCa::ExplicitNoCa;
    params.use_authority_key_identifier_extension = true;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![match wanted.usage {
        Usage::Server => ExtendedKeyUsagePurpose::ServerAuth,
        Usage::Client => ExtendedKeyUsagePurpose::ClientAuth,
    }];
    let key = KeyPair::generate()?;
    let certificate = sign(params, &wanted.subject, &key, issuer)?;
    Ok(Pair {
        certificate,
        key: sec1::pem(&key),
        not_after,
    })
}

fn sign(
    mut params: CertificateParams,
    who: &Subject,
    key: &KeyPair,
    issuer: &Issuer<'_, KeyPair>,
) -> Result<String, rcgen::Error> {
    match who.organizations.as_slice() {
        [] | [_] => {
            for organization in &who.organizations {
                params.distinguished_name.push(DnType::OrganizationName, organization);
            }
            params.distinguished_name.push(DnType::CommonName, &who.common_name);
            Ok(params.signed_by(key, issuer)?.pem())
        }
        _ => subject::signed_with_many_organizations(params, who, key, issuer),
    }
}

fn params(now: Timestamp, not_after: Timestamp) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.serial_number = Some(serial());
    let epoch = rcgen::date_time_ymd(1970, 1, 1);
    params.not_before = epoch + since_1970(now - BACKDATED);
    params.not_after = epoch + since_1970(not_after);
    params
}

/// Certificates count in whole seconds; a time before 1970 becomes 1970.
fn since_1970(time: Timestamp) -> Duration {
    Duration::from_secs(u64::try_from(time.as_second()).unwrap_or(0))
}

fn san(name: &Name) -> Result<SanType, rcgen::Error> {
    Ok(match name {
        Name::Dns(name) => SanType::DnsName(name.as_str().try_into()?),
        Name::Ip(address) => SanType::IpAddress(*address),
    })
}

/// 122 random bits, positive and never zero, as RFC 5280 asks.
fn serial() -> SerialNumber {
    let mut bytes = uuid::Uuid::new_v4().into_bytes();
    bytes[0] &= 0x7f;
    SerialNumber::from_slice(&bytes)
}

fn short_id() -> String {
    uuid::Uuid::new_v4().simple().to_string()[..8].to_owned()
}
