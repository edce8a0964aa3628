//! From a kubeconfig or flags to the server that is measured.

use std::path::Path;

use leasehold_bench::{Protocol, Target};

use crate::access::{self, Access};
use crate::cli::Server;
use crate::client_tls;
use crate::failure::{Failure, Kind};
use crate::files;
use crate::secret::Secret;

pub(super) fn target(server: &Server, protocol: Protocol) -> Result<Target, Failure> {
    let access = match server {
        Server::Kubeconfig { path, context } => access::read(path, context.as_deref())?,
        Server::Url { url, token, .. } if url.starts_with("http://") => {
            let target = Target::new(url, None, None, token.as_deref(), protocol);
            return target.map_err(|error| Failure::new(Kind::Usage, error.to_string()));
        }
        Server::Url {
            url,
            ca,
            token,
            certificate,
        } => {
            let ca = ca.as_deref().ok_or_else(|| {
                Failure::new(
                    Kind::Usage,
                    "--server https://… needs --ca, the certificates it is checked with",
                )
            })?;
            let certificate = certificate.as_ref();
            let pair = certificate.map(|(certificate, key)| Ok((read(certificate)?, Secret::new(read(key)?))));
            Access {
                server: url.clone(),
                ca: read(ca)?,
                tls_server_name: None,
                certificate: pair.transpose()?,
                token: token.clone().map(Secret::new),
            }
        }
    };
    let tls = client_tls::config(&access)?;
    let token = access.token.as_ref().map(Secret::expose);
    Target::new(
        &access.server,
        Some(tls),
        access.tls_server_name.as_deref(),
        token,
        protocol,
    )
    .map_err(|error| Failure::new(Kind::Certificates, error.to_string()))
}

fn read(path: &Path) -> Result<String, Failure> {
    let unreadable = |why: String| Failure::new(Kind::Certificates, format!("{}: {why}", path.display()));
    let text = files::read(path).map_err(|error| unreadable(error.to_string()))?;
    text.ok_or_else(|| unreadable("there is no such file".to_owned()))
}
