//! [`Owners`]: the entries of `metadata.managedFields`, read, changed and written back.

use crate::Time;
use crate::apply::field_set::FieldSet;
use crate::apply::{Reading, Request};
use crate::meta::ManagedFieldsEntry;

/// The operation of an entry made by an apply.
pub(super) const APPLY: &str = "Apply";
/// The operation of an entry made by any other write.
pub(super) const UPDATE: &str = "Update";

/// How many entries of updates an object keeps; the oldest beyond that are folded into one.
const MAX_UPDATERS: usize = 10;
/// The manager of the entry that the oldest updates are folded into.
const ANCIENT: &str = "ancient-changes";

/// Tells entries apart. An applier keeps its entry across versions, an updater has one per version.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct OwnerId {
    pub(super) manager: String,
    pub(super) operation: &'static str,
    /// Empty for appliers.
    api_version: String,
    pub(super) subresource: String,
}

impl OwnerId {
    pub(super) fn new(operation: &'static str, manager: &str, api_version: &str, subresource: &str) -> Self {
        let of_update = operation == UPDATE;
        Self {
            manager: manager.to_owned(),
            operation,
            api_version: if of_update {
                api_version.to_owned()
            } else {
                String::new()
            },
            subresource: subresource.to_owned(),
        }
    }
}

/// One entry.
#[derive(Clone, Debug)]
pub(super) struct Owner<'a> {
    pub(super) id: OwnerId,
    pub(super) api_version: String,
    pub(super) time: Option<Time>,
    pub(super) set: FieldSet<'a>,
    pub(super) reading: Reading,
    /// The text that the set was read from, while the set is still the same.
    source: Option<&'a ManagedFieldsEntry>,
}

impl<'a> Owner<'a> {
    pub(super) fn new(id: OwnerId, api_version: &str, set: FieldSet<'a>, time: Option<Time>) -> Self {
        Self {
            id,
            api_version: api_version.to_owned(),
            time,
            set,
            reading: Reading::SameFields,
            source: None,
        }
    }

    fn decode(request: &Request<'_>, entry: &'a ManagedFieldsEntry) -> Result<Self, String> {
        let operation = match entry.operation.as_str() {
            "Apply" => APPLY,
            "Update" => UPDATE,
            _ => return Err("operation must be `Apply` or `Update`".to_owned()),
        };
        if entry.api_version.is_empty() {
            return Err("apiVersion must not be empty".to_owned());
        }
        if entry.fields_type != "FieldsV1" {
            return Err(format!("invalid fieldsType {:?}", entry.fields_type));
        }
        let set = FieldSet::parse(entry.fields_v1.as_ref()).map_err(|error| format!("error decoding set: {error}"))?;
        Ok(Self {
            id: OwnerId::new(operation, &entry.manager, &entry.api_version, &entry.subresource),
            api_version: entry.api_version.clone(),
            time: entry.time,
            set,
            reading: request.reading(&entry.api_version),
            source: Some(entry),
        })
    }

    /// Replaces the set.
    pub(super) fn change(&mut self, set: FieldSet<'a>) {
        self.source = None;
        self.set = set;
    }

    /// Takes these fields away.
    pub(super) fn lose(&mut self, fields: &FieldSet<'_>) {
        if !self.set.is_disjoint(fields) {
            self.change(self.set.difference(fields));
        }
    }

    /// Adds these fields.
    pub(super) fn gain(&mut self, fields: &FieldSet<'a>) {
        if !fields.is_subset(&self.set) {
            self.change(self.set.union(fields));
        }
    }

    fn seconds(&self) -> i64 {
        self.time.map_or(0, |time| time.seconds)
    }

    fn encode(self) -> ManagedFieldsEntry {
        let fields_v1 = match self.source {
            Some(entry) => entry.fields_v1.clone().filter(|fields| !fields.raw.is_empty()),
            None => None,
        };
        ManagedFieldsEntry {
            manager: self.id.manager,
            operation: self.id.operation.to_owned(),
            api_version: self.api_version,
            time: self.time,
            fields_type: "FieldsV1".to_owned(),
            fields_v1: Some(fields_v1.unwrap_or_else(|| self.set.to_fields_v1())),
            subresource: self.id.subresource,
        }
    }
}

