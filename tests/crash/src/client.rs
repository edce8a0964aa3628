//! A client that writes and reads at random and notes what came of it.

use std::collections::HashMap;
use std::sync::Arc;

use http::Method;
use http_body_util::BodyExt;
use leasehold_conformance::Connection;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};

use crate::Error;
use crate::clock::Clock;
use crate::history::{Action, Nanos, Operation, Outcome, Version, WriteKind};
use crate::lease::{self, COLLECTION, GROUPS};
use crate::lives::Lives;

/// Objects that everyone fights for.
const HOT: u32 = 8;
/// Objects that are touched now and then.
const COLD: u32 = 40;
/// Items of a page.
const PAGE: usize = 7;
/// How often a page is asked for again after a cut.
const PAGE_TRIES: usize = 5;

/// An operation, and the life of the server that it was sent to.
pub(crate) type Noted = (Operation, usize);

/// A client; `number` tells it from the others.
pub(crate) struct Client {
    number: usize,
    rng: StdRng,
    clock: Clock,
    lives: Lives,
    written: u64,
    /// What it saw last of each object.
    known: HashMap<Arc<str>, Version>,
    noted: Vec<Noted>,
}

/// The connection is of no more use.
struct Cut;

/// What to ask for.
struct Call {
    method: Method,
    path: String,
    body: Option<(&'static str, Vec<u8>)>,
}

impl Client {
    pub(crate) fn new(number: usize, seed: u64, clock: Clock, lives: Lives) -> Self {
        Self {
            number,
            rng: StdRng::seed_from_u64(seed),
            clock,
            lives,
            written: 0,
            known: HashMap::new(),
            noted: Vec::new(),
        }
    }

    /// Works until the run is over, and returns what it noted.
    pub(crate) async fn run(mut self) -> Vec<Noted> {
        while let Some(life) = self.lives.for_work().await {
            let Ok(mut connection) = Connection::open(&life.target).await else {
                self.wait_for_another().await;
                continue;
            };
            while !self.lives.work_is_over() && self.one(&mut connection, life.number).await.is_ok() {}
        }
        self.noted
    }

    /// The server may be stopping, or dead without anybody having said so yet.
    pub(crate) async fn wait_for_another(&mut self) {
        let pause = std::time::Duration::from_millis(self.rng.random_range(2..10));
        tokio::time::sleep(pause).await;
    }

    async fn one(&mut self, connection: &mut Connection, life: usize) -> Result<(), Cut> {
        let key = self.any_key();
        let choice = self.rng.random_range(0..100);
        let action = match (choice, self.known.get(&key)) {
            (0..15, _) => self.write(WriteKind::Create),
            (15..50, Some(known)) => {
                let expected = known.clone();
                self.write(WriteKind::Update(expected))
            }
            (50..65, _) => self.write(WriteKind::Patch),
            (65..74, _) => Action::Delete,
            (74..76, _) => return self.pages(connection, life).await,
            (76..79, _) => Action::List,
            _ => Action::Get,
        };
        self.single(connection, life, key, action).await
    }

    fn any_key(&mut self) -> Arc<str> {
        if self.rng.random_bool(0.85) {
            format!("hot-{}", self.rng.random_range(0..HOT)).into()
        } else {
            format!("cold-{}", self.rng.random_range(0..COLD)).into()
        }
    }

    fn write(&mut self, kind: WriteKind) -> Action {
        self.written += 1;
        let group = GROUPS.choose(&mut self.rng).copied().unwrap_or_default();
        Action::Write {
            kind,
            token: format!("c{}-{}", self.number, self.written).into(),
            group: group.into(),
        }
    }

    /// One request and its reply.
    pub(crate) async fn exchange(&mut self, connection: &mut Connection, life: usize, key: &str, action: Action) {
        // Whoever asks from outside has looked at the outcome in the notes.
        let _ = self.single(connection, life, key.into(), action).await;
    }

    /// What was noted last.
    pub(crate) fn last(&self) -> Option<&Outcome> {
        self.noted.last().map(|(operation, _)| &operation.outcome)
    }

    /// What was noted.
    pub(crate) fn into_noted(self) -> Vec<Noted> {
        self.noted
    }

    async fn single(
        &mut self,
        connection: &mut Connection,
        life: usize,
        key: Arc<str>,
        action: Action,
    ) -> Result<(), Cut> {
        let called = self.clock.now();
        let reply = send(connection, request(&key, &action)).await;
        let returned = self.clock.now();
        let outcome = reply.and_then(|(status, body)| judge(&action, status, &body));
        let key = if matches!(action, Action::List) { "".into() } else { key };
        let outcome = outcome.unwrap_or(Outcome::Unknown);
        let is_cut = matches!(outcome, Outcome::Unknown);
        self.learn(&key, &outcome);
        self.note(key, (called, returned), action, outcome, life);
        if is_cut { Err(Cut) } else { Ok(()) }
    }

