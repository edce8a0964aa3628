//! Discovery in one piece: `apidiscovery.k8s.io`, in its versions `v2` and `v2beta1`, which differ in name only.

use leasehold_api::Gvk;
use leasehold_api::meta::{ListMeta, ObjectMeta};
use leasehold_registry::{Resource, Subresource};
use prost::Message;
use serde::Serialize;

use super::classic::owned;
use super::document::Representation;
use super::encode::{self, ContentTypes};
use super::groups::{Group, GroupVersionResources, VERBS, subresource_verbs};

/// `APIGroupDiscoveryList`
#[derive(Clone, PartialEq, Message, Serialize)]
struct ApiGroupDiscoveryList {
    #[prost(message, required, tag = "1")]
    metadata: ListMeta,
    #[prost(message, repeated, tag = "2")]
    items: Vec<ApiGroupDiscovery>,
}

/// `APIGroupDiscovery`
#[derive(Clone, PartialEq, Message, Serialize)]
struct ApiGroupDiscovery {
    #[prost(message, required, tag = "1")]
    metadata: ObjectMeta,
    #[prost(message, repeated, tag = "2")]
    versions: Vec<ApiVersionDiscovery>,
}

/// `APIVersionDiscovery`
#[derive(Clone, PartialEq, Message, Serialize)]
struct ApiVersionDiscovery {
    #[prost(string, required, tag = "1")]
    version: String,
    #[prost(message, repeated, tag = "2")]
    resources: Vec<ApiResourceDiscovery>,
    /// Whether the resources are known for certain: always `Current`, as they are all our own.
    #[prost(string, required, tag = "3")]
    freshness: String,
}

/// `APIResourceDiscovery`
#[derive(Clone, PartialEq, Message, Serialize)]
#[serde(rename_all = "camelCase")]
struct ApiResourceDiscovery {
    #[prost(string, required, tag = "1")]
    resource: String,
    #[prost(message, required, tag = "2")]
    response_kind: ResponseKind,
    #[prost(string, required, tag = "3")]
    scope: String,
    #[prost(string, required, tag = "4")]
    singular_resource: String,
    #[prost(string, repeated, tag = "5")]
    verbs: Vec<String>,
    #[prost(string, repeated, tag = "6")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    short_names: Vec<String>,
    #[prost(message, repeated, tag = "8")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    subresources: Vec<ApiSubresourceDiscovery>,
}

/// `APISubresourceDiscovery`
#[derive(Clone, PartialEq, Message, Serialize)]
#[serde(rename_all = "camelCase")]
struct ApiSubresourceDiscovery {
    #[prost(string, required, tag = "1")]
    subresource: String,
    #[prost(message, required, tag = "2")]
    response_kind: ResponseKind,
    #[prost(string, repeated, tag = "4")]
    verbs: Vec<String>,
}

/// `meta/v1 GroupVersionKind`. An empty group and version mean those that the resource is listed under.
#[derive(Clone, PartialEq, Message, Serialize)]
struct ResponseKind {
    #[prost(string, required, tag = "1")]
    group: String,
    #[prost(string, required, tag = "2")]
    version: String,
    #[prost(string, required, tag = "3")]
    kind: String,
}

macro_rules! content_types {
    ($version:literal) => {
        [
            content_types!("application/json", $version),
            content_types!("application/yaml", $version),
            content_types!("application/vnd.kubernetes.protobuf", $version),
        ]
    };
    ($essence:literal, $version:literal) => {
        concat!(
            $essence,
            ";g=apidiscovery.k8s.io;v=",
            $version,
            ";as=APIGroupDiscoveryList"
        )
    };
}

/// The content types by version: clients read from the reply which form it has.
const VERSIONS: [(&str, ContentTypes); 2] = [("v2", content_types!("v2")), ("v2beta1", content_types!("v2beta1"))];

/// The aggregated forms of what is served in these groups.
pub(super) fn representations<'a>(groups: impl Iterator<Item = &'a Group>) -> Vec<Representation> {
    let list = ApiGroupDiscoveryList {
        metadata: ListMeta::default(),
        items: groups.map(ApiGroupDiscovery::of).collect(),
    };
    let forms = VERSIONS.into_iter().flat_map(|(version, types)| {
        let gvk = Gvk {
            group: "apidiscovery.k8s.io",
            version,
            kind: "APIGroupDiscoveryList",
        };
        encode::representations(gvk, &list, types)
            .into_iter()
            .map(move |representation| representation.aggregated(version))
    });
    forms.collect()
}

impl ApiGroupDiscovery {
    fn of(group: &Group) -> Self {
        Self {
            metadata: ObjectMeta {
                name: group.name.to_owned(),
                ..ObjectMeta::default()
            },
            versions: group.versions.iter().map(ApiVersionDiscovery::of).collect(),
        }
    }
}

impl ApiVersionDiscovery {
    fn of(served: &GroupVersionResources) -> Self {
        let resources = served
            .resources
            .iter()
            .map(|(resource, _)| ApiResourceDiscovery::of(resource));
        Self {
            version: served.version.to_owned(),
            resources: resources.collect(),
            freshness: "Current".to_owned(),
        }
    }
}

impl ApiResourceDiscovery {
    fn of(resource: &Resource) -> Self {
        let subresources = resource.subresources.iter();
        Self {
            resource: resource.plural.to_owned(),
            response_kind: ResponseKind::of(resource),
            scope: if resource.namespaced { "Namespaced" } else { "Cluster" }.to_owned(),
            singular_resource: resource.singular.to_owned(),
            verbs: owned(VERBS),
            short_names: owned(resource.short_names),
            subresources: subresources
                .map(|&subresource| ApiSubresourceDiscovery::of(resource, subresource))
                .collect(),
        }
    }
}

impl ApiSubresourceDiscovery {
    fn of(resource: &Resource, subresource: Subresource) -> Self {
        Self {
            subresource: subresource.name().to_owned(),
            response_kind: ResponseKind::of(resource),
            verbs: owned(subresource_verbs(subresource)),
        }
    }
}

impl ResponseKind {
    fn of(resource: &Resource) -> Self {
        Self {
            group: String::new(),
            version: String::new(),
            kind: resource.kind.to_owned(),
        }
    }
}
