//! The key space at one revision: immutable once published, cheap to copy, cheap to change a copy of.
//!
//! One ordered map per resource and, in it, one per namespace, so that the size of a namespace is known without counting
//! and a renewal compares short names only.

use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;
use imbl::OrdMap;

use crate::{Entry, Key, Listing, Page, Range, Revision};

/// What a key holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Item {
    pub(crate) value: Bytes,
    pub(crate) revision: Revision,
}

/// Everything, at one revision.
#[derive(Clone, Debug, Default)]
pub(crate) struct State {
    /// The last revision that has gone into it.
    pub(crate) revision: Revision,
    /// Few, so that searching them beats hashing.
    tables: Vec<(&'static str, Table)>,
}

/// The objects of one resource.
#[derive(Clone, Debug, Default)]
pub(crate) struct Table {
    namespaces: OrdMap<Arc<str>, OrdMap<Arc<str>, Item>>,
    len: usize,
    /// Bytes of all values and names.
    bytes: usize,
}

impl State {
    /// Nothing, at `revision`.
    pub(crate) fn at(revision: Revision) -> Self {
        Self {
            revision,
            tables: Vec::new(),
        }
    }

    pub(crate) fn get(&self, key: &Key) -> Option<&Item> {
        self.table(key.resource)?.get(key)
    }

    /// What a key holds, with the key as it is kept: equal to the one given, but shared.
    pub(crate) fn get_key_value(&self, key: &Key) -> Option<(Key, &Item)> {
        self.table(key.resource)?.get_key_value(key)
    }

    pub(crate) fn table(&self, resource: &str) -> Option<&Table> {
        self.tables
            .iter()
            .find(|(name, _)| *name == resource)
            .map(|(_, table)| table)
    }

    pub(crate) fn tables(&self) -> impl Iterator<Item = (&'static str, &Table)> {
        self.tables.iter().map(|(name, table)| (*name, table))
    }

    /// The entries after `after`, which must be there, or all: resource by resource, each in key order.
    pub(crate) fn entries_after<'a>(&'a self, after: Option<&'a Key>) -> impl Iterator<Item = (Key, &'a Item)> {
        let first = after.map_or(0, |after| {
            let position = self.tables.iter().position(|(name, _)| *name == after.resource);
            position.unwrap_or(self.tables.len())
        });
        let starts = std::iter::once(after).chain(std::iter::repeat(None));
        let tables = self.tables[first..].iter().zip(starts);
        tables.flat_map(|((resource, table), start)| table.entries_after(resource, start))
    }

    /// The same content with every revision raised by `by`; `None` when that is more than a revision can be.
    pub(crate) fn raised(&self, by: u64) -> Option<Self> {
        let raise = |revision: Revision| revision.0.checked_add(by).map(Revision);
        let mut raised = Self::at(raise(self.revision)?);
        for (key, item) in self.entries_after(None) {
            let (value, revision) = (item.value.clone(), raise(item.revision)?);
            raised.set(&key, Some(Item { value, revision }));
        }
        Some(raised)
    }

    /// Sets or clears a key and returns what it held.
    pub(crate) fn set(&mut self, key: &Key, item: Option<Item>) -> Option<Item> {
        let position = self.tables.iter().position(|(name, _)| *name == key.resource);
        let position = position.unwrap_or_else(|| {
            self.tables.push((key.resource, Table::default()));
            self.tables.len() - 1
        });
        self.tables[position].1.set(key, item)
    }

    /// Whether both hold the same, whatever the revision they stand for.
    pub(crate) fn same_content(&self, other: &Self) -> bool {
        let mut entries = self.entries_after(None);
        self.len() == other.len() && entries.all(|(key, item)| other.get(&key) == Some(item))
    }

    /// Number of keys that hold something.
    pub(crate) fn len(&self) -> usize {
        self.tables.iter().map(|(_, table)| table.len).sum()
    }

    /// Bytes of all names and values.
    pub(crate) fn bytes(&self) -> usize {
        self.tables.iter().map(|(_, table)| table.bytes).sum()
    }
}

impl Table {
    fn get(&self, key: &Key) -> Option<&Item> {
        self.namespaces.get(&key.namespace)?.get(&key.name)
    }

    fn get_key_value(&self, key: &Key) -> Option<(Key, &Item)> {
        let (namespace, names) = self.namespaces.get_key_value(&key.namespace)?;
        let (name, item) = names.get_key_value(&key.name)?;
        let key = Key {
            resource: key.resource,
            namespace: Arc::clone(namespace),
            name: Arc::clone(name),
        };
        Some((key, item))
    }

    /// Sets or clears a key and returns what it held.
    pub(crate) fn set(&mut self, key: &Key, item: Option<Item>) -> Option<Item> {
        let size = |item: &Option<Item>| item.as_ref().map_or(0, |item| item_bytes(key, item));
        let (added, present) = (size(&item), item.is_some());
        let before = match item {
            Some(item) => self.put(key, item),
            None => self.remove(key),
        };
        self.bytes = self.bytes + added - size(&before);
        self.len = self.len + usize::from(present) - usize::from(before.is_some());
        before
    }

