//! What servers say of themselves.

use std::time::Duration;

use http::Method;
use leasehold_conformance::{Connection, Target};
use leasehold_crash::clock::Clock;
use leasehold_crash::history::Nanos;

use crate::Error;

/// How often they are asked.
const EVERY: Duration = Duration::from_millis(100);
/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(2);

/// What one server said while it could not work.
#[derive(Debug, Default)]
pub(crate) struct Confession {
    /// When it was first asked a question to which it said that it is not ready.
    pub(crate) first: Option<Nanos>,
    /// How often it said after that that it is ready.
    pub(crate) taken_back: usize,
}

/// Asks a server whether it is ready, again and again until then.
pub(crate) async fn hear(target: Target, clock: Clock, until: Nanos) -> Confession {
    let mut heard = Confession::default();
    loop {
        let asked = clock.now();
        if asked >= until {
            return heard;
        }
        match is_ready(&target).await {
            // What was answered after the end may have been true.
            Ok(true) if clock.now() < until => heard.taken_back += usize::from(heard.first.is_some()),
            Ok(false) => heard.first = heard.first.or(Some(asked)),
            _ => {}
        }
        tokio::time::sleep(EVERY).await;
    }
}

/// Whether it says that it is ready. The error is that it says nothing.
pub(crate) async fn is_ready(target: &Target) -> Result<bool, Error> {
    let asking = async {
        let mut connection = Connection::open(target).await?;
        let reply = connection.send(Method::GET, "/readyz", None).await?;
        Ok(reply.status().as_u16() == 200)
    };
    tokio::time::timeout(PATIENCE, asking).await?
}
