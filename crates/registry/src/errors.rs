//! What the store's errors mean to a client: the one place that turns them into Statuses.

use leasehold_api::ApiError;
use leasehold_api::meta::StatusCause;
use leasehold_store::{Error, Revision};

use crate::place::Place;

/// For an operation on one object.
pub(crate) fn of_write(place: &Place, error: &Error) -> ApiError {
    let (group, plural) = (place.resource.group, place.resource.plural);
    match error {
        Error::NotFound => ApiError::not_found(group, plural, &place.name),
        Error::Exists(_) => ApiError::already_exists(group, plural, &place.name),
        Error::Conflict(_) => ApiError::modified(group, plural, &place.name),
        other => unavailable(other),
    }
}

/// For what is not about one object.
pub(crate) fn unavailable(error: &Error) -> ApiError {
    match error {
        Error::Full => ApiError::unavailable("the disk is full: nothing can be written until there is room", 5),
        Error::Unavailable(why) => ApiError::unavailable(format!("the store is unavailable: {why}"), 1),
        Error::Closed => ApiError::unavailable("the server is shutting down", 1),
        Error::Compacted { oldest } => too_old(Revision(0), *oldest),
        Error::Future { current } => too_large(Revision(0), *current),
        Error::NotFound | Error::Exists(_) | Error::Conflict(_) => ApiError::internal(error),
    }
}

/// 504 for a version that has not come.
pub(crate) fn too_large(asked: Revision, current: Revision) -> ApiError {
    let text = format!("Too large resource version: {asked}, current: {current}");
    let mut error = ApiError::timeout(format!("Timeout: {text}"), 1);
    error.status_mut().details.get_or_insert_default().causes = vec![StatusCause {
        reason: "ResourceVersionTooLarge".to_owned(),
        message: "Too large resource version".to_owned(),
        field: String::new(),
    }];
    error
}

/// 410 for a watch from a version that is no longer known.
pub(crate) fn too_old(asked: Revision, oldest: Revision) -> ApiError {
    ApiError::expired(format!("too old resource version: {asked} ({oldest})"))
}

/// Whether a watch that ended with this error ended because the server is stopping.
#[must_use]
pub fn is_closing(error: &ApiError) -> bool {
    error.code() == 503
}
