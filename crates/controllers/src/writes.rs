//! Writes of controllers through the registry, with conflicts told apart from failures.

use leasehold_api::codec::Decoded;
use leasehold_api::meta::{ObjectMeta, Preconditions};
use leasehold_api::options::{DeleteOptions, ResourceVersion};
use leasehold_api::{ApiError, Kind, Object};
use leasehold_registry::{Place, Registry, WriteOptions};

/// What came of a write that somebody else's may have got in the way of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wrote {
    /// It is done.
    Done,
    /// The object is another one by now, or gone, or there already: look again.
    Outrun,
}

/// The object at a place.
///
/// # Errors
/// When it cannot be read.
pub(crate) async fn get<T: Kind + Clone>(registry: &Registry, place: &Place) -> Result<Option<T>, ApiError> {
    match registry.get(place, ResourceVersion::Unset).await {
        Ok(item) => Ok(item.stored()?.downcast_ref::<T>().cloned()),
        Err(error) if error.code() == 404 => Ok(None),
        Err(error) => Err(error),
    }
}

/// Creates an object.
///
/// # Errors
/// Any but that it is there already.
pub(crate) async fn create(
    registry: &Registry,
    place: &Place,
    object: impl Object,
    manager: &str,
) -> Result<Wrote, ApiError> {
    let options = WriteOptions::internal(manager);
    told_apart(registry.create(place, decoded(object), &options).await.map(drop))
}

/// Replaces an object by one made from it: its resourceVersion is a precondition.
///
/// # Errors
/// Any but that it has changed or gone since it was read.
pub(crate) async fn update(
    registry: &Registry,
    place: &Place,
    object: impl Object,
    manager: &str,
) -> Result<Wrote, ApiError> {
    let options = WriteOptions::internal(manager);
    told_apart(registry.update(place, decoded(object), &options).await.map(drop))
}

/// Deletes an object if it still is exactly the one that was read.
///
/// # Errors
/// Any but that it has changed or gone since.
pub(crate) async fn delete(
    registry: &Registry,
    place: &Place,
    read: &ObjectMeta,
    manager: &str,
) -> Result<Wrote, ApiError> {
    let preconditions = Preconditions {
        uid: Some(read.uid.clone()),
        resource_version: Some(read.resource_version.clone()),
    };
    let options = DeleteOptions {
        preconditions,
        ..DeleteOptions::default()
    };
    let how = WriteOptions::internal(manager);
    told_apart(registry.delete(place, &options, &how).await.map(drop))
}

fn told_apart(result: Result<(), ApiError>) -> Result<Wrote, ApiError> {
    match result {
        Ok(()) => Ok(Wrote::Done),
        Err(error) if matches!(error.code(), 404 | 409) => Ok(Wrote::Outrun),
        Err(error) => Err(error),
    }
}

fn decoded(object: impl Object) -> Decoded {
    Decoded {
        object: Box::new(object),
        problems: Vec::new(),
    }
}
