//! What a write is asked beside its verb: an update or a patch that would create needs the right to create.

use std::sync::Arc;

use leasehold_api::{ApiError, Object};
use leasehold_registry::{Admission, Place};

use super::{Attributes, Authorizer, User};

/// An update or a patch that would create needs the right to create, which its own verb does not give.
pub(crate) struct MayCreate {
    pub(crate) authorizer: Arc<dyn Authorizer>,
    pub(crate) user: User,
    pub(crate) path: Box<str>,
    /// What the user's writes are judged by in any case.
    pub(crate) also: Option<Arc<dyn Admission>>,
}

impl Admission for MayCreate {
    fn admit(&self, place: &Place, new: Option<&dyn Object>, old: Option<&dyn Object>) -> Result<(), ApiError> {
        if old.is_none() && new.is_some() {
            let attributes = Attributes {
                verb: "create",
                group: place.resource.group,
                version: place.version.version,
                resource: place.resource.plural,
                subresource: place.subresource.map_or("", |subresource| subresource.name()),
                namespace: &place.namespace,
                name: &place.name,
                path: &self.path,
            };
            self.authorizer.authorize(&self.user, &attributes)?;
        }
        self.also.as_ref().map_or(Ok(()), |also| also.admit(place, new, old))
    }
}
