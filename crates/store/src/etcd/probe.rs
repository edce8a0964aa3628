//! Asks etcd once a second whether a majority of it answers: what readiness rests on.

use std::sync::Arc;
use std::time::Duration;

use super::shared::Shared;

/// Between two questions.
const EVERY: Duration = Duration::from_secs(1);
/// How long an answer may take.
const WITHIN: Duration = Duration::from_secs(2);

/// Runs until the store closes.
pub(super) async fn run(shared: Arc<Shared>) {
    let closing = shared.closing.clone();
    let forever = async {
        loop {
            let asked = shared.clock.now();
            ask(&shared).await;
            shared.clock.sleep_until(asked + EVERY).await;
        }
    };
    let _closed = closing.run_until_cancelled(forever).await;
}

async fn ask(shared: &Shared) {
    let asked = shared.clock.now();
    let answer = tokio::time::timeout(WITHIN, shared.current()).await;
    let mut health = shared.health.lock();
    match answer {
        Ok(Ok(_current)) => health.answered(asked),
        Ok(Err(error)) => health.unanswered(error.to_string()),
        Err(_elapsed) => health.unanswered(format!("etcd has not answered within {} s", WITHIN.as_secs())),
    }
}
