//! Keeps the certificates of a running server in order.
//!
//! Once an hour, because a timer stands still while the machine sleeps, and a look costs a few small files. It also
//! follows files that someone else renews (`--tls-cert`, `--client-ca`). A failure is logged and the server goes on
//! with what it has.

use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::prepare::log_changes;
use crate::failure::Failure;
use crate::pki::{Pki, TlsMaterial};

const PERIOD: Duration = Duration::from_hours(1);

/// Looks after the certificates until `stop` is cancelled, and sends what changes through `tls`.
pub(crate) async fn keep(pki: &Pki, tls: &watch::Sender<TlsMaterial>, stop: &CancellationToken) {
    while stop.run_until_cancelled(tokio::time::sleep(PERIOD)).await.is_some() {
        let pki = pki.clone();
        let looked = tokio::task::spawn_blocking(move || look(&pki, Timestamp::now())).await;
        match looked {
            Ok(Ok(material)) => publish(tls, material),
            Ok(Err(failure)) => tracing::error!(error = failure.message(), "cannot look after the certificates"),
            Err(error) => tracing::error!(%error, "looking after the certificates failed"),
        }
    }
}

fn look(pki: &Pki, now: Timestamp) -> Result<TlsMaterial, Failure> {
    log_changes(&pki.ensure(now)?);
    pki.material()
}

fn publish(tls: &watch::Sender<TlsMaterial>, material: TlsMaterial) {
    let changed = tls.send_if_modified(|current| {
        let differs = *current != material;
        if differs {
            *current = material;
        }
        differs
    });
    if changed {
        tracing::info!("certificates were reloaded");
    }
}
