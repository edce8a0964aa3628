//! The shell around the graph: takes up what has changed, and looks where that calls for a look.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::{FutureExt as _, StreamExt as _, stream};
use leasehold_api::ApiError;
use leasehold_api::codec::glance;
use leasehold_clock::Monotonic;
use leasehold_registry::Registry;
use leasehold_registry::resources::TABLE;
use leasehold_store::{Change, ChangeKind, Key, Range, Store};

use super::acts::{self, Step};
use super::graph::Graph;
use crate::driver::{Controller, Outcome};
use crate::follow::{Follower, News};

/// How many objects are looked at before changes are taken up again.
const BATCH: usize = 1024;
/// How many of them at once, so that they share the store's commit groups.
const AT_ONCE: usize = 64;
/// How long a change may wait: renewals come by the thousand, and none of them matters here.
const REST: Duration = Duration::from_millis(100);
/// How long an object rests that could not be dealt with.
const ASIDE: Duration = Duration::from_secs(30);

/// Collects what belongs to deleted objects. See the module.
pub struct OwnerCollection {
    followers: Vec<Follower>,
    graph: Graph,
    /// Objects that could not be dealt with for reasons of their own, and when to try again.
    aside: Vec<Key>,
    aside_until: Option<Monotonic>,
    /// A round has begun; if it is still so when the next one does, the last one panicked.
    midway: bool,
}

/// How many objects a round dealt with.
#[derive(Default)]
struct Count {
    deleted: usize,
    changed: usize,
}

impl OwnerCollection {
    /// A collector that has seen nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            followers: ranges().into_iter().map(Follower::of).collect(),
            graph: Graph::default(),
            aside: Vec::new(),
            aside_until: None,
            midway: false,
        }
    }

    async fn run(&mut self, registry: &Registry) -> Result<Outcome, ApiError> {
        if self.midway {
            *self = Self::new();
        }
        self.midway = true;
        let outcome = self.round(registry).await;
        self.midway = false;
        outcome
    }

    async fn round(&mut self, registry: &Registry) -> Result<Outcome, ApiError> {
        self.take_up(registry).await?;
        let now = registry.clock().now();
        if self.aside_until.is_some_and(|until| until <= now) {
            self.aside_until = None;
            self.aside.drain(..).for_each(|key| self.graph.look_again(key));
        }
        let count = self.look(registry).await?;
        let busy = self.graph.has_work() || count.deleted + count.changed > 0;
        let aside = self.aside_until.map(|until| until.since(now));
        Ok(Outcome {
            did: count.summary(),
            again_in: if busy { Some(Duration::ZERO) } else { aside },
        })
    }

    /// Brings the graph up to what the store says. Where one place in the history is lost, all begin anew: what became of
    /// the objects meanwhile, nobody can tell.
    async fn take_up(&mut self, registry: &Registry) -> Result<(), ApiError> {
        let store = &**registry.store();
        let begun = |news: &Result<News, ApiError>| matches!(news, Ok(News::Everything(_)));
        let mut all_news = self.look_everywhere(store).await;
        if all_news.iter().any(begun) && !all_news.iter().all(begun) {
            *self = Self {
                midway: true,
                ..Self::new()
            };
            all_news = self.look_everywhere(store).await;
        }
        let mut failed = None;
        for news in all_news {
            match news {
                Ok(news) => self.note(news),
                Err(error) => failed = Some(error),
            }
        }
        failed.map_or(Ok(()), Err)
    }

    async fn look_everywhere(&mut self, store: &dyn Store) -> Vec<Result<News, ApiError>> {
        let mut all_news = Vec::with_capacity(self.followers.len());
        for follower in &mut self.followers {
            all_news.push(follower.look(store).await);
        }
        all_news
    }

    fn note(&mut self, news: News) {
        match news {
            News::Everything(entries) => {
                for entry in entries {
                    self.graph
                        .change(&entry.key, None, glance::belonging(&entry.value).as_ref());
                }
            }
            News::Changes(changes) => changes.iter().for_each(|change| self.changed(change)),
        }
    }

    fn changed(&mut self, change: &Arc<Change>) {
        let before = change.previous.as_ref().and_then(|(value, _)| glance::belonging(value));
        let after = match &change.kind {
            ChangeKind::Put(value) => glance::belonging(value),
            ChangeKind::Delete => None,
        };
        self.graph.change(&change.key, before.as_ref(), after.as_ref());
    }

    /// Looks at what needs it. One object that cannot be dealt with does not keep the others.
    async fn look(&mut self, registry: &Registry) -> Result<Count, ApiError> {
        let keys = self.graph.take(BATCH);
        let graph = &self.graph;
        let looks = keys.into_iter().map(async |key: Key| {
            let step = acts::look(registry, graph, &key).await;
            (key, step)
        });
        let steps: Vec<_> = stream::iter(looks).buffer_unordered(AT_ONCE).collect().await;
        let (mut count, mut failed) = (Count::default(), None);
        for (key, step) in steps {
            match step {
                Ok(Step::Moot) => {}
                Ok(Step::Deleted) => count.deleted += 1,
                Ok(Step::Changed) => count.changed += 1,
                Ok(Step::Again) => self.graph.look_again(key),
                // The store's trouble is everybody's.
                Err(error) if matches!(error.code(), 503 | 504) => {
                    self.graph.look_again(key);
                    failed = Some(error);
                }
                Err(error) => {
                    tracing::warn!(resource = key.resource, namespace = %key.namespace, name = %key.name, %error,
                        "cannot be collected now");
                    self.aside.push(key);
                    self.aside_until.get_or_insert(registry.clock().now() + ASIDE);
                }
            }
        }
        failed.map_or(Ok(count), Err)
    }
}

impl Default for OwnerCollection {
    fn default() -> Self {
        Self::new()
    }
}

impl Controller for OwnerCollection {
    fn name(&self) -> &'static str {
        "owner-collection"
    }

    fn watches(&self) -> Vec<Range> {
        ranges()
    }

    fn rest(&self) -> Duration {
        REST
    }

    fn activate<'a>(&'a mut self, registry: &'a Registry) -> BoxFuture<'a, Result<Outcome, ApiError>> {
        self.run(registry).boxed()
    }

    fn explain(&self) -> String {
        match self.graph.waiting() {
            0 => String::new(),
            waiting => format!("{waiting} objects wait for their dependents to be gone"),
        }
    }
}

impl Count {
    fn summary(&self) -> String {
        let parts = [
            (self.deleted, "deleted with their owners"),
            (self.changed, "freed of owners or finalizers"),
        ];
        let parts = parts.iter().filter(|(count, _)| *count > 0);
        let parts: Vec<_> = parts.map(|(count, what)| format!("{count} {what}")).collect();
        parts.join(", ")
    }
}

/// Everything that takes part, each kind of stored object once.
fn ranges() -> Vec<Range> {
    let mut storages: Vec<_> = TABLE
        .iter()
        .filter(|resource| resource.strategy.has_dependents())
        .map(|resource| resource.storage)
        .collect();
    storages.sort_unstable();
    storages.dedup();
    storages.into_iter().map(Range::Resource).collect()
}
