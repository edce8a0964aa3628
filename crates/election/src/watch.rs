//! Watches that electors share: one for each namespace, whatever the number of leases.
//!
//! A [`Subscription`] holds the latest that a watch told of one lease. That is enough: an election is about what the lease is
//! now, and what was in between is over. When a watch ends it is begun again, and tells everything anew, which is compared
//! by the lease's fields and so changes nothing. A watch that is lost says so, and says nothing about any lease.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::join_all;
use leasehold_clock::Clock;
use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;

use crate::jitter::Jitter;
use crate::machine::Sight;
use crate::requests::within;
use crate::{ApiFailure, LeaseApi, LeaseEvent, LeaseEvents, LeaseName};

/// How long a watch may take to begin and tell what there is.
const SYNC_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a watch may be silent: servers send a bookmark about once a minute, so this one hangs.
const IDLE_TIMEOUT: Duration = Duration::from_secs(90);
/// The pause after the first failure; it doubles with each.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// The pause while the server does not allow it.
const FORBIDDEN_PAUSE: Duration = Duration::from_secs(60);

/// The watches of one [`crate::Leases`].
#[derive(Clone)]
pub(crate) struct Watches {
    source: Source,
    namespaces: Arc<Mutex<BTreeMap<String, Weak<NamespaceWatch>>>>,
}

/// What a watch needs.
#[derive(Clone)]
struct Source {
    api: Arc<dyn LeaseApi>,
    clock: Arc<dyn Clock>,
    seed: u64,
}

/// What is known of one lease from its watch.
#[derive(Clone, Debug, Default)]
pub(crate) struct Feed {
    /// Whether the watch works.
    pub(crate) watching: bool,
    /// What it told last.
    pub(crate) sight: Option<Sight>,
}

/// One lease's part of a shared watch. The watch ends with the last of them.
pub(crate) struct Subscription {
    name: String,
    feed: watch::Receiver<Feed>,
    watch: Arc<NamespaceWatch>,
}

/// The watch of one namespace, and the task that keeps it.
struct NamespaceWatch {
    feeds: Arc<Feeds>,
    _task: AbortOnDropHandle<()>,
}

/// Where a namespace's watch tells what it sees.
struct Feeds {
    by_name: Mutex<BTreeMap<String, (usize, watch::Sender<Feed>)>>,
    names: watch::Sender<BTreeSet<String>>,
}

impl Watches {
    pub(crate) fn new(api: Arc<dyn LeaseApi>, clock: Arc<dyn Clock>, seed: u64) -> Self {
        Self {
            source: Source { api, clock, seed },
            namespaces: Arc::default(),
        }
    }

    /// What is told of `lease` from now on. Needs a tokio runtime.
    pub(crate) fn subscribe(&self, lease: &LeaseName) -> Subscription {
        let mut namespaces = self.namespaces.lock().unwrap_or_else(PoisonError::into_inner);
        namespaces.retain(|_, watch| watch.strong_count() > 0);
        let watch = namespaces
            .get(&lease.namespace)
            .and_then(Weak::upgrade)
            .unwrap_or_else(|| {
                let watch = Arc::new(NamespaceWatch::start(self.source.clone(), lease.namespace.clone()));
                namespaces.insert(lease.namespace.clone(), Arc::downgrade(&watch));
                watch
            });
        let feed = watch.feeds.add(&lease.name);
        Subscription {
            name: lease.name.clone(),
            feed,
            watch,
        }
    }
}

impl fmt::Debug for Watches {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watches").finish_non_exhaustive()
    }
}

impl Subscription {
    /// The latest, once it is another than before. Cancel safe.
    pub(crate) async fn changed(&mut self) -> Feed {
        match self.feed.changed().await {
            Ok(()) => self.feed.borrow_and_update().clone(),
            // The sender lives as long as we do.
            Err(_) => std::future::pending().await,
        }
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.watch.feeds.remove(&self.name);
    }
}

impl NamespaceWatch {
    fn start(source: Source, namespace: String) -> Self {
        let feeds = Arc::new(Feeds {
            by_name: Mutex::default(),
            names: watch::Sender::default(),
        });
        let keeper = Keeper {
            jitter: Mutex::new(Jitter(source.seed)),
            source,
            namespace,
            feeds: Arc::clone(&feeds),
        };
        Self {
            feeds,
            _task: AbortOnDropHandle::new(tokio::spawn(keeper.keep())),
        }
    }
}

impl Feeds {
    fn by_name(&self) -> MutexGuard<'_, BTreeMap<String, (usize, watch::Sender<Feed>)>> {
        self.by_name.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, name: &str) -> watch::Receiver<Feed> {
        let mut by_name = self.by_name();
        let (count, sender) = by_name
            .entry(name.to_owned())
            .or_insert_with(|| (0, watch::Sender::default()));
        *count += 1;
        let mut receiver = sender.subscribe();
        if sender.borrow().sight.is_some() {
            // What was told before this subscriber came is news to it.
            receiver.mark_changed();
        }
        self.publish_names(&by_name);
        receiver
    }

    fn remove(&self, name: &str) {
        let mut by_name = self.by_name();
        if let Some((count, _)) = by_name.get_mut(name) {
            *count -= 1;
            if *count == 0 {
                by_name.remove(name);
            }
        }
        self.publish_names(&by_name);
    }

    fn publish_names(&self, by_name: &BTreeMap<String, (usize, watch::Sender<Feed>)>) {
        self.names.send_if_modified(|names| {
            let changed = !names.iter().eq(by_name.keys());
            if changed {
                *names = by_name.keys().cloned().collect();
            }
            changed
        });
    }

    fn tell(&self, name: &str, sight: Sight) {
        if let Some((_, sender)) = self.by_name().get(name) {
            sender.send_modify(|feed| feed.sight = Some(sight));
        }
    }

    /// A watch works, or does not: for one lease, or all.
    fn set_watching(&self, only: Option<&str>, watching: bool) {
        for (name, (_, sender)) in self.by_name().iter() {
            if only.is_none_or(|only| only == name) {
                // Failures are told again and again: each may be the first that a subscriber hears of.
                sender.send_modify(|feed| feed.watching = watching);
            }
        }
    }
}

