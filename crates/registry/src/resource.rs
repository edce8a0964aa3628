//! What the registry knows of a resource: one table row, a [`Strategy`] for its rules, and nothing else.

use std::borrow::Cow;

use leasehold_api::fields::{FieldLabels, Selectable};
use leasehold_api::meta::TableColumnDefinition;
use leasehold_api::printers::Printer;
use leasehold_api::validation::FieldError;
use leasehold_api::{Gvk, Kind, Object, Time, TypeCodec};
use serde_json::Value;

use crate::features::{Feature, Features};
use crate::resources::typed;

/// A part of an object with a path of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Subresource {
    /// `…/status`: what was observed, written by who observes it.
    Status,
    /// `…/finalize`: the finalizers of a namespace.
    Finalize,
}

impl Subresource {
    /// The last path segment.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Finalize => "finalize",
        }
    }
}

/// A resource in one API group: a row of the table.
pub struct Resource {
    /// The API group; empty for the core group.
    pub group: &'static str,
    /// As in paths, such as `leases`.
    pub plural: &'static str,
    /// As in messages, such as `lease`.
    pub singular: &'static str,
    /// Such as `Lease`.
    pub kind: &'static str,
    /// Such as `LeaseList`.
    pub list_kind: &'static str,
    /// Whether its objects live in namespaces.
    pub namespaced: bool,
    /// What kubectl takes for short.
    pub short_names: &'static [&'static str],
    /// The versions served, the preferred one first.
    pub versions: &'static [Version],
    /// Its subresources.
    pub subresources: &'static [Subresource],
    /// Where it is stored: the store's name for it, the same for every group and version that shows the same objects.
    pub storage: &'static str,
    /// How it is stored: the version that values are written in.
    pub stored: (Gvk, TypeCodec),
    /// Discovery's hash of group, version and kind as stored.
    pub storage_version_hash: &'static str,
    /// Whether PUT to a name that does not exist creates it.
    pub create_on_update: bool,
    /// Whether PUT without a resourceVersion is taken.
    pub unconditional_update: bool,
    /// What can be selected by.
    pub labels: FieldLabels,
    /// How its objects are selected and shown.
    pub view: View,
    /// The feature without which it is not served.
    pub feature: Option<Feature>,
    /// Its rules.
    pub strategy: &'static dyn Strategy,
}

/// How objects of one stored type are selected by fields and shown as rows of a table.
#[derive(Clone, Copy)]
pub struct View {
    /// The columns of its table.
    pub columns: &'static [TableColumnDefinition],
    /// One row of its table, a cell for each column.
    pub cells: fn(&dyn Object, Time) -> Vec<Value>,
    /// The value behind a name that [`FieldLabels::resolve`] gives.
    pub field: for<'a> fn(&'a dyn Object, &str) -> Option<Cow<'a, str>>,
}

impl View {
    /// The view of `T`.
    #[must_use]
    pub const fn of<T: Kind + Printer + Selectable>() -> Self {
        Self {
            columns: T::COLUMNS,
            cells: |object, now| typed::<T>(object).cells(now),
            field: |object, label| typed::<T>(object).field(label),
        }
    }
}

/// One version in which a resource is served.
pub struct Version {
    /// Such as `v1`.
    pub version: &'static str,
    /// How its objects are read.
    pub codec: TypeCodec,
    /// From this version to the stored one and back, where they differ in more than name.
    pub convert: Option<Conversion>,
    /// The text of the Warning that every reply carries, for a deprecated version.
    pub warning: Option<&'static str>,
    /// 0 or 1: tells the forms apart in which one stored change is sent to watchers.
    pub slot: usize,
}

/// How objects of a served version become stored ones and the reverse. Loses nothing.
#[derive(Clone, Copy)]
pub struct Conversion {
    /// Served to stored.
    pub to_stored: fn(&dyn Object) -> Box<dyn Object>,
    /// Stored to served.
    pub from_stored: fn(&dyn Object) -> Box<dyn Object>,
}

impl Resource {
    /// The kind in a version.
    #[must_use]
    pub const fn gvk(&self, version: &Version) -> Gvk {
        Gvk {
            group: self.group,
            version: version.version,
            kind: self.kind,
        }
    }

    /// The list kind in a version.
    #[must_use]
    pub const fn list_gvk(&self, version: &Version) -> Gvk {
        Gvk {
            group: self.group,
            version: version.version,
            kind: self.list_kind,
        }
    }

    /// The served version of this name.
    #[must_use]
    pub fn version(&self, name: &str) -> Option<&Version> {
        self.versions.iter().find(|version| version.version == name)
    }

    /// The subresource of this name.
    #[must_use]
    pub fn subresource(&self, name: &str) -> Option<Subresource> {
        self.subresources
            .iter()
            .copied()
            .find(|subresource| subresource.name() == name)
    }
}

impl std::fmt::Debug for Resource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.plural, self.group)
    }
}

impl std::fmt::Debug for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.version)
    }
}

/// The rules of a resource. Pure; objects are in the stored version.
pub trait Strategy: Send + Sync {
    /// Fills in what a client may leave out, as if the client had sent it.
    fn default(&self, _new: &mut dyn Object) {}

    /// Completes or clears fields of an object about to be created.
    fn prepare_create(&self, _new: &mut dyn Object, _features: Features) {}

    /// What is wrong with an object about to be created.
    fn validate_create(&self, new: &dyn Object, version: &Version) -> Vec<FieldError>;

    /// Puts back what this way of writing may not change.
    fn prepare_update(
        &self,
        _new: &mut dyn Object,
        _old: &dyn Object,
        _subresource: Option<Subresource>,
        _features: Features,
    ) {
    }

    /// What is wrong with an object about to replace `old`.
    fn validate_update(
        &self,
        new: &dyn Object,
        old: &dyn Object,
        subresource: Option<Subresource>,
        version: &Version,
    ) -> Vec<FieldError>;

    /// Why an object of this name may not be deleted, if so.
    fn undeletable(&self, _name: &str) -> Option<&'static str> {
        None
    }

    /// Whether a delete may have to wait for dependents, or for them to be told.
    fn has_dependents(&self) -> bool {
        true
    }

    /// Whether Kubernetes deletes these objects by a way of its own, which words failed preconditions differently.
    fn deletes_itself(&self) -> bool {
        false
    }

    /// Marks an object as being deleted: by default, with a timestamp and no grace period.
    fn begin_deletion(&self, object: &mut dyn Object, now: Time) {
        let metadata = object.metadata_mut();
        metadata.deletion_timestamp = Some(now);
        metadata.deletion_grace_period_seconds = Some(0);
    }

    /// Whether something beside `metadata.finalizers` still holds an object that is being deleted.
    fn holds(&self, _object: &dyn Object) -> bool {
        false
    }
}
