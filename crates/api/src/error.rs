//! [`ApiError`]: a refusal that already says what the client will read.

use std::fmt;

use crate::Encode;
use crate::meta::{Status, StatusCause, StatusDetails};
use crate::validation::FieldError;

/// A failed request, as the [`Status`] that answers it. Cannot hold a success.
///
/// The texts are Kubernetes' own where programs are known to match on them; see the recorded transcripts.
#[derive(Clone, PartialEq)]
pub struct ApiError {
    status: Box<Status>,
    warnings: Vec<String>,
}

/// What the messages call a resource: `leases.coordination.k8s.io`, or `namespaces` in the core group.
fn qualified(group: &str, name: &str) -> String {
    if group.is_empty() {
        name.to_owned()
    } else {
        format!("{name}.{group}")
    }
}

impl ApiError {
    /// A failure with this HTTP status code (400 to 599), reason and message.
    #[must_use]
    pub fn new(code: u16, reason: &str, message: impl Into<String>) -> Self {
        debug_assert!((400..600).contains(&code), "{code} is no failure");
        let status = Status {
            status: "Failure".to_owned(),
            message: message.into(),
            reason: reason.to_owned(),
            code: i32::from(code),
            ..Status::default()
        };
        Self {
            status: Box::new(status),
            warnings: Vec::new(),
        }
    }

    fn about(code: u16, reason: &str, message: String, group: &str, kind: &str, name: &str) -> Self {
        Self::new(code, reason, message).with_details(StatusDetails {
            name: name.to_owned(),
            group: group.to_owned(),
            kind: kind.to_owned(),
            ..StatusDetails::default()
        })
    }

    /// Replaces the details.
    #[must_use]
    pub fn with_details(mut self, details: StatusDetails) -> Self {
        self.status.details = Some(details);
        self
    }

    /// Adds a cause.
    #[must_use]
    pub fn with_cause(mut self, reason: &str, message: impl Into<String>, field: impl Into<String>) -> Self {
        self.status.details.get_or_insert_default().causes.push(StatusCause {
            reason: reason.to_owned(),
            message: message.into(),
            field: field.into(),
        });
        self
    }

    /// Adds what the client is warned of beside being refused.
    #[must_use]
    pub fn with_warnings(mut self, warnings: &[String]) -> Self {
        self.warnings.extend_from_slice(warnings);
        self
    }

    /// Takes out what the client is warned of.
    #[must_use]
    pub fn take_warnings(&mut self) -> Vec<String> {
        std::mem::take(&mut self.warnings)
    }

    /// Tells the client to try again after this many seconds.
    #[must_use]
    pub fn retry_after(mut self, seconds: i32) -> Self {
        self.status.details.get_or_insert_default().retry_after_seconds = seconds;
        self
    }

