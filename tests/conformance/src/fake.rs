//! A server that answers what a transcript says, whatever is asked: the replayer's own test.

use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;
use std::path::Path;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::task::AbortOnDropHandle;

use crate::{Difference, Target, Transcript, replay};

/// A reply as it stands in a transcript, the order of fields kept.
#[derive(Clone, Deserialize)]
struct Canned {
    status: u16,
    #[serde(default)]
    headers: BTreeMap<String, Value>,
    body: Option<Box<RawValue>>,
    text: Option<String>,
    events: Option<Vec<Box<RawValue>>>,
}

#[derive(Deserialize)]
struct CannedStep {
    background: Option<String>,
    collect: Option<String>,
    response: Option<Canned>,
}

/// The replies in the order in which they are asked for. Where the recorded server failed on bad input, a good one says
/// that it is bad.
fn script(path: &Path) -> VecDeque<Canned> {
    #[derive(Deserialize)]
    struct File {
        steps: Vec<CannedStep>,
    }
    let file: File = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let collected = |name: &str| {
        let mut steps = file.steps.iter().filter(|s| s.collect.as_deref() == Some(name));
        steps.next().and_then(|s| s.response.clone()).unwrap()
    };
    let asked = file.steps.iter().filter(|s| s.collect.is_none());
    asked
        .map(|step| match &step.background {
            Some(name) => collected(name),
            None => step.response.clone().unwrap(),
        })
        .map(|canned| Canned {
            status: if canned.status == 500 { 400 } else { canned.status },
            ..canned
        })
        .collect()
}

impl Canned {
    fn content(&self) -> String {
        if let Some(events) = &self.events {
            return events.iter().map(|event| one_line(event) + "\n").collect();
        }
        match (&self.body, &self.text) {
            (Some(body), _) => body.get().to_owned(),
            (None, text) => text.clone().unwrap_or_default(),
        }
    }
}

/// Line breaks in JSON are never inside of texts.
fn one_line(json: &RawValue) -> String {
    json.get().replace('\n', " ")
}

struct State {
    namespace: String,
    script: VecDeque<Canned>,
    /// Added to the number of a resource version.
    first_version: u64,
}

impl State {
    /// The text with values in the places of names.
    fn fill(&self, text: &str) -> String {
        let now = jiff::Timestamp::now();
        let mut text = text
            .replace("<ns>", &self.namespace)
            .replace("<now>", &now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
            .replace("<now micro>", &now.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string())
            .replace("<continue>", "abc")
            .replace("<age>", "3m20s");
        for number in 1..=30 {
            let uid = format!("{number:08x}-0000-4000-8000-000000000000");
            let version = (self.first_version + number).to_string();
            text = text
                .replace(&format!("<uid {number}>"), &uid)
                .replace(&format!("<rv {number}>"), &version);
        }
        text
    }

    fn next(&mut self) -> Response<Full<Bytes>> {
        let Some(canned) = self.script.pop_front() else {
            return Response::new(Full::default());
        };
        let mut response = Response::builder().status(canned.status);
        for (name, value) in &canned.headers {
            let one = std::slice::from_ref(value);
            for value in value.as_array().map_or(one, Vec::as_slice) {
                response = response.header(name, self.fill(value.as_str().unwrap()));
            }
        }
        response.body(Full::from(self.fill(&canned.content()))).unwrap()
    }
}

type Shared = Arc<Mutex<State>>;

async fn answer(request: Request<Incoming>, state: Shared) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let mut state = state.lock().unwrap();
    if state.namespace.is_empty() && head.method == Method::POST && head.uri.path() == "/api/v1/namespaces" {
        let namespace: Value = serde_json::from_slice(&body).unwrap();
        state.namespace = namespace["metadata"]["name"].as_str().unwrap().to_owned();
        return Ok(Response::builder().status(201).body(Full::default()).unwrap());
    }
    Ok(state.next())
}

async fn serve(listener: TcpListener, state: Shared) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        connections.spawn(converse(stream, state.clone()));
    }
}

async fn converse(stream: TcpStream, state: Shared) {
    let service = service_fn(|request| answer(request, state.clone()));
    let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    // A client may hang up at any time.
    let _ = connection.await;
}

/// Holds the conversation with a server that answers by this script.
async fn hold(transcript: &Transcript, script: VecDeque<Canned>, first_version: u64) -> Vec<Difference> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = Target::plain(&listener.local_addr().unwrap().to_string(), Some("secret"));
    let state = State {
        namespace: String::new(),
        script,
        first_version,
    };
    let _server = AbortOnDropHandle::new(tokio::spawn(serve(listener, Arc::new(Mutex::new(state)))));
    replay(&target, transcript).await
}

