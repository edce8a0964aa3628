//! Authorities and certificates made for tests.

use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, DnValue, ExtendedKeyUsagePurpose,
    IsCa, KeyPair, KeyUsagePurpose, SanType, date_time_ymd,
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

/// Far ahead, in seconds since 1970: the year 2100.
pub(crate) const LATE: i64 = 4_102_444_800;

/// What a certificate is to say; a client's unless changed.
pub(crate) struct Wish {
    pub(crate) names: Vec<(DnType, DnValue)>,
    pub(crate) usages: Vec<ExtendedKeyUsagePurpose>,
    pub(crate) valid: std::ops::RangeInclusive<i64>,
}

impl Wish {
    pub(crate) fn client(name: &str, groups: &[&str]) -> Self {
        // rcgen keeps one value of each kind, but takes the same kind under another name for another.
        let kinds = [DnType::OrganizationName, DnType::CustomDnType(vec![2, 5, 4, 10])];
        assert!(groups.len() <= kinds.len());
        let groups = groups.iter().zip(kinds).map(|(group, kind)| (kind, (*group).into()));
        Self {
            names: groups.chain([(DnType::CommonName, name.into())]).collect(),
            usages: vec![ExtendedKeyUsagePurpose::ClientAuth],
            valid: 0..=LATE,
        }
    }

    pub(crate) fn valid(mut self, valid: std::ops::RangeInclusive<i64>) -> Self {
        self.valid = valid;
        self
    }

    pub(crate) fn for_use(mut self, usages: Vec<ExtendedKeyUsagePurpose>) -> Self {
        self.usages = usages;
        self
    }

    fn params(self) -> CertificateParams {
        let at = |seconds: i64| date_time_ymd(1970, 1, 1) + Duration::from_secs(seconds.try_into().unwrap());
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.not_before = at(*self.valid.start());
        params.not_after = at(*self.valid.end());
        params.extended_key_usages = self.usages;
        for (kind, value) in self.names {
            params.distinguished_name.push(kind, value);
        }
        params
    }
}

/// A certificate with its intermediates, and its key.
pub(crate) struct Holder {
    pub(crate) chain: Vec<CertificateDer<'static>>,
    pub(crate) key: PrivateKeyDer<'static>,
}

/// Somebody who vouches for others.
pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    intermediates: Vec<CertificateDer<'static>>,
}

fn authority_params(wish: Wish) -> CertificateParams {
    let mut params = wish.params();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    params
}

impl Authority {
    pub(crate) fn root(name: &str, valid: std::ops::RangeInclusive<i64>) -> Self {
        Self::root_with(KeyPair::generate().unwrap(), name, valid)
    }

    /// As another root of this name, but valid at other times: a renewed one.
    pub(crate) fn renewed(&self, name: &str, valid: std::ops::RangeInclusive<i64>) -> Self {
        let key = KeyPair::from_pem(&self.issuer.key().serialize_pem()).unwrap();
        Self::root_with(key, name, valid)
    }

    fn root_with(key: KeyPair, name: &str, valid: std::ops::RangeInclusive<i64>) -> Self {
        let params = authority_params(Wish::client(name, &[]).valid(valid).for_use(Vec::new()));
        Self {
            issuer: CertifiedIssuer::self_signed(params, key).unwrap(),
            intermediates: Vec::new(),
        }
    }

    pub(crate) fn intermediate(&self, valid: std::ops::RangeInclusive<i64>) -> Self {
        let wish = Wish::client("between", &[]).valid(valid).for_use(Vec::new());
        let key = KeyPair::generate().unwrap();
        let issuer = CertifiedIssuer::signed_by(authority_params(wish), key, &self.issuer).unwrap();
        let intermediates = [issuer.der().clone()]
            .into_iter()
            .chain(self.intermediates.iter().cloned())
            .collect();
        Self { issuer, intermediates }
    }

    pub(crate) fn pem(&self) -> String {
        self.issuer.pem()
    }

    pub(crate) fn der(&self) -> CertificateDer<'static> {
        self.issuer.der().clone()
    }

    pub(crate) fn issue(&self, wish: Wish) -> Holder {
        self.sign(&wish.params())
    }

    /// A certificate to serve 127.0.0.1 with.
    pub(crate) fn server(&self) -> Holder {
        let wish = Wish::client("server", &[]).for_use(vec![ExtendedKeyUsagePurpose::ServerAuth]);
        let mut params = wish.params();
        params.subject_alt_names = vec![SanType::IpAddress([127, 0, 0, 1].into())];
        self.sign(&params)
    }

    fn sign(&self, params: &CertificateParams) -> Holder {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let chain = [certificate.der().clone()]
            .into_iter()
            .chain(self.intermediates.iter().cloned())
            .collect();
        Holder {
            chain,
            key: PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
        }
    }
}
