//! The one task that brings what happens in etcd to everybody here: one watch, followed for as long as the store is open.
//!
//! It begins with everything as it was some time ago and is told what happened since, so that the recent past can be watched
//! and listed at from the start. A watch that is lost is opened again after the last revision known, at whichever member
//! answers. Where that revision has been compacted, or something that is told does not fit what is held, everything is read
//! anew, and every watcher here is told that there is a gap.
//!
//! It never writes an object, and never shows a part of a revision.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::future::{BoxFuture, OptionFuture};
use leasehold_clock::Monotonic;
use leasehold_etcd::{self as etcd, Op, Txn, WatchError, WatchOptions, WatchReply, WatchStream};

use super::direct::item;
use super::metrics::{Counters, RequestKind};
use super::mirror::{Mirror, number, revision};
use super::shared::Shared;
use super::versions;
use crate::view::state::State;
use crate::{Range, Revision};

/// How often the watch is asked how far it is while somebody waits for that, and otherwise.
const ASK: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));
/// How long a watch may be silent, though it is asked, before it is taken for dead.
const SILENCE: Duration = Duration::from_secs(12);
/// How long is waited before a lost watch is opened again for the second time in a row, at first and at most.
const PAUSE: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

/// See the module.
pub(super) struct Feed {
    shared: Arc<Shared>,
    mirror: Mirror,
    /// How many revisions back a beginning begins.
    depth: u64,
    /// etcd's revision at the last beginning: once that is reached, what is held is as good as etcd's word.
    target: Revision,
    /// Whether what is held has been good once.
    has_been_good: bool,
    pause: Duration,
}

/// What to do next.
#[derive(Clone, Copy)]
enum Next {
    /// Read everything anew, as it was at this revision or later.
    Begin { not_before: Revision },
    /// Watch from where the mirror is.
    Follow,
}

/// Why the watch ended.
enum Ended {
    /// Nothing is missing yet: it can go on from where it was.
    Lost(String),
    /// What happened up to this revision will never be told.
    Gap { not_before: Revision, why: String },
}

impl Ended {
    fn lost(error: impl std::fmt::Display) -> Self {
        Self::Lost(error.to_string())
    }
}

impl Feed {
    pub(super) fn new(shared: Arc<Shared>, depth: u64) -> Self {
        Self {
            shared,
            mirror: Mirror::new(State::default()),
            depth,
            target: Revision(0),
            has_been_good: false,
            pause: PAUSE.0,
        }
    }

    /// Runs until the store closes.
    pub(super) async fn run(mut self) {
        let closing = self.shared.closing.clone();
        let forever = async {
            let mut next = Next::Begin {
                not_before: Revision(0),
            };
            loop {
                let ended = match next {
                    Next::Begin { not_before } => match self.begin(not_before).await {
                        Ok(()) => {
                            next = Next::Follow;
                            continue;
                        }
                        Err(ended) => ended,
                    },
                    Next::Follow => self.follow().await,
                };
                next = self.after(ended, next).await;
            }
        };
        let _closed = closing.run_until_cancelled(forever).await;
    }

    async fn after(&mut self, ended: Ended, before: Next) -> Next {
        let (why, next) = match ended {
            Ended::Lost(why) => (why, before),
            Ended::Gap { not_before, why } => {
                if self.has_been_good {
                    tracing::warn!(%why, revision = %self.mirror.revision(), "history is lost; everything is read anew");
                    Counters::add(&self.shared.counters.relists, 1);
                }
                (why, Next::Begin { not_before })
            }
        };
        let is_news = self.shared.health.lock().lost(self.shared.clock.now(), &why);
        if is_news {
            tracing::warn!(%why, revision = %self.mirror.revision(), "etcd is not watched now; it is tried again");
        }
        if let Err(why) = self.shared.can_watch() {
            self.shared.published.break_off(why);
        }
        tokio::time::sleep(self.pause).await;
        self.pause = (self.pause * 2).min(PAUSE.1);
        next
    }