    fn learn(&mut self, key: &Arc<str>, outcome: &Outcome) {
        match outcome {
            Outcome::Stored(version) | Outcome::Found(version) => {
                self.known.insert(key.clone(), version.clone());
            }
            Outcome::Absent | Outcome::Conflict | Outcome::Deleted(_) => {
                self.known.remove(key);
            }
            _ => {}
        }
    }

    fn note(
        &mut self,
        key: Arc<str>,
        (called, returned): (Nanos, Nanos),
        action: Action,
        outcome: Outcome,
        life: usize,
    ) {
        let operation = Operation {
            key,
            called,
            returned,
            action,
            outcome,
        };
        self.noted.push((operation, life));
    }

    /// A list page by page, whatever happens to the server between two pages. A token that is refused ends it.
    async fn pages(&mut self, connection: &mut Connection, life: usize) -> Result<(), Cut> {
        let called = self.clock.now();
        let (mut items, mut next, mut tries) = (Vec::new(), String::new(), 0);
        let mut again: Option<Connection> = None;
        let (revision, first_page_at) = loop {
            let path = format!("{COLLECTION}?limit={PAGE}&continue={next}");
            let call = Call {
                method: Method::GET,
                path,
                body: None,
            };
            match send(again.as_mut().unwrap_or(connection), call).await {
                Ok((200, body)) => {
                    let Ok(page) = lease::read_page(&body) else {
                        return Err(Cut);
                    };
                    items.extend(page.items);
                    next = page.next;
                    if next.is_empty() {
                        break (page.revision, self.clock.now());
                    }
                }
                Ok((410 | 429, _)) => return Ok(()),
                Ok((status, _)) if status < 500 => {
                    let now = self.clock.now();
                    self.note("".into(), (called, now), Action::List, Outcome::Odd(status), life);
                    return Ok(());
                }
                _ if tries == PAGE_TRIES => return Err(Cut),
                _ => {
                    tries += 1;
                    self.wait_for_another().await;
                    let life = self.lives.for_work().await.ok_or(Cut)?;
                    again = Connection::open(&life.target).await.ok().or(again);
                }
            }
        };
        let outcome = Outcome::Listed(revision, items);
        self.note("".into(), (called, first_page_at), Action::List, outcome, life);
        if again.is_some() { Err(Cut) } else { Ok(()) }
    }
}

fn request(key: &str, action: &Action) -> Call {
    let (method, path, kind) = match action {
        Action::Get => (Method::GET, lease::path(key), ""),
        Action::List => (Method::GET, COLLECTION.to_owned(), ""),
        Action::Delete => (Method::DELETE, lease::path(key), ""),
        Action::Write { kind, .. } => match kind {
            WriteKind::Create => (Method::POST, COLLECTION.to_owned(), "application/json"),
            WriteKind::Update(_) => (Method::PUT, lease::path(key), "application/json"),
            WriteKind::Patch => (Method::PATCH, lease::path(key), "application/merge-patch+json"),
        },
    };
    let body = match action {
        Action::Write {
            kind: how,
            token,
            group,
        } => Some((kind, lease::body(how, key, token, group).to_string().into_bytes())),
        _ => None,
    };
    Call { method, path, body }
}

async fn send(connection: &mut Connection, call: Call) -> Result<(u16, Vec<u8>), Error> {
    let reply = connection.send(call.method, &call.path, call.body).await?;
    let status = reply.status().as_u16();
    let body = reply.into_body().collect().await?.to_bytes();
    Ok((status, body.into()))
}

/// What a reply says. A server that is in trouble says nothing of the object.
fn judge(action: &Action, status: u16, body: &[u8]) -> Result<Outcome, Error> {
    let outcome = match (action, status) {
        (Action::Write { .. }, 200 | 201) => Outcome::Stored(lease::read(body)?.1),
        (Action::Delete, 200) => Outcome::Deleted(lease::read_deleted(body)?),
        (Action::Get, 200) => Outcome::Found(lease::read(body)?.1),
        (Action::List, 200) => {
            let page = lease::read_page(body)?;
            Outcome::Listed(page.revision, page.items)
        }
        (
            Action::Write {
                kind: WriteKind::Create,
                ..
            },
            409,
        ) => Outcome::Exists,
        (
            Action::Write {
                kind: WriteKind::Update(_),
                ..
            },
            409,
        ) => Outcome::Conflict,
        (Action::Write { .. } | Action::Delete | Action::Get, 404) => Outcome::Absent,
        // Given up after many others came between.
        (Action::Write { .. } | Action::Delete, 409) | (_, 429) => Outcome::Refused,
        (_, 500..) => Outcome::Unknown,
        _ => Outcome::Odd(status),
    };
    Ok(outcome)
}