    fn put(&mut self, key: &Key, item: Item) -> Option<Item> {
        let Some(names) = self.namespaces.get_mut(&key.namespace) else {
            self.namespaces
                .insert(Arc::clone(&key.namespace), OrdMap::unit(Arc::clone(&key.name), item));
            return None;
        };
        match names.get_mut(&key.name) {
            Some(held) => Some(std::mem::replace(held, item)),
            None => names.insert(Arc::clone(&key.name), item),
        }
    }

    fn remove(&mut self, key: &Key) -> Option<Item> {
        let names = self.namespaces.get_mut(&key.namespace)?;
        let before = names.remove(&key.name);
        if names.is_empty() {
            self.namespaces.remove(&key.namespace);
        }
        before
    }

    /// Every entry after `after`, or all, in key order.
    fn entries_after<'a>(
        &'a self,
        resource: &'static str,
        after: Option<&'a Key>,
    ) -> impl Iterator<Item = (Key, &'a Item)> {
        let first = after.map_or(Bound::Unbounded, |after| Bound::Included(&*after.namespace));
        let namespaces = self.namespaces.range::<_, str>((first, Bound::Unbounded));
        namespaces.flat_map(move |(namespace, names)| {
            let after = after.filter(|after| after.namespace == *namespace);
            let first = after.map_or(Bound::Unbounded, |after| Bound::Excluded(&*after.name));
            let names = names.range::<_, str>((first, Bound::Unbounded));
            names.map(move |(name, item)| {
                let key = Key {
                    resource,
                    namespace: Arc::clone(namespace),
                    name: Arc::clone(name),
                };
                (key, item)
            })
        })
    }

    /// The number of objects, and the bytes of their names and values.
    pub(crate) fn size(&self) -> (usize, usize) {
        (self.len, self.bytes)
    }

    /// One page of a range of this table, which is as it was at `revision`.
    pub(crate) fn list(&self, range: &Range, page: &Page, revision: Revision) -> Listing {
        let limit = page.limit.map_or(usize::MAX, std::num::NonZeroUsize::get);
        let Some(after) = start(range, page.after.as_ref()) else {
            return Listing {
                entries: Vec::new(),
                revision,
                remaining: 0,
            };
        };
        let resource = range.resource();
        let (entries, remaining) = match range {
            Range::Resource(_) => self.list_all(resource, after, limit),
            Range::Namespace(_, namespace) => self.list_namespace(resource, namespace, after, limit),
            Range::Name(key) => self.list_name(key, after),
        };
        Listing {
            entries,
            revision,
            remaining,
        }
    }

    fn list_all(&self, resource: &'static str, after: Option<&Key>, limit: usize) -> (Vec<Entry>, usize) {
        let (mut entries, mut remaining) = (Vec::new(), 0);
        let first = after.map_or(Bound::Unbounded, |key| Bound::Included(&*key.namespace));
        for (namespace, names) in self.namespaces.range::<_, str>((first, Bound::Unbounded)) {
            let after = after.filter(|key| key.namespace == *namespace).map(|key| &*key.name);
            remaining += append(&mut entries, resource, namespace, names, after, limit);
        }
        (entries, remaining)
    }

    fn list_namespace(
        &self,
        resource: &'static str,
        namespace: &str,
        after: Option<&Key>,
        limit: usize,
    ) -> (Vec<Entry>, usize) {
        let mut entries = Vec::new();
        let Some((namespace, names)) = self.namespaces.get_key_value(namespace) else {
            return (entries, 0);
        };
        if after.is_some_and(|key| key.namespace > *namespace) {
            return (entries, 0);
        }
        let after = after.filter(|key| key.namespace == *namespace).map(|key| &*key.name);
        let remaining = append(&mut entries, resource, namespace, names, after, limit);
        (entries, remaining)
    }

    fn list_name(&self, key: &Key, after: Option<&Key>) -> (Vec<Entry>, usize) {
        let item = self.get(key).filter(|_| after.is_none_or(|after| after < key));
        (item.map(|item| entry(key.clone(), item)).into_iter().collect(), 0)
    }
}

/// Where to start in the table of the range: `None` when everything of it comes before `after`.
#[expect(
    clippy::option_option,
    reason = "past the end, from the start and from a key are three answers"
)]
fn start<'a>(range: &Range, after: Option<&'a Key>) -> Option<Option<&'a Key>> {
    match after {
        Some(key) if key.resource > range.resource() => None,
        Some(key) if key.resource < range.resource() => Some(None),
        after => Some(after),
    }
}

