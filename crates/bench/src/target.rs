//! The server that is measured: where it is, how it is spoken to, and as whom.

use std::sync::Arc;

use http::uri::Authority;
use http::{HeaderValue, Uri};
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use tokio_rustls::TlsConnector;

use crate::Error;

/// The version of HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/2: many requests at once on a connection.
    H2,
    /// HTTP/1.1: one at a time.
    Http1,
}

/// A server, and who asks. Cheap to clone.
#[derive(Clone)]
pub struct Target {
    pub(crate) server: Arc<str>,
    pub(crate) protocol: Protocol,
    pub(crate) authority: Authority,
    pub(crate) host: Arc<str>,
    pub(crate) port: u16,
    pub(crate) prefix: Arc<str>,
    pub(crate) tls: Option<(TlsConnector, ServerName<'static>)>,
    pub(crate) authorization: Option<HeaderValue>,
    pub(crate) windows: Windows,
}

/// Bytes that the server may send ahead of our reading over HTTP/2.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Windows {
    pub(crate) stream: u32,
    pub(crate) connection: u32,
}

impl Windows {
    /// So many that it never waits for us.
    const AMPLE: Self = Self {
        stream: 8 << 20,
        connection: 64 << 20,
    };
    /// What a client has that says nothing of it.
    const USUAL: Self = Self {
        stream: (64 << 10) - 1,
        connection: (64 << 10) - 1,
    };
}

impl Target {
    /// The server at this URL: `https://` with `tls`, or `http://` without.
    ///
    /// # Errors
    /// [`Error::Plan`] when it is not such a URL, or when the token would go in the clear to another machine.
    pub fn new(
        server: &str,
        tls: Option<ClientConfig>,
        server_name: Option<&str>,
        token: Option<&str>,
        protocol: Protocol,
    ) -> Result<Self, Error> {
        let not_a_server = || Error::plan(format!("'{server}' is not the URL of a server"));
        let uri: Uri = server.parse().map_err(|_| not_a_server())?;
        let authority = uri.authority().ok_or_else(not_a_server)?.clone();
        let host: Arc<str> = authority.host().trim_matches(['[', ']']).into();
        let (tls, default_port) = match (uri.scheme_str(), tls) {
            (Some("https"), Some(config)) => {
                let name = server_name.unwrap_or(&host).to_owned();
                let name = ServerName::try_from(name).map_err(|_| not_a_server())?;
                (Some((connector(config, protocol), name)), 443)
            }
            (Some("http"), _) => (None, 80),
            _ => return Err(not_a_server()),
        };
        if tls.is_none() && token.is_some() && !is_loopback(&host) {
            return Err(Error::plan("a token goes over http:// to a loopback address only"));
        }
        Ok(Self {
            server: server.into(),
            protocol,
            port: authority.port_u16().unwrap_or(default_port),
            prefix: uri.path().trim_end_matches('/').into(),
            authority,
            host,
            tls,
            authorization: token.map(bearer).transpose()?,
            windows: Windows::AMPLE,
        })
    }

    /// The same, with no more room for what is not read than any client has.
    pub(crate) fn with_usual_windows(self) -> Self {
        Self {
            windows: Windows::USUAL,
            ..self
        }
    }

    /// Its URL, as it was given.
    #[must_use]
    pub fn server(&self) -> &str {
        &self.server
    }

    pub(crate) fn failed(&self, why: &dyn std::fmt::Display) -> Error {
        Error::Connection {
            server: self.server.to_string(),
            why: why.to_string(),
        }
    }
}

fn connector(mut config: ClientConfig, protocol: Protocol) -> TlsConnector {
    config.alpn_protocols = vec![match protocol {
        Protocol::H2 => b"h2".to_vec(),
        Protocol::Http1 => b"http/1.1".to_vec(),
    }];
    TlsConnector::from(Arc::new(config))
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback())
}

fn bearer(token: &str) -> Result<HeaderValue, Error> {
    let mut value =
        HeaderValue::try_from(format!("Bearer {token}")).map_err(|_| Error::plan("the token is not text"))?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(server: &str, token: Option<&str>) -> Result<Target, Error> {
        Target::new(server, None, None, token, Protocol::H2)
    }

    #[test]
    fn a_url_is_taken_apart() {
        let target = plain("http://[::1]:8080/a/", None).unwrap();
        assert_eq!((&*target.host, target.port, &*target.prefix), ("::1", 8080, "/a"));
        assert_eq!(plain("http://localhost", None).unwrap().port, 80);
        for wrong in ["localhost:80", "https://localhost", "ftp://localhost", "/", ""] {
            assert!(plain(wrong, None).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_token_does_not_leave_the_machine_in_the_clear() {
        for (server, fine) in [
            ("http://127.0.0.1:1", true),
            ("http://localhost:1", true),
            ("http://192.0.2.1", false),
        ] {
            assert_eq!(plain(server, Some("t")).is_ok(), fine, "{server}");
        }
        assert!(plain("http://192.0.2.1", None).is_ok());
    }
}
