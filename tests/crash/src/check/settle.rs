//! Until when a request without an answer can have come true.
//!
//! Those who watch everything have seen what came true. A write that nobody saw has not; one that somebody saw had before that.
//! A deletion may be any of those of its object that no other request explains.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::history::{Action, Event, EventKind, History, Nanos, Operation, Outcome};

/// What was seen of all requests.
pub(super) struct Sightings<'a> {
    /// When somebody first saw what a write has left.
    writes: HashMap<&'a Arc<str>, Nanos>,
    /// By object, when somebody first saw each deletion that nobody was told to have made.
    deletions: HashMap<&'a Arc<str>, HashMap<&'a Arc<str>, Nanos>>,
}

impl<'a> Sightings<'a> {
    pub(super) fn new(history: &'a History) -> Self {
        let mut all = Self {
            writes: HashMap::new(),
            deletions: HashMap::new(),
        };
        let explained: HashSet<_> = history
            .operations
            .iter()
            .filter_map(|operation| match &operation.outcome {
                Outcome::Deleted(uid) => Some(uid),
                _ => None,
            })
            .collect();
        for operation in &history.operations {
            let found: Box<dyn Iterator<Item = _>> = match &operation.outcome {
                Outcome::Found(version) | Outcome::Stored(version) => Box::new(std::iter::once(version)),
                Outcome::Listed(_, items) => Box::new(items.iter().map(|(_, version)| version)),
                _ => continue,
            };
            found.for_each(|version| first(&mut all.writes, &version.content.token, operation.returned));
        }
        for watcher in &history.watchers {
            for event in watcher.sessions.iter().flat_map(|session| &session.events) {
                all.learn(event, watcher.group.is_none(), &explained);
            }
        }
        all
    }

    fn learn(&mut self, event: &'a Event, sees_all: bool, explained: &HashSet<&Arc<str>>) {
        let Some((key, content)) = &event.object else { return };
        match event.kind {
            EventKind::Added | EventKind::Modified => first(&mut self.writes, &content.token, event.at),
            // To one that selects, it may only have lost its label.
            EventKind::Deleted if sees_all && !explained.contains(&content.uid) => {
                first(self.deletions.entry(key).or_default(), &content.uid, event.at);
            }
            EventKind::Deleted | EventKind::Bookmark => {}
        }
    }

    /// The request with the end of the time in which it can have come true; `None` if it has not.
    pub(super) fn settle(&self, operation: &Operation) -> Option<Operation> {
        let mut settled = operation.clone();
        if matches!(operation.outcome, Outcome::Unknown) {
            settled.returned = settled.returned.min(self.until(operation)?);
        }
        Some(settled)
    }

    fn until(&self, operation: &Operation) -> Option<Nanos> {
        match &operation.action {
            Action::Write { token, .. } => self.writes.get(token).copied(),
            Action::Delete => {
                let seen = self.deletions.get(&operation.key)?.values();
                seen.copied().filter(|at| *at >= operation.called).max()
            }
            Action::Get | Action::List(_) => None,
        }
    }
}

fn first<'a>(all: &mut HashMap<&'a Arc<str>, Nanos>, name: &'a Arc<str>, at: Nanos) {
    let earliest = all.entry(name).or_insert(at);
    *earliest = (*earliest).min(at);
}
