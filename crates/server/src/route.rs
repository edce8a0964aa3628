//! Where a request leads: the place and the verb, or why there is none.
//!
//! Runs after authorization, so that 404 and 405 tell nothing to those who may not ask.

use std::sync::Arc;

use http::Method;
use leasehold_api::ApiError;
use leasehold_registry::{Place, Resource, Served, Subresource, resources};

use crate::request_info::{RequestInfo, ResourcePath, Verb};

/// Why a path of the API leads nowhere.
#[derive(Debug)]
pub(crate) enum NoRoute {
    /// Outside of all groups that are served: a page that says 404.
    Page,
    /// A Status.
    Error(ApiError),
}

/// Finds the place that a request is about, and checks that its method is one that the place takes.
pub(crate) fn find(
    info: &RequestInfo<'_>,
    path: &ResourcePath<'_>,
    method: &Method,
    served: Served,
) -> Result<Place, NoRoute> {
    if !served.has_group(path.group) {
        return Err(NoRoute::Page);
    }
    let not_found = || NoRoute::Error(ApiError::no_such_resource());
    let found = resources::lookup(path.group, path.version, path.resource);
    let (resource, version) = found
        .filter(|(resource, _)| served.has(resource))
        .ok_or_else(not_found)?;
    let subresource = match path.subresource {
        "" => None,
        name => Some(resource.subresource(name).ok_or_else(not_found)?),
    };
    let namespace = namespace(resource, path);
    if path.unrouted || namespace.is_none_or(|namespace| !fits(resource, path, namespace)) {
        return Err(not_found());
    }
    let followed = path.watch && *method != Method::GET;
    if followed || !takes(resource, path, subresource, info.verb) || *method == Method::HEAD {
        return Err(NoRoute::Error(ApiError::method_not_allowed()));
    }
    Ok(Place {
        resource,
        version,
        subresource,
        namespace: Arc::from(namespace.unwrap_or("")),
        name: Arc::from(if path.watch { "" } else { path.name }),
    })
}

/// 404 for a path that is no resource's: within a group that is served, it is the API that says so.
pub(crate) fn nothing_at(path: &str, served: Served) -> NoRoute {
    let mut segments = path.split('/').skip(1);
    let within = match (segments.next(), segments.next()) {
        (Some("api"), Some(_)) => served.has_group(""),
        (Some("apis"), Some(group)) => served.has_group(group),
        _ => false,
    };
    if within {
        NoRoute::Error(ApiError::no_such_resource())
    } else {
        NoRoute::Page
    }
}

/// The namespace of the place; `None` where the path has one and the resource does not.
fn namespace<'a>(resource: &Resource, path: &ResourcePath<'a>) -> Option<&'a str> {
    if resource.namespaced || path.namespace.is_empty() {
        return Some(path.namespace);
    }
    // A namespace's own name stands where the namespace of others does.
    is_namespaces(resource).then_some("")
}

fn is_namespaces(resource: &Resource) -> bool {
    resource.group.is_empty() && resource.plural == "namespaces"
}

/// Whether there is such a path: an object of a namespaced resource is only found within its namespace.
fn fits(resource: &Resource, path: &ResourcePath<'_>, namespace: &str) -> bool {
    path.name.is_empty() || !resource.namespaced || !namespace.is_empty()
}

/// Whether the path takes this verb.
fn takes(resource: &Resource, path: &ResourcePath<'_>, subresource: Option<Subresource>, verb: Verb) -> bool {
    let all_namespaces = resource.namespaced && path.namespace.is_empty();
    match (verb, subresource) {
        (Verb::List | Verb::Watch, _) => true,
        (Verb::Create, _) => path.name.is_empty() && !all_namespaces,
        // Namespaces are emptied one by one.
        (Verb::DeleteCollection, _) => !all_namespaces && !is_namespaces(resource),
        (Verb::Get | Verb::Patch, None | Some(Subresource::Status)) => !path.name.is_empty(),
        (Verb::Update, _) => !path.name.is_empty(),
        (Verb::Delete, None) => true,
        (Verb::Get | Verb::Patch | Verb::Delete, Some(_)) | (Verb::Other(_), _) => false,
    }
}

#[cfg(test)]
mod tests;
