//! A watcher that goes on where it was after each cut, or a little before, at any of the servers.
//!
//! Where it is told that what it needs is forgotten it begins anew, after a list, as every client would.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Method;
use http_body_util::BodyExt;
use hyper::body::{Frame, Incoming};
use leasehold_conformance::Connection;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use tokio::sync::watch;
use tokio::time::timeout;

use crate::Error;
use crate::client::World;
use crate::history::{Nanos, Revision, Session, Watcher};
use crate::lease::{self, COLLECTION, Line};
use crate::lives::Life;

/// How far before the last event a watcher goes back at most.
const BACK_MAX: Revision = 100;

/// Longer than that after its own end a session lasts only if the server has forgotten about it.
const LATE: Duration = Duration::from_secs(60);

/// What a watcher is like.
#[derive(Clone, Copy, Debug)]
pub struct Habits {
    /// For messages.
    pub name: &'static str,
    /// Selects by this label, or nothing.
    pub group: Option<&'static str>,
    /// Goes back when it resumes, and so sees some events again.
    pub looks_back: bool,
    /// Reads with pauses.
    pub slow: bool,
    /// Stays with this one of several servers.
    pub stays_with: Option<usize>,
    /// How long a session is asked to last, one or the other, in seconds.
    pub seconds: (u64, u64),
}

/// A watcher at work.
pub struct Watching {
    habits: Habits,
    rng: StdRng,
    world: World,
    /// The revision that is the last, once that is known.
    goal: watch::Receiver<Option<Revision>>,
    start: Revision,
    reached: Revision,
    sessions: Vec<Session>,
    /// Since the last session, which was told that what it needs is forgotten.
    has_begun_anew: bool,
}

impl Watching {
    /// A watcher that is to see everything after `start`.
    #[must_use]
    pub fn new(
        habits: Habits,
        seed: u64,
        world: World,
        goal: watch::Receiver<Option<Revision>>,
        start: Revision,
    ) -> Self {
        Self {
            habits,
            rng: StdRng::seed_from_u64(seed),
            world,
            goal,
            start,
            reached: start,
            sessions: Vec::new(),
            has_begun_anew: false,
        }
    }

    /// Watches until it has seen the last revision, or the run is over.
    pub async fn run(mut self) -> Watcher {
        while !self.is_done() {
            let Some(lives) = self.world.lives.for_watch().await else {
                break;
            };
            let stays_with = self.habits.stays_with;
            let fit: Vec<_> = lives
                .iter()
                .filter(|life| stays_with.is_none_or(|server| life.server == server))
                .collect();
            if let Some(life) = fit.choose(&mut self.rng) {
                // A cut: on to the next.
                let _ = self.visit(life).await;
            }
            tokio::time::sleep(Duration::from_millis(self.rng.random_range(1..20))).await;
        }
        Watcher {
            name: self.habits.name.to_owned(),
            group: self.habits.group.map(Arc::from),
            sessions: self.sessions,
        }
    }

    fn is_done(&self) -> bool {
        self.goal.borrow().is_some_and(|goal| self.reached >= goal)
    }

    async fn visit(&mut self, life: &Life) -> Result<(), Error> {
        let mut connection = timeout(self.world.patience, Connection::open(&life.target)).await??;
        let must_begin = self.sessions.last().is_some_and(|last| last.forgotten.is_some());
        if must_begin && !self.has_begun_anew {
            self.begin(&mut connection).await?;
        }
        let (short, long) = self.habits.seconds;
        let seconds = if self.rng.random_bool(0.5) { short } else { long };
        timeout(
            Duration::from_secs(seconds) + LATE,
            self.session(&mut connection, seconds),
        )
        .await
        .unwrap_or_else(|late| {
            if let Some(session) = self.sessions.last_mut() {
                session.error = Some(format!("it did not end after {seconds} s: {late}"));
            }
            Ok(())
        })
    }

    /// Reads everything and watches from there.
    async fn begin(&mut self, connection: &mut Connection) -> Result<(), Error> {
        let list = async {
            let reply = connection.send(Method::GET, COLLECTION, None).await?;
            lease::read_page(&reply.into_body().collect().await?.to_bytes())
        };
        let revision = timeout(self.world.patience, list).await??.revision;
        (self.start, self.reached, self.has_begun_anew) = (revision, revision, true);
        Ok(())
    }

    async fn session(&mut self, connection: &mut Connection, seconds: u64) -> Result<(), Error> {
        let from = self.next_start();
        let selector = self.habits.group.map(lease::selector).unwrap_or_default();
        let path = format!(
            "{COLLECTION}?watch=1&allowWatchBookmarks=true&resourceVersion={from}&timeoutSeconds={seconds}&{selector}"
        );
        let reply = connection.send(Method::GET, &path, None).await?;
        let status = reply.status().as_u16();
        if status >= 500 || status == 429 {
            return Ok(());
        }
        let error = (status != 200 && status != 410).then(|| format!("status {status}"));
        self.sessions.push(Session {
            from,
            events: Vec::new(),
            forgotten: (status == 410).then(|| self.world.clock.now()),
            error,
        });
        self.has_begun_anew = false;
        if status == 200 {
            self.read(reply.into_body()).await?;
        }
        Ok(())
    }

    fn next_start(&mut self) -> Revision {
        let back = if self.habits.looks_back {
            self.rng.random_range(0..=BACK_MAX)
        } else {
            0
        };
        self.start.max(self.reached.saturating_sub(back))
    }

    async fn read(&mut self, mut body: Incoming) -> Result<(), Error> {
        let mut unread = Vec::new();
        while !self.is_done() {
            let Some(frame) = self.frame(&mut body).await else {
                return Ok(());
            };
            unread.extend_from_slice(frame?.data_ref().map_or(&[][..], |data| data));
            let at = self.world.clock.now();
            while let Some(end) = unread.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = unread.drain(..=end).collect();
                self.line(lease::read_line(&line, at), at);
            }
            if self.habits.slow && self.rng.random_bool(0.02) {
                tokio::time::sleep(Duration::from_millis(self.rng.random_range(20..200))).await;
            }
        }
        Ok(())
    }

    /// The next frame; `None` at the end, or when there is news of the last revision.
    async fn frame(&mut self, body: &mut Incoming) -> Option<Result<Frame<Bytes>, Error>> {
        tokio::select! {
            frame = body.frame() => frame.map(|frame| frame.map_err(Error::from)),
            // Whoever sets it keeps it until all watchers are done.
            _ = self.goal.changed() => None,
        }
    }

    fn line(&mut self, line: Result<Line, Error>, at: Nanos) {
        let Some(session) = self.sessions.last_mut() else {
            return;
        };
        match line {
            Ok(Line::Event(event)) => {
                self.reached = self.reached.max(event.revision);
                session.events.push(event);
            }
            Ok(Line::Error(410)) => session.forgotten = Some(at),
            Ok(Line::Error(code)) => session.error = Some(format!("ERROR {code}")),
            Err(error) => session.error = Some(format!("a line that is no event: {error}")),
        }
    }
}
