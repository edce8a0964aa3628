//! `leasehold kubeconfig`: signs a client certificate with the CA of a data directory.
//!
//! It only reads the data directory, so it works beside a running server.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use crate::cli::Credentials;
use crate::failure::{Failure, Kind};
use crate::kubeconfig::{self, Kubeconfig};
use crate::pki::{self, Ca, Subject, Usage, Wanted};
use crate::printer;
use crate::secret::Secret;

/// The kubeconfig that was wished for. Server and CA are those of the admin's own kubeconfig.
pub(crate) fn issue(wish: &Credentials, now: Timestamp) -> Result<Secret, Failure> {
    let path = kubeconfig::admin_path(&wish.data_dir);
    let (Some(ca), Some(mut cluster)) = (
        Ca::load(&pki::dir_in(&wish.data_dir), now)?,
        kubeconfig::read_cluster(&path)?,
    ) else {
        return Err(Failure::new(
            Kind::DataDir,
            format!("{} holds no server's data", wish.data_dir.display()),
        )
        .hint("start 'leasehold serve' once, or name its directory with --data-dir"));
    };
    if let Some(server) = &wish.server {
        cluster.server.clone_from(server);
    }
    let pair = ca.issue(&wanted(wish), now, wish.expiry)?;
    if pair.not_after.duration_since(now) + SignedDuration::from_secs(1) < signed(wish) {
        printer::note(&format!(
            "the CA ends at {0}, so the certificate does too",
            pair.not_after
        ));
    }
    let user = wish.identity.user.clone();
    Kubeconfig {
        cluster,
        user,
        certificate: pair.certificate,
        key: pair.key,
    }
    .render()
}

fn wanted(wish: &Credentials) -> Wanted {
    let subject = Subject {
        common_name: wish.identity.user.clone(),
        organizations: wish.identity.groups.clone(),
    };
    Wanted {
        subject,
        names: BTreeSet::new(),
        usage: Usage::Client,
    }
}

/// The settings bound the expiry to years, so it always fits.
fn signed(wish: &Credentials) -> SignedDuration {
    SignedDuration::try_from(wish.expiry).unwrap_or(SignedDuration::MAX)
}
