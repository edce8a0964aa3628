//! Keeps the certificates of a running server in order.
//!
//! Once an hour, which is often enough and costs a look at a few small files. It also follows files that someone else
//! renews (`--tls-cert`, `--client-ca`). A failure is logged, and the server goes on with what it has.

use std::time::Duration;

use jiff::Timestamp;
use leasehold_clock::Clock;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::prepare::log_changes;
use crate::calendar;
use crate::failure::{Failure, Kind};
use crate::pki::{Pki, TlsMaterial};

const PERIOD: Duration = Duration::from_hours(1);

/// Looks after the certificates until `stop` is cancelled, and sends what changes through `tls`.
pub(crate) async fn keep(pki: &Pki, tls: &watch::Sender<TlsMaterial>, clock: &dyn Clock, stop: &CancellationToken) {
    while stop
        .run_until_cancelled(clock.sleep_until(clock.now() + PERIOD))
        .await
        .is_some()
    {
        match look(pki, clock).await {
            Ok(material) => publish(tls, material),
            Err(failure) => tracing::error!(error = failure.message(), "cannot look after the certificates"),
        }
    }
}

/// Brings the files into order and reads them, beside the runtime: it may have to wait for the disk.
async fn look(pki: &Pki, clock: &dyn Clock) -> Result<TlsMaterial, Failure> {
    let (pki, now) = (pki.clone(), calendar::now(clock)?);
    match tokio::task::spawn_blocking(move || ensured(&pki, now)).await {
        Ok(looked) => looked,
        Err(error) => Err(Failure::new(
            Kind::Runtime,
            format!("the look at the certificates ended early: {error}"),
        )),
    }
}

fn ensured(pki: &Pki, now: Timestamp) -> Result<TlsMaterial, Failure> {
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::UNIX_EPOCH;

    use leasehold_clock::SimulatedClock;

    use super::*;
    use crate::cli::Settings;
    use crate::serve::prepare::prepare;

    const DAY: Duration = Duration::from_hours(24);

    /// Lets so many hours pass, or fewer if `tls` has something new before.
    async fn next_change(hours: u32, clock: &SimulatedClock, tls: &mut watch::Receiver<TlsMaterial>) -> bool {
        for _ in 0..hours {
            clock.advance(PERIOD);
            if tokio::time::timeout(Duration::from_millis(100), tls.changed())
                .await
                .is_ok()
            {
                return true;
            }
        }
        false
    }

    #[tokio::test]
    async fn a_certificate_is_renewed_while_the_server_runs_even_after_a_failure() {
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(SimulatedClock::new(UNIX_EPOCH + DAY * 20_700));
        let settings = Settings::for_tests(dir.path());
        let prepared = prepare(settings, clock.clone()).await.unwrap();
        let mut tls = prepared.tls.subscribe();
        let first = tls.borrow_and_update().serving.cert.clone();
        let stop = CancellationToken::new();

        let story = async {
            let key = dir.path().join("pki/ca.key");
            let good = std::fs::read(&key).unwrap();
            std::fs::write(&key, "garbage").unwrap();
            clock.set_wall(UNIX_EPOCH + DAY * (20_700 + 340));
            assert!(
                !next_change(2, &clock, &mut tls).await,
                "without a CA it goes on with what it has"
            );
            std::fs::write(&key, good).unwrap();
            assert!(
                next_change(100, &clock, &mut tls).await,
                "the failure must not end the watching over"
            );
            assert_ne!(tls.borrow().serving.cert, first);
            stop.cancel();
        };
        tokio::join!(keep(&prepared.pki, &prepared.tls, clock.as_ref(), &stop), story);
    }
}