/// Keeps the watch of a namespace.
struct Keeper {
    source: Source,
    namespace: String,
    feeds: Arc<Feeds>,
    jitter: Mutex<Jitter>,
}

impl Keeper {
    /// Watches one lease by its name, more of them through the whole namespace, or each by its name where that is all the
    /// server allows.
    async fn keep(self) {
        let mut names = self.feeds.names.subscribe();
        let mut each = false;
        loop {
            let wanted = names.borrow_and_update().clone();
            let watching = async {
                if each || wanted.len() == 1 {
                    join_all(wanted.iter().map(|name| self.keep_one(Some(name)))).await;
                } else if !wanted.is_empty() {
                    self.keep_one(None).await;
                    return true;
                }
                std::future::pending().await
            };
            tokio::select! {
                biased;
                changed = names.changed() => if changed.is_err() { return },
                forbidden = watching => each = forbidden,
            }
        }
    }

    /// Watches one lease, or all of them; returns only when that is forbidden for all.
    async fn keep_one(&self, name: Option<&str>) {
        let mut failures = 0;
        loop {
            let failure = match self.begin(name).await {
                Ok(events) => {
                    failures = 0;
                    self.relay(name, events).await
                }
                Err(failure) => Some(failure),
            };
            // A watch that merely ends is begun again at once: servers end them now and then.
            let Some(failure) = failure else { continue };
            self.feeds.set_watching(name, false);
            let namespace = &self.namespace;
            tracing::debug!(namespace, name, %failure, "the watch on leases failed");
            let forbidden = matches!(failure, ApiFailure::Forbidden(_));
            if forbidden && name.is_none() {
                return;
            }
            let pause = if forbidden { FORBIDDEN_PAUSE } else { backoff(failures) };
            failures += 1;
            self.pause(pause).await;
        }
    }

    /// Begins a watch and tells what there is.
    async fn begin(&self, name: Option<&str>) -> Result<LeaseEvents, ApiFailure> {
        let begin = async {
            let mut events = self.source.api.watch(&self.namespace, name).await?;
            let mut present = BTreeSet::new();
            loop {
                match events.next().await {
                    Some(Ok(LeaseEvent::Synced)) => break,
                    Some(Ok(event)) => present.extend(self.tell(event)),
                    Some(Err(failure)) => return Err(failure),
                    None => return Err(ApiFailure::Unknown("the watch ended before it began".to_owned())),
                }
            }
            self.synced(name, &present);
            Ok(events)
        };
        within(&*self.source.clock, SYNC_TIMEOUT, begin).await
    }

    fn synced(&self, name: Option<&str>, present: &BTreeSet<String>) {
        let wanted = self.feeds.names.borrow().clone();
        for absent in wanted
            .difference(present)
            .filter(|wanted| name.is_none_or(|name| name == *wanted))
        {
            self.feeds.tell(absent, Sight::Absent);
        }
        self.feeds.set_watching(name, true);
    }

    /// Tells what the watch brings, until it ends.
    async fn relay(&self, name: Option<&str>, mut events: LeaseEvents) -> Option<ApiFailure> {
        loop {
            let next = within(&*self.source.clock, IDLE_TIMEOUT, async {
                events.next().await.transpose()
            })
            .await;
            match next {
                Ok(Some(event)) => drop(self.tell(event)),
                Ok(None) => return None,
                Err(failure) => {
                    tracing::debug!(namespace = self.namespace, name, %failure, "a watch broke off");
                    // Whether it can be begun again is what counts.
                    return None;
                }
            }
        }
    }

    /// Passes on one event; the lease's name, if it says that there is one.
    fn tell(&self, event: LeaseEvent) -> Option<String> {
        match event {
            LeaseEvent::Applied(lease) => {
                let name = lease.metadata.name.clone();
                self.feeds.tell(&name, Sight::Present(Box::new(lease)));
                Some(name)
            }
            LeaseEvent::Deleted(lease) => {
                let name = lease.metadata.name.clone();
                self.feeds.tell(&name, Sight::Deleted(Box::new(lease)));
                None
            }
            LeaseEvent::Synced | LeaseEvent::Bookmark => None,
        }
    }

    async fn pause(&self, pause: Duration) {
        let pause = self.jitter.lock().unwrap_or_else(PoisonError::into_inner).pause(pause);
        let clock = &self.source.clock;
        clock.sleep_until(clock.now() + pause).await;
    }
}

fn backoff(failures: u32) -> Duration {
    FIRST_PAUSE.saturating_mul(1 << failures.min(16)).min(LONGEST_PAUSE)
}
