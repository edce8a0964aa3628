//! [`replay()`]: holds a recorded conversation with a server.

use std::collections::HashMap;
use std::time::Duration;

use http::{HeaderMap, Method};
use serde_json::{Map, Value, json};

use crate::compare::{differences, drop_at, views};
use crate::doc::Doc;
use crate::exchange::{Outgoing, Reply, send};
use crate::normalise::Normaliser;
use crate::transcript::{Saved, fill};
use crate::{Difference, Error, Step, Target, Transcript};

/// The headers that are compared.
const HEADERS: [&str; 6] = [
    "content-type",
    "warning",
    "retry-after",
    "allow",
    "accept-patch",
    "www-authenticate",
];
/// How many differences of one step are told.
const TOLD: usize = 6;
/// How long to wait for events where a step does not say.
const SECONDS: f64 = 5.0;

/// Holds the conversation and tells where the replies differ from the recorded ones; nothing if nowhere.
///
/// It runs in a new namespace, which is deleted in the end whatever happened. A step that cannot be carried out (no
/// connection, nothing there to save) ends the conversation.
pub async fn replay(target: &Target, transcript: &Transcript) -> Vec<Difference> {
    let namespace = random_namespace();
    let mut conversation = Conversation::new(target, transcript, &namespace);
    if transcript.namespace
        && let Err(why) = create_namespace(target, &namespace).await
    {
        let step = "before step 1".to_owned();
        let what = format!("could not create the namespace: {why}");
        return vec![Difference { step, what }];
    }
    for (i, step) in transcript.steps.iter().enumerate() {
        let label = format!("step {} {} {}", i + 1, step.request.method, step.request.path);
        if let Err(why) = conversation.step(step, &label).await {
            conversation.tell(&label, why.to_string());
            break;
        }
    }
    if transcript.namespace {
        // What is left behind disturbs nobody: no other conversation looks there.
        let path = format!("/api/v1/namespaces/{namespace}");
        let _ = send(target, Outgoing::new(Method::DELETE, &path, None)).await;
    }
    conversation.differences
}

/// `t-` and ten letters.
fn random_namespace() -> String {
    let letters = (0..10).map(|_| char::from(rand::random_range(b'a'..=b'z')));
    format!("t-{}", letters.collect::<String>())
}

async fn create_namespace(target: &Target, name: &str) -> Result<(), Error> {
    let body = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
    let outgoing = Outgoing::new(Method::POST, "/api/v1/namespaces", Some(body.to_string().into()));
    let reply = send(target, outgoing).await?;
    let status = reply.status;
    let body = reply.bytes().await?;
    if status != 201 {
        return Err(format!("status {status}: {}", String::from_utf8_lossy(&body)).into());
    }
    Ok(())
}

/// Between two steps.
struct Conversation<'a> {
    target: &'a Target,
    names: Normaliser,
    saved: Saved,
    /// Open watches by their names.
    background: HashMap<&'a str, Reply>,
    differences: Vec<Difference>,
}

impl<'a> Conversation<'a> {
    fn new(target: &'a Target, transcript: &Transcript, namespace: &str) -> Self {
        let now = jiff::Timestamp::now();
        Self {
            target,
            names: Normaliser::new(namespace, transcript.managed_fields, now),
            saved: Saved::from([("ns".to_owned(), namespace.to_owned())]),
            background: HashMap::new(),
            differences: Vec::new(),
        }
    }

    fn tell(&mut self, step: &str, what: String) {
        let step = step.to_owned();
        self.differences.push(Difference { step, what });
    }

    async fn step(&mut self, step: &'a Step, label: &str) -> Result<(), Error> {
        if let Some(seconds) = step.pause {
            tokio::time::sleep(Duration::try_from_secs_f64(seconds)?).await;
        }
        let got = if let Some(name) = &step.collect {
            let watch = self.background.remove(&**name).ok_or("no such watch is open")?;
            self.collect(step, watch).await?
        } else {
            let reply = send(self.target, self.outgoing(step)?).await?;
            if let Some(name) = &step.background {
                self.background.insert(name, reply);
                return Ok(());
            }
            self.receive(step, reply).await?
        };
        let want = step
            .response
            .as_ref()
            .ok_or("the transcript has no reply for this step")?;
        let (want, got) = views(step.lenient, want, &got);
        for what in differences(&want, &got, &self.names).into_iter().take(TOLD) {
            self.tell(label, what);
        }
        Ok(())
    }

