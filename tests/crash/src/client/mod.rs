//! A client that writes and reads at random, each time at one of the servers, and notes what came of it.

mod requests;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use leasehold_conformance::Connection;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use tokio::time::timeout;

use crate::Error;
use crate::clock::Clock;
use crate::history::{Action, Freshness, Operation, Outcome, Revision, Version, WriteKind};
use crate::lease::{self, GROUPS};
use crate::lives::{Life, Lives};
use requests::{Answer, Call, judge};

/// Objects that everyone fights for.
const HOT: u32 = 8;
/// Objects that are touched now and then.
const COLD: u32 = 40;
/// Items of a page.
const PAGE: usize = 7;
/// How often a page is asked for again after a cut.
const PAGE_TRIES: usize = 5;

/// What all clients and watchers of a run share.
#[derive(Clone)]
pub struct World {
    /// Theirs and the run's.
    pub clock: Clock,
    /// Where the servers are.
    pub lives: Lives,
    /// How long an answer, or a connection, is waited for. Nobody knows what became of what was asked for then.
    pub patience: Duration,
}

/// An operation and where it went.
pub struct Noted {
    /// What was asked for and what came of it.
    pub operation: Operation,
    /// [`Life::number`] of who was asked.
    pub life: usize,
    /// Of the answer, if one came.
    pub status: Option<u16>,
    /// Whether the answer says when to try again.
    pub says_when: bool,
}

/// A client; `number` tells it from the others.
pub struct Client {
    number: usize,
    rng: StdRng,
    world: World,
    /// Within which the server is asked to answer.
    deadline: Option<Duration>,
    connections: HashMap<usize, Connection>,
    written: u64,
    /// What it saw last of each object.
    known: HashMap<Arc<str>, Version>,
    /// The highest revision that it saw, and that of its last list.
    seen: (Revision, Revision),
    noted: Vec<Noted>,
}

/// A server, and a connection to it.
struct Line {
    life: usize,
    connection: Connection,
}

impl Client {
    /// A client that has done nothing yet.
    #[must_use]
    pub fn new(number: usize, seed: u64, world: World) -> Self {
        Self {
            number,
            rng: StdRng::seed_from_u64(seed),
            world,
            deadline: None,
            connections: HashMap::new(),
            written: 0,
            known: HashMap::new(),
            seen: (0, 0),
            noted: Vec::new(),
        }
    }

    /// The same, which asks for every answer within so long.
    #[must_use]
    pub fn with_deadline(self, deadline: Duration) -> Self {
        Self {
            deadline: Some(deadline),
            ..self
        }
    }

    /// Works until there is no more work, and returns what it noted.
    pub async fn run(mut self) -> Vec<Noted> {
        while let Some(line) = self.line().await {
            self.one(line).await;
        }
        self.noted
    }

    /// Asks this server, whatever else is going on. What it answers is noted as well.
    ///
    /// # Errors
    /// When there is no connection: nothing was asked then.
    pub async fn ask(&mut self, life: &Life, key: &str, action: Action) -> Result<&Noted, Error> {
        let connection = timeout(self.world.patience, Connection::open(&life.target)).await??;
        let line = Line {
            life: life.number,
            connection,
        };
        self.single(line, key.into(), action).await;
        self.noted.last().ok_or_else(|| "whatever is asked is noted".into())
    }

    /// What was noted.
    #[must_use]
    pub fn into_noted(self) -> Vec<Noted> {
        self.noted
    }

    /// The write after which there are no others, and which every watcher is told of.
    #[must_use]
    pub fn last_write() -> Action {
        Action::Write {
            kind: WriteKind::Create,
            token: "last".into(),
            group: GROUPS[0].into(),
        }
    }

    /// A new write of this client's.
    #[must_use]
    pub fn write(&mut self, kind: WriteKind) -> Action {
        self.written += 1;
        let group = GROUPS.choose(&mut self.rng).copied().unwrap_or_default();
        Action::Write {
            kind,
            token: format!("c{}-{}", self.number, self.written).into(),
            group: group.into(),
        }
    }

    /// A connection to any of the servers, as soon as there is one; `None` once there is no more work.
    async fn line(&mut self) -> Option<Line> {
        loop {
            let lives = self.world.lives.for_work().await?;
            self.connections
                .retain(|number, _| lives.iter().any(|life| life.number == *number));
            let life = lives.choose(&mut self.rng)?;
            let kept = self.connections.remove(&life.number);
            let connection = match kept {
                Some(connection) => Some(connection),
                None => timeout(self.world.patience, Connection::open(&life.target))
                    .await
                    .ok()
                    .and_then(Result::ok),
            };
            match connection {
                Some(connection) => {
                    let life = life.number;
                    return Some(Line { life, connection });
                }
                // It may be stopping, or dead without anybody having said so yet.
                None => self.wait_a_moment().await,
            }
        }
    }

    async fn wait_a_moment(&mut self) {
        let pause = Duration::from_millis(self.rng.random_range(2..10));
        tokio::time::sleep(pause).await;
    }