/// The entries of one object, each with its own [`OwnerId`].
#[derive(Clone, Debug, Default)]
pub(super) struct Owners<'a>(Vec<Owner<'a>>);

impl<'a> Owners<'a> {
    /// Reads entries as the store has them; of two with the same identity, the latter counts.
    ///
    /// # Errors
    /// In Kubernetes' words, when one of them cannot be read.
    pub(super) fn decode(request: &Request<'_>, entries: &'a [ManagedFieldsEntry]) -> Result<Self, String> {
        let mut owners = Self(Vec::with_capacity(entries.len() + 1));
        for entry in entries {
            owners.put(Owner::decode(request, entry)?);
        }
        Ok(owners)
    }

    /// As [`Owners::decode`] for entries from elsewhere, whose text may not be in its canonical form.
    pub(super) fn decode_foreign(request: &Request<'_>, entries: &'a [ManagedFieldsEntry]) -> Result<Self, String> {
        let mut owners = Self::decode(request, entries)?;
        for owner in &mut owners.0 {
            owner.source = None;
        }
        Ok(owners)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Owner<'a>> {
        self.0.iter()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Owner<'a>> {
        self.0.iter_mut()
    }

    pub(super) fn get(&self, id: &OwnerId) -> Option<&Owner<'a>> {
        self.0.iter().find(|owner| owner.id == *id)
    }

    pub(super) fn get_mut(&mut self, id: &OwnerId) -> Option<&mut Owner<'a>> {
        self.0.iter_mut().find(|owner| owner.id == *id)
    }

    /// Adds an entry in place of the one of the same identity.
    pub(super) fn put(&mut self, owner: Owner<'a>) {
        match self.get_mut(&owner.id) {
            Some(old) => *old = owner,
            None => self.0.push(owner),
        }
    }

    /// Drops entries of versions that are not served any more: nobody can say what their fields are.
    pub(super) fn drop_unknown(&mut self) {
        self.0.retain(|owner| owner.reading != Reading::Unknown);
    }

    /// Drops entries that own nothing.
    pub(super) fn drop_empty(&mut self) {
        self.0.retain(|owner| !owner.set.is_empty());
    }

    /// Folds the oldest updates together while there are more than ten of them.
    pub(super) fn cap(&mut self) {
        let (mut updaters, mut kept): (Vec<_>, Vec<_>) = std::mem::take(&mut self.0)
            .into_iter()
            .partition(|owner| owner.id.operation == UPDATE);
        // What was folded before comes first, so that more is folded into it.
        updaters.sort_by(|a, b| {
            let folded = |owner: &Owner<'_>| owner.id.manager != ANCIENT;
            let order = folded(a).cmp(&folded(b));
            order
                .then_with(|| a.seconds().cmp(&b.seconds()))
                .then_with(|| a.id.cmp(&b.id))
        });
        let mut excess = updaters.len().saturating_sub(MAX_UPDATERS);
        let mut buckets: Vec<Owner<'a>> = Vec::new();
        let mut rest = Vec::with_capacity(updaters.len());
        for updater in updaters {
            let bucket = buckets.iter_mut().find(|b| b.api_version == updater.api_version);
            match bucket {
                _ if excess == 0 => rest.push(updater),
                None => buckets.push(updater),
                Some(bucket) => {
                    bucket.id = OwnerId::new(UPDATE, ANCIENT, &updater.api_version, "");
                    bucket.gain(&updater.set);
                    bucket.source = None;
                    bucket.time = updater.time;
                    excess -= 1;
                }
            }
        }
        kept.extend(rest);
        kept.extend(buckets);
        self.0 = kept;
    }

    /// The entries in the order and form in which objects carry them.
    pub(super) fn encode(mut self) -> Vec<ManagedFieldsEntry> {
        self.0.sort_by(|a, b| {
            let order = a.id.operation.cmp(b.id.operation);
            order
                .then_with(|| a.seconds().cmp(&b.seconds()))
                .then_with(|| a.id.manager.cmp(&b.id.manager))
                .then_with(|| a.api_version.cmp(&b.api_version))
                .then_with(|| a.id.subresource.cmp(&b.id.subresource))
        });
        self.0.into_iter().map(Owner::encode).collect()
    }
}
