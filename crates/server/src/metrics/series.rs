//! Which series there can be: resources, verbs, scopes and codes, each a closed set.

use http::StatusCode;
use leasehold_registry::resources;
use prometheus_client::encoding::EncodeLabelSet;

use crate::request_info::{self, RequestInfo};

/// What is done, as metrics name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Get,
    List,
    Watch,
    Post,
    Put,
    Patch,
    Apply,
    Delete,
    DeleteCollection,
    Other,
}

pub(super) const VERBS: usize = Verb::Other as usize + 1;

impl Verb {
    const fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::List => "LIST",
            Self::Watch => "WATCH",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Apply => "APPLY",
            Self::Delete => "DELETE",
            Self::DeleteCollection => "DELETECOLLECTION",
            Self::Other => "other",
        }
    }
}

impl From<request_info::Verb> for Verb {
    fn from(verb: request_info::Verb) -> Self {
        use request_info::Verb as V;
        match verb {
            V::Get | V::Other("get") => Self::Get,
            V::List => Self::List,
            V::Watch => Self::Watch,
            V::Create | V::Other("post") => Self::Post,
            V::Update | V::Other("put") => Self::Put,
            V::Patch | V::Other("patch") => Self::Patch,
            V::Delete | V::Other("delete") => Self::Delete,
            V::DeleteCollection => Self::DeleteCollection,
            V::Other(_) => Self::Other,
        }
    }
}

/// How much a request is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Not a resource.
    None,
    Cluster,
    Namespace,
    Resource,
}

pub(super) const SCOPES: usize = Scope::Resource as usize + 1;

impl Scope {
    const fn name(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Cluster => "cluster",
            Self::Namespace => "namespace",
            Self::Resource => "resource",
        }
    }

    fn of(info: &RequestInfo<'_>) -> Self {
        match &info.resource {
            None => Self::None,
            Some(path) if !path.name.is_empty() || info.verb == request_info::Verb::Create => Self::Resource,
            Some(path) if !path.namespace.is_empty() => Self::Namespace,
            Some(_) => Self::Cluster,
        }
    }
}

/// The codes that are told apart; all others are `other`.
pub(super) const CODES: [&str; 22] = [
    "200", "201", "202", "304", "400", "401", "403", "404", "405", "406", "408", "409", "410", "413", "415", "422",
    "429", "500", "502", "503", "504", "other",
];

pub(super) fn code(code: StatusCode) -> (usize, &'static str) {
    let slot = CODES
        .iter()
        .position(|name| *name == code.as_str())
        .unwrap_or(CODES.len() - 1);
    (slot, CODES[slot])
}

/// Which series a request belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Series {
    /// See [`super::Metrics::row`].
    pub(crate) row: usize,
    pub(crate) verb: Verb,
    pub(crate) scope: Scope,
}

impl Series {
    /// A request of which nothing is known.
    pub(crate) const UNKNOWN: Self = Self {
        row: 0,
        verb: Verb::Other,
        scope: Scope::None,
    };

    pub(crate) fn of(info: &RequestInfo<'_>, row: usize) -> Self {
        Self {
            row,
            verb: info.verb.into(),
            scope: Scope::of(info),
        }
    }

    pub(super) fn position(self) -> usize {
        (self.row * VERBS + self.verb as usize) * SCOPES + self.scope as usize
    }

    pub(super) fn labels(self, rows: &[Labels]) -> Labels {
        Labels {
            verb: self.verb.name(),
            scope: self.scope.name(),
            ..rows[self.row].clone()
        }
    }
}

/// The labels of what is measured per request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Labels {
    pub(super) verb: &'static str,
    pub(super) group: &'static str,
    pub(super) version: &'static str,
    pub(super) resource: &'static str,
    pub(super) subresource: &'static str,
    pub(super) scope: &'static str,
}

/// What is not a resource, and then every resource in every version with every subresource.
pub(super) fn rows() -> Vec<Labels> {
    let mut rows = vec![Labels::default()];
    for resource in resources::TABLE {
        for version in resource.versions {
            let subresources = resource.subresources.iter().map(|subresource| subresource.name());
            rows.extend(std::iter::once("").chain(subresources).map(|subresource| Labels {
                group: resource.group,
                version: version.version,
                resource: resource.plural,
                subresource,
                ..Labels::default()
            }));
        }
    }
    rows
}

/// [`Labels`] and the code of the reply.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct RequestLabels {
    verb: &'static str,
    group: &'static str,
    version: &'static str,
    resource: &'static str,
    subresource: &'static str,
    scope: &'static str,
    code: &'static str,
}

impl RequestLabels {
    pub(super) fn new(labels: &Labels, code: &'static str) -> Self {
        let Labels {
            verb,
            group,
            version,
            resource,
            subresource,
            scope,
        } = *labels;
        Self {
            verb,
            group,
            version,
            resource,
            subresource,
            scope,
            code,
        }
    }
}

/// The labels of events sent.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct EventLabels {
    group: &'static str,
    version: &'static str,
    resource: &'static str,
}

impl EventLabels {
    pub(super) fn new(labels: &Labels) -> Self {
        Self {
            group: labels.group,
            version: labels.version,
            resource: labels.resource,
        }
    }
}
