//! A watcher that goes on where it was after each cut, or a little before.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Method;
use http_body_util::BodyExt;
use hyper::body::{Frame, Incoming};
use leasehold_conformance::Connection;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::sync::watch;

use crate::Error;
use crate::clock::Clock;
use crate::history::{Revision, Session, Watcher};
use crate::lease::{self, COLLECTION, Line};
use crate::lives::Lives;

/// How far before the last event a watcher goes back at most.
const BACK_MAX: Revision = 100;

/// What a watcher is like.
pub(crate) struct Habits {
    pub(crate) name: &'static str,
    pub(crate) group: Option<&'static str>,
    /// Goes back when it resumes, and so sees some events again.
    pub(crate) looks_back: bool,
    /// Reads with pauses.
    pub(crate) slow: bool,
}

/// A watcher at work.
pub(crate) struct Watching {
    habits: Habits,
    rng: StdRng,
    clock: Clock,
    lives: Lives,
    /// The revision that is the last, once that is known.
    goal: watch::Receiver<Option<Revision>>,
    start: Revision,
    reached: Revision,
    sessions: Vec<Session>,
}

impl Watching {
    pub(crate) fn new(
        habits: Habits,
        seed: u64,
        clock: Clock,
        lives: Lives,
        goal: watch::Receiver<Option<Revision>>,
        start: Revision,
    ) -> Self {
        Self {
            habits,
            rng: StdRng::seed_from_u64(seed),
            clock,
            lives,
            goal,
            start,
            reached: start,
            sessions: Vec::new(),
        }
    }

    /// Watches until it has seen the last revision, or the run is over.
    pub(crate) async fn run(mut self) -> Watcher {
        while !self.is_done() {
            let Some(life) = self.lives.for_watch().await else {
                break;
            };
            if let Ok(mut connection) = Connection::open(&life.target).await {
                // A cut: on to the next.
                let _ = self.session(&mut connection).await;
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

    async fn session(&mut self, connection: &mut Connection) -> Result<(), Error> {
        let from = self.next_start();
        let timeout = if self.rng.random_bool(0.5) { 1 } else { 30 };
        let selector = self.habits.group.map(lease::selector).unwrap_or_default();
        let path = format!(
            "{COLLECTION}?watch=1&allowWatchBookmarks=true&resourceVersion={from}&timeoutSeconds={timeout}&{selector}"
        );
        let reply = connection.send(Method::GET, &path, None).await?;
        let status = reply.status().as_u16();
        if status >= 500 || status == 429 {
            return Ok(());
        }
        let error = (status != 200).then(|| format!("status {status}"));
        self.sessions.push(Session {
            from,
            events: Vec::new(),
            error,
        });
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
            let at = self.clock.now();
            while let Some(end) = unread.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = unread.drain(..=end).collect();
                self.line(lease::read_line(&line, at));
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

    fn line(&mut self, line: Result<Line, Error>) {
        let Some(session) = self.sessions.last_mut() else {
            return;
        };
        match line {
            Ok(Line::Event(event)) => {
                self.reached = self.reached.max(event.revision);
                session.events.push(event);
            }
            Ok(Line::Error(code)) => session.error = Some(format!("ERROR {code}")),
            Err(error) => session.error = Some(format!("a line that is no event: {error}")),
        }
    }
}
