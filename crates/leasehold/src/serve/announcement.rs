//! Says where the server is, once it answers: to people on stdout, to machines in the log.

use std::net::SocketAddr;
use std::path::PathBuf;

use super::prepare::Prepared;
use crate::cli::LogFormat;
use crate::{banner, printer};

/// What there is to say.
pub(super) struct Announcement {
    url: String,
    kubeconfig: PathBuf,
    insecure: Option<SocketAddr>,
    data_dir: PathBuf,
    format: LogFormat,
}

impl Announcement {
    pub(super) fn of(prepared: &Prepared) -> Self {
        Self {
            url: prepared.pki.server_url().to_owned(),
            kubeconfig: prepared.pki.admin_kubeconfig().to_owned(),
            insecure: prepared.http.as_ref().and_then(|listener| listener.local_addr().ok()),
            data_dir: prepared.data_dir.path().to_owned(),
            format: prepared.settings.log.format,
        }
    }

    pub(super) fn make(&self) {
        tracing::info!(
            version = env!("CARGO_PKG_VERSION"),
            url = self.url,
            insecure_http = self.insecure.map(tracing::field::display),
            data_dir = %self.data_dir.display(),
            "listening"
        );
        if self.format == LogFormat::Human {
            printer::data(&banner::text(&self.url, self.insecure, &self.kubeconfig));
        }
    }
}