    /// Reads everything as it was a while ago, and shows it. Never what is older than what has been shown.
    async fn begin(&mut self, not_before: Revision) -> Result<(), Ended> {
        let current = self.shared.current().await.map_err(Ended::lost)?;
        let a_while_ago = Revision(current.0.saturating_sub(self.depth));
        let base = a_while_ago.max(not_before).max(self.shared.published.revision());
        let state = match self.read_at(base).await {
            Ok(state) => state,
            Err(etcd::Error::Compacted) => return Err(self.compacted(base).await),
            Err(error) => return Err(Ended::lost(error)),
        };
        #[cfg(leasehold_mutant = "gap-passed-over")]
        if self.has_been_good {
            let now = self.shared.clock.now();
            self.shared.published.publish(state.clone(), Vec::new(), now);
            self.mirror = Mirror::new(state);
            return Ok(());
        }
        if base > Revision(0) {
            self.shared.published.reset(state.clone());
        }
        self.mirror = Mirror::new(state);
        self.target = current;
        self.arrived();
        Ok(())
    }

    async fn read_at(&self, base: Revision) -> Result<State, etcd::Error> {
        let mut state = State::at(base);
        if base == Revision(0) {
            return Ok(state);
        }
        let keys = &self.shared.keys;
        for resource in keys.resources() {
            let span = keys.span(&Range::Resource(resource));
            let take = |kv: etcd::KeyValue| {
                if let Some(key) = keys.decode(&kv.key) {
                    state.set(&key, Some(item(kv)));
                }
            };
            self.shared.read_span(&span, Some(base), take).await?;
        }
        Ok(state)
    }

    /// Finds out up to where etcd has been compacted, which it tells to watches only.
    async fn compacted(&self, base: Revision) -> Ended {
        let mut stream = match self.open(base.max(Revision(1))).await {
            Ok(stream) => stream,
            Err(ended) => return ended,
        };
        match stream.next().await {
            Err(error) => of_watch(error),
            // It was compacted a moment ago, and yet not for a watch: look again.
            Ok(_) => Ended::Lost("etcd was compacted while it was read".to_owned()),
        }
    }

    async fn open(&self, from: Revision) -> Result<WatchStream, Ended> {
        let span = self.shared.keys.followed();
        let options = WatchOptions {
            key: span.start,
            range_end: span.end,
            revision: number(from),
            progress: true,
        };
        let stream = self.shared.client.watch(options).await;
        self.shared
            .counters
            .request(RequestKind::Watch, stream)
            .map_err(Ended::lost)
    }

    /// Follows one watch to its end.
    async fn follow(&mut self) -> Ended {
        let from = self.mirror.resume();
        let stream = match self.open(from).await {
            Ok(stream) => stream,
            Err(ended) => return ended,
        };
        let sound = self.is_sound(stream.endpoint()).await;
        self.shared.progress_is_sound.store(sound, Ordering::Relaxed);
        if self.has_been_good {
            Counters::add(&self.shared.counters.reconnects, 1);
        }
        self.heard();
        self.arrived();
        let mut session = Session {
            stream,
            sound,
            asked: None,
            marking: None,
        };
        loop {
            if let Err(ended) = self.listen(&mut session).await {
                return ended;
            }
        }
    }

    /// A revision that somebody waits for, and be it this task itself, which must know when it has begun.
    fn wanted(&self) -> Option<Revision> {
        let begun = self.mirror.revision() >= self.target;
        self.shared.reads.first().or((!begun).then_some(self.target))
    }

    async fn is_sound(&self, endpoint: &str) -> bool {
        let Ok(status) = self.shared.client.status(endpoint).await else {
            return false;
        };
        if let Some(concern) = versions::concern(&status.version) {
            tracing::warn!(
                endpoint,
                version = status.version,
                concern,
                "this version of etcd should be replaced"
            );
        }
        versions::progress_is_sound(&status.version)
    }

