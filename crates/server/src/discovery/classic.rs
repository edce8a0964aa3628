//! Discovery a piece at a time: versions, groups and the resources of each group and version.

use leasehold_api::Gvk;
use leasehold_registry::Resource;
use prost::Message;
use serde::Serialize;

use super::aggregated;
use super::document::Document;
use super::encode::{PLAIN, representations};
use super::groups::{Group, GroupVersionResources, VERBS, subresource_verbs};

/// `meta/v1 APIVersions`: the versions of the core group.
#[derive(Clone, PartialEq, Message, Serialize)]
pub(super) struct ApiVersions {
    #[prost(string, repeated, tag = "1")]
    pub(super) versions: Vec<String>,
    #[prost(message, repeated, tag = "2")]
    #[serde(rename = "serverAddressByClientCIDRs")]
    pub(super) server_addresses: Vec<ServerAddress>,
}

/// `meta/v1 ServerAddressByClientCIDR`
#[derive(Clone, PartialEq, Message, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ServerAddress {
    #[prost(string, required, tag = "1")]
    #[serde(rename = "clientCIDR")]
    client_cidr: String,
    #[prost(string, required, tag = "2")]
    server_address: String,
}

/// `meta/v1 APIGroupList`
#[derive(Clone, PartialEq, Message, Serialize)]
pub(super) struct ApiGroupList {
    #[prost(message, repeated, tag = "1")]
    pub(super) groups: Vec<ApiGroup>,
}

/// `meta/v1 APIGroup`
#[derive(Clone, PartialEq, Message, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ApiGroup {
    #[prost(string, required, tag = "1")]
    pub(super) name: String,
    #[prost(message, repeated, tag = "2")]
    pub(super) versions: Vec<GroupVersionForDiscovery>,
    #[prost(message, optional, tag = "3")]
    pub(super) preferred_version: Option<GroupVersionForDiscovery>,
}

/// `meta/v1 GroupVersionForDiscovery`
#[derive(Clone, PartialEq, Message, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct GroupVersionForDiscovery {
    #[prost(string, required, tag = "1")]
    pub(super) group_version: String,
    #[prost(string, required, tag = "2")]
    pub(super) version: String,
}

/// `meta/v1 APIResourceList`
#[derive(Clone, PartialEq, Message, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ApiResourceList {
    #[prost(string, required, tag = "1")]
    pub(super) group_version: String,
    #[prost(message, repeated, tag = "2")]
    pub(super) resources: Vec<ApiResource>,
}

/// `meta/v1 APIResource`, without the group and version that only a resource of another group than its list has.
#[derive(Clone, PartialEq, Message, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ApiResource {
    #[prost(string, required, tag = "1")]
    pub(super) name: String,
    #[prost(string, required, tag = "6")]
    pub(super) singular_name: String,
    #[prost(bool, required, tag = "2")]
    pub(super) namespaced: bool,
    #[prost(string, required, tag = "3")]
    pub(super) kind: String,
    #[prost(message, required, tag = "4")]
    pub(super) verbs: Verbs,
    #[prost(string, repeated, tag = "5")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) short_names: Vec<String>,
    #[prost(string, required, tag = "10")]
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) storage_version_hash: String,
}

/// `meta/v1 Verbs`: a message in protobuf, a plain list in JSON.
#[derive(Clone, PartialEq, Message, Serialize)]
#[serde(transparent)]
pub(super) struct Verbs {
    #[prost(string, repeated, tag = "1")]
    pub(super) items: Vec<String>,
}

/// All discovery documents, with their paths.
pub(super) fn documents(groups: &[Group], address: &str) -> Vec<(String, Document)> {
    let mut documents = vec![
        ("/api".to_owned(), core(groups, address)),
        ("/apis".to_owned(), named(groups)),
    ];
    for group in groups {
        if !group.name.is_empty() {
            let path = format!("/apis/{}", group.name);
            documents.push((path, document("v1", "APIGroup", &ApiGroup::of(group))));
        }
        for served in &group.versions {
            let list = ApiResourceList::of(served);
            documents.push((served.path(), document("v1", "APIResourceList", &list).routed()));
        }
    }
    documents
}

fn document<T: Message + Serialize>(version: &'static str, kind: &'static str, object: &T) -> Document {
    let gvk = Gvk {
        group: "",
        version,
        kind,
    };
    Document::new(representations(gvk, object, PLAIN))
}

/// `/api`. As in Kubernetes, and since its first days, the object says its kind but not its version.
fn core(groups: &[Group], address: &str) -> Document {
    let core = groups.iter().filter(|group| group.name.is_empty());
    let versions = core.clone().flat_map(|group| &group.versions);
    let object = ApiVersions {
        versions: versions.map(|served| served.version.to_owned()).collect(),
        server_addresses: vec![ServerAddress {
            client_cidr: "0.0.0.0/0".to_owned(),
            server_address: address.to_owned(),
        }],
    };
    document("", "APIVersions", &object)
        .routed()
        .with(aggregated::representations(core))
}

/// `/apis`
fn named(groups: &[Group]) -> Document {
    let named = groups.iter().filter(|group| !group.name.is_empty());
    let object = ApiGroupList {
        groups: named.clone().map(ApiGroup::of).collect(),
    };
    document("v1", "APIGroupList", &object).with(aggregated::representations(named))
}

impl ApiGroup {
    fn of(group: &Group) -> Self {
        let versions: Vec<_> = group.versions.iter().map(GroupVersionForDiscovery::of).collect();
        Self {
            name: group.name.to_owned(),
            preferred_version: versions.first().cloned(),
            versions,
        }
    }
}

impl GroupVersionForDiscovery {
    fn of(served: &GroupVersionResources) -> Self {
        Self {
            group_version: served.api_version(),
            version: served.version.to_owned(),
        }
    }
}

impl ApiResourceList {
    fn of(served: &GroupVersionResources) -> Self {
        let resources = served.resources.iter().map(|(resource, _)| *resource);
        Self {
            group_version: served.api_version(),
            resources: resources.flat_map(ApiResource::with_subresources).collect(),
        }
    }
}

impl ApiResource {
    fn of(resource: &Resource) -> Self {
        Self {
            name: resource.plural.to_owned(),
            singular_name: resource.singular.to_owned(),
            namespaced: resource.namespaced,
            kind: resource.kind.to_owned(),
            verbs: Verbs { items: owned(VERBS) },
            short_names: owned(resource.short_names),
            storage_version_hash: resource.storage_version_hash.to_owned(),
        }
    }

    fn with_subresources(resource: &'static Resource) -> impl Iterator<Item = Self> {
        let subresources = resource.subresources.iter().map(|subresource| Self {
            name: format!("{}/{}", resource.plural, subresource.name()),
            // As in Kubernetes: a subresource has no singular name.
            singular_name: String::new(),
            namespaced: resource.namespaced,
            kind: resource.kind.to_owned(),
            verbs: Verbs {
                items: owned(subresource_verbs(*subresource)),
            },
            short_names: Vec::new(),
            storage_version_hash: String::new(),
        });
        std::iter::once(Self::of(resource)).chain(subresources)
    }
}

/// The texts as a list of their own.
pub(super) fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|&text| text.to_owned()).collect()
}
