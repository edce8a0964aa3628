//! A server over a store in a directory of its own, and a client that needs no connection.
//!
//! A bearer token names the user: `admin` may do everything, `reader` reads, `updater` updates and patches, `nobody`
//! nothing, and `bug` makes the authorizer panic.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response};
use http_body_util::{BodyExt, Full};
use leasehold_api::ApiError;
use leasehold_clock::{Clock, SystemClock};
use leasehold_registry::{Features, Registry, Scope, Served};
use leasehold_server::auth::{Attributes, Authenticator, Authorizer, Decision, User};
use leasehold_server::discovery::Documents;
use leasehold_server::net::Peer;
use leasehold_server::{App, Body, Limits, Metrics, VersionInfo};
use leasehold_store::embedded::{Embedded, Options};
use serde_json::Value;

/// How long any test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Default)]
struct Access {
    /// Tokens withdrawn by [`Server::withdraw`].
    withdrawn: AtomicBool,
    /// Rights taken by [`Server::forbid`].
    forbidden: AtomicBool,
}

impl Authenticator for Access {
    fn authenticate(&self, _peer: &Peer, headers: &HeaderMap, _now: i64) -> Result<User, ApiError> {
        let token = headers
            .get("authorization")
            .map_or("", |value| value.to_str().unwrap_or(""));
        let (name, group) = match token {
            "" => ("system:anonymous", "system:unauthenticated"),
            "Bearer reader" if self.withdrawn.load(Relaxed) => return Err(ApiError::unauthorized()),
            "Bearer admin" => ("admin", "system:masters"),
            "Bearer reader" | "Bearer updater" | "Bearer nobody" | "Bearer bug" => {
                (&token[7..], "system:authenticated")
            }
            _ => return Err(ApiError::unauthorized()),
        };
        Ok(User {
            name: name.into(),
            groups: [group.into()].into(),
        })
    }
}

impl Authorizer for Access {
    fn decide(&self, user: &User, attributes: &Attributes<'_>) -> Decision {
        let allowed = match (&*user.name, attributes.verb) {
            ("admin", _) | ("updater", "update" | "patch") => true,
            ("reader", "get" | "list" | "watch") => !self.forbidden.load(Relaxed),
            ("bug", _) => panic!("a planted bug"),
            _ => attributes.resource.is_empty() && attributes.path.starts_with("/healthz"),
        };
        if allowed { Decision::Allow } else { Decision::Deny }
    }
}