    /// Takes in what the watch tells next, or asks it how far it is.
    async fn listen(&mut self, session: &mut Session) -> Result<(), Ended> {
        let shared = Arc::clone(&self.shared);
        let ask_at = session.ask_at(self.wanted().is_some());
        tokio::select! {
            told = session.stream.next() => self.take_in(told.map_err(of_watch)?, session.sound),
            () = shared.asked.notified() => Ok(()),
            () = shared.clock.sleep_until(ask_at) => self.ask(session),
            Some(marked) = OptionFuture::from(session.marking.as_mut()) => {
                session.marking = None;
                if let Err(error) = marked {
                    // Whoever waits for it goes on waiting, and so it is tried again.
                    tracing::debug!(%error, "no marker was written");
                }
                Ok(())
            }
        }
    }

    fn take_in(&mut self, told: WatchReply, sound: bool) -> Result<(), Ended> {
        self.heard();
        if !told.is_progress {
            self.changed(told)?;
        } else if sound {
            self.mirror.advance(revision(told.revision));
            self.shared
                .published
                .advance(self.mirror.revision(), self.shared.clock.now());
        }
        self.arrived();
        self.pause = PAUSE.0;
        Ok(())
    }

    fn changed(&mut self, told: WatchReply) -> Result<(), Ended> {
        let not_before = self.mirror.revision();
        let group = self.mirror.apply(&self.shared.keys, told.events);
        let group = group.map_err(|inconsistent| Ended::Gap {
            not_before,
            why: inconsistent.to_string(),
        })?;
        let shared = &self.shared;
        let now = shared.clock.now();
        Counters::add(&shared.counters.told_bytes, group.bytes);
        if group.changes.is_empty() {
            shared.published.advance(group.state.revision, now);
        } else {
            shared.published.publish(group.state, group.changes, now);
        }
        shared.past.expire(now, shared.counters.told());
        Ok(())
    }

    /// Wakes those whose revision has become visible.
    fn arrived(&mut self) {
        let reached = self.mirror.revision();
        self.shared.counters.etcd_is_at(reached);
        self.shared.writes.reached(reached);
        self.shared.reads.reached(reached);
        if reached >= self.target {
            self.has_been_good = true;
            self.shared.health.lock().watching();
            self.shared.opened.notify_waiters();
        }
    }

    fn heard(&self) {
        self.shared.health.lock().heard(self.shared.clock.now());
    }

    /// Asks how far the watch is. Where the answer cannot be trusted and somebody waits for it, writes something for the watch
    /// to tell of: what came before has then been told.
    fn ask(&self, session: &mut Session) -> Result<(), Ended> {
        let now = self.shared.clock.now();
        let silence = self.shared.health.lock().silence(now);
        if silence >= SILENCE {
            return Err(Ended::Lost(format!("it has been silent for {} s", silence.as_secs())));
        }
        session.asked = Some(now);
        session.stream.request_progress().map_err(of_watch)?;
        if !session.sound && session.marking.is_none() {
            session.marking = self.wanted().map(|wanted| mark(Arc::clone(&self.shared), wanted));
        }
        Ok(())
    }
}

/// One watch.
struct Session {
    stream: WatchStream,
    /// Whether its word on its progress can be trusted.
    sound: bool,
    asked: Option<Monotonic>,
    marking: Option<BoxFuture<'static, Result<(), etcd::Error>>>,
}

impl Session {
    /// When to ask next.
    fn ask_at(&self, somebody_waits: bool) -> Monotonic {
        let pause = if somebody_waits { ASK.0 } else { ASK.1 };
        self.asked.map_or(Monotonic::default(), |asked| asked + pause)
    }
}

/// Writes the marker, unless etcd itself has not reached the revision yet: then a marker would, and nothing else would have
/// happened.
fn mark(shared: Arc<Shared>, wanted: Revision) -> BoxFuture<'static, Result<(), etcd::Error>> {
    Box::pin(async move {
        if shared.current().await? < wanted {
            return Ok(());
        }
        let marker = Op::put(shared.keys.marker(), "");
        let txn = Txn {
            success: vec![marker],
            ..Txn::default()
        };
        shared.txn(txn).await.map(drop)
    })
}

fn of_watch(error: WatchError) -> Ended {
    match error {
        WatchError::Compacted { revision: number } => Ended::Gap {
            not_before: revision(number),
            why: error.to_string(),
        },
        lost @ WatchError::Lost(_) => Ended::lost(lost),
    }
}
