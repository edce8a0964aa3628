//! What a request is about, from its method, path and query alone, as Kubernetes' RequestInfo tells it.
//!
//! Authorization decides by this, and so does routing: there is one reading of a path. Nothing is looked up here;
//! whether such a resource exists is [`crate::route`]'s to say, after authorization.

use http::Method;
use leasehold_api::ApiError;
use leasehold_api::options::{ListOptions, Query};
use leasehold_api::selector::fields;

use crate::auth::Attributes;

/// What a request would do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Verb {
    /// Read one object.
    Get,
    /// Read a collection.
    List,
    /// Follow a collection.
    Watch,
    /// Store a new object.
    Create,
    /// Replace an object.
    Update,
    /// Change an object.
    Patch,
    /// Delete an object.
    Delete,
    /// Delete a collection.
    DeleteCollection,
    /// Anything else, by its name in attributes: a method where the path is no resource, or nothing.
    Other(&'static str),
}

impl Verb {
    /// Its name in [`Attributes`].
    #[must_use]
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::List => "list",
            Self::Watch => "watch",
            Self::Create => "create",
            Self::Update => "update",
            Self::Patch => "patch",
            Self::Delete => "delete",
            Self::DeleteCollection => "deletecollection",
            Self::Other(name) => name,
        }
    }

    /// By the method of a request for a resource, before it is known whether it names one object.
    fn of_resource(method: &Method) -> Self {
        match *method {
            Method::POST => Self::Create,
            Method::GET | Method::HEAD => Self::Get,
            Method::PUT => Self::Update,
            Method::PATCH => Self::Patch,
            Method::DELETE => Self::Delete,
            _ => Self::Other(""),
        }
    }

    /// By the method of a request for anything else.
    fn of_path(method: &Method) -> Self {
        Self::Other(match *method {
            Method::GET => "get",
            Method::HEAD => "head",
            Method::POST => "post",
            Method::PUT => "put",
            Method::PATCH => "patch",
            Method::DELETE => "delete",
            Method::OPTIONS => "options",
            Method::CONNECT => "connect",
            Method::TRACE => "trace",
            _ => "",
        })
    }
}

/// The parts of a path below `/api/VERSION` or `/apis/GROUP/VERSION`; what is not there is empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ResourcePath<'a> {
    /// Empty for the core group.
    pub group: &'a str,
    /// Such as `v1`.
    pub version: &'a str,
    /// For `/api/v1/namespaces/NAME` that name too.
    pub namespace: &'a str,
    /// Plural.
    pub resource: &'a str,
    /// As it stands in the path.
    pub name: &'a str,
    /// Such as `status`.
    pub subresource: &'a str,
    /// Whether the path is one of the old ones below `/watch/`, which can only be followed.
    pub watch: bool,
    /// Whether it leads to no route at all: more segments follow, or it is below Kubernetes' old `/proxy/`.
    pub unrouted: bool,
}

/// What a request is about.
#[derive(Debug)]
pub(crate) struct RequestInfo<'a> {
    /// What it would do.
    pub verb: Verb,
    /// The decoded path.
    pub path: &'a str,
    /// The path's parts, when it is that of a resource.
    pub resource: Option<ResourcePath<'a>>,
    /// The options of a list or a watch. An error among them is told after authorization.
    pub list_options: Option<Result<ListOptions, ApiError>>,
}

impl<'a> RequestInfo<'a> {
    /// Reads a request; `path` has been decoded and checked.
    #[must_use]
    pub(crate) fn new(method: &Method, path: &'a str, query: Query<'_>) -> Self {
        let mut info = Self {
            verb: Verb::of_path(method),
            path,
            resource: None,
            list_options: None,
        };
        let Some((resource, prefix)) = split(path) else {
            return info;
        };
        info.resource = Some(resource);
        info.verb = match prefix {
            Some(verb) => verb,
            None => Verb::of_resource(method),
        };
        if resource.watch {
            info.list_options = Some(watched(resource.name, query));
        } else if resource.name.is_empty() {
            match info.verb {
                Verb::Get => info.read_collection(query),
                Verb::Delete => info.verb = Verb::DeleteCollection,
                _ => {}
            }
        }
        info
    }

    /// A get without a name is a list or a watch.
    fn read_collection(&mut self, query: Query<'_>) {
        let options = ListOptions::from_query(query);
        let watch = match &options {
            Ok(options) => options.watch,
            // What the client meant to do must still be known for it to be refused as such.
            Err(_) => query
                .first("watch")
                .is_some_and(|value| value != "0" && !value.eq_ignore_ascii_case("false")),
        };
        self.verb = if watch { Verb::Watch } else { Verb::List };
        self.list_options = Some(options);
    }

    /// For authorization.
    #[must_use]
    pub(crate) fn attributes(&self) -> Attributes<'_> {
        let resource = self.resource.unwrap_or_default();
        Attributes {
            verb: self.verb.name(),
            group: resource.group,
            version: resource.version,
            resource: resource.resource,
            subresource: resource.subresource,
            namespace: resource.namespace,
            name: if resource.name.is_empty() {
                self.selected_name()
            } else {
                resource.name
            },
            path: self.path,
        }
    }

    /// The one name that a list or watch selects, if it does.
    fn selected_name(&self) -> &str {
        let Some(Ok(options)) = &self.list_options else {
            return "";
        };
        let name = options.field_selector.requires_exact(fields::NAME).unwrap_or("");
        let is_segment = !matches!(name, "." | "..") && !name.contains(['/', '%']);
        if is_segment { name } else { "" }
    }
}

/// The options of a watch by path, which may name one object.
fn watched(name: &str, query: Query<'_>) -> Result<ListOptions, ApiError> {
    let mut options = ListOptions::of_watch(query)?;
    if !name.is_empty() {
        options.field_selector = fields::Selector::by_name(name);
    }
    Ok(options)
}

/// The parts of a resource's path, and the verb that stands in it where one does; `None` for other paths.
fn split(path: &str) -> Option<(ResourcePath<'_>, Option<Verb>)> {
    let mut segments = path.split('/').skip(1);
    let group = match segments.next()? {
        "api" => "",
        "apis" => segments.next()?,
        _ => return None,
    };
    let version = segments.next()?;
    let mut first = segments.next()?;
    let prefix = match first {
        "watch" => Some(Verb::Watch),
        "proxy" => Some(Verb::Other("proxy")),
        _ => None,
    };
    if prefix.is_some() {
        first = segments.next()?;
    }
    let mut parts = ResourcePath {
        group,
        version,
        resource: first,
        watch: prefix == Some(Verb::Watch),
        unrouted: matches!(prefix, Some(Verb::Other(_))),
        ..ResourcePath::default()
    };
    // The longest path of use is namespaces/NAME/RESOURCE/NAME/SUBRESOURCE; one more segment shows that it is longer.
    let rest: [&str; 5] = std::array::from_fn(|_| segments.next().unwrap_or(""));
    let mut own = &rest[..];
    if first == "namespaces" {
        parts.namespace = rest[0];
        // What follows the name of a namespace is a resource in it, but for the namespace's own subresources.
        if !matches!(rest[1], "" | "status" | "finalize") {
            parts.resource = rest[1];
            own = &rest[2..];
        }
    }
    parts.name = own[0];
    parts.subresource = own[1];
    parts.unrouted |= !own[2].is_empty();
    Some((parts, prefix))
}

#[cfg(test)]
mod tests;
