//! Replies: status line, headers and encoded body.

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use leasehold_api::ApiError;

use crate::Body;
use crate::encode;
use crate::negotiate::{self, Answer};

/// A reply with this body, never to be kept by a cache.
pub(crate) fn new(code: StatusCode, content_type: &'static str, body: impl Into<Body>) -> Response<Body> {
    let mut response = Response::new(body.into());
    *response.status_mut() = code;
    let headers = response.headers_mut();
    headers.reserve(4);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache, private"));
    response
}

/// Plain text, for people and for probes.
pub(crate) fn text(code: StatusCode, text: impl Into<Bytes>) -> Response<Body> {
    let mut response = new(code, "text/plain; charset=utf-8", text.into());
    response
        .headers_mut()
        .insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// 404 for a path outside the API.
pub(crate) fn page_not_found() -> Response<Body> {
    text(StatusCode::NOT_FOUND, "404 page not found\n")
}

/// A failure, in the form that the client accepts.
pub(crate) fn failure(error: &ApiError, headers: &HeaderMap, pretty: bool) -> Response<Body> {
    let mut answer = negotiate::error(headers);
    answer.pretty |= pretty;
    failure_in(error, answer)
}

fn failure_in(error: &ApiError, answer: Answer) -> Response<Body> {
    let code = StatusCode::from_u16(error.code()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let body = encode::status(answer, error.status());
    let mut response = new(code, negotiate::media_type(answer.format), body);
    let seconds = error
        .status()
        .details
        .as_ref()
        .map_or(0, |details| details.retry_after_seconds);
    if seconds > 0 {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

#[cfg(test)]
mod tests {
    use http::header::ACCEPT;

    use super::*;

    fn bytes(response: Response<Body>) -> Bytes {
        match response.into_body() {
            Body::Full(bytes) => bytes,
            _ => panic!("an error is at hand"),
        }
    }

    #[test]
    fn a_failure_says_when_to_come_back() {
        let error = ApiError::too_many_requests("later", 7);
        let response = failure(&error, &HeaderMap::new(), false);
        assert_eq!(response.status(), 429);
        assert_eq!(response.headers()[RETRY_AFTER], "7");
        assert_eq!(response.headers()[CONTENT_TYPE], "application/json");
        assert_eq!(response.headers()[CACHE_CONTROL], "no-cache, private");
        let body: serde_json::Value = serde_json::from_slice(&bytes(response)).unwrap();
        assert_eq!(body["details"]["retryAfterSeconds"], 7);
        assert_eq!((&body["kind"], &body["apiVersion"]), (&"Status".into(), &"v1".into()));
        let response = failure(&ApiError::unauthorized(), &HeaderMap::new(), false);
        assert!(!response.headers().contains_key(RETRY_AFTER));
    }

    #[test]
    fn a_failure_comes_in_the_negotiated_form() {
        let error = ApiError::unauthorized();
        let accept = |value| HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static(value))]);
        let protobuf = failure(&error, &accept("application/vnd.kubernetes.protobuf"), false);
        assert_eq!(protobuf.headers()[CONTENT_TYPE], "application/vnd.kubernetes.protobuf");
        assert!(bytes(protobuf).starts_with(b"k8s\0"));
        let yaml = bytes(failure(&error, &accept("application/yaml"), false));
        assert!(
            std::str::from_utf8(&yaml).unwrap().contains("reason: Unauthorized"),
            "{yaml:?}"
        );
        let pretty = bytes(failure(&error, &HeaderMap::new(), true));
        assert!(pretty.starts_with(b"{\n  \"kind\": \"Status\""));
    }
}
