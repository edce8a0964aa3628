//! The verbs of the API, a row each: how they look in HTTP, what they take and what they give.

use super::parameters::{self, Parameters};

/// What is sent or comes back, whichever resource it is.
#[derive(Clone, Copy)]
pub(super) enum Content {
    /// No body.
    Nothing,
    /// An object of the resource.
    Object,
    /// A list of them.
    List,
    /// A change to one.
    Patch,
    /// How to delete.
    DeleteOptions,
    /// How it went.
    Status,
}

/// The media types of objects.
pub(super) const OBJECTS: &[&str] = &[
    "application/json",
    "application/yaml",
    "application/vnd.kubernetes.protobuf",
];

impl Content {
    /// The media types in which it travels.
    pub(super) const fn media_types(self) -> &'static [&'static str] {
        match self {
            Self::Nothing => &[],
            Self::Object | Self::DeleteOptions | Self::Status => OBJECTS,
            Self::List => &[
                "application/json",
                "application/yaml",
                "application/vnd.kubernetes.protobuf",
                "application/json;stream=watch",
                "application/vnd.kubernetes.protobuf;stream=watch",
            ],
            Self::Patch => &[
                "application/json-patch+json",
                "application/merge-patch+json",
                "application/strategic-merge-patch+json",
                "application/apply-patch+yaml",
            ],
        }
    }
}

/// One verb.
pub(super) struct Verb {
    /// As in discovery and access rules.
    pub(super) name: &'static str,
    /// In lower case.
    pub(super) method: &'static str,
    /// `x-kubernetes-action`
    pub(super) action: &'static str,
    /// What an operation's id has before and after the group and version.
    pub(super) id: (&'static str, &'static str),
    /// For people; `{}` stands for the kind.
    pub(super) description: &'static str,
    /// In the query.
    pub(super) parameters: Parameters,
    /// What is sent.
    pub(super) request: Content,
    /// The codes of success, with their names.
    pub(super) replies: &'static [(&'static str, &'static str)],
    /// What comes back.
    pub(super) reply: Content,
}

const OK: (&str, &str) = ("200", "OK");
const CREATED: (&str, &str) = ("201", "Created");
const ACCEPTED: (&str, &str) = ("202", "Accepted");

/// What can be done with all objects of a resource.
pub(super) static COLLECTION: &[&Verb] = &[&LIST, &CREATE, &DELETE_COLLECTION];
/// What can be done with one.
pub(super) static ITEM: &[&Verb] = &[&GET, &UPDATE, &PATCH, &DELETE];

/// list and watch
pub(super) static LIST: Verb = Verb {
    name: "list",
    method: "get",
    action: "list",
    id: ("list", ""),
    description: "Lists objects of kind {}, or watches them.",
    parameters: parameters::LIST,
    request: Content::Nothing,
    replies: &[OK],
    reply: Content::List,
};

static CREATE: Verb = Verb {
    name: "create",
    method: "post",
    action: "post",
    id: ("create", ""),
    description: "Creates one {}.",
    parameters: parameters::WRITE,
    request: Content::Object,
    replies: &[OK, CREATED, ACCEPTED],
    reply: Content::Object,
};

static DELETE_COLLECTION: Verb = Verb {
    name: "deletecollection",
    method: "delete",
    action: "deletecollection",
    id: ("delete", "Collection"),
    description: "Deletes every object of kind {} that a list with these parameters shows.",
    parameters: parameters::DELETE_COLLECTION,
    request: Content::DeleteOptions,
    replies: &[OK],
    reply: Content::Status,
};

static GET: Verb = Verb {
    name: "get",
    method: "get",
    action: "get",
    id: ("read", ""),
    description: "Reads one {}.",
    parameters: parameters::NONE,
    request: Content::Nothing,
    replies: &[OK],
    reply: Content::Object,
};

static UPDATE: Verb = Verb {
    name: "update",
    method: "put",
    action: "put",
    id: ("replace", ""),
    description: "Replaces one {}.",
    parameters: parameters::WRITE,
    request: Content::Object,
    replies: &[OK, CREATED],
    reply: Content::Object,
};

static PATCH: Verb = Verb {
    name: "patch",
    method: "patch",
    action: "patch",
    id: ("patch", ""),
    description: "Changes a part of one {}.",
    parameters: parameters::PATCH,
    request: Content::Patch,
    replies: &[OK, CREATED],
    reply: Content::Object,
};

static DELETE: Verb = Verb {
    name: "delete",
    method: "delete",
    action: "delete",
    id: ("delete", ""),
    description: "Deletes one {}.",
    parameters: parameters::DELETE,
    request: Content::DeleteOptions,
    replies: &[OK, ACCEPTED],
    reply: Content::Status,
};
