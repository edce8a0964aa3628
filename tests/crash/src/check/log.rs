//! [`Log`]: what happened at each revision, put together from everything that anyone saw.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use super::{Rule, Violation};
use crate::history::{Action, Content, EventKind, History, Operation, Outcome, Revision};

/// All known changes in order of revision.
#[derive(Debug, Default)]
pub struct Log {
    pub(super) entries: BTreeMap<Revision, Entry>,
    /// The revision at which the object with this uid was deleted.
    pub(super) deletions: HashMap<Arc<str>, Revision>,
}

/// One change.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) key: Arc<str>,
    /// What was there before, as the log has it.
    pub(super) before: Option<Content>,
    /// What is there after; `None` for a deletion.
    pub(super) after: Option<Content>,
    /// The object of the event that told of a deletion.
    pub(super) told: Option<Content>,
    /// The index of the request, where there is no doubt which.
    pub(super) by: Option<usize>,
}

impl Log {
    /// Gathers the changes and finds the request behind each.
    pub(super) fn build(history: &History, violations: &mut Vec<Violation>) -> Self {
        let mut log = Self::default();
        for operation in &history.operations {
            log.learn_from_operation(operation, violations);
        }
        for watcher in &history.watchers {
            for event in watcher.sessions.iter().flat_map(|session| &session.events) {
                let Some((key, content)) = &event.object else { continue };
                match event.kind {
                    EventKind::Added | EventKind::Modified => log.put(key, event.revision, content, violations),
                    // To one that selects, it may only have lost its label.
                    EventKind::Deleted if watcher.group.is_none() => {
                        log.deletion(key, event.revision, content, violations);
                    }
                    EventKind::Deleted | EventKind::Bookmark => {}
                }
            }
        }
        log.link();
        log.explain_writes(history, violations);
        log.explain_deletions(history, violations);
        log
    }

    fn learn_from_operation(&mut self, operation: &Operation, violations: &mut Vec<Violation>) {
        match &operation.outcome {
            Outcome::Stored(version) | Outcome::Found(version) => {
                self.put(&operation.key, version.revision, &version.content, violations);
            }
            Outcome::Listed(_, items) => items
                .iter()
                .for_each(|(key, version)| self.put(key, version.revision, &version.content, violations)),
            _ => {}
        }
    }

    fn put(&mut self, key: &Arc<str>, revision: Revision, content: &Content, violations: &mut Vec<Violation>) {
        self.add(revision, key, Some(content), None, violations);
    }

    fn deletion(&mut self, key: &Arc<str>, revision: Revision, told: &Content, violations: &mut Vec<Violation>) {
        self.add(revision, key, None, Some(told), violations);
        self.deletions.insert(told.uid.clone(), revision);
    }

    fn add(
        &mut self,
        revision: Revision,
        key: &Arc<str>,
        after: Option<&Content>,
        told: Option<&Content>,
        violations: &mut Vec<Violation>,
    ) {
        if let Some(known) = self.entries.get(&revision) {
            if (&known.key, known.after.as_ref(), known.told.as_ref()) != (key, after, told) {
                let what = format!(
                    "{revision} is {key} {after:?} {told:?} and also {} {:?}",
                    known.key, known.after
                );
                violations.push(Violation::new(Rule::RevisionReused, what));
            }
            return;
        }
        let entry = Entry {
            key: key.clone(),
            before: None,
            after: after.cloned(),
            told: told.cloned(),
            by: None,
        };
        self.entries.insert(revision, entry);
    }

    /// Tells each change what was there before it.
    fn link(&mut self) {
        let mut state: HashMap<Arc<str>, Content> = HashMap::new();
        for entry in self.entries.values_mut() {
            entry.before = match &entry.after {
                Some(after) => state.insert(entry.key.clone(), after.clone()),
                None => state.remove(&entry.key),
            };
        }
    }

    fn explain_writes(&mut self, history: &History, violations: &mut Vec<Violation>) {
        let mut writes: HashMap<&Arc<str>, usize> = HashMap::new();
        for (index, operation) in history.operations.iter().enumerate() {
            if let Action::Write { token, .. } = &operation.action {
                writes.insert(token, index);
            }
        }
        let mut seen: HashMap<Arc<str>, Revision> = HashMap::new();
        for (&revision, entry) in &mut self.entries {
            let Some(content) = &entry.after else { continue };
            if let Some(first) = seen.insert(content.token.clone(), revision) {
                let what = format!("{} at {first} and at {revision}", content.token);
                violations.push(Violation::new(Rule::AppliedTwice, what));
            }
            entry.by = writes.get(&content.token).copied();
            let by = entry.by.map(|index| &history.operations[index]);
            if !by.is_some_and(|operation| could_have_stored(operation, &entry.key, revision, content)) {
                let what = format!("{revision} has {} in {}, from {by:?}", content.token, entry.key);
                violations.push(Violation::new(Rule::Unexplained, what));
            }
        }
    }

    fn explain_deletions(&mut self, history: &History, violations: &mut Vec<Violation>) {
        let mut acknowledged: HashMap<&Arc<str>, usize> = HashMap::new();
        let mut doubtful: HashSet<&Arc<str>> = HashSet::new();
        for (index, operation) in history.operations.iter().enumerate() {
            match (&operation.action, &operation.outcome) {
                (Action::Delete, Outcome::Deleted(uid)) => {
                    if let Some(other) = acknowledged.insert(uid, index) {
                        let what = format!("requests {other} and {index} both deleted {} {uid}", operation.key);
                        violations.push(Violation::new(Rule::AppliedTwice, what));
                    }
                    if !self.deletions.contains_key(uid) {
                        let what = format!("nobody saw the deletion of {} {uid}", operation.key);
                        violations.push(Violation::new(Rule::Lost, what));
                    }
                }
                (Action::Delete, Outcome::Unknown) => {
                    doubtful.insert(&operation.key);
                }
                _ => {}
            }
        }
        for (revision, entry) in &mut self.entries {
            let Some(told) = &entry.told else { continue };
            entry.by = acknowledged.get(&told.uid).copied();
            if entry.by.is_none() && !doubtful.contains(&entry.key) {
                let what = format!("{revision} deletes {}, which nobody asked for", entry.key);
                violations.push(Violation::new(Rule::Unexplained, what));
            }
        }
    }
}

fn could_have_stored(operation: &Operation, key: &Arc<str>, revision: Revision, content: &Content) -> bool {
    let Action::Write { group, .. } = &operation.action else {
        return false;
    };
    let outcome = match &operation.outcome {
        Outcome::Stored(version) => version.revision == revision && version.content == *content,
        Outcome::Unknown => true,
        _ => false,
    };
    outcome && operation.key == *key && *group == content.group
}
