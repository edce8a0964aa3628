//! What the filters ask of whoever knows users and their rights.

use std::sync::Arc;

use http::HeaderMap;
use leasehold_api::{ApiError, Object, Time};
use leasehold_registry::{Admission, Place};

use crate::auth::{self, Attributes, User};
use crate::net::Peer;

/// Tells who makes a request.
pub trait Authenticator: Send + Sync {
    /// The caller; `system:anonymous` when there are no credentials. `now` is the wall clock's, for certificates' ends.
    ///
    /// # Errors
    /// 401 for credentials that are not good.
    fn authenticate(&self, peer: &Peer, headers: &HeaderMap, now: Time) -> Result<User, ApiError>;
}

/// Tells what a user may do.
pub trait Authorizer: Send + Sync {
    /// Judges a request before its body is read.
    ///
    /// # Errors
    /// 403 unless it is allowed.
    fn authorize(&self, user: &User, attributes: &Attributes<'_>) -> Result<(), ApiError>;

    /// What else to ask for a write of this user, once the object is known.
    fn admission(&self, _user: &User) -> Option<Arc<dyn Admission>> {
        None
    }
}

impl Authenticator for auth::Authenticator {
    fn authenticate(&self, peer: &Peer, headers: &HeaderMap, now: Time) -> Result<User, ApiError> {
        self.authenticate(peer, headers, now.seconds)
    }
}

impl Authorizer for auth::BuiltIn {
    fn authorize(&self, user: &User, attributes: &Attributes<'_>) -> Result<(), ApiError> {
        auth::Authorizer::authorize(self, user, attributes)
    }

    fn admission(&self, user: &User) -> Option<Arc<dyn Admission>> {
        auth::NodeAdmission::of(user)
    }
}

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
