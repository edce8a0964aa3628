//! From settings to things that exist: the locked data directory, the bound sockets, the certificates.
//!
//! The order matters. The lock comes first, so that a second server changes nothing; the sockets come before the
//! certificates, because a busy port must change nothing either and the admin's kubeconfig names the real port.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use leasehold_clock::Clock;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::calendar;
use crate::cli::Settings;
use crate::data_dir::DataDir;
use crate::failure::{Failure, Kind};
use crate::pki::{Changed, Pki, TlsMaterial};

/// All that serving needs, checked and open.
pub(crate) struct Prepared {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) settings: Settings,
    /// Held until the server has ended.
    pub(crate) data_dir: DataDir,
    /// Bound for HTTPS.
    pub(crate) https: TcpListener,
    /// Bound for plain HTTP on loopback, if wished for.
    pub(crate) http: Option<TcpListener>,
    pub(crate) pki: Pki,
    /// What to serve TLS with; the server subscribes to follow renewals.
    pub(crate) tls: watch::Sender<TlsMaterial>,
}

/// Makes everything ready, or says in one line what cannot be had.
pub(crate) async fn prepare(settings: Settings, clock: Arc<dyn Clock>) -> Result<Prepared, Failure> {
    let data_dir = DataDir::open(&settings.data_dir)?;
    if let Some(path) = &settings.token_file {
        check_token_file(path)?;
    }
    let https = bind("--listen", settings.listen).await?;
    let http = match settings.insecure_http {
        Some(address) => Some(bind("--insecure-http", address).await?),
        None => None,
    };
    let listen = https
        .local_addr()
        .map_err(|error| cannot_listen("--listen", settings.listen, &error))?;
    let hostname = rustix::system::uname();
    let pki = Pki::new(&data_dir, &settings, listen, &hostname.nodename().to_string_lossy());
    log_changes(&pki.ensure(calendar::now(clock.as_ref())?)?);
    let material = pki.material()?;
    tracing::debug!(
        chain = material.serving.cert.len(),
        client_cas = material.client_cas.len(),
        "TLS is ready"
    );
    Ok(Prepared {
        clock,
        settings,
        data_dir,
        https,
        http,
        pki,
        tls: watch::Sender::new(material),
    })
}

/// Logs what was made anew, and why.
pub(crate) fn log_changes(changed: &Changed) {
    if changed.ca {
        tracing::info!("made a certificate authority");
    }
    for (name, reason) in [("serving", changed.serving), ("admin", changed.admin)] {
        if let Some(reason) = reason {
            tracing::info!(certificate = name, %reason, "issued a certificate");
        }
    }
    if changed.kubeconfig {
        tracing::info!("wrote the admin's kubeconfig");
    }
}

/// It must be readable. What it holds, and who else can read it, is looked at when it is opened for good.
fn check_token_file(path: &Path) -> Result<(), Failure> {
    let unreadable = |error| {
        Failure::new(
            Kind::Certificates,
            format!("cannot read token file {}: {error}", path.display()),
        )
    };
    std::fs::File::open(path).map(drop).map_err(unreadable)
}

async fn bind(flag: &str, address: SocketAddr) -> Result<TcpListener, Failure> {
    TcpListener::bind(address)
        .await
        .map_err(|error| cannot_listen(flag, address, &error))
}

fn cannot_listen(flag: &str, address: SocketAddr, error: &std::io::Error) -> Failure {
    Failure::new(Kind::Listen, format!("cannot listen on {address}: {error}"))
        .hint(format!("choose another address with {flag}"))
}