    fn outgoing(&self, step: &Step) -> Result<Outgoing, Error> {
        let request = &step.request;
        let method = request.method.parse()?;
        let mut outgoing = Outgoing::new(method, &fill(&request.path, &self.saved), request.body(&self.saved)?);
        if !request.is_json() {
            outgoing.headers.remove(http::header::CONTENT_TYPE);
        }
        for (name, value) in &request.headers {
            outgoing.header(name, &fill(value, &self.saved))?;
        }
        Ok(outgoing)
    }

    /// The events of a watch opened before. Its headers are not compared.
    async fn collect(&mut self, step: &Step, mut watch: Reply) -> Result<Value, Error> {
        let status = watch.status;
        let events = Doc::Array(read_events(step, &mut watch).await?);
        Ok(json!({"status": status, "events": self.names.doc(&events)}))
    }

    /// The reply as it is compared, after saving what is needed of it.
    async fn receive(&mut self, step: &Step, mut reply: Reply) -> Result<Value, Error> {
        let status = reply.status;
        let headers = self.headers(&reply.headers);
        let content = if step.events.is_some() && status == 200 {
            Some(Doc::of("events", Doc::Array(read_events(step, &mut reply).await?)))
        } else {
            let is_json = header(&reply.headers, "content-type").is_some_and(|t| t.contains("json"));
            read_body(&reply.bytes().await?, is_json)
        };
        self.save(step, status, content.as_ref())?;
        let mut got = json!({"status": status, "headers": headers});
        if let Some(content) = content {
            let Value::Object(mut content) = self.names.doc(&content) else {
                unreachable!("an object stays an object");
            };
            got.as_object_mut().expect("made an object above").append(&mut content);
        }
        for pointer in &step.ignore {
            drop_at(&mut got, pointer);
        }
        Ok(got)
    }

    /// The headers that are compared: a text, or a list of texts where there are several of one name.
    fn headers(&mut self, headers: &HeaderMap) -> Map<String, Value> {
        let mut seen = Map::new();
        for name in HEADERS {
            let values = headers.get_all(name).iter();
            let texts = values.map(|v| without_blanks_after_semicolons(&String::from_utf8_lossy(v.as_bytes())));
            let mut texts: Vec<Value> = texts.map(|text| self.names.text(&text).into()).collect();
            match texts.len() {
                0 => {}
                1 => drop(seen.insert(name.to_owned(), texts.remove(0))),
                _ => drop(seen.insert(name.to_owned(), texts.into())),
            }
        }
        seen
    }

    fn save(&mut self, step: &Step, status: u16, content: Option<&Doc>) -> Result<(), Error> {
        for (name, pointer) in &step.save {
            let value = content.and_then(|c| c.pointer(pointer)).and_then(Doc::to_text);
            let Some(value) = value else {
                return Err(format!("nothing at {pointer} to save as {name}: status {status} {content:?}").into());
            };
            self.saved.insert(name.clone(), value);
        }
        Ok(())
    }
}

async fn read_events(step: &Step, watch: &mut Reply) -> Result<Vec<Doc>, Error> {
    let within = Duration::try_from_secs_f64(step.seconds.unwrap_or(SECONDS))?;
    watch.events(step.events.unwrap_or(0), within).await
}

/// A body in JSON, or else as text; `None` if there is none.
fn read_body(bytes: &[u8], is_json: bool) -> Option<Doc> {
    if bytes.is_empty() {
        return None;
    }
    let json = is_json.then(|| serde_json::from_slice(bytes).ok()).flatten();
    Some(match json {
        Some(body) => Doc::of("body", body),
        None => Doc::of("text", Doc::String(String::from_utf8_lossy(bytes).into_owned())),
    })
}

fn header<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}

/// `a; b` and `a;b` are the same parameter.
fn without_blanks_after_semicolons(text: &str) -> String {
    let mut parts = text.split(';');
    let first = parts.next().unwrap_or("").to_owned();
    parts.fold(first, |text, part| text + ";" + part.trim_start())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_after_semicolons_do_not_count() {
        let cases = [
            ("application/json", "application/json"),
            ("a; b=c;  d; ", "a;b=c;d;"),
            ("299 - \"a b\"", "299 - \"a b\""),
        ];
        for (text, want) in cases {
            assert_eq!(without_blanks_after_semicolons(text), want);
        }
    }

    #[test]
    fn namespaces_are_names_and_new_each_time() {
        let name = random_namespace();
        assert_eq!(name.len(), 12);
        assert!(
            name.starts_with("t-") && name[2..].bytes().all(|b| b.is_ascii_lowercase()),
            "{name}"
        );
        assert_ne!(name, random_namespace());
    }
}
