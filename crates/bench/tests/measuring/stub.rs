//! A server of leases that does what it is told to do wrong. Plain HTTP/1.1 and JSON, and only what a measurement asks for.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::channel::{Channel, Sender};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::Mutex;
use tokio::task::JoinSet;
use tokio_util::task::AbortOnDropHandle;

/// What goes wrong at an update; they are counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nobody is answered for so long.
    Stall(Duration),
    /// Somebody else was there first.
    Conflict,
    /// The write is refused, but watchers are told of it.
    RefuseAndTell,
    /// Watchers are not told.
    Forget,
    /// Watchers are told twice.
    Repeat,
    /// All watches end after this one.
    EndWatches,
    /// The connection is closed without a reply.
    HangUp,
}

/// A running stub; it ends when it is dropped.
pub(crate) struct Stub {
    pub(crate) url: String,
    state: Arc<Mutex<State>>,
    _serving: AbortOnDropHandle<()>,
}

#[derive(Default)]
struct State {
    leases: BTreeMap<String, Value>,
    version: u64,
    updates: u64,
    gets: u64,
    faults: BTreeMap<u64, Fault>,
    watchers: Vec<Sender<Bytes>>,
}

type Reply = Response<BoxBody<Bytes, Infallible>>;

impl Stub {
    pub(crate) async fn start(faults: &[(u64, Fault)]) -> Self {
        let state = Arc::new(Mutex::new(State {
            faults: faults.iter().copied().collect(),
            ..State::default()
        }));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let serving = tokio::spawn(serve(listener, state.clone()));
        Self {
            url,
            state,
            _serving: AbortOnDropHandle::new(serving),
        }
    }

    /// Leases that are there, updates that came, and leases that were read one by one.
    pub(crate) async fn counts(&self) -> (usize, u64, u64) {
        let state = self.state.lock().await;
        (state.leases.len(), state.updates, state.gets)
    }

    /// Puts a lease there that nobody here made.
    pub(crate) async fn put_foreign(&self, name: &str) {
        let lease = json!({"metadata": {"name": name, "resourceVersion": "1"}, "spec": {}});
        self.state.lock().await.leases.insert(name.to_owned(), lease);
    }
}

async fn serve(listener: TcpListener, state: Arc<Mutex<State>>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let state = state.clone();
        connections.spawn(async move {
            let answer = service_fn(move |request| answer(state.clone(), request));
            drop(
                http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), answer)
                    .await,
            );
        });
    }
}

async fn answer(state: Arc<Mutex<State>>, request: Request<Incoming>) -> Result<Reply, std::io::Error> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(std::io::Error::other)?.to_bytes();
    let name = head
        .uri
        .path()
        .split("/leases")
        .nth(1)
        .unwrap_or_default()
        .trim_start_matches('/')
        .to_owned();
    let query = head.uri.query().unwrap_or_default();
    let mut state = state.lock().await;
    match head.method {
        Method::POST => Ok(state.create(&body)),
        Method::PUT => state.update(&name, &body).await,
        Method::DELETE => Ok(reply(
            if state.leases.remove(&name).is_some() { 200 } else { 404 },
            &json!({}),
        )),
        _ if query.starts_with("watch=true") => {
            let (sender, body) = Channel::new(1_000);
            state.watchers.push(sender);
            Ok(Response::new(body.boxed()))
        }
        _ if name.is_empty() => Ok(state.list(query)),
        _ => {
            state.gets += 1;
            Ok(state
                .leases
                .get(&name)
                .map_or_else(|| reply(404, &json!({})), |lease| reply(200, lease)))
        }
    }
}

impl State {
    fn create(&mut self, body: &[u8]) -> Reply {
        let mut lease: Value = serde_json::from_slice(body).unwrap();
        let name = lease["metadata"]["name"].as_str().unwrap().to_owned();
        if self.leases.contains_key(&name) {
            return reply(409, &json!({"message": "it exists"}));
        }
        self.stamp(&mut lease);
        self.leases.insert(name, lease.clone());
        reply(201, &lease)
    }

    async fn update(&mut self, name: &str, body: &[u8]) -> Result<Reply, std::io::Error> {
        self.updates += 1;
        let fault = self.faults.get(&self.updates).copied();
        let mut lease: Value = serde_json::from_slice(body).unwrap();
        let known = self
            .leases
            .get(name)
            .map(|lease| lease["metadata"]["resourceVersion"].clone());
        assert_eq!(
            known.as_ref(),
            Some(&lease["metadata"]["resourceVersion"]),
            "the last version is sent back"
        );
        self.stamp(&mut lease);
        match fault {
            Some(Fault::Stall(time)) => tokio::time::sleep(time).await,
            Some(Fault::HangUp) => return Err(std::io::Error::other("hung up")),
            Some(Fault::Conflict) => return Ok(reply(409, &json!({"message": "changed"}))),
            Some(Fault::RefuseAndTell) => {
                self.tell(&lease).await;
                return Ok(reply(422, &json!({"message": "no"})));
            }
            _ => {}
        }
        self.leases.insert(name.to_owned(), lease.clone());
        let times = match fault {
            Some(Fault::Forget) => 0,
            Some(Fault::Repeat) => 2,
            _ => 1,
        };
        for _ in 0..times {
            self.tell(&lease).await;
        }
        if fault == Some(Fault::EndWatches) {
            self.watchers.clear();
        }
        Ok(reply(200, &lease))
    }

    /// A page has the items after the token, which is the name of the last one before.
    fn list(&self, query: &str) -> Reply {
        let value = |name: &str| {
            query
                .split('&')
                .find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
        };
        let limit = value("limit").map_or(usize::MAX, |limit| limit.parse().unwrap());
        let after = value("continue").unwrap_or_default().replace("%2D", "-");
        let rest: Vec<_> = self
            .leases
            .range(after.clone()..)
            .filter(|(name, _)| **name > after)
            .collect();
        let token = if rest.len() > limit {
            rest[limit - 1].0.as_str()
        } else {
            ""
        };
        let items: Vec<_> = rest.iter().take(limit).map(|(_, lease)| lease).collect();
        let metadata = json!({"resourceVersion": self.version.to_string(), "continue": token});
        // By hand: metadata comes before items, as every server writes it.
        let items = serde_json::to_string(&items).unwrap();
        let text = format!(r#"{{"kind":"LeaseList","metadata":{metadata},"items":{items}}}"#);
        Response::new(Full::from(text).boxed())
    }

    fn stamp(&mut self, lease: &mut Value) {
        self.version += 1;
        lease["metadata"]["resourceVersion"] = self.version.to_string().into();
    }

    async fn tell(&mut self, lease: &Value) {
        let spec = &lease["spec"];
        // By hand too: the spec is the last thing in a lease.
        let lease = format!(r#"{{"metadata":{},"spec":{spec}}}"#, lease["metadata"]);
        let event = Bytes::from(format!("{{\"type\":\"MODIFIED\",\"object\":{lease}}}\n"));
        for watcher in &mut self.watchers {
            // Whoever is gone need not be told.
            let _ = watcher.send_data(event.clone()).await;
        }
    }
}

fn reply(status: u16, body: &Value) -> Reply {
    let body = Full::from(body.to_string()).boxed();
    Response::builder().status(status).body(body).unwrap()
}