#[tokio::test]
async fn a_server_that_answers_as_recorded_passes() {
    let mut failed = Vec::new();
    for path in Transcript::files().unwrap() {
        let transcript = Transcript::read(&path).unwrap();
        for first_version in [5000, 7] {
            let differences = hold(&transcript, script(&path), first_version).await;
            failed.extend(
                differences
                    .iter()
                    .map(|d| format!("{} ({first_version}): {d}", transcript.scenario)),
            );
        }
    }
    assert_eq!(failed.join("\n"), "");
}

#[tokio::test]
async fn a_server_with_another_status_fails_everywhere() {
    for path in Transcript::files().unwrap() {
        let transcript = Transcript::read(&path).unwrap();
        let mut script = script(&path);
        script[0].status = 299;
        let differences = hold(&transcript, script, 5000).await;
        assert!(!differences.is_empty(), "{}", transcript.scenario);
    }
}

/// Holds a conversation with a server that answers as recorded but for what `change` makes of its `step`th reply, and
/// tells the differences.
async fn changed(name: &str, step: usize, change: impl FnOnce(&mut Canned)) -> Vec<String> {
    let files = Transcript::files().unwrap();
    let file = format!("{name}.json");
    let path = files.iter().find(|p| p.ends_with(&file)).unwrap();
    let mut script = script(path);
    change(&mut script[step - 1]);
    let differences = hold(&Transcript::read(path).unwrap(), script, 5000).await;
    differences.iter().map(ToString::to_string).collect()
}

fn edit(json: &RawValue, from: &str, to: &str) -> Box<RawValue> {
    assert!(json.get().contains(from), "{json}");
    RawValue::from_string(json.get().replace(from, to)).unwrap()
}

fn edit_body(canned: &mut Canned, from: &str, to: &str) {
    canned.body = Some(edit(canned.body.as_ref().unwrap(), from, to));
}

#[tokio::test]
async fn a_field_too_many_is_told_with_its_place() {
    let told = changed("create-minimal", 1, |c| {
        edit_body(c, "\"kind\":", "\"extra\": 1, \"kind\":");
    })
    .await;
    let path = "/apis/coordination.k8s.io/v1/namespaces/{ns}/leases";
    assert_eq!(told, [format!("step 1 POST {path}: /body/extra: not expected: 1")]);
}

#[tokio::test]
async fn a_version_that_does_not_move_is_told() {
    let told = changed("update", 2, |c| edit_body(c, "<rv 2>", "<rv 1>")).await;
    let want = "/body/metadata/resourceVersion: expected \"<rv 2>\", got \"<rv 1>\"";
    assert!(told[0].ends_with(want), "{told:?}");
}

#[tokio::test]
async fn another_uid_is_told() {
    let told = changed("update", 2, |c| edit_body(c, "<uid 1>", "<uid 2>")).await;
    assert!(told[0].contains("/body/metadata/uid: expected"), "{told:?}");
}

#[tokio::test]
async fn a_missing_header_is_told() {
    let told = changed("candidate-create", 1, |c| drop(c.headers.remove("warning"))).await;
    assert!(told[0].contains("/headers/warning: missing; expected"), "{told:?}");
}

#[tokio::test]
async fn a_missing_event_is_told_for_watches_in_front_and_behind() {
    for (name, step) in [("watch-live", 2), ("watch-from-version", 5)] {
        let told = changed(name, step, |c| drop(c.events.as_mut().unwrap().pop())).await;
        assert!(told[0].contains("/events: expected"), "{told:?}");
    }
}

#[tokio::test]
async fn another_event_is_told() {
    let change = |c: &mut Canned| {
        let first = &mut c.events.as_mut().unwrap()[0];
        *first = edit(first, "MODIFIED", "ADDED");
    };
    let told = changed("watch-live", 2, change).await;
    assert!(
        told[0].contains("/events/0/type: expected \"MODIFIED\", got \"ADDED\""),
        "{told:?}"
    );
}

#[tokio::test]
async fn a_conversation_ends_where_nothing_can_be_saved() {
    let told = changed("watch-live", 1, |c| {
        edit_body(c, "resourceVersion", "other");
    })
    .await;
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(
        told[0].contains("nothing at /body/metadata/resourceVersion to save as rv: status 201"),
        "{told:?}"
    );
}

#[tokio::test]
async fn a_server_that_is_not_there_is_told() {
    let files = Transcript::files().unwrap();
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let told = replay(
        &Target::plain(&free.to_string(), None),
        &Transcript::read(&files[0]).unwrap(),
    )
    .await;
    assert_eq!(told.len(), 1);
    assert!(
        told[0].what.starts_with("could not create the namespace: "),
        "{}",
        told[0]
    );
}

#[tokio::test]
async fn what_is_ignored_may_differ() {
    let add_name = |c: &mut Canned| edit_body(c, "\"generateName\":", "\"name\": \"x\", \"generateName\":");
    let told = changed("create-generate-name", 1, add_name).await;
    assert_eq!(told, [""; 0]);
}
