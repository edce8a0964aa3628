//! The names that a serving certificate is for.

use std::collections::BTreeSet;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use rustls_pki_types::DnsName;

/// Names under which Kubernetes' clients know an API server besides its address.
const KUBERNETES: [&str; 3] = ["kubernetes", "kubernetes.default", "kubernetes.default.svc"];

/// A DNS name (possibly `*.example.org`) or an IP address.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Name {
    /// In lower case.
    Dns(String),
    Ip(IpAddr),
}

impl FromStr for Name {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(address) = text.parse() {
            return Ok(Self::Ip(address));
        }
        match DnsName::try_from(text.strip_prefix("*.").unwrap_or(text)) {
            Ok(_) => Ok(Self::Dns(text.to_ascii_lowercase())),
            Err(_) => Err(format!("--tls-san '{text}' is neither a DNS name nor an IP address")),
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dns(name) => f.write_str(name),
            Self::Ip(address) => address.fmt(f),
        }
    }
}

/// All names of our own serving certificate. A host name that no certificate can carry is left out.
pub(crate) fn serving_names(listen: SocketAddr, hostname: &str, extra: &[Name]) -> BTreeSet<Name> {
    let mut names = BTreeSet::from([
        Name::Ip(Ipv4Addr::LOCALHOST.into()),
        Name::Ip(Ipv6Addr::LOCALHOST.into()),
        Name::Dns("localhost".to_owned()),
    ]);
    names.extend(KUBERNETES.map(|name| Name::Dns(name.to_owned())));
    names.extend(hostname.parse::<Name>());
    names.extend(Some(listen.ip()).filter(|ip| !ip.is_unspecified()).map(Name::Ip));
    names.extend(extra.iter().cloned());
    names
}

/// The URL for clients on this machine: a wildcard address is reached by loopback.
pub(crate) fn server_url(listen: SocketAddr) -> String {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    format!("https://{}", SocketAddr::new(ip, listen.port()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(names: &BTreeSet<Name>) -> Vec<String> {
        names.iter().map(Name::to_string).collect()
    }

    #[test]
    fn the_names_are_those_by_which_a_client_may_come() {
        let extra = [
            "lease.example".parse().unwrap(),
            "*.x.example".parse().unwrap(),
            "localhost".parse().unwrap(),
        ];
        let names = serving_names("192.0.2.7:6443".parse().unwrap(), "Box-1", &extra);
        let wanted = [
            "*.x.example",
            "box-1",
            "kubernetes",
            "kubernetes.default",
            "kubernetes.default.svc",
            "lease.example",
            "localhost",
            "127.0.0.1",
            "192.0.2.7",
            "::1",
        ];
        assert_eq!(listed(&names), wanted);
    }

    #[test]
    fn a_wildcard_address_is_no_name() {
        for listen in ["0.0.0.0:1", "[::]:1"] {
            let names = serving_names(listen.parse().unwrap(), "not a host name", &[]);
            assert_eq!(names.len(), 6, "{:?}", listed(&names));
        }
    }

    #[test]
    fn the_url_can_be_reached() {
        for (listen, url) in [
            ("127.0.0.1:6443", "https://127.0.0.1:6443"),
            ("0.0.0.0:1", "https://127.0.0.1:1"),
            ("[::]:1", "https://[::1]:1"),
            ("192.0.2.7:443", "https://192.0.2.7:443"),
        ] {
            assert_eq!(server_url(listen.parse().unwrap()), url);
        }
    }
}
