//! Certificates and keys: made on the first start, renewed before they expire, never silently replaced at the root.
//!
//! Below `DATA_DIR/pki` are `ca`, `serving` and `admin`, each a `.crt` and a `.key`; beside it `admin.kubeconfig`.
//! [`Pki::ensure`] brings all of them into order and can be called at any time; [`Pki::material`] is what the server
//! then serves with. Whether a certificate still does is decided by the pure [`decide`].
//!
//! It never prints, and no key ever reaches a log or an error.

mod ca;
mod decide;
mod inspect;
mod issue;
mod names;
mod sec1;
mod subject;

use std::collections::BTreeSet;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use rustls::sign::CertifiedKey;
use rustls_pki_types::CertificateDer;

pub(crate) use ca::Ca;
pub(crate) use decide::{Reason, Subject, Usage, Wanted};
pub(crate) use names::Name;

use crate::cli::{ServingCertificate, Settings};
use crate::data_dir::DataDir;
use crate::failure::{Failure, Kind};
use crate::kubeconfig::{Cluster, Kubeconfig};
use crate::{files, kubeconfig};

const CA: &str = "ca";
const SERVING: &str = "serving";
const ADMIN: &str = "admin";

/// The user in the admin's certificate and kubeconfig.
const ADMIN_USER: &str = "leasehold-admin";
/// The group that may do everything.
const MASTERS: &str = "system:masters";

/// A clock that shows less was never set (2026-01-01): certificates made by it would be expired once it is.
const EARLIEST_CLOCK_SECONDS: i64 = 1_767_225_600;

/// The certificates of one data directory.
#[derive(Debug, Clone)]
pub(crate) struct Pki {
    dir: PathBuf,
    kubeconfig: PathBuf,
    serving: Serving,
    client_ca: Option<PathBuf>,
    server_url: String,
    listen: SocketAddr,
}

#[derive(Debug, Clone)]
enum Serving {
    Own(BTreeSet<Name>),
    Files { cert: PathBuf, key: PathBuf },
}

/// What [`Pki::ensure`] did.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Changed {
    /// A CA was made: the first start.
    pub(crate) ca: bool,
    /// Why the serving certificate was issued, if it was.
    pub(crate) serving: Option<Reason>,
    /// Why the admin's certificate was issued, if it was.
    pub(crate) admin: Option<Reason>,
    /// The admin's kubeconfig was written.
    pub(crate) kubeconfig: bool,
}

/// What the server needs for TLS.
#[derive(Debug, Clone)]
pub(crate) struct TlsMaterial {
    /// Chain and key to serve with.
    pub(crate) serving: Arc<CertifiedKey>,
    /// CAs whose client certificates are trusted: our own first.
    pub(crate) client_cas: Vec<CertificateDer<'static>>,
}

impl PartialEq for TlsMaterial {
    fn eq(&self, other: &Self) -> bool {
        self.serving.cert == other.serving.cert && self.client_cas == other.client_cas
    }
}

impl Pki {
    /// The certificates below `data_dir` for a server that really listens on `listen`.
    pub(crate) fn new(data_dir: &DataDir, settings: &Settings, listen: SocketAddr, hostname: &str) -> Self {
        let serving = match settings.certificate.clone() {
            ServingCertificate::Own(extra) => Serving::Own(names::serving_names(listen, hostname, &extra)),
            ServingCertificate::Files { cert, key } => Serving::Files { cert, key },
        };
        Self {
            dir: dir_in(data_dir.path()),
            kubeconfig: kubeconfig::admin_path(data_dir.path()),
            serving,
            client_ca: settings.client_ca.clone(),
            server_url: names::server_url(listen),
            listen,
        }
    }

    /// Brings every file into order: whatever is missing, broken, about to expire or out of date is made anew.
    ///
    /// # Errors
    /// If the CA is there and cannot be used, if a file cannot be read or written, or if the clock was never set.
    pub(crate) fn ensure(&self, now: Timestamp) -> Result<Changed, Failure> {
        if now.as_second() < EARLIEST_CLOCK_SECONDS {
            return Err(Failure::new(
                Kind::Certificates,
                format!("the clock says {now}, so no certificate can be made"),
            )
            .hint("set the clock of this machine first"));
        }
        self.make_private()?;
        let (ca, made) = match Ca::load(&self.dir, now)? {
            Some(ca) => (ca, false),
            None => (Ca::create(&self.dir, now)?, true),
        };
        let serving = match &self.serving {
            Serving::Own(names) => self.ensure_pair(&ca, SERVING, &serving_wanted(names), now)?,
            Serving::Files { .. } => None,
        };
        let admin = self.ensure_pair(&ca, ADMIN, &admin_wanted(), now)?;
        let kubeconfig = self.ensure_kubeconfig(&ca)?;
        Ok(Changed {
            ca: made,
            serving,
            admin,
            kubeconfig,
        })
    }

    /// Reads what the server serves with; after [`Pki::ensure`].
    pub(crate) fn material(&self) -> Result<TlsMaterial, Failure> {
        let (cert, key) = match &self.serving {
            Serving::Own(_) => (certificate_path(&self.dir, SERVING), key_path(&self.dir, SERVING)),
            Serving::Files { cert, key } => (cert.clone(), key.clone()),
        };
        let serving = inspect::certified(&text(&cert)?, &text(&key)?).map_err(|error| match error {
            inspect::CertifiedError::Certificate(problem) => unusable(&cert, &problem),
            inspect::CertifiedError::Key(problem) => unusable(&key, &problem),
        })?;
        let mut client_cas = bundle(&certificate_path(&self.dir, CA))?;
        if let Some(more) = &self.client_ca {
            client_cas.extend(bundle(more)?);
        }
        Ok(TlsMaterial { serving, client_cas })
    }

