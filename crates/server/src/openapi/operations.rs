//! What can be done where: each path with its operations, before either version of OpenAPI puts it into words.

use leasehold_api::Gvk;
use leasehold_api::meta::{DeleteOptions, Status};
use leasehold_api::schema::Schema;
use leasehold_registry::{Resource, Subresource, Version};

use super::components;
use super::kinds::list_schema;
use super::parameters::{self, Parameters};
use super::verbs::{self, Content, Verb};
use crate::discovery::{Group, GroupVersionResources, subresource_verbs};

/// A path and what can be done there.
pub(super) struct PathItem {
    /// With `{name}` and `{namespace}` for what varies.
    pub(super) path: String,
    /// Of each operation.
    pub(super) parameters: Parameters,
    /// One for each method.
    pub(super) operations: Vec<Operation>,
}

/// One method of a path.
pub(super) struct Operation {
    /// In lower case.
    pub(super) method: &'static str,
    /// What Kubernetes calls it, and the kind that it is about; `None` where no object is concerned.
    pub(super) action: Option<(&'static str, Gvk)>,
    /// Groups operations: `coordination_v1`.
    pub(super) tag: String,
    /// Unique: `readCoordinationV1NamespacedLease`.
    pub(super) id: String,
    /// For people.
    pub(super) description: String,
    /// Beside those of the path.
    pub(super) parameters: Parameters,
    /// What is sent.
    pub(super) request: Option<Body>,
    /// In which media types.
    pub(super) consumes: &'static [&'static str],
    /// The codes of success, with their names.
    pub(super) replies: &'static [(&'static str, &'static str)],
    /// What comes back; `None` where it has no schema.
    pub(super) reply: Option<Body>,
    /// In which media types.
    pub(super) produces: &'static [&'static str],
}

/// What a request or a reply holds.
pub(super) enum Body {
    /// An object.
    Object(&'static Schema),
    /// A list of them.
    List {
        /// The name of the list's schema.
        name: String,
        /// The schema of its items.
        item: &'static Schema,
    },
    /// A change to an object.
    Patch,
}

impl Body {
    /// The name of its schema.
    pub(super) fn schema_name(&self) -> &str {
        match self {
            Self::Object(schema) => schema.name,
            Self::List { name, .. } => name,
            Self::Patch => components::PATCH,
        }
    }
}

/// All paths of a group and version.
pub(super) fn paths(served: &GroupVersionResources) -> Vec<PathItem> {
    let discovery = PathItem::discovery(&format!("{}/", served.path()), &camel_case(served), "resources");
    let resources = served.resources.iter().flat_map(|&(resource, version)| {
        let scope = Scope {
            served,
            resource,
            version,
        };
        scope.paths()
    });
    std::iter::once(discovery).chain(resources).collect()
}

impl PathItem {
    /// A path that only tells what there is: `what` is `versions` or `resources`.
    pub(super) fn discovery(path: &str, name: &str, what: &str) -> Self {
        let id = format!("get{name}API{}", capitalized(what));
        Self::get(path, id, format!("Tells which {what} there are."))
    }

    /// The path of a group.
    pub(super) fn group(group: &Group) -> Self {
        let id = format!("get{}APIGroup", group_name(group.name));
        let description = "Tells which versions of the group there are.".to_owned();
        Self::get(&format!("/apis/{}/", group.name), id, description)
    }

    /// `/version`
    pub(super) fn version() -> Self {
        Self::get(
            "/version/",
            "getCodeVersion".to_owned(),
            "Tells the version of the server.".to_owned(),
        )
    }

    fn get(path: &str, id: String, description: String) -> Self {
        let operation = Operation {
            method: "get",
            action: None,
            tag: "discovery".to_owned(),
            id,
            description,
            parameters: parameters::NONE,
            request: None,
            consumes: &[],
            replies: &[("200", "OK")],
            reply: None,
            produces: verbs::OBJECTS,
        };
        Self {
            path: path.to_owned(),
            parameters: parameters::NONE,
            operations: vec![operation],
        }
    }
}

/// A resource in one of its versions.
struct Scope<'a> {
    served: &'a GroupVersionResources,
    resource: &'static Resource,
    version: &'static Version,
}