    /// 400: the request makes no sense.
    #[must_use]
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message)
    }

    /// 401: credentials were presented and are not good.
    #[must_use]
    pub fn unauthorized() -> Self {
        Self::new(401, "Unauthorized", "Unauthorized")
    }

    /// 403 for an operation on a resource, with the reason why.
    #[must_use]
    pub fn forbidden(group: &str, resource: &str, name: &str, why: &str) -> Self {
        let qualified = qualified(group, resource);
        let message = if name.is_empty() {
            format!("{qualified} is forbidden: {why}")
        } else {
            format!("{qualified} \"{name}\" is forbidden: {why}")
        };
        Self::about(403, "Forbidden", message, group, resource, name)
    }

    /// 404: nothing of this name.
    #[must_use]
    pub fn not_found(group: &str, resource: &str, name: &str) -> Self {
        let message = format!("{} \"{name}\" not found", qualified(group, resource));
        Self::about(404, "NotFound", message, group, resource, name)
    }

    /// 404: no such resource, or the path leads nowhere within the API.
    #[must_use]
    pub fn no_such_resource() -> Self {
        Self::new(404, "NotFound", "the server could not find the requested resource")
            .with_details(StatusDetails::default())
    }

    /// 405: the path does not take this method.
    #[must_use]
    pub fn method_not_allowed() -> Self {
        Self::new(
            405,
            "MethodNotAllowed",
            "the server does not allow this method on the requested resource",
        )
        .with_details(StatusDetails::default())
    }

    /// 409: the name is taken.
    #[must_use]
    pub fn already_exists(group: &str, resource: &str, name: &str) -> Self {
        let message = format!("{} \"{name}\" already exists", qualified(group, resource));
        Self::about(409, "AlreadyExists", message, group, resource, name)
    }

    /// 409: the object is not what the client thought it was.
    #[must_use]
    pub fn conflict(group: &str, resource: &str, name: &str, why: &str) -> Self {
        let message = format!(
            "Operation cannot be fulfilled on {} \"{name}\": {why}",
            qualified(group, resource)
        );
        Self::about(409, "Conflict", message, group, resource, name)
    }

    /// 409: the object was changed since the client read it.
    #[must_use]
    pub fn modified(group: &str, resource: &str, name: &str) -> Self {
        let why = "the object has been modified; please apply your changes to the latest version and try again";
        Self::conflict(group, resource, name, why)
    }

    /// 410: the version asked for is no longer known.
    #[must_use]
    pub fn expired(message: impl Into<String>) -> Self {
        Self::new(410, "Expired", message)
    }

    /// 413: the body is larger than `limit` bytes.
    #[must_use]
    pub fn too_large(message: impl Into<String>) -> Self {
        Self::new(413, "RequestEntityTooLarge", message)
    }

    /// 415: the body is of a kind not taken here; `accepted` lists those that are.
    #[must_use]
    pub fn unsupported_media_type(accepted: &str) -> Self {
        let message =
            format!("the body of the request was in an unknown format - accepted media types include: {accepted}");
        Self::new(415, "UnsupportedMediaType", message)
    }

    /// 422: the object, or the options, of `kind` in `group` break rules.
    #[must_use]
    pub fn invalid(group: &str, kind: &str, name: &str, errors: &[FieldError]) -> Self {
        // A rule that was checked twice is told once; its causes stay, as in Kubernetes.
        let mut told: Vec<String> = Vec::new();
        for text in errors.iter().map(ToString::to_string) {
            if !told.contains(&text) {
                told.push(text);
            }
        }
        let joined = match told.as_slice() {
            [one] => one.clone(),
            many => format!("[{}]", many.join(", ")),
        };
        let message = format!("{} \"{name}\" is invalid: {joined}", qualified(group, kind));
        let mut error = Self::about(422, "Invalid", message, group, kind, name);
        error.status.details.get_or_insert_default().causes = errors.iter().map(FieldError::cause).collect();
        error
    }

    /// 429: too much at once; try again after this many seconds.
    #[must_use]
    pub fn too_many_requests(message: impl Into<String>, seconds: i32) -> Self {
        Self::new(429, "TooManyRequests", message).retry_after(seconds)
    }

    /// 500: our own fault. Never for bad input.
    #[must_use]
    pub fn internal(message: impl fmt::Display) -> Self {
        let message = format!("Internal error occurred: {message}");
        let cause = message.clone();
        Self::new(500, "InternalError", message).with_cause("", cause, "")
    }

    /// 503: cannot be done now; try again after this many seconds.
    #[must_use]
    pub fn unavailable(message: impl Into<String>, seconds: i32) -> Self {
        Self::new(503, "ServiceUnavailable", message).retry_after(seconds)
    }

    /// 504: took too long; try again after this many seconds.
    #[must_use]
    pub fn timeout(message: impl Into<String>, seconds: i32) -> Self {
        Self::new(504, "Timeout", message)
            .with_details(StatusDetails::default())
            .retry_after(seconds)
    }

    /// The HTTP status code, 400 to 599.
    #[must_use]
    pub fn code(&self) -> u16 {
        u16::try_from(self.status.code).unwrap_or(500)
    }

    /// The one-word reason.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.status.reason
    }

    /// The reply's body.
    #[must_use]
    pub fn status(&self) -> &Status {
        &self.status
    }

    /// The reply's body, to change before it is sent.
    pub fn status_mut(&mut self) -> &mut Status {
        &mut self.status
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.status.message)
    }
}

impl fmt::Debug for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut json = Vec::new();
        self.status.write_json(&mut json);
        f.write_str(&String::from_utf8_lossy(&json))
    }
}

impl std::error::Error for ApiError {}
