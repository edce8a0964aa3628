//! Our own certificate authority: made once, then only ever read.
//!
//! Everything that was issued depends on it, so a CA that is there and cannot be used is an error. It is never replaced.

use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rcgen::{Issuer, KeyPair};
use rustls_pki_types::CertificateDer;

use super::decide::Wanted;
use super::issue::{self, Pair};
use super::{CA, certificate_path, failed, inspect, key_path, unusable};
use crate::failure::{Failure, Kind};
use crate::files;

/// From here on the log warns at every start.
const WARN_BEFORE: SignedDuration = SignedDuration::from_hours(365 * 24);

/// A CA, read and checked.
pub(crate) struct Ca {
    issuer: Issuer<'static, KeyPair>,
    der: CertificateDer<'static>,
    pem: String,
    not_after: Timestamp,
}

impl Ca {
    /// Reads the CA of this `pki` directory; `None` if it has none.
    pub(crate) fn load(dir: &Path, now: Timestamp) -> Result<Option<Self>, Failure> {
        let (certificate, key) = (certificate_path(dir, CA), key_path(dir, CA));
        let read = |path: &PathBuf| files::read(path).map_err(|error| failed("read", path, &error));
        match (read(&certificate)?, read(&key)?) {
            (Some(pem), Some(secret)) => Self::from_pem(pem, &secret, &certificate, &key, now).map(Some),
            (Some(_), None) => Err(unusable(&key, "is missing, and the CA cannot sign without it").hint(
                "restore it, or remove pki/ca.crt to start with a new CA, which makes all issued credentials void",
            )),
            (None, _) => Ok(None),
        }
    }

    /// Makes a CA. A key that an interrupted first start left behind is used, so that nothing is thrown away.
    pub(crate) fn create(dir: &Path, now: Timestamp) -> Result<Self, Failure> {
        let (certificate, key) = (certificate_path(dir, CA), key_path(dir, CA));
        let secret = match files::read(&key).map_err(|error| failed("read", &key, &error))? {
            Some(secret) => secret,
            None => issue::key().map_err(|error| cannot_issue(&error))?.expose().to_owned(),
        };
        let pair = key_pair(&secret, &key)?;
        let pem = issue::ca(&pair, now).map_err(|error| cannot_issue(&error))?;
        files::write(&key, &secret, files::PRIVATE).map_err(|error| failed("write", &key, &error))?;
        files::write(&certificate, &pem, files::PUBLIC).map_err(|error| failed("write", &certificate, &error))?;
        Self::from_pem(pem, &secret, &certificate, &key, now)
    }

    fn from_pem(pem: String, secret: &str, certificate: &Path, key: &Path, now: Timestamp) -> Result<Self, Failure> {
        let chain = inspect::certificates(&pem).map_err(|problem| unusable(certificate, &problem))?;
        let [der] = <[_; 1]>::try_from(chain).map_err(|_| unusable(certificate, "holds more than one certificate"))?;
        let parsed = inspect::parse(&der).map_err(|problem| unusable(certificate, &problem))?;
        let pair = key_pair(secret, key)?;
        if parsed.public_key().subject_public_key.data.as_ref() != pair.public_key_raw() {
            return Err(unusable(key, "does not belong to ca.crt"));
        }
        if !parsed.is_ca() {
            return Err(unusable(certificate, "is not the certificate of a CA"));
        }
        let not_after = valid(&parsed, certificate, now)?;
        let issuer = Issuer::from_ca_cert_der(&der, pair).map_err(|error| cannot_issue(&error))?;
        Ok(Self {
            issuer,
            der,
            pem,
            not_after,
        })
    }

    /// Signs a certificate that lives this long, or until the CA ends if that is sooner.
    pub(crate) fn issue(&self, wanted: &Wanted, now: Timestamp, life: Duration) -> Result<Pair, Failure> {
        let not_after = now
            .checked_add(life)
            .map_or(self.not_after, |end| end.min(self.not_after));
        issue::leaf(&self.issuer, wanted, now, not_after).map_err(|error| cannot_issue(&error))
    }

    /// The certificate.
    pub(crate) fn der(&self) -> &CertificateDer<'static> {
        &self.der
    }

    /// The certificate as it is in its file.
    pub(crate) fn pem(&self) -> &str {
        &self.pem
    }
}

fn key_pair(secret: &str, path: &Path) -> Result<KeyPair, Failure> {
    // rcgen's own text is left out: it may quote what it read, and that is a key.
    KeyPair::from_pem(secret).map_err(|_| unusable(path, "is not a private key in PEM"))
}

/// The end of its life, if `now` is within it.
fn valid(
    parsed: &x509_parser::prelude::X509Certificate<'_>,
    path: &Path,
    now: Timestamp,
) -> Result<Timestamp, Failure> {
    let at = |seconds| inspect::time(seconds).map_err(|problem| unusable(path, &problem));
    let not_before = at(parsed.validity().not_before.timestamp())?;
    let not_after = at(parsed.validity().not_after.timestamp())?;
    if now < not_before {
        return Err(unusable(
            path,
            &format!("is valid from {not_before} on, and the clock says {now}"),
        )
        .hint("set the clock of this machine"));
    }
    if not_after <= now {
        return Err(unusable(path, &format!("expired at {not_after}"))
            .hint("remove pki/ca.crt and pki/ca.key to start with a new CA, which makes all issued credentials void"));
    }
    if not_after.duration_since(now) < WARN_BEFORE {
        tracing::warn!(path = %path.display(), %not_after, "the CA expires within a year");
    }
    Ok(not_after)
}

fn cannot_issue(error: &rcgen::Error) -> Failure {
    Failure::new(Kind::Certificates, format!("cannot make a certificate: {error}"))
}
