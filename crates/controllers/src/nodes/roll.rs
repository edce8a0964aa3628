//! Who was heard when: the state of the monitor, without any I/O. Every method is told the time.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use leasehold_api::core::Node;
use leasehold_api::{MicroTime, Time, core::NodeCondition};
use leasehold_clock::Monotonic;

use super::conditions::{NEVER_UPDATED, READY, find};
use super::{NodeCounts, Settings, taints};

/// Nodes with this label have no say in whether all are silent.
const EXCLUDED: &str = "node.kubernetes.io/exclude-disruption";

/// What a node's Ready condition says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Readiness {
    NeverPosted,
    Ready,
    NotReady,
    Unknown,
}

#[derive(Clone, Debug)]
struct Member {
    uid: Arc<str>,
    /// When it was heard last, or first seen.
    seen: Monotonic,
    /// The heartbeat in the Ready condition, where the node posted it: a token.
    posted: Option<Time>,
    /// The renewTime of its lease, once one was heard: a token too.
    renewed: Option<MicroTime>,
    readiness: Readiness,
    excluded: bool,
    /// Whether it has a deadline. One whose silence has been dealt with has none until it is heard again.
    awaited: bool,
}

/// A node that has been silent for too long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Overdue {
    pub(super) name: Arc<str>,
    pub(super) uid: Arc<str>,
    /// The last heartbeat that it posted, as far as we have seen.
    pub(super) posted: Option<Time>,
    /// How long ago its grace period ended.
    pub(super) late: Duration,
}

/// What a node's coming or going is to be told of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Told {
    Registered { name: Arc<str>, uid: Arc<str> },
    Removed { name: Arc<str>, uid: Arc<str> },
}

/// See the module.
pub(super) struct Roll {
    settings: Settings,
    members: HashMap<Arc<str>, Member>,
    /// One for each member that is awaited; often earlier than due by now.
    deadlines: BTreeSet<(Monotonic, Arc<str>)>,
    /// Nobody's silence counts from before.
    floor: Monotonic,
    /// Those whose taints are not, or may not be, what they should be.
    unsettled: BTreeSet<Arc<str>>,
    counts: NodeCounts,
    /// Those with a say in whether all are silent: how many there are, and how many of them are ready.
    with_a_say: (usize, usize),
    all_silent: bool,
}

impl Roll {
    /// An empty roll.
    pub(super) fn new(settings: Settings) -> Self {
        Self {
            settings,
            members: HashMap::new(),
            deadlines: BTreeSet::new(),
            floor: Monotonic::default(),
            unsettled: BTreeSet::new(),
            counts: NodeCounts::default(),
            with_a_say: (0, 0),
            all_silent: false,
        }
    }

    pub(super) fn counts(&self) -> NodeCounts {
        self.counts
    }

    /// Whether there are nodes and none is ready.
    pub(super) fn all_silent(&self) -> bool {
        self.all_silent
    }

    /// The names on the roll, for comparing them with a new list.
    pub(super) fn names(&self) -> Vec<Arc<str>> {
        self.members.keys().cloned().collect()
    }

    /// What was silent may only have been unheard: everyone has the full grace period from now on.
    pub(super) fn forgive(&mut self, now: Monotonic) {
        self.floor = now;
    }

    /// A node's lease has been written and says this renewTime. True where that is a heartbeat: there is such a node, and
    /// the renewTime is not the one `before`.
    pub(super) fn heartbeat(
        &mut self,
        name: &str,
        renewed: MicroTime,
        before: impl FnOnce() -> Option<MicroTime>,
        now: Monotonic,
    ) -> bool {
        let Some(member) = self.members.get_mut(name) else {
            return false;
        };
        // What is remembered spares a look at what was stored before, which is in nobody's cache.
        if member.renewed.replace(renewed).or_else(before) == Some(renewed) {
            return false;
        }
        member.seen = now;
        if !member.awaited {
            self.await_again(name.into(), now);
        }
        true
    }

    /// A node as it is now. Returns whether that is a heartbeat, and what to tell of it.
    pub(super) fn node(&mut self, name: &Arc<str>, node: &Node, now: Monotonic) -> (bool, Vec<Told>) {
        let mut told = Vec::new();
        if self
            .members
            .get(name)
            .is_some_and(|member| *member.uid != *node.metadata.uid)
        {
            told.extend(self.gone(name));
        }
        let (member, heard) = match self.members.get(name) {
            Some(before) => updated(before, node, now),
            None => {
                let member = arrived(node, now);
                let (name, uid) = (name.clone(), member.uid.clone());
                told.push(Told::Registered { name, uid });
                (member, false)
            }
        };
        let (awaited, readiness) = (member.awaited, member.readiness);
        self.put(name.clone(), member);
        if !awaited && (heard || readiness != Readiness::Unknown) {
            self.await_again(name.clone(), now);
        }
        if taints::settled(node, self.all_silent, Time::default()).is_some() {
            self.unsettled.insert(name.clone());
        } else {
            self.unsettled.remove(name);
        }
        (heard, told)
    }

    /// A node has been deleted.
    pub(super) fn gone(&mut self, name: &Arc<str>) -> Option<Told> {
        let member = self.members.remove(name)?;
        self.count(&member, -1);
        self.unsettled.remove(name);
        // Its deadline stays in the set, and finds nobody when it comes, or a namesake with one of its own.
        let (name, uid) = (name.clone(), member.uid);
        Some(Told::Removed { name, uid })
    }

