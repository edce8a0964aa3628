//! Who makes a request.

use std::sync::Arc;

use http::HeaderMap;
use http::header::AUTHORIZATION;
use leasehold_api::ApiError;

use super::{Quoted, TokenFile, User};
use crate::net::{Peer, PeerCertificate};

/// Tells who makes a request.
pub trait Authenticator: Send + Sync {
    /// Who makes a request with these headers at `now`, in seconds since 1970. The first good credential counts.
    ///
    /// A watch outlives this answer: ask again with the same arguments and a later `now` to see whether it still holds.
    ///
    /// # Errors
    /// 401 when credentials were presented and none is good; 403 when the request would be made in another's name.
    fn authenticate(&self, peer: &Peer, headers: &HeaderMap, now: i64) -> Result<User, ApiError>;
}

/// Tells who makes a request, in Kubernetes' order: by client certificate, else by bearer token, else nobody known.
///
/// Never believes `X-Remote-*`, and never lets a request through that asks to be taken for somebody else.
pub struct CertificateOrToken {
    tokens: Option<Arc<TokenFile>>,
    anonymous: User,
}

/// What one kind of credential says.
enum Verdict {
    /// None was presented, or none of this kind.
    Absent,
    /// It is good.
    User(User),
    /// It is not.
    Bad,
}

impl Authenticator for CertificateOrToken {
    fn authenticate(&self, peer: &Peer, headers: &HeaderMap, now: i64) -> Result<User, ApiError> {
        let user = self.user(peer, headers, now)?;
        refuse_impersonation(&user, headers)?;
        Ok(user)
    }
}

impl CertificateOrToken {
    /// An authenticator that knows these tokens; without any, every token is a bad one.
    #[must_use]
    pub fn new(tokens: Option<Arc<TokenFile>>) -> Self {
        Self {
            tokens,
            anonymous: User::anonymous(),
        }
    }

    fn user(&self, peer: &Peer, headers: &HeaderMap, now: i64) -> Result<User, ApiError> {
        let certificate = by_certificate(peer, now);
        if let Verdict::User(user) = certificate {
            return Ok(user);
        }
        match (certificate, self.by_token(headers)) {
            (_, Verdict::User(user)) => Ok(user),
            (Verdict::Absent, Verdict::Absent) => Ok(self.anonymous.clone()),
            _ => Err(ApiError::unauthorized()),
        }
    }

    fn by_token(&self, headers: &HeaderMap) -> Verdict {
        let Some(token) = headers.get(AUTHORIZATION).and_then(|value| bearer(value.as_bytes())) else {
            return Verdict::Absent;
        };
        self.tokens
            .as_ref()
            .and_then(|tokens| tokens.user(token))
            .map_or(Verdict::Bad, Verdict::User)
    }
}

fn by_certificate(peer: &Peer, now: i64) -> Verdict {
    match peer.certificate.as_deref() {
        None => Verdict::Absent,
        Some(PeerCertificate::Good { user, not_after }) if now <= *not_after => Verdict::User(user.clone()),
        Some(_) => Verdict::Bad,
    }
}

/// The token in an `Authorization` header: its second word, if the first is `Bearer`. What is empty is no token.
fn bearer(header: &[u8]) -> Option<&[u8]> {
    let mut words = header.trim_ascii().splitn(3, |byte| *byte == b' ');
    let scheme = words.next()?;
    let token = words.next()?;
    (scheme.eq_ignore_ascii_case(b"bearer") && !token.is_empty()).then_some(token)
}

