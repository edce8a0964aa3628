//! The parameters that requests take in their path and query.

/// A parameter in the path or the query.
#[derive(Debug)]
pub(super) struct Parameter {
    /// As in the path template or the query.
    pub(super) name: &'static str,
    /// `path` or `query`.
    pub(super) place: &'static str,
    /// `string`, `integer` or `boolean`.
    pub(super) kind: &'static str,
    /// What it does.
    pub(super) description: &'static str,
}

/// A list of parameters.
pub(super) type Parameters = &'static [&'static Parameter];

macro_rules! parameters {
    ($($id:ident = $place:literal $name:literal $kind:literal: $description:literal;)*) => {
        $(
            pub(super) static $id: Parameter =
                Parameter { name: $name, place: $place, kind: $kind, description: $description };
        )*
    };
}

parameters! {
    NAME = "path" "name" "string": "The object's name.";
    NAMESPACE = "path" "namespace" "string": "The namespace that the object is in.";
    PRETTY = "query" "pretty" "string": "`true` asks for JSON with line breaks and indentation.";
    DRY_RUN = "query" "dryRun" "string": "`All` does everything but store the result.";
    FIELD_MANAGER = "query" "fieldManager" "string":
        "The name under which the fields that are set are noted; at most 128 printable characters. Apply needs one; \
         otherwise it is derived from the User-Agent.";
    FIELD_VALIDATION = "query" "fieldValidation" "string":
        "What becomes of unknown and duplicate fields: `Ignore` drops them, `Warn` (the default) drops them and says so \
         in Warning headers, `Strict` refuses the request.";
    FORCE = "query" "force" "boolean":
        "For apply only: take over fields that another manager has set to something else, instead of failing.";
    ALLOW_WATCH_BOOKMARKS = "query" "allowWatchBookmarks" "boolean":
        "For a watch: send BOOKMARK events now and then, which tell how far it has come.";
    CONTINUE = "query" "continue" "string":
        "Go on with a list that `limit` cut short, from the token that came with its last part. An expired token is \
         answered 410, with a fresh one to go on from the present state.";
    FIELD_SELECTOR = "query" "fieldSelector" "string": "Only objects with these values in these fields.";
    LABEL_SELECTOR = "query" "labelSelector" "string": "Only objects with these labels.";
    LIMIT = "query" "limit" "integer":
        "At most so many objects; if there are more, the list's metadata holds a token to go on with.";
    RESOURCE_VERSION = "query" "resourceVersion" "string":
        "How recent the answer must be: left out is the present state, `0` is any, another value is that version \
         or, for a watch, what came after it. See `resourceVersionMatch`.";
    RESOURCE_VERSION_MATCH = "query" "resourceVersionMatch" "string":
        "`Exact` lists the objects as they were at the resource version, `NotOlderThan` as they were then or later.";
    SEND_INITIAL_EVENTS = "query" "sendInitialEvents" "boolean":
        "For a watch: begin with an ADDED event for every object that exists, and mark their end with a bookmark.";
    TIMEOUT_SECONDS = "query" "timeoutSeconds" "integer": "End the request after so many seconds, busy or idle.";
    WATCH = "query" "watch" "boolean": "Stream changes instead of listing objects.";
    GRACE_PERIOD_SECONDS = "query" "gracePeriodSeconds" "integer":
        "Seconds before the object is removed; 0 means at once.";
    ORPHAN_DEPENDENTS = "query" "orphanDependents" "boolean": "Deprecated: use `propagationPolicy`.";
    PROPAGATION_POLICY = "query" "propagationPolicy" "string":
        "What happens to dependents: `Orphan` keeps them, `Background` removes them afterwards, `Foreground` before.";
}

/// Of every request.
pub(super) static COMMON: Parameters = &[&PRETTY];
/// Of every request inside a namespace.
pub(super) static IN_NAMESPACE: Parameters = &[&NAMESPACE, &PRETTY];
/// Of every request about one object.
pub(super) static NAMED: Parameters = &[&NAME, &PRETTY];
/// Of every request about one object inside a namespace.
pub(super) static NAMED_IN_NAMESPACE: Parameters = &[&NAME, &NAMESPACE, &PRETTY];
/// None.
pub(super) static NONE: Parameters = &[];
/// Of create and update.
pub(super) static WRITE: Parameters = &[&DRY_RUN, &FIELD_MANAGER, &FIELD_VALIDATION];
/// Of patch and apply.
pub(super) static PATCH: Parameters = &[&DRY_RUN, &FIELD_MANAGER, &FIELD_VALIDATION, &FORCE];
/// Of list and watch.
pub(super) static LIST: Parameters = &[
    &ALLOW_WATCH_BOOKMARKS,
    &CONTINUE,
    &FIELD_SELECTOR,
    &LABEL_SELECTOR,
    &LIMIT,
    &RESOURCE_VERSION,
    &RESOURCE_VERSION_MATCH,
    &SEND_INITIAL_EVENTS,
    &TIMEOUT_SECONDS,
    &WATCH,
];
/// Of deleting one object.
pub(super) static DELETE: Parameters = &[&DRY_RUN, &GRACE_PERIOD_SECONDS, &ORPHAN_DEPENDENTS, &PROPAGATION_POLICY];
/// Of deleting what a list would show.
pub(super) static DELETE_COLLECTION: Parameters = &[
    &CONTINUE,
    &DRY_RUN,
    &FIELD_SELECTOR,
    &GRACE_PERIOD_SECONDS,
    &LABEL_SELECTOR,
    &LIMIT,
    &ORPHAN_DEPENDENTS,
    &PROPAGATION_POLICY,
    &RESOURCE_VERSION,
    &RESOURCE_VERSION_MATCH,
    &TIMEOUT_SECONDS,
];