    /// Takes off the nodes whose grace period has ended, the longest silent first, `max` at most. Each is somebody's to
    /// deal with now, or to give back with [`Roll::try_again`].
    pub(super) fn overdue(&mut self, now: Monotonic, max: usize) -> Vec<Overdue> {
        let mut overdue = Vec::new();
        while overdue.len() < max
            && let Some((at, _)) = self.deadlines.first()
            && *at <= now
            && let Some((_, name)) = self.deadlines.pop_first()
        {
            let floor = self.floor;
            let settings = self.settings;
            let Some(member) = self.members.get_mut(&name).filter(|member| member.awaited) else {
                continue;
            };
            let due = member.seen.max(floor) + grace(&settings, member.readiness);
            if due > now {
                self.deadlines.insert((due, name));
            } else {
                member.awaited = false;
                overdue.push(Overdue {
                    uid: member.uid.clone(),
                    posted: member.posted,
                    late: now.since(due),
                    name,
                });
            }
        }
        overdue
    }

    /// An overdue node could not be dealt with.
    pub(super) fn try_again(&mut self, name: &Arc<str>, now: Monotonic) {
        self.await_again(name.clone(), now);
    }

    /// Takes off nodes whose taints need a look, `max` at most.
    pub(super) fn unsettled(&mut self, max: usize) -> Vec<Arc<str>> {
        std::iter::from_fn(|| self.unsettled.pop_first()).take(max).collect()
    }

    /// A node's taints could not be seen to.
    pub(super) fn unsettle(&mut self, name: Arc<str>) {
        if self.members.contains_key(&name) {
            self.unsettled.insert(name);
        }
    }

    /// Sees whether all nodes are silent now. Where that has changed, many taints have to follow.
    pub(super) fn take_stock(&mut self, now: Monotonic) {
        let (all, ready) = self.with_a_say;
        let all_silent = all > 0 && ready == 0;
        if all_silent == std::mem::replace(&mut self.all_silent, all_silent) {
            return;
        }
        if !all_silent {
            self.forgive(now);
        }
        let concerned = self
            .members
            .iter()
            .filter(|(_, member)| member.readiness != Readiness::Ready);
        self.unsettled.extend(concerned.map(|(name, _)| name.clone()));
    }

    /// When the first deadline comes, and whether somebody's taints wait to be looked at.
    pub(super) fn next(&self) -> (Option<Monotonic>, bool) {
        (self.deadlines.first().map(|(at, _)| *at), !self.unsettled.is_empty())
    }

    fn await_again(&mut self, name: Arc<str>, now: Monotonic) {
        if let Some(member) = self.members.get_mut(&name)
            && !std::mem::replace(&mut member.awaited, true)
        {
            // Now is early enough: it is put off when it comes due.
            self.deadlines.insert((now, name));
        }
    }

    fn put(&mut self, name: Arc<str>, member: Member) {
        self.count(&member, 1);
        if let Some(before) = self.members.insert(name, member) {
            self.count(&before, -1);
        }
    }

    fn count(&mut self, member: &Member, by: i64) {
        let count = match member.readiness {
            Readiness::NeverPosted => &mut self.counts.never_posted,
            Readiness::Ready => &mut self.counts.ready,
            Readiness::NotReady => &mut self.counts.not_ready,
            Readiness::Unknown => &mut self.counts.unknown,
        };
        *count = count.saturating_add_signed(by);
        if !member.excluded {
            let by = if by > 0 { 1 } else { -1 };
            let (all, ready) = &mut self.with_a_say;
            *all = all.saturating_add_signed(by);
            if member.readiness == Readiness::Ready {
                *ready = ready.saturating_add_signed(by);
            }
        }
    }
}

fn grace(settings: &Settings, readiness: Readiness) -> Duration {
    match readiness {
        Readiness::NeverPosted => settings.startup_grace,
        _ => settings.grace,
    }
}

fn arrived(node: &Node, now: Monotonic) -> Member {
    Member {
        uid: node.metadata.uid.as_str().into(),
        seen: now,
        posted: posted(node),
        renewed: None,
        readiness: readiness(node),
        excluded: node.metadata.labels.contains_key(EXCLUDED),
        awaited: false,
    }
}

/// The member after a change of its node, and whether that change is a heartbeat.
fn updated(before: &Member, node: &Node, now: Monotonic) -> (Member, bool) {
    let heard = posted(node) != before.posted;
    let member = Member {
        uid: before.uid.clone(),
        seen: if heard { now } else { before.seen },
        renewed: before.renewed,
        awaited: before.awaited,
        ..arrived(node, now)
    };
    (member, heard)
}

/// The heartbeat in a node's Ready condition. Where that says that the node never posted any, it is our own writing.
pub(super) fn posted(node: &Node) -> Option<Time> {
    let by_node = |ready: &&NodeCondition| ready.reason != NEVER_UPDATED;
    find(node, READY).filter(by_node).map(|ready| ready.last_heartbeat_time)
}

fn readiness(node: &Node) -> Readiness {
    match find(node, READY).map(|ready| ready.status.as_str()) {
        None => Readiness::NeverPosted,
        Some("True") => Readiness::Ready,
        Some("False") => Readiness::NotReady,
        Some(_) => Readiness::Unknown,
    }
}

#[cfg(test)]
#[path = "roll_tests.rs"]
mod tests;
