//! [`Target`]: where to send requests, and as whom.

use std::path::Path;
use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::Uri;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use serde::Deserialize;
use tokio_rustls::TlsConnector;

use crate::Error;

/// A server, and the credentials of somebody who may do everything there.
#[derive(Clone)]
pub struct Target {
    /// `host:port`.
    pub(crate) authority: String,
    /// `None` is plain HTTP.
    pub(crate) tls: Option<Tls>,
    pub(crate) token: Option<String>,
}

/// How to speak TLS with the server.
#[derive(Clone)]
pub(crate) struct Tls {
    pub(crate) server: ServerName<'static>,
    pub(crate) identified: TlsConnector,
    /// Shows no client certificate: for requests that bring credentials of their own, which must be what counts.
    pub(crate) anonymous: TlsConnector,
}

/// A client certificate chain and its key, in PEM.
struct Identity<'a> {
    certificate: &'a [u8],
    key: &'a [u8],
}

impl Target {
    /// A server that speaks plain HTTP, at `host:port`.
    #[must_use]
    pub fn plain(authority: &str, token: Option<&str>) -> Self {
        Self {
            authority: authority.to_owned(),
            tls: None,
            token: token.map(str::to_owned),
        }
    }

    /// The server that the environment names, if it does: `LEASEHOLD_CONFORMANCE_SERVER` is its URL,
    /// `LEASEHOLD_CONFORMANCE_TOKEN` a bearer token and `LEASEHOLD_CONFORMANCE_CA` a file with its CA in PEM.
    pub fn from_env() -> Result<Option<Self>, Error> {
        let Ok(server) = std::env::var("LEASEHOLD_CONFORMANCE_SERVER") else {
            return Ok(None);
        };
        let ca = std::env::var_os("LEASEHOLD_CONFORMANCE_CA").map(std::fs::read);
        let token = std::env::var("LEASEHOLD_CONFORMANCE_TOKEN").ok();
        Self::new(&server, ca.transpose()?.as_deref(), None, token).map(Some)
    }

    /// The server and the user of a kubeconfig's first entries, with all credentials embedded.
    pub fn from_kubeconfig(path: &Path) -> Result<Self, Error> {
        let file: Kubeconfig = serde_saphyr::from_str(&std::fs::read_to_string(path)?)?;
        let cluster = file.clusters.into_iter().next().ok_or("no cluster")?.cluster;
        let user = file.users.into_iter().next().ok_or("no user")?.user;
        let ca = decode(cluster.ca)?;
        let (certificate, key) = (decode(user.certificate)?, decode(user.key)?);
        let identity = match (&certificate, &key) {
            (Some(certificate), Some(key)) => Some(Identity { certificate, key }),
            _ => None,
        };
        Self::new(&cluster.server, ca.as_deref(), identity.as_ref(), user.token)
    }

    fn new(
        url: &str,
        ca: Option<&[u8]>,
        identity: Option<&Identity<'_>>,
        token: Option<String>,
    ) -> Result<Self, Error> {
        let url: Uri = url.parse()?;
        let host = url.host().ok_or("a server's URL needs a host")?;
        let is_tls = url.scheme_str() == Some("https");
        let port = url.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
        let tls = match (is_tls, ca) {
            (false, _) => None,
            (true, Some(ca)) => Some(Tls::new(host, ca, identity)?),
            (true, None) => return Err("an https server needs a CA to be checked with".into()),
        };
        let authority = format!("{host}:{port}");
        Ok(Self { authority, tls, token })
    }
}

impl Tls {
    fn new(host: &str, ca: &[u8], identity: Option<&Identity<'_>>) -> Result<Self, Error> {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(ca) {
            roots.add(certificate?)?;
        }
        if roots.is_empty() {
            return Err("there is no certificate in the CA".into());
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = || -> Result<_, Error> {
            let builder = ClientConfig::builder_with_provider(provider.clone());
            Ok(builder
                .with_safe_default_protocol_versions()?
                .with_root_certificates(roots.clone()))
        };
        let anonymous = config()?.with_no_client_auth();
        let identified = match identity {
            Some(identity) => {
                let chain = CertificateDer::pem_slice_iter(identity.certificate).collect::<Result<_, _>>()?;
                config()?.with_client_auth_cert(chain, PrivateKeyDer::from_pem_slice(identity.key)?)?
            }
            None => anonymous.clone(),
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        Ok(Self {
            server: ServerName::try_from(host.to_owned())?,
            identified: Arc::new(identified).into(),
            anonymous: Arc::new(anonymous).into(),
        })
    }
}

fn decode(data: Option<String>) -> Result<Option<Vec<u8>>, Error> {
    Ok(data.map(|data| BASE64_STANDARD.decode(data)).transpose()?)
}

#[derive(Deserialize)]
struct Kubeconfig {
    clusters: Vec<NamedCluster>,
    users: Vec<NamedUser>,
}

#[derive(Deserialize)]
struct NamedCluster {
    cluster: Cluster,
}

#[derive(Deserialize)]
struct Cluster {
    server: String,
    #[serde(rename = "certificate-authority-data")]
    ca: Option<String>,
}

#[derive(Deserialize)]
struct NamedUser {
    user: User,
}

#[derive(Deserialize)]
struct User {
    #[serde(rename = "client-certificate-data")]
    certificate: Option<String>,
    #[serde(rename = "client-key-data")]
    key: Option<String>,
    token: Option<String>,
}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::*;
    use crate::exchange::{Outgoing, send};
    use crate::tls_fake::TlsFake;

    async fn ask(target: &Target, authorization: Option<&str>) -> String {
        let mut outgoing = Outgoing::new(Method::GET, "/", None);
        if let Some(value) = authorization {
            outgoing.header("Authorization", value).unwrap();
        }
        let body = send(target, outgoing).await.unwrap().bytes().await.unwrap();
        String::from_utf8(body.to_vec()).unwrap()
    }

    #[tokio::test]
    async fn a_kubeconfig_leads_to_a_server_and_a_request_with_credentials_shows_no_certificate() {
        let server = TlsFake::start().await;
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("config");
        std::fs::write(&path, &server.kubeconfig).unwrap();
        let target = Target::from_kubeconfig(&path).unwrap();
        assert_eq!(ask(&target, None).await, "identified");
        assert_eq!(ask(&target, Some("Bearer wrong")).await, "anonymous");
    }

    #[tokio::test]
    async fn a_server_of_another_ca_is_not_believed() {
        let (server, other) = (TlsFake::start().await, TlsFake::start().await);
        let url = |kubeconfig: &str| kubeconfig.lines().find(|l| l.contains("server:")).unwrap().to_owned();
        let mixed = server
            .kubeconfig
            .replace(&url(&server.kubeconfig), &url(&other.kubeconfig));
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("config");
        std::fs::write(&path, mixed).unwrap();
        let target = Target::from_kubeconfig(&path).unwrap();
        assert!(send(&target, Outgoing::new(Method::GET, "/", None)).await.is_err());
    }

    #[test]
    fn urls_that_cannot_be_reached_safely_are_refused() {
        for (url, ca) in [
            ("https://x:1", None),
            ("/x", None),
            ("https://x:1", Some(&b"-----BEGIN"[..])),
        ] {
            assert!(Target::new(url, ca, None, None).is_err(), "{url}");
        }
        let plain = Target::new("http://x", None, None, None).unwrap();
        assert_eq!(plain.authority, "x:80");
    }
}
