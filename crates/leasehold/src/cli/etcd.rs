//! The flags of `serve` and `migrate` that say which etcd to use, and what they mean. (Those of `serve` are in [`super::args`]
//! once more, where a file can hold them too.)

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::duration::HumanDuration;
use super::settings::within;
use crate::failure::{Failure, Kind};

/// Where Kubernetes keeps its objects.
const DEFAULT_PREFIX: &str = "/registry";
/// As kube-apiserver's.
const DEFAULT_COMPACTION: Duration = Duration::from_mins(5);

/// How etcd is reached, apart from where it is.
#[derive(Debug, Default, Clone, PartialEq, Args)]
pub(crate) struct EtcdArgs {
    /// What all keys in etcd begin with [default: /registry]
    #[arg(long, env = "LEASEHOLD_ETCD_PREFIX", value_name = "PATH")]
    pub(crate) etcd_prefix: Option<String>,

    /// CA certificates (PEM) that etcd's certificate may come from [default: the system's]
    #[arg(long, env = "LEASEHOLD_ETCD_CA", value_name = "FILE")]
    pub(crate) etcd_ca: Option<PathBuf>,

    /// Client certificate chain (PEM) to show to etcd; needs --etcd-key
    #[arg(long, env = "LEASEHOLD_ETCD_CERT", value_name = "FILE")]
    pub(crate) etcd_cert: Option<PathBuf>,

    /// Private key (PEM) of --etcd-cert
    #[arg(long, env = "LEASEHOLD_ETCD_KEY", value_name = "FILE")]
    pub(crate) etcd_key: Option<PathBuf>,
}

/// An etcd cluster, and the place of our objects in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EtcdSettings {
    /// `https://HOST:PORT` or `http://HOST:PORT`, one scheme for all.
    pub(crate) endpoints: Vec<String>,
    /// A path that begins with a slash and does not end with one.
    pub(crate) prefix: String,
    /// Files for TLS; none with http.
    pub(crate) tls: EtcdTls,
}

/// PEM files.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct EtcdTls {
    pub(crate) ca: Option<PathBuf>,
    /// Chain and key.
    pub(crate) client: Option<(PathBuf, PathBuf)>,
}

impl EtcdArgs {
    /// Whether there are files for TLS.
    pub(super) fn any_tls(&self) -> bool {
        self.etcd_ca.is_some() || self.etcd_cert.is_some() || self.etcd_key.is_some()
    }

    /// The first of them that is given.
    pub(super) fn any(&self) -> Option<&'static str> {
        let given = [
            ("--etcd-prefix", self.etcd_prefix.is_some()),
            ("--etcd-ca", self.etcd_ca.is_some()),
            ("--etcd-cert", self.etcd_cert.is_some()),
            ("--etcd-key", self.etcd_key.is_some()),
        ];
        given.into_iter().find_map(|(flag, is_given)| is_given.then_some(flag))
    }
}

impl EtcdSettings {
    /// Checks what the flags mean together. Whether a host is there, or a file readable, is seen later.
    pub(super) fn new(endpoints: Vec<String>, given: EtcdArgs) -> Result<Self, Failure> {
        let is_tls = schemes(&endpoints)?;
        let tls = tls(given.etcd_ca, given.etcd_cert, given.etcd_key)?;
        if !is_tls && tls != EtcdTls::default() {
            return Err(usage("--etcd-ca, --etcd-cert and --etcd-key have no use with http://")
                .hint("write https:// if etcd serves TLS"));
        }
        Ok(Self {
            endpoints,
            prefix: prefix(given.etcd_prefix)?,
            tls,
        })
    }
}

/// How often old revisions are compacted; `None` leaves it to others.
pub(super) fn compaction_interval(given: Option<HumanDuration>) -> Result<Option<Duration>, Failure> {
    if given.is_some_and(|given| given.0.is_zero()) {
        return Ok(None);
    }
    within("etcd-compaction-interval", given, DEFAULT_COMPACTION, "1s", "24h").map(Some)
}

/// Whether all of them are https; 2 when they are not all alike, or one is no URL of a server.
fn schemes(endpoints: &[String]) -> Result<bool, Failure> {
    let mut is_tls = None;
    for endpoint in endpoints {
        let this = scheme(endpoint).ok_or_else(|| {
            usage(format!(
                "etcd '{endpoint}' is not https://HOST:PORT or http://HOST:PORT"
            ))
        })?;
        if *is_tls.get_or_insert(this) != this {
            return Err(usage("etcd: all URLs must be https://, or all http://"));
        }
    }
    is_tls.ok_or_else(|| usage("etcd has no URL"))
}

