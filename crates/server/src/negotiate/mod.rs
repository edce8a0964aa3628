//! In which form a client sends and wants to be answered.
//!
//! Kubernetes asks twice: its router compares each type in `Accept` by its plain text with those that the route
//! produces, then the handler chooses among them with parameters and `*` taken into account. Both have their own way of
//! saying 406, and both are kept, because `application/*` passes the second but not the first.

mod accept;
mod content_type;

use http::HeaderMap;
use http::header::ACCEPT;
use leasehold_api::ApiError;
use leasehold_api::codec::Format;
use leasehold_api::meta::StatusDetails;

pub(crate) use accept::{Accept, Clause};
pub(crate) use content_type::{body_format, patch_kind, refuse_encoded};

/// `application/json`
pub(crate) const JSON: &str = "application/json";
/// `application/yaml`
pub(crate) const YAML: &str = "application/yaml";
/// `application/vnd.kubernetes.protobuf`
pub(crate) const PROTOBUF: &str = "application/vnd.kubernetes.protobuf";

/// What every resource can be written in, best first.
const FORMATS: [(Format, &str); 3] = [(Format::Json, JSON), (Format::Yaml, YAML), (Format::Protobuf, PROTOBUF)];
const OBJECT_TYPES: &str = "application/json, application/yaml, application/vnd.kubernetes.protobuf";
const STREAM_TYPES: &str = "application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch";

/// The media type of a format.
#[must_use]
pub(crate) const fn media_type(format: Format) -> &'static str {
    match format {
        Format::Json => JSON,
        Format::Yaml => YAML,
        Format::Protobuf => PROTOBUF,
    }
}

/// The version of `meta.k8s.io` that a transformed object says it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MetaVersion {
    V1,
    V1beta1,
}

impl MetaVersion {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::V1 => "v1",
            Self::V1beta1 => "v1beta1",
        }
    }
}

/// As what objects are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// As they are.
    Whole,
    /// Their metadata: one object.
    Partial(MetaVersion),
    /// Their metadata: a list.
    PartialList(MetaVersion),
    /// Rows for people to read.
    Table(MetaVersion),
}

/// How to answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) format: Format,
    pub(crate) shape: Shape,
    /// Whether the client asked for white space by parameter.
    pub(crate) pretty: bool,
}

impl Answer {
    /// What a client gets that wants nothing in particular.
    pub(crate) const JSON: Self = Self {
        format: Format::Json,
        shape: Shape::Whole,
        pretty: false,
    };
}

/// Which requests answer in streams: their 406 says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// Objects only.
    Objects,
    /// A list, or a watch.
    Collection,
}

/// What the client said it accepts: the first `Accept` header, as Go has it.
pub(crate) fn accept(headers: &HeaderMap) -> Accept<'_> {
    let text = headers.get(ACCEPT).and_then(|value| value.to_str().ok());
    Accept::parse(text.unwrap_or(""))
}

/// Chooses how to answer a request for a resource.
///
/// # Errors
/// 406 where nothing fits.
pub(crate) fn object(headers: &HeaderMap, route: Route) -> Result<Answer, ApiError> {
    let accept = accept(headers);
    if !accept.names_one_of(&FORMATS.map(|(_, name)| name)) {
        return Err(match route {
            Route::Objects => refused_by_route(OBJECT_TYPES),
            Route::Collection => refused_by_route(&format!("{OBJECT_TYPES}, {STREAM_TYPES}")),
        });
    }
    choose(&accept, true).ok_or_else(|| not_acceptable(OBJECT_TYPES))
}

/// Chooses how to stream. YAML has no form for that.
///
/// # Errors
/// 406 where nothing fits.
pub(crate) fn stream(headers: &HeaderMap) -> Result<Answer, ApiError> {
    match object(headers, Route::Collection)? {
        Answer {
            format: Format::Yaml, ..
        } => Err(not_acceptable(STREAM_TYPES)),
        answer => Ok(answer),
    }
}

/// Chooses how to tell of an error: never transformed, and in JSON where nothing fits.
pub(crate) fn error(headers: &HeaderMap) -> Answer {
    choose(&accept(headers), false).unwrap_or(Answer::JSON)
}

fn choose(accept: &Accept<'_>, transform: bool) -> Option<Answer> {
    accept.choose(&FORMATS, |clause, format| fits(clause, format, transform))
}

/// The answer that a clause of `Accept` means, if it can be given in this format.
fn fits(clause: &Clause<'_>, format: Format, transform: bool) -> Option<Answer> {
    let parameter = |name| clause.parameter(name).unwrap_or("");
    let stream = parameter("stream");
    let streams = stream.is_empty() || (stream == "watch" && format != Format::Yaml);
    let shape = shape(clause)?;
    let shown = match shape {
        Shape::Whole => true,
        Shape::Table(_) => transform && format != Format::Protobuf,
        Shape::Partial(_) | Shape::PartialList(_) => transform,
    };
    let pretty = parameter("pretty") == "1";
    (streams && shown && parameter("sv").is_empty()).then_some(Answer { format, shape, pretty })
}

/// What `as`, `g` and `v` ask for; `None` for what does not exist.
fn shape(clause: &Clause<'_>) -> Option<Shape> {
    let [kind, group, version] = ["as", "g", "v"].map(|name| clause.parameter(name));
    if kind.is_none() && group.is_none() && version.is_none() {
        return Some(Shape::Whole);
    }
    let version = match (group?, version?) {
        ("meta.k8s.io", "v1") => MetaVersion::V1,
        ("meta.k8s.io", "v1beta1") => MetaVersion::V1beta1,
        _ => return None,
    };
    match kind? {
        "Table" => Some(Shape::Table(version)),
        "PartialObjectMetadata" => Some(Shape::Partial(version)),
        "PartialObjectMetadataList" => Some(Shape::PartialList(version)),
        _ => None,
    }
}

/// 406 as the router says it.
pub(crate) fn refused_by_route(available: &str) -> ApiError {
    let message = format!("406: Not Acceptable\n\nAvailable representations: {available}");
    ApiError::new(406, "NotAcceptable", message).with_details(StatusDetails::default())
}

/// 406 as the handler says it.
pub(crate) fn not_acceptable(accepted: &str) -> ApiError {
    let message = format!("only the following media types are accepted: {accepted}");
    ApiError::new(406, "NotAcceptable", message)
}

#[cfg(test)]
mod tests;