pub(crate) struct Server {
    pub(crate) app: App,
    access: Arc<Access>,
    /// Outlives the store.
    _directory: tempfile::TempDir,
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self::limited(Limits::default()).await
    }

    pub(crate) async fn limited(limits: Limits) -> Self {
        Self::with(limits, |_| {}).await
    }

    /// One whose store remembers next to nothing of what was.
    pub(crate) async fn forgetful() -> Self {
        Self::with(Limits::default(), |options| options.history_bytes = 10_000).await
    }

    /// One without coordinated election.
    pub(crate) async fn uncoordinated() -> Self {
        let served = Served {
            features: Features::parse(["CoordinatedLeaderElection=false"]).unwrap(),
            ..Served::default()
        };
        Self::serving(served, Limits::default(), |_| {}).await
    }

    /// One beside a cluster.
    pub(crate) async fn beside_a_cluster() -> Self {
        let served = Served {
            scope: Scope::Coordination,
            ..Served::default()
        };
        Self::serving(served, Limits::default(), |_| {}).await
    }

    async fn with(limits: Limits, change: impl FnOnce(&mut Options)) -> Self {
        Self::serving(Served::default(), limits, change).await
    }

    async fn serving(served: Served, limits: Limits, change: impl FnOnce(&mut Options)) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let mut options = Options::new(directory.path().join("data"));
        change(&mut options);
        let store = Embedded::open(&options, clock.clone()).unwrap();
        let store = Arc::new(store);
        let registry = Registry::new(store.clone(), clock.clone())
            .with_features(served.features)
            .with_scope(served.scope);
        let registry = Arc::new(registry);
        registry.bootstrap().await.unwrap();
        let access = Arc::new(Access::default());
        let app = App {
            registry,
            authenticator: access.clone(),
            authorizer: access.clone(),
            documents: Documents::build(&served.resources().collect::<Vec<_>>(), "localhost:6443"),
            metrics: Metrics::new(None),
            backup: Some(Box::new(move || Box::new(store.backup()))),
            controllers: Some(Box::new(|| serde_json::json!({"controllers": []}))),
            limits,
            watches: leasehold_server::WatchesPerUser::default(),
            version: VersionInfo::of("0.0.0"),
            drain: tokio_util::sync::CancellationToken::new(),
            clock,
        };
        Self {
            app,
            access,
            _directory: directory,
        }
    }

    /// Makes the token of `reader` a bad one.
    pub(crate) fn withdraw(&self) {
        self.access.withdrawn.store(true, Relaxed);
    }

    /// Takes all rights from `reader`.
    pub(crate) fn forbid(&self) {
        self.access.forbidden.store(true, Relaxed);
    }

    /// Sends a request with any body and waits for the head of the reply.
    pub(crate) async fn send<B>(&self, request: Request<B>) -> Response<Body>
    where
        B: http_body::Body,
        B::Error: std::fmt::Display,
    {
        let peer = Peer {
            address: ([127, 0, 0, 1], 1).into(),
            certificate: None,
        };
        self.app.handle(request, &peer).await
    }

    /// Sends a request as `admin`, unless a header says otherwise, and waits for the whole reply.
    pub(crate) async fn ask(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Reply {
        let response = self.send(request(method, path, headers, Full::new(body.into()))).await;
        Reply::of(response).await
    }

    pub(crate) async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Reply {
        self.ask(Method::GET, path, headers, "").await
    }

    /// Opens a watch.
    pub(crate) async fn watch(&self, path: &str, headers: &[(&str, &str)]) -> Watcher {
        let response = self
            .send(request(Method::GET, path, headers, Full::new(Bytes::new())))
            .await;
        assert_eq!(response.status(), 200);
        let content_type = response.headers()["content-type"].to_str().unwrap().to_owned();
        Watcher {
            content_type,
            body: response.into_body(),
            buffer: Vec::new(),
            chunks: Vec::new(),
        }
    }

    /// Creates a lease.
    pub(crate) async fn lease(&self, name: &str) -> Value {
        let body = format!(r#"{{"metadata":{{"name":"{name}"}},"spec":{{"holderIdentity":"h"}}}}"#);
        let reply = self.ask(Method::POST, LEASES, &[], body).await;
        assert_eq!(reply.code, 201, "{reply:?}");
        reply.json()
    }

    /// The value of a metric's line that starts like this; 0 when there is none.
    pub(crate) async fn metric(&self, start: &str) -> u64 {
        let page = self.get("/metrics", &[]).await;
        let line = page
            .text()
            .lines()
            .find(|line| line.starts_with(start))
            .map(str::to_owned);
        line.map_or(0, |line| line.rsplit(' ').next().unwrap().parse().unwrap())
    }
}

pub(crate) const LEASES: &str = "/apis/coordination.k8s.io/v1/namespaces/default/leases";

pub(crate) fn lease_path(name: &str) -> String {
    format!("{LEASES}/{name}")
}

pub(crate) fn request<B>(method: Method, path: &str, headers: &[(&str, &str)], body: B) -> Request<B> {
    let mut request = Request::builder().method(method).uri(path);
    if !headers.iter().any(|(name, _)| *name == "authorization") {
        request = request.header("authorization", "Bearer admin");
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(body).unwrap()
}

/// A whole reply.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) code: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Reply {
    pub(crate) async fn of(response: Response<Body>) -> Self {
        let (head, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Self {
            code: head.status.as_u16(),
            headers: head.headers,
            body,
        }
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.header("content-type"), "application/json");
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn warnings(&self) -> Vec<&str> {
        self.headers
            .get_all("warning")
            .iter()
            .map(|value| value.to_str().unwrap())
            .collect()
    }
}

/// An open watch.
pub(crate) struct Watcher {
    pub(crate) content_type: String,
    body: Body,
    buffer: Vec<u8>,
    /// The sizes of what came at once.
    pub(crate) chunks: Vec<usize>,
}

impl Watcher {
    /// Waits for more bytes; false at the end.
    pub(crate) async fn more(&mut self) -> bool {
        match self.body.frame().await {
            Some(frame) => {
                let bytes = frame.unwrap().into_data().unwrap();
                self.chunks.push(bytes.len());
                self.buffer.extend_from_slice(&bytes);
                true
            }
            None => false,
        }
    }

    /// The next event of a JSON watch; `None` at the end.
    pub(crate) async fn event(&mut self) -> Option<Value> {
        loop {
            if let Some(end) = self.buffer.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.buffer.drain(..=end).collect();
                return Some(serde_json::from_slice(&line).unwrap());
            }
            if !tokio::time::timeout(PATIENCE, self.more())
                .await
                .expect("an event or the end")
            {
                assert_eq!(self.buffer, b"", "a stream ends after a whole event");
                return None;
            }
        }
    }

    /// Every event until the end, however long it takes: for paused time.
    pub(crate) async fn rest(&mut self) -> Vec<Value> {
        while self.more().await {}
        let lines = self.buffer.split_inclusive(|byte| *byte == b'\n');
        let events = lines.map(|line| serde_json::from_slice(line).unwrap()).collect();
        self.buffer.clear();
        events
    }

    /// The next frame of a protobuf watch, without its length.
    pub(crate) async fn frame(&mut self) -> Vec<u8> {
        loop {
            if let Some(length) = self.buffer.first_chunk::<4>() {
                let end = 4 + u32::from_be_bytes(*length) as usize;
                if self.buffer.len() >= end {
                    return self.buffer.drain(..end).skip(4).collect();
                }
            }
            let more = tokio::time::timeout(PATIENCE, self.more());
            assert!(more.await.expect("a frame"), "the stream ended");
        }
    }
}

/// Type and object's name of an event.
pub(crate) fn brief(event: &Value) -> (&str, &str) {
    (
        event["type"].as_str().unwrap(),
        event["object"]["metadata"]["name"].as_str().unwrap_or(""),
    )
}