/// Whether it is https; `None` if it is no URL of a server.
fn scheme(endpoint: &str) -> Option<bool> {
    let uri: http::Uri = endpoint.parse().ok()?;
    let authority = uri.authority()?;
    let names_a_server = uri.path() == "/" && uri.query().is_none() && !authority.as_str().contains('@');
    match uri.scheme_str()? {
        "https" if names_a_server => Some(true),
        "http" if names_a_server => Some(false),
        _ => None,
    }
}

fn tls(ca: Option<PathBuf>, cert: Option<PathBuf>, key: Option<PathBuf>) -> Result<EtcdTls, Failure> {
    let client = match (cert, key) {
        (Some(cert), Some(key)) => Some((cert, key)),
        (None, None) => None,
        (Some(_), None) => return Err(usage("--etcd-cert needs --etcd-key")),
        (None, Some(_)) => return Err(usage("--etcd-key needs --etcd-cert")),
    };
    Ok(EtcdTls { ca, client })
}

fn prefix(given: Option<String>) -> Result<String, Failure> {
    let prefix = given.unwrap_or_else(|| DEFAULT_PREFIX.to_owned());
    let is_plain = |part: &str| !part.is_empty() && !part.contains(|c: char| c.is_control() || c.is_whitespace());
    let parts = prefix
        .strip_prefix('/')
        .map(|parts| parts.strip_suffix('/').unwrap_or(parts));
    match parts {
        Some(parts) if parts.split('/').all(is_plain) => Ok(format!("/{parts}")),
        _ => Err(usage(format!(
            "--etcd-prefix '{prefix}' is not a path such as /registry"
        ))),
    }
}

fn usage(message: impl Into<String>) -> Failure {
    Failure::new(Kind::Usage, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(endpoints: &[&str], given: EtcdArgs) -> Result<EtcdSettings, Failure> {
        EtcdSettings::new(endpoints.iter().map(|&text| text.to_owned()).collect(), given)
    }

    fn with_ca() -> EtcdArgs {
        EtcdArgs {
            etcd_ca: Some("ca".into()),
            ..EtcdArgs::default()
        }
    }

    #[test]
    fn endpoints_are_urls_of_servers_and_all_of_one_scheme() {
        for good in [
            &["http://127.0.0.1:2379"][..],
            &["https://a.example", "https://[::1]:1/"],
        ] {
            assert_eq!(settings(good, EtcdArgs::default()).unwrap().endpoints, good);
        }
        for (bad, about) in [
            (&["127.0.0.1:2379"][..], "'127.0.0.1:2379' is not https://HOST:PORT"),
            (&["http://a:1/v3"], "'http://a:1/v3'"),
            (&["https://user@a:1"], "'https://user@a:1'"),
            (&["unix:///run/etcd"], "'unix:///run/etcd'"),
            (&["http://a:1", "https://b:1"], "all http://"),
            (&[], "no URL"),
            (&[""], "''"),
        ] {
            let failure = settings(bad, EtcdArgs::default()).unwrap_err();
            assert!(failure.message().contains(about), "{bad:?}: {}", failure.message());
        }
    }

    #[test]
    fn certificates_are_for_https_and_a_certificate_needs_its_key() {
        assert!(settings(&["https://a:1"], with_ca()).is_ok());
        assert!(settings(&["http://a:1"], with_ca()).is_err());
        for (cert, key) in [(Some("c"), None), (None, Some("k"))] {
            let given = EtcdArgs {
                etcd_cert: cert.map(Into::into),
                etcd_key: key.map(Into::into),
                ..EtcdArgs::default()
            };
            assert!(settings(&["https://a:1"], given).is_err());
        }
    }

    #[test]
    fn a_prefix_is_a_path() {
        for (given, wanted) in [("/registry/", "/registry"), ("/a/b", "/a/b")] {
            assert_eq!(prefix(Some(given.to_owned())).unwrap(), wanted);
        }
        assert_eq!(prefix(None).unwrap(), "/registry");
        for given in ["", "/", "registry", "/a//b", "/a b", "//"] {
            assert!(prefix(Some(given.to_owned())).is_err(), "{given}");
        }
    }

    #[test]
    fn an_interval_of_zero_leaves_compaction_to_others() {
        let given = |text: &str| compaction_interval(Some(text.parse().unwrap()));
        assert_eq!(given("0s").unwrap(), None);
        assert_eq!(given("1m").unwrap(), Some(Duration::from_mins(1)));
        assert!(given("100ms").is_err());
        assert_eq!(compaction_interval(None).unwrap(), Some(DEFAULT_COMPACTION));
    }
}
