//! What is checked of an object that a request carries before anything else is looked at.

use leasehold_api::meta::OwnerReference;
use leasehold_api::options::ResourceVersion;
use leasehold_api::{ApiError, Object};

use crate::place::Place;

/// Unknown and duplicate fields are an error, or warnings.
pub(crate) fn strictness(place: &Place, problems: Vec<String>, strict: bool) -> Result<Vec<String>, ApiError> {
    if strict && !problems.is_empty() {
        return Err(place.target().strict_error(&problems));
    }
    Ok(problems)
}

/// An owner given twice in the same words counts once, and is told of.
pub(crate) fn dedup_owners(object: &mut dyn Object, warnings: &mut Vec<String>) {
    let owners = &mut object.metadata_mut().owner_references;
    if owners.len() < 2 {
        return;
    }
    let mut twice = Vec::new();
    let mut kept: Vec<OwnerReference> = Vec::with_capacity(owners.len());
    for owner in owners.drain(..) {
        if kept.contains(&owner) {
            twice.push(owner.uid);
        } else {
            kept.push(owner);
        }
    }
    *owners = kept;
    if !twice.is_empty() {
        warnings.push(format!(
            ".metadata.ownerReferences contains duplicate entries; API server dedups owner references in 1.20+, and may \
             reject such requests as early as 1.24; please fix your requests; duplicate UID(s) observed: {}",
            twice.join(", ")
        ));
    }
}

/// The object's namespace must be the path's, and may be left out; where there are no namespaces it is dropped.
pub(crate) fn check_namespace(place: &Place, object: &mut dyn Object) -> Result<(), ApiError> {
    let namespace = &mut object.metadata_mut().namespace;
    if namespace.is_empty() || !place.resource.namespaced {
        place.namespace_of_objects().clone_into(namespace);
    }
    if namespace != place.namespace_of_objects() {
        let text = "the namespace of the provided object does not match the namespace sent on the request";
        return Err(ApiError::bad_request(text));
    }
    Ok(())
}

/// The object's name must be there and be the path's.
pub(crate) fn check_name(place: &Place, object: &dyn Object) -> Result<(), ApiError> {
    let name = &object.metadata().name;
    if name.is_empty() {
        let text = format!(
            "the name of the object ({} based on URL) was undeterminable: name must be provided",
            place.name
        );
        return Err(ApiError::bad_request(text));
    }
    if **name != *place.name {
        let text = format!(
            "the name of the object ({name}) does not match the name on the URL ({})",
            place.name
        );
        return Err(ApiError::bad_request(text));
    }
    Ok(())
}

/// Whether the object names the version that it is to replace: "0" is no version, as in Kubernetes. 400 for what is
/// none at all.
pub(crate) fn names_version(object: &dyn Object) -> Result<bool, ApiError> {
    let version = ResourceVersion::parse(&object.metadata().resource_version)?;
    Ok(matches!(version, ResourceVersion::At(_)))
}