impl Scope<'_> {
    fn paths(&self) -> Vec<PathItem> {
        let (base, plural) = (self.served.path(), self.resource.plural);
        let (mut paths, collection, common, named) = if self.resource.namespaced {
            let everywhere = self.path(
                format!("{base}/{plural}"),
                parameters::COMMON,
                &[&verbs::LIST],
                Place::Everywhere,
            );
            let collection = format!("{base}/namespaces/{{namespace}}/{plural}");
            (
                vec![everywhere],
                collection,
                parameters::IN_NAMESPACE,
                parameters::NAMED_IN_NAMESPACE,
            )
        } else {
            (
                Vec::new(),
                format!("{base}/{plural}"),
                parameters::COMMON,
                parameters::NAMED,
            )
        };
        let item = format!("{collection}/{{name}}");
        paths.push(self.path(collection, common, verbs::COLLECTION, Place::Here));
        for &subresource in self.resource.subresources {
            let allowed = subresource_verbs(subresource);
            let verbs: Vec<_> = verbs::ITEM
                .iter()
                .copied()
                .filter(|verb| allowed.contains(&verb.name))
                .collect();
            let path = format!("{item}/{}", subresource.name());
            paths.push(self.path(path, named, &verbs, Place::Subresource(subresource)));
        }
        paths.push(self.path(item, named, verbs::ITEM, Place::Here));
        paths
    }

    fn path(&self, path: String, parameters: Parameters, verbs: &[&'static Verb], place: Place) -> PathItem {
        PathItem {
            path,
            parameters,
            operations: verbs.iter().map(|verb| self.operation(verb, place)).collect(),
        }
    }

    fn operation(&self, verb: &'static Verb, place: Place) -> Operation {
        let tag = group_name(self.served.group);
        Operation {
            method: verb.method,
            action: Some((verb.action, self.resource.gvk(self.version))),
            tag: format!("{}_{}", uncapitalized(&tag), self.served.version),
            id: self.id(verb, place),
            description: verb.description.replace("{}", &place.describe(self.resource.kind)),
            parameters: verb.parameters,
            request: self.body(verb.request),
            consumes: verb.request.media_types(),
            replies: verb.replies,
            reply: self.body(verb.reply),
            produces: verb.reply.media_types(),
        }
    }

    fn id(&self, verb: &Verb, place: Place) -> String {
        let namespaced = self.resource.namespaced && place != Place::Everywhere;
        [
            verb.id.0,
            &camel_case(self.served),
            verb.id.1,
            if namespaced { "Namespaced" } else { "" },
            self.resource.kind,
            &place.suffix(),
        ]
        .concat()
    }

    fn body(&self, content: Content) -> Option<Body> {
        let item = self.version.codec.schema;
        match content {
            Content::Nothing => None,
            Content::Object => Some(Body::Object(item)),
            Content::List => Some(Body::List {
                name: list_schema(self.resource, self.version),
                item,
            }),
            Content::Patch => Some(Body::Patch),
            Content::DeleteOptions => Some(Body::Object(DeleteOptions::SCHEMA)),
            Content::Status => Some(Body::Object(Status::SCHEMA)),
        }
    }
}

/// Which of a resource's paths it is.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    /// The objects of all namespaces.
    Everywhere,
    /// Those of one namespace, or one of them.
    Here,
    /// A part of one of them.
    Subresource(Subresource),
}

impl Place {
    fn suffix(self) -> String {
        match self {
            Self::Everywhere => "ForAllNamespaces".to_owned(),
            Self::Here => String::new(),
            Self::Subresource(subresource) => capitalized(subresource.name()),
        }
    }

    fn describe(self, kind: &str) -> String {
        match self {
            Self::Everywhere | Self::Here => kind.to_owned(),
            Self::Subresource(subresource) => format!("{kind} through its {}", subresource.name()),
        }
    }
}

/// `CoordinationV1beta1`
fn camel_case(served: &GroupVersionResources) -> String {
    group_name(served.group) + &capitalized(served.version)
}

/// `Coordination` for `coordination.k8s.io`, `RbacAuthorization` for `rbac.authorization.k8s.io`.
fn group_name(group: &str) -> String {
    match group.strip_suffix(".k8s.io").unwrap_or(group) {
        "" => "Core".to_owned(),
        short => short.split('.').map(capitalized).collect(),
    }
}

fn capitalized(word: &str) -> String {
    word.get(..1).unwrap_or_default().to_uppercase() + word.get(1..).unwrap_or_default()
}

fn uncapitalized(word: &str) -> String {
    word.get(..1).unwrap_or_default().to_lowercase() + word.get(1..).unwrap_or_default()
}
