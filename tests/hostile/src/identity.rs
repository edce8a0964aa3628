//! Client certificates, of the server's own authority and of others.

use std::path::Path;
use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, date_time_ymd,
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

/// Somebody who signs certificates.
pub enum Authority {
    /// The server's own, by its key.
    Own(Box<Issuer<'static, KeyPair>>),
    /// One that the server has never heard of, though it calls itself the same.
    Foreign(Box<CertifiedIssuer<'static, KeyPair>>),
}

/// A certificate and its key.
pub struct Holder {
    pub(crate) chain: Vec<CertificateDer<'static>>,
    pub(crate) key: PrivateKeyDer<'static>,
}

impl Authority {
    /// The authority of the server with this data directory.
    #[must_use]
    pub fn of_server(data_dir: &Path) -> Self {
        let read = |name: &str| std::fs::read_to_string(data_dir.join("pki").join(name)).expect("the server wrote it");
        let key = KeyPair::from_pem(&read("ca.key")).expect("a key");
        Self::Own(Box::new(
            Issuer::from_ca_cert_pem(&read("ca.crt"), key).expect("a certificate"),
        ))
    }

    /// An authority with the name of the server's and another key.
    #[must_use]
    pub fn foreign() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name = name("leasehold-ca", None);
        let key = KeyPair::generate().expect("a key");
        Self::Foreign(Box::new(
            CertifiedIssuer::self_signed(params, key).expect("a certificate"),
        ))
    }

    /// A client certificate that is valid from now minus an hour, for `valid` from then on.
    #[must_use]
    pub fn client(&self, user: &str, group: Option<&str>, valid: Duration) -> Holder {
        self.issue(user, group, valid, ExtendedKeyUsagePurpose::ClientAuth)
    }

    /// A certificate for a server, used as a client's.
    #[must_use]
    pub fn server(&self, user: &str, group: Option<&str>) -> Holder {
        self.issue(
            user,
            group,
            Duration::from_secs(86400),
            ExtendedKeyUsagePurpose::ServerAuth,
        )
    }

    #[allow(clippy::disallowed_methods, reason = "a certificate is dated by the wall clock")]
    fn issue(&self, user: &str, group: Option<&str>, valid: Duration, usage: ExtendedKeyUsagePurpose) -> Holder {
        let now = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .expect("a clock that is set");
        let from = date_time_ymd(1970, 1, 1) + (now - Duration::from_secs(3600));
        let mut params = CertificateParams::default();
        params.distinguished_name = name(user, group);
        params.not_before = from;
        params.not_after = from + valid;
        params.extended_key_usages = vec![usage];
        let key = KeyPair::generate().expect("a key");
        let certificate = match self {
            Self::Own(issuer) => params.signed_by(&key, issuer),
            Self::Foreign(issuer) => params.signed_by(&key, issuer),
        };
        Holder {
            chain: vec![certificate.expect("a certificate").der().clone()],
            key: PrivateKeyDer::try_from(key.serialize_der()).expect("a key"),
        }
    }
}

fn name(user: &str, group: Option<&str>) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    if let Some(group) = group {
        name.push(DnType::OrganizationName, group);
    }
    name.push(DnType::CommonName, user);
    name
}