/// Appends the entries of a namespace until there are `limit`, and says how many follow those.
fn append(
    entries: &mut Vec<Entry>,
    resource: &'static str,
    namespace: &Arc<str>,
    names: &OrdMap<Arc<str>, Item>,
    after: Option<&str>,
    limit: usize,
) -> usize {
    let room = limit.saturating_sub(entries.len());
    let first = after.map_or(Bound::Unbounded, Bound::Excluded);
    let mut rest = names.range::<_, str>((first, Bound::Unbounded));
    let taken = entries.len();
    entries.reserve(room.min(names.len()));
    entries.extend(rest.by_ref().take(room).map(|(name, item)| {
        entry(
            Key {
                resource,
                namespace: Arc::clone(namespace),
                name: Arc::clone(name),
            },
            item,
        )
    }));
    match after {
        // Nothing was skipped, so nothing needs counting.
        None => names.len() - (entries.len() - taken),
        Some(_) => rest.count(),
    }
}

/// The entry at `key`.
pub(crate) fn entry(key: Key, item: &Item) -> Entry {
    Entry {
        key,
        value: item.value.clone(),
        revision: item.revision,
    }
}

fn item_bytes(key: &Key, item: &Item) -> usize {
    key.namespace.len() + key.name.len() + item.value.len()
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;

    use super::*;

    fn key(namespace: &str, name: &str) -> Key {
        Key {
            resource: "leases",
            namespace: namespace.into(),
            name: name.into(),
        }
    }

    fn table(keys: &[(&str, &str)]) -> Table {
        let mut table = Table::default();
        for (namespace, name) in keys {
            let item = Item {
                value: Bytes::from_static(b"v"),
                revision: Revision(1),
            };
            table.set(&key(namespace, name), Some(item));
        }
        table
    }

    fn names(listing: &Listing) -> Vec<String> {
        listing
            .entries
            .iter()
            .map(|entry| format!("{}/{}", entry.key.namespace, entry.key.name))
            .collect()
    }

    #[test]
    fn pages_of_every_size_join_to_the_whole_list_and_count_what_is_left() {
        let table = table(&[("a", "1"), ("a", "2"), ("b", "1"), ("c", "1"), ("c", "2"), ("c", "3")]);
        for range in [Range::Resource("leases"), Range::Namespace("leases", "c".into())] {
            let whole = names(&table.list(&range, &Page::default(), Revision(9)));
            for limit in 1..=7 {
                let (mut seen, mut after) = (Vec::new(), None);
                loop {
                    let page = Page {
                        limit: NonZeroUsize::new(limit),
                        after: after.clone(),
                    };
                    let listing = table.list(&range, &page, Revision(9));
                    seen.extend(names(&listing));
                    assert_eq!(
                        listing.remaining,
                        whole.len() - seen.len(),
                        "limit {limit} after {after:?}"
                    );
                    after = listing.entries.last().map(|entry| entry.key.clone());
                    if listing.remaining == 0 {
                        break;
                    }
                }
                assert_eq!(seen, whole);
            }
        }
    }

    #[test]
    fn a_page_may_start_after_a_key_that_does_not_exist_or_lies_elsewhere() {
        let table = table(&[("b", "1"), ("b", "3"), ("d", "1")]);
        let list = |range: &Range, after: Key| {
            names(&table.list(
                range,
                &Page {
                    limit: None,
                    after: Some(after),
                },
                Revision(9),
            ))
        };
        let all = Range::Resource("leases");
        assert_eq!(list(&all, key("b", "2")), ["b/3", "d/1"]);
        assert_eq!(list(&all, key("c", "x")), ["d/1"]);
        assert_eq!(list(&all, key("e", "")), Vec::<String>::new());
        let namespace = Range::Namespace("leases", "b".into());
        assert_eq!(list(&namespace, key("a", "z")), ["b/1", "b/3"]);
        assert_eq!(list(&namespace, key("c", "a")), Vec::<String>::new());
        assert_eq!(list(&Range::Name(key("b", "1")), key("b", "1")), Vec::<String>::new());
        assert_eq!(list(&Range::Name(key("b", "1")), key("b", "0")), ["b/1"]);
        assert_eq!(
            list(
                &all,
                Key {
                    resource: "a",
                    ..key("z", "z")
                }
            ),
            ["b/1", "b/3", "d/1"]
        );
        assert_eq!(
            list(
                &all,
                Key {
                    resource: "z",
                    ..key("a", "a")
                }
            ),
            Vec::<String>::new()
        );
    }

    #[test]
    fn sizes_follow_every_change() {
        let mut table = table(&[("a", "1"), ("b", "1")]);
        assert_eq!((table.len, table.bytes), (2, 6));
        table.set(
            &key("a", "1"),
            Some(Item {
                value: Bytes::from_static(b"long"),
                revision: Revision(2),
            }),
        );
        assert_eq!((table.len, table.bytes), (2, 9));
        table.set(&key("a", "1"), None);
        table.set(&key("a", "1"), None);
        assert_eq!((table.len, table.bytes), (1, 3));
        assert_eq!(table.namespaces.len(), 1, "an empty namespace leaves nothing behind");
    }
}