    async fn one(&mut self, line: Line) {
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
            (74..76, _) => return self.pages(line).await,
            (76..79, _) => Action::List(self.any_freshness()),
            _ => Action::Get,
        };
        self.single(line, key, action).await;
    }

    fn any_key(&mut self) -> Arc<str> {
        if self.rng.random_bool(0.85) {
            format!("hot-{}", self.rng.random_range(0..HOT)).into()
        } else {
            format!("cold-{}", self.rng.random_range(0..COLD)).into()
        }
    }

    fn any_freshness(&mut self) -> Freshness {
        match (self.rng.random_range(0..3), self.seen) {
            (0, (seen @ 1.., _)) => Freshness::NotOlder(seen),
            (1, (_, listed @ 1..)) => Freshness::Exact(listed),
            _ => Freshness::Latest,
        }
    }

    async fn single(&mut self, mut line: Line, key: Arc<str>, action: Action) {
        let called = self.world.clock.now();
        let answer = Call::of(&key, &action)
            .within(self.deadline)
            .send(&mut line.connection, self.world.patience)
            .await;
        let returned = self.world.clock.now();
        let manner = manner(&answer);
        let outcome = answer.and_then(|answer| judge(&action, &answer));
        let key = if matches!(action, Action::List(_)) {
            "".into()
        } else {
            key
        };
        let operation = Operation {
            key,
            called,
            returned,
            action,
            outcome: outcome.unwrap_or(Outcome::Unknown),
        };
        self.note(operation, line, manner);
    }

    fn note(&mut self, operation: Operation, line: Line, (status, says_when): Manner) {
        self.learn(&operation.key, &operation.outcome);
        // What failed once is better begun anew.
        if !matches!(operation.outcome, Outcome::Unknown) {
            self.connections.insert(line.life, line.connection);
        }
        self.noted.push(Noted {
            operation,
            life: line.life,
            status,
            says_when,
        });
    }

    fn learn(&mut self, key: &Arc<str>, outcome: &Outcome) {
        match outcome {
            Outcome::Stored(version) | Outcome::Found(version) => {
                self.known.insert(key.clone(), version.clone());
                self.seen.0 = self.seen.0.max(version.revision);
            }
            Outcome::Absent | Outcome::Conflict | Outcome::Deleted(_) => {
                self.known.remove(key);
            }
            Outcome::Listed(revision, _) => self.seen = (self.seen.0.max(*revision), *revision),
            _ => {}
        }
    }

    /// A list page by page, each from any of the servers, whatever happens to them between two pages.
    async fn pages(&mut self, mut line: Line) {
        let called = self.world.clock.now();
        let (mut items, mut next, mut tries, mut at) = (Vec::new(), String::new(), 0, None);
        let (outcome, manner) = loop {
            let answer = Call::page(PAGE, &next)
                .send(&mut line.connection, self.world.patience)
                .await;
            let manner = manner(&answer);
            match Page::of(answer) {
                Page::Some(page) => {
                    items.extend(page.items);
                    (next, at) = (page.next, Some(page.revision));
                    if next.is_empty() {
                        break (Outcome::Listed(page.revision, items), manner);
                    }
                    self.connections.insert(line.life, line.connection);
                }
                Page::Refused(410) if at.is_some() => break (Outcome::Forgotten(at.unwrap_or_default()), manner),
                Page::Refused(status) => break (Outcome::Odd(status), manner),
                Page::Busy => break (Outcome::Refused, manner),
                Page::Nothing if tries == PAGE_TRIES => break (Outcome::Unknown, manner),
                Page::Nothing => {
                    tries += 1;
                    self.wait_a_moment().await;
                }
            }
            let Some(another) = self.line().await else {
                return;
            };
            line = another;
        };
        let operation = Operation {
            key: "".into(),
            called,
            returned: self.world.clock.now(),
            action: Action::List(Freshness::Latest),
            outcome,
        };
        self.note(operation, line, manner);
    }
}

/// What asking for a page came to.
enum Page {
    Some(lease::Page),
    Refused(u16),
    /// There is too much to do.
    Busy,
    /// No answer, or none that says anything.
    Nothing,
}

impl Page {
    fn of(answer: Result<Answer, Error>) -> Self {
        match answer {
            Ok(Answer { status: 200, body, .. }) => lease::read_page(&body).map_or(Self::Nothing, Self::Some),
            Ok(Answer { status: 429, .. }) => Self::Busy,
            Ok(Answer { status, .. }) if status < 500 => Self::Refused(status),
            _ => Self::Nothing,
        }
    }
}

/// The status of an answer, and whether it says when to try again.
type Manner = (Option<u16>, bool);

fn manner(answer: &Result<Answer, Error>) -> Manner {
    let answer = answer.as_ref().ok();
    (
        answer.map(|answer| answer.status),
        answer.is_some_and(|answer| answer.says_when),
    )
}