/// To ignore such a header would let a proxy's client act with the proxy's own rights.
fn refuse_impersonation(user: &User, headers: &HeaderMap) -> Result<(), ApiError> {
    let asked = headers.keys().any(|name| name.as_str().starts_with("impersonate-"));
    if !asked {
        return Ok(());
    }
    let target = headers
        .get("impersonate-user")
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let why = format!(
        "User {} cannot impersonate resource \"users\" in API group \"\" at the cluster scope",
        Quoted(&user.name)
    );
    Err(ApiError::forbidden("", "users", target, &why))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_000;

    fn authenticator() -> CertificateOrToken {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("tokens.csv");
        std::fs::write(&path, "good,alice,1,dev\n").unwrap();
        CertificateOrToken::new(Some(Arc::new(TokenFile::open(path).unwrap())))
    }

    fn peer(certificate: Option<PeerCertificate>) -> Peer {
        Peer {
            address: ([127, 0, 0, 1], 1).into(),
            certificate: certificate.map(Arc::new),
        }
    }

    fn valid_until(not_after: i64) -> PeerCertificate {
        PeerCertificate::Good {
            user: User::authenticated("system:node:n1", ["system:nodes"]),
            not_after,
        }
    }

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .collect()
    }

    /// The user's name, or the code of the refusal.
    fn outcome(certificate: Option<PeerCertificate>, pairs: &[(&'static str, &'static str)]) -> Result<String, u16> {
        authenticator()
            .authenticate(&peer(certificate), &headers(pairs), NOW)
            .map(|user| user.name.to_string())
            .map_err(|error| error.code())
    }

    #[test]
    fn an_authorization_header_counts_only_when_it_bears_a_token() {
        let cases = [
            ("Bearer good", Ok("alice")),
            ("bearer good", Ok("alice")),
            ("BEARER good", Ok("alice")),
            ("  Bearer good  ", Ok("alice")),
            ("Bearer good more", Ok("alice")),
            ("Bearer wrong", Err(401)),
            ("Bearer goo", Err(401)),
            ("Bearer", Ok("system:anonymous")),
            ("Bearer  good", Ok("system:anonymous")),
            ("Basic eDp5", Ok("system:anonymous")),
            ("good", Ok("system:anonymous")),
            ("", Ok("system:anonymous")),
        ];
        for (value, expected) in cases {
            let got = outcome(None, &[("authorization", value)]);
            assert_eq!(got, expected.map(str::to_owned), "{value:?}");
        }
        assert_eq!(outcome(None, &[]), Ok("system:anonymous".to_owned()));
    }

    #[test]
    fn the_first_good_credential_counts_and_a_bad_one_alone_is_refused() {
        let node = Ok("system:node:n1".to_owned());
        let alice = Ok("alice".to_owned());
        let bad = || Some(PeerCertificate::Bad("foreign".to_owned()));
        let token = [("authorization", "Bearer good")];
        let wrong = [("authorization", "Bearer wrong")];
        assert_eq!(outcome(Some(valid_until(NOW)), &[]), node);
        assert_eq!(outcome(Some(valid_until(NOW)), &token), node);
        assert_eq!(outcome(Some(valid_until(NOW)), &wrong), node);
        assert_eq!(outcome(Some(valid_until(NOW - 1)), &[]), Err(401));
        assert_eq!(outcome(Some(valid_until(NOW - 1)), &token), alice);
        assert_eq!(outcome(bad(), &[]), Err(401));
        assert_eq!(outcome(bad(), &token), alice);
        assert_eq!(outcome(bad(), &wrong), Err(401));
    }

    #[test]
    fn without_a_token_file_every_token_is_bad() {
        let got =
            CertificateOrToken::new(None).authenticate(&peer(None), &headers(&[("authorization", "Bearer good")]), NOW);
        assert_eq!(got.unwrap_err().code(), 401);
    }

    #[test]
    fn front_proxy_headers_are_not_believed() {
        let claims = [
            ("x-remote-user", "admin"),
            ("X-Remote-Group", "system:masters"),
            ("x-remote-extra-scopes", "all"),
        ];
        assert_eq!(outcome(None, &claims), Ok("system:anonymous".to_owned()));
    }

    #[test]
    fn acting_for_somebody_else_is_always_refused() {
        let claims = [
            ("impersonate-user", "admin"),
            ("Impersonate-Group", "system:masters"),
            ("impersonate-uid", "1"),
            ("impersonate-extra-scopes", "all"),
        ];
        for claim in claims {
            assert_eq!(outcome(None, &[claim]), Err(403), "{claim:?}");
            let with_token = [("authorization", "Bearer good"), claim];
            assert_eq!(outcome(None, &with_token), Err(403), "{claim:?}");
            let wrong = [("authorization", "Bearer wrong"), claim];
            assert_eq!(outcome(None, &wrong), Err(401), "{claim:?}");
        }
        let error = authenticator()
            .authenticate(
                &peer(Some(valid_until(NOW))),
                &headers(&[("impersonate-user", "admin")]),
                NOW,
            )
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "users \"admin\" is forbidden: User \"system:node:n1\" cannot impersonate resource \"users\" \
             in API group \"\" at the cluster scope"
        );
    }
}
