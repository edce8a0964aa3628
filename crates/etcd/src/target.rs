//! An endpoint's URL, taken apart.

use http::Uri;
use http::uri::{Authority, Scheme};
use rustls_pki_types::ServerName;

use crate::Error;

const DEFAULT_PORT: u16 = 2379;

/// Where to connect to, and as what to speak to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    /// A name or an address; an IPv6 address without its brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) authority: Authority,
    /// The name that the certificate must have; `None` without TLS.
    pub(crate) name: Option<ServerName<'static>>,
}

impl Target {
    /// Reads `https://HOST:PORT` or `http://HOST:PORT`.
    pub(crate) fn parse(endpoint: &str) -> Result<Self, Error> {
        let invalid = |why: &str| Error::Invalid(format!("endpoint {endpoint:?}: {why}"));
        let uri: Uri = endpoint.parse().map_err(|_| invalid("not a URL"))?;
        let is_tls = match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTPS => true,
            Some(scheme) if *scheme == Scheme::HTTP => false,
            _ => return Err(invalid("it must begin with https:// or http://")),
        };
        let authority = uri.authority().ok_or_else(|| invalid("it names no host"))?;
        if uri.path() != "/" || uri.query().is_some() || authority.as_str().contains('@') {
            return Err(invalid("a host and a port are all it may have"));
        }
        let host = authority
            .host()
            .trim_start_matches('[')
            .trim_end_matches(']')
            .to_owned();
        let name = ServerName::try_from(host.clone()).map_err(|_| invalid("not a host name"))?;
        Ok(Self {
            host,
            port: uri.port_u16().unwrap_or(DEFAULT_PORT),
            authority: authority.clone(),
            name: is_tls.then_some(name),
        })
    }

    pub(crate) fn scheme(&self) -> Scheme {
        if self.name.is_some() {
            Scheme::HTTPS
        } else {
            Scheme::HTTP
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_a_scheme_a_host_and_perhaps_a_port() {
        for (endpoint, host, port, is_tls) in [
            ("https://a.example:2379", "a.example", 2379, true),
            ("http://127.0.0.1:1", "127.0.0.1", 1, false),
            ("https://[::1]:7/", "::1", 7, true),
            ("http://localhost", "localhost", 2379, false),
        ] {
            let target = Target::parse(endpoint).unwrap();
            let found = (&*target.host, target.port, target.name.is_some());
            assert_eq!(found, (host, port, is_tls), "{endpoint}");
        }
    }

    #[test]
    fn anything_else_is_refused_with_its_name() {
        for endpoint in [
            "",
            "localhost:2379",
            "etcd://a:1",
            "http://a:1/v3",
            "http://a:1?x",
            "http://u@a:1",
            "http://a_b c:1",
            "https://a..b:1",
        ] {
            let error = Target::parse(endpoint).unwrap_err();
            assert!(
                matches!(&error, Error::Invalid(text) if text.contains(&format!("{endpoint:?}"))),
                "{error}"
            );
        }
    }
}
