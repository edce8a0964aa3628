//! Bodies in and out: JSON, YAML and protobuf for every type.
//!
//! Decoding is lenient where Kubernetes is (unknown and duplicate fields are told, not refused; the caller decides) and
//! strict about everything else. Sizes are the caller's to limit before a body comes here; nesting is limited here.

pub mod glance;
pub mod json;
pub(crate) mod plain;
pub mod protobuf;
mod received;
pub mod stored;
mod strict;
pub mod yaml;

pub use received::Received;

use bytes::Bytes;
use serde_json::Value;

use crate::{ApiError, Gvk, Object, TypeCodec};

/// The forms of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// `application/json`
    Json,
    /// `application/yaml`
    Yaml,
    /// `application/vnd.kubernetes.protobuf`
    Protobuf,
}

/// What a body must hold.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// The kind that the path calls for.
    pub gvk: Gvk,
    /// How that is read.
    pub codec: TypeCodec,
}

/// What a body held.
#[derive(Debug)]
pub struct Decoded {
    /// The object.
    pub object: Box<dyn Object>,
    /// What strict validation objects to, in Kubernetes' words: `unknown field "spec.holder"`, `duplicate field …`.
    pub problems: Vec<String>,
}

/// Reads the body of a request as the kind that its path calls for.
///
/// # Errors
/// 400 when it is not that.
pub fn decode(format: Format, target: &Target, body: &Bytes) -> Result<Decoded, ApiError> {
    match format {
        Format::Json => json::decode(target, body),
        Format::Yaml => yaml::decode(target, body),
        Format::Protobuf => protobuf::decode(target, body),
    }
}

/// Reads an object from its JSON form, as patches make it; `kind` and `apiVersion` may be there or not.
///
/// # Errors
/// 400 when it is not of the target's kind.
pub fn from_value(target: &Target, value: Value) -> Result<Decoded, ApiError> {
    let (value, problems) = strict::read(target.codec.schema, value).map_err(|e| target.refuse(e))?;
    target.build(value, problems)
}

/// Reads any JSON document; duplicate fields are told, and the last of them counts.
pub(crate) fn read_free(body: &[u8]) -> Result<(Value, Vec<String>), String> {
    strict::read_free(&mut serde_json::Deserializer::from_slice(body))
}

impl Target {
    /// `Lease in version "v1" cannot be handled as a Lease: …`
    fn refuse(&self, why: impl std::fmt::Display) -> ApiError {
        self.refuse_as(self.gvk.kind, self.gvk.version, why)
    }

    fn refuse_as(&self, kind: &str, version: &str, why: impl std::fmt::Display) -> ApiError {
        let wanted = self.gvk.kind;
        ApiError::bad_request(format!(
            "{kind} in version \"{version}\" cannot be handled as a {wanted}: {why}"
        ))
    }

    /// 400 for a body that cannot even be told apart.
    fn unrecognized(&self, why: impl std::fmt::Display) -> ApiError {
        ApiError::bad_request(format!(
            "the object provided is unrecognized (must be of type {}): {why}",
            self.gvk.kind
        ))
    }

    /// Refuses problems under `fieldValidation=Strict`.
    #[must_use]
    pub fn strict_error(&self, problems: &[String]) -> ApiError {
        self.refuse(format_args!("strict decoding error: {}", problems.join(", ")))
    }

    /// Checks what the body says it is; both may be left out.
    fn check(&self, api_version: &str, kind: &str) -> Result<(), ApiError> {
        let kind = if kind.is_empty() { self.gvk.kind } else { kind };
        if kind == self.gvk.kind && (api_version.is_empty() || self.gvk.group_version().is(api_version)) {
            return Ok(());
        }
        let version = api_version.rsplit_once('/').map_or(api_version, |(_, version)| version);
        let shown = if api_version.is_empty() {
            self.gvk.api_version()
        } else {
            api_version.to_owned()
        };
        Err(self.refuse_as(
            kind,
            version,
            format_args!("no kind \"{kind}\" is expected here for version \"{shown}\""),
        ))
    }

    /// The last step from a JSON value whose fields have been checked.
    fn build(&self, mut value: Value, problems: Vec<String>) -> Result<Decoded, ApiError> {
        if let Value::Object(fields) = &mut value {
            let [api_version, kind] = ["apiVersion", "kind"].map(|name| fields.remove(name));
            let text = |value: &Option<Value>| value.as_ref().and_then(Value::as_str).unwrap_or("").to_owned();
            self.check(&text(&api_version), &text(&kind))?;
        }
        let object = (self.codec.from_value)(value).map_err(|e| self.refuse(e))?;
        Ok(Decoded { object, problems })
    }
}
