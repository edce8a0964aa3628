//! What watches told, against the log: everything that concerns them, once, in order, for what it was.
//!
//! Each session is checked alone, from the revision it asked for to the last one it showed. Since the next one asks for
//! no more than that, nothing between two sessions is left out.

use std::ops::RangeInclusive;
use std::sync::Arc;

use super::log::{Entry, Log};
use super::{Rule, Verdict, Violation};
use crate::history::{Content, Event, EventKind, History, Revision, Session};

/// Checks every session of every watcher.
pub(super) fn check(history: &History, log: &Log, verdict: &mut Verdict) {
    for watcher in &history.watchers {
        let view = View {
            log,
            group: watcher.group.as_ref(),
        };
        for (number, session) in watcher.sessions.iter().enumerate() {
            verdict.events += session.events.len();
            let is_bookmark = |event: &&Event| event.kind == EventKind::Bookmark;
            verdict.bookmarks += session.events.iter().filter(is_bookmark).count();
            let mut problems = Vec::new();
            view.session(session, &mut problems);
            verdict.violations.extend(problems.into_iter().map(|(rule, what)| {
                let what = format!("{}, session {number} from {}: {what}", watcher.name, session.from);
                Violation::new(rule, what)
            }));
        }
    }
}

/// The log as one watcher should see it.
struct View<'a> {
    log: &'a Log,
    group: Option<&'a Arc<str>>,
}

impl View<'_> {
    fn session(&self, session: &Session, problems: &mut Vec<(Rule, String)>) {
        if let Some(error) = &session.error {
            problems.push((Rule::WatchRefused, format!("ended with {error}")));
        }
        let mut last = session.from;
        for event in &session.events {
            let too_low = match event.kind {
                EventKind::Bookmark => event.revision < last,
                _ => event.revision <= last,
            };
            if too_low {
                problems.push((Rule::WatchOrder, format!("{event:?} after {last}")));
                continue;
            }
            let before = event.revision - u64::from(event.kind != EventKind::Bookmark);
            problems.extend(self.missing(last + 1..=before));
            problems.extend(self.told_wrongly(event));
            last = event.revision;
        }
    }

    /// What should have been told of these revisions, in which nothing was.
    fn missing(&self, revisions: RangeInclusive<Revision>) -> Option<(Rule, String)> {
        if revisions.is_empty() {
            return None;
        }
        let mut skipped = self.log.entries.range(revisions);
        let (revision, entry) = skipped.find(|(_, entry)| self.wanted(entry).is_some())?;
        Some((Rule::WatchGap, format!("nothing was told of {revision}, {entry:?}")))
    }

    fn told_wrongly(&self, event: &Event) -> Option<(Rule, String)> {
        let (key, content) = event.object.as_ref()?;
        let entry = self.log.entries.get(&event.revision);
        let wanted = entry.and_then(|entry| self.wanted(entry).map(|(kind, content)| (kind, &entry.key, content)));
        if wanted == Some((event.kind, key, content)) {
            return None;
        }
        Some((Rule::WatchWrong, format!("{event:?}, but the log has {entry:?}")))
    }

    /// What this watcher is to be told of a change.
    fn wanted<'e>(&self, entry: &'e Entry) -> Option<(EventKind, &'e Content)> {
        let selected = |content: &'e Option<Content>| {
            let content = content.as_ref();
            content.filter(|content| self.group.is_none_or(|group| *group == content.group))
        };
        match (selected(&entry.before), selected(&entry.after)) {
            (None, Some(after)) => Some((EventKind::Added, after)),
            (Some(_), Some(after)) => Some((EventKind::Modified, after)),
            (Some(before), None) => Some((EventKind::Deleted, before)),
            (None, None) => None,
        }
    }
}