    /// Path of the admin's kubeconfig.
    pub(crate) fn admin_kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// URL at which clients on this machine reach the server.
    pub(crate) fn server_url(&self) -> &str {
        &self.server_url
    }

    fn make_private(&self) -> Result<(), Failure> {
        files::create_private_dir(&self.dir).map_err(|error| failed("create", &self.dir, &error))?;
        let keys = [CA, SERVING, ADMIN].map(|name| key_path(&self.dir, name));
        for path in keys.iter().chain([&self.dir, &self.kubeconfig]) {
            match files::make_private(path) {
                Ok(true) => tracing::warn!(path = %path.display(), "others could read this; now they cannot"),
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed("protect", path, &error)),
                _ => {}
            }
        }
        Ok(())
    }

    fn ensure_pair(&self, ca: &Ca, name: &str, wanted: &Wanted, now: Timestamp) -> Result<Option<Reason>, Failure> {
        let (certificate, key) = (certificate_path(&self.dir, name), key_path(&self.dir, name));
        let reason = decide::decide(&existing(&certificate, &key, ca)?, wanted, now);
        if reason.is_some() {
            let pair = ca.issue(wanted, now, issue::LEAF_LIFE.unsigned_abs())?;
            // The key first: a crash in between leaves a pair that does not fit, which the next start replaces.
            files::write(&key, pair.key.expose(), files::PRIVATE).map_err(|error| failed("write", &key, &error))?;
            files::write(&certificate, &pair.certificate, files::PUBLIC)
                .map_err(|error| failed("write", &certificate, &error))?;
        }
        Ok(reason)
    }

    /// Writes the admin's kubeconfig unless it is there, word for word.
    fn ensure_kubeconfig(&self, ca: &Ca) -> Result<bool, Failure> {
        let wanted = Kubeconfig {
            cluster: self.cluster(ca)?,
            user: ADMIN_USER.to_owned(),
            certificate: text(&certificate_path(&self.dir, ADMIN))?,
            key: crate::secret::Secret::new(text(&key_path(&self.dir, ADMIN))?),
        }
        .render()?;
        let path = &self.kubeconfig;
        let there = files::read(path).map_err(|error| failed("read", path, &error))?;
        if there.as_deref() == Some(wanted.expose()) {
            return Ok(false);
        }
        files::write(path, wanted.expose(), files::PRIVATE).map_err(|error| failed("write", path, &error))?;
        Ok(true)
    }

    /// How clients reach the server and know it.
    fn cluster(&self, ca: &Ca) -> Result<Cluster, Failure> {
        let server = self.server_url.clone();
        match &self.serving {
            Serving::Own(_) => Ok(Cluster {
                server,
                ca: Some(ca.pem().to_owned()),
                tls_server_name: None,
            }),
            Serving::Files { cert, .. } => {
                let given = inspect::given(&text(cert)?, self.listen.ip()).map_err(|error| unusable(cert, &error))?;
                Ok(Cluster {
                    server,
                    ca: given.root,
                    tls_server_name: given.other_name,
                })
            }
        }
    }
}

/// The directory of the certificates in a data directory.
pub(crate) fn dir_in(data_dir: &Path) -> PathBuf {
    data_dir.join("pki")
}

fn serving_wanted(names: &BTreeSet<Name>) -> Wanted {
    let subject = Subject {
        common_name: "leasehold".to_owned(),
        organizations: vec![],
    };
    Wanted {
        subject,
        names: names.clone(),
        usage: Usage::Server,
    }
}

fn admin_wanted() -> Wanted {
    let subject = Subject {
        common_name: ADMIN_USER.to_owned(),
        organizations: vec![MASTERS.to_owned()],
    };
    Wanted {
        subject,
        names: BTreeSet::new(),
        usage: Usage::Client,
    }
}

/// What is in the place of this pair. Bytes that are not text make it unreadable, as any other garbage does.
fn existing(certificate: &Path, key: &Path, ca: &Ca) -> Result<decide::Existing, Failure> {
    let read = |path: &Path| match files::read(path) {
        Ok(found) => Ok(found),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => Ok(Some(String::new())),
        Err(error) => Err(failed("read", path, &error)),
    };
    Ok(match (read(certificate)?, read(key)?) {
        (Some(certificate), Some(key)) => inspect::look_at(&certificate, &key, ca.der()),
        _ => decide::Existing::Absent,
    })
}

/// The certificates of a PEM file.
fn bundle(path: &Path) -> Result<Vec<CertificateDer<'static>>, Failure> {
    inspect::certificates(&text(path)?).map_err(|problem| unusable(path, &problem))
}

/// The text of a file that has to be there. It may be someone else's, so symbolic links are followed.
fn text(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path).map_err(|error| failed("read", path, &error))
}

fn certificate_path(dir: &Path, name: &str) -> PathBuf {
    dir.join(format!("{name}.crt"))
}

fn key_path(dir: &Path, name: &str) -> PathBuf {
    dir.join(format!("{name}.key"))
}

fn failed(to: &str, path: &Path, error: &io::Error) -> Failure {
    Failure::new(Kind::Certificates, format!("cannot {to} {}: {error}", path.display()))
}

fn unusable(path: &Path, problem: &str) -> Failure {
    Failure::new(Kind::Certificates, format!("{} {problem}", path.display()))
}

#[cfg(test)]
mod tests;
