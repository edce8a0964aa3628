//! What a body is in, by its headers.

use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use leasehold_api::ApiError;
use leasehold_api::codec::Format;
use leasehold_api::meta::StatusDetails;
use leasehold_registry::PatchKind;

use super::{FORMATS, OBJECT_TYPES};

fn content_type(headers: &HeaderMap) -> &str {
    headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or("")
}

/// The format of an object's body; JSON when it does not say.
///
/// # Errors
/// 415 for any other format.
pub(crate) fn body_format(headers: &HeaderMap) -> Result<Format, ApiError> {
    if headers.get(CONTENT_TYPE).is_none_or(http::HeaderValue::is_empty) {
        return Ok(Format::Json);
    }
    let essence = content_type(headers).split(';').next().unwrap_or("").trim();
    let known = FORMATS.iter().find(|(_, name)| essence.eq_ignore_ascii_case(name));
    known
        .map(|(format, _)| *format)
        .ok_or_else(|| ApiError::unsupported_media_type(OBJECT_TYPES))
}

/// The kind of a patch. It must be said.
///
/// # Errors
/// 415 for any other.
pub(crate) fn patch_kind(headers: &HeaderMap) -> Result<PatchKind, ApiError> {
    match content_type(headers).split(';').next().unwrap_or("").trim() {
        "application/json-patch+json" => Ok(PatchKind::Json),
        "application/merge-patch+json" => Ok(PatchKind::Merge),
        "application/strategic-merge-patch+json" => Ok(PatchKind::Strategic),
        "application/apply-patch+yaml" => Ok(PatchKind::Apply),
        _ => {
            let error = ApiError::new(415, "UnsupportedMediaType", "415: Unsupported Media Type");
            Err(error.with_details(StatusDetails::default()))
        }
    }
}

/// Refuses a compressed body: nothing here is ever inflated.
///
/// # Errors
/// 415 when the body is encoded.
pub(crate) fn refuse_encoded(headers: &HeaderMap) -> Result<(), ApiError> {
    let plain = |value: &http::HeaderValue| value.is_empty() || value.as_bytes().eq_ignore_ascii_case(b"identity");
    if headers.get_all(CONTENT_ENCODING).iter().all(plain) {
        return Ok(());
    }
    let message = "the body of the request has a Content-Encoding - only identity is accepted";
    Err(ApiError::new(415, "UnsupportedMediaType", message))
}
