//! The way to an etcd: files read, settings tried out, and what goes wrong as one line.

use std::path::Path;

use leasehold_etcd::{Client, Error, Options, RangeRequest, TlsOptions};

use crate::cli::EtcdSettings;
use crate::failure::{Failure, Kind};

/// How to reach it, with every file read.
pub(crate) fn options(settings: &EtcdSettings) -> Result<Options, Failure> {
    let mut options = Options::new(settings.endpoints.clone());
    let client = settings.tls.client.as_ref();
    options.tls = Some(TlsOptions {
        ca: settings
            .tls
            .ca
            .as_deref()
            .map(|path| read("--etcd-ca", path))
            .transpose()?,
        cert: client.map(|(cert, _)| read("--etcd-cert", cert)).transpose()?,
        key: client.map(|(_, key)| read("--etcd-key", key)).transpose()?,
    });
    Ok(options)
}

/// Fails at once where waiting would not help: certificates that do not fit, or no permission. An etcd that is away is none of
/// that.
pub(crate) async fn try_out(options: &Options) -> Result<(), Failure> {
    let client = Client::new(options.clone()).map_err(|error| failure(&error))?;
    match client.range(RangeRequest::key("/").count_only()).await {
        Err(error) if !error.is_transient() => Err(failure(&error)),
        _ => Ok(()),
    }
}

/// What an error means to a user.
pub(crate) fn failure(error: &Error) -> Failure {
    match error {
        Error::Denied(_) => Failure::new(Kind::Certificates, error.to_string())
            .hint("--etcd-ca must have issued etcd's certificate, and etcd must accept --etcd-cert"),
        Error::Invalid(_) => Failure::new(Kind::Certificates, error.to_string()),
        _ => Failure::new(Kind::Runtime, error.to_string()),
    }
}

fn read(flag: &str, path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|error| {
        Failure::new(
            Kind::Certificates,
            format!("{flag}: cannot read {}: {error}", path.display()),
        )
    })
}
