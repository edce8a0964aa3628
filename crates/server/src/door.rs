//! The server before it can answer: its store is still being opened, perhaps for as long as that is out of reach.
//!
//! Probes are answered at once, so that whoever looks after the process sees one that lives and is not ready. Requests wait for
//! a moment, which is all that it takes as a rule, and are then told to come back.

use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use leasehold_api::ApiError;
use tokio::sync::watch;

use crate::net::{self, Peer};
use crate::{App, Body, health, reply};

/// How long a request waits for the server to be ready.
const WAIT: Duration = Duration::from_secs(1);

/// Stands in for an [`App`] that is yet to be made.
pub struct Door {
    app: watch::Sender<Option<Arc<App>>>,
}

impl Door {
    /// A door that is shut.
    #[must_use]
    pub fn new() -> Self {
        Self {
            app: watch::Sender::new(None),
        }
    }

    /// From now on this answers.
    pub fn open(&self, app: App) {
        self.app.send_replace(Some(Arc::new(app)));
    }

    /// What answers, at once or within the time that a request waits.
    async fn app(&self, path: &str) -> Option<Arc<App>> {
        if let Some(app) = &*self.app.borrow() {
            return Some(app.clone());
        }
        if health::is_probe(path) {
            return None;
        }
        let mut changes = self.app.subscribe();
        let opened = tokio::time::timeout(WAIT, changes.wait_for(Option::is_some)).await;
        opened.ok()?.ok()?.clone()
    }

    /// What is said while there is no [`App`].
    fn shut<B>(request: &Request<B>) -> Response<Body> {
        match request.uri().path().trim_end_matches('/') {
            "/livez" | "/livez/ping" => reply::text(StatusCode::OK, "ok"),
            path if health::is_probe(path) => {
                let why = "[-]store failed: reason withheld\nthe server is starting\n";
                reply::text(StatusCode::INTERNAL_SERVER_ERROR, why)
            }
            _ => {
                let error = ApiError::unavailable("the server is starting: its store cannot be used yet", 1);
                reply::failure(&error, request.headers(), false)
            }
        }
    }
}

impl Default for Door {
    fn default() -> Self {
        Self::new()
    }
}

impl net::Handler for Door {
    type Body = Body;

    async fn handle(&self, request: Request<Incoming>, peer: &Arc<Peer>) -> Response<Body> {
        match self.app(request.uri().path()).await {
            Some(app) => app.handle(request, peer).await,
            None => Self::shut(&request),
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    fn asked(path: &str) -> (u16, bool) {
        let request = Request::get(path).body(()).unwrap();
        let response = Door::shut(&request);
        let retry = response.headers().contains_key("retry-after");
        (response.status().as_u16(), retry)
    }

    #[test]
    fn a_server_that_starts_lives_is_not_ready_and_asks_to_come_back() {
        assert_eq!(asked("/livez"), (200, false));
        for path in ["/readyz", "/healthz", "/readyz/store", "/readyz?verbose"] {
            assert_eq!(asked(path), (500, false), "{path}");
        }
        for path in ["/apis/coordination.k8s.io/v1/leases", "/version", "/"] {
            assert_eq!(asked(path), (503, true), "{path}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_waits_for_a_moment_and_a_probe_does_not() {
        let door = Door::new();
        assert!(door.app("/readyz").now_or_never().expect("at once").is_none());
        let waits = tokio::time::timeout(WAIT / 2, door.app("/apis")).await;
        assert!(waits.is_err());
        let given_up = tokio::time::timeout(WAIT * 2, door.app("/apis")).await;
        assert!(given_up.expect("in the end").is_none());
    }
}
