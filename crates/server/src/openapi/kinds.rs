//! Which groups, versions and kinds each schema stands for: `x-kubernetes-group-version-kind`.

use std::collections::BTreeMap;

use leasehold_api::meta::{DeleteOptions, Status};
use leasehold_api::{GroupVersion, Gvk};
use leasehold_registry::{Resource, Version};
use serde_json::{Value, json};

use super::components::WATCH_EVENT;
use crate::discovery::Group;

/// Kinds by the name of their schema.
pub(super) struct Kinds(BTreeMap<String, Vec<Gvk>>);

impl Kinds {
    /// The kinds that these groups serve, and those that come with any group: watch events and delete options.
    pub(super) fn of(groups: &[Group]) -> Self {
        let mut kinds = Self(BTreeMap::new());
        let core = GroupVersion {
            group: "",
            version: "v1",
        };
        kinds.add(Status::SCHEMA.name, core.kind("Status"));
        for served in groups.iter().flat_map(|group| &group.versions) {
            let group_version = GroupVersion {
                group: served.group,
                version: served.version,
            };
            kinds.add(DeleteOptions::SCHEMA.name, group_version.kind("DeleteOptions"));
            kinds.add(WATCH_EVENT, group_version.kind("WatchEvent"));
            for (resource, version) in &served.resources {
                kinds.add(version.codec.schema.name, resource.gvk(version));
                kinds.add(&list_schema(resource, version), resource.list_gvk(version));
            }
        }
        kinds
    }

    fn add(&mut self, schema: &str, gvk: Gvk) {
        let kinds = self.0.entry(schema.to_owned()).or_default();
        if !kinds.contains(&gvk) {
            kinds.push(gvk);
        }
    }

    /// The list that a schema of this name carries; `None` for one that is only a part of others.
    pub(super) fn extension(&self, schema: &str) -> Option<Value> {
        let kinds = self.0.get(schema)?;
        Some(kinds.iter().copied().map(gvk_json).collect())
    }
}

/// A kind as extensions write it.
pub(super) fn gvk_json(gvk: Gvk) -> Value {
    json!({ "group": gvk.group, "version": gvk.version, "kind": gvk.kind })
}

/// The name of the schema of a resource's list: beside that of its items.
pub(super) fn list_schema(resource: &Resource, version: &Version) -> String {
    let item = version.codec.schema.name;
    let package = item.rsplit_once('.').map_or("", |(package, _)| package);
    format!("{package}.{}", resource.list_kind)
}
