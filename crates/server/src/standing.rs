//! Whether who watches still may.
//!
//! A watch outlives the answer that let it begin: tokens are withdrawn, certificates end and rules change while it goes
//! on. So it asks again from time to time, with what it was asked with.

use std::sync::Arc;

use http::HeaderMap;
use http::header::AUTHORIZATION;
use leasehold_api::Time;
use leasehold_clock::Clock;

use crate::auth::{Attributes, Authenticator, Authorizer};
use crate::net::Peer;
use crate::verbs::Call;

/// Everything that a watch was let in by.
pub(crate) struct Standing {
    authenticator: Arc<dyn Authenticator>,
    authorizer: Arc<dyn Authorizer>,
    clock: Arc<dyn Clock>,
    peer: Peer,
    /// Only the headers that credentials come in.
    credentials: HeaderMap,
    group: &'static str,
    version: &'static str,
    resource: &'static str,
    namespace: Arc<str>,
    name: Box<str>,
    path: Box<str>,
}

impl Standing {
    /// Keeps what a watch of this resource was let in by.
    pub(crate) fn new(call: &Call<'_>) -> Self {
        let (app, asked, place) = (call.app, call.asked, &call.place);
        let credentials = asked.head.headers.get_all(AUTHORIZATION).iter();
        Self {
            authenticator: app.authenticator.clone(),
            authorizer: app.authorizer.clone(),
            clock: app.clock.clone(),
            peer: asked.peer.clone(),
            credentials: credentials.map(|value| (AUTHORIZATION, value.clone())).collect(),
            group: place.resource.group,
            version: place.version.version,
            resource: place.resource.plural,
            namespace: place.namespace.clone(),
            name: asked.info.attributes().name.into(),
            path: asked.info.path.into(),
        }
    }

    /// Whether the same request would be let in now.
    pub(crate) fn holds(&self) -> bool {
        let now = Time::from_system(self.clock.wall());
        let attributes = Attributes {
            verb: "watch",
            group: self.group,
            version: self.version,
            resource: self.resource,
            subresource: "",
            namespace: &self.namespace,
            name: &self.name,
            path: &self.path,
        };
        self.authenticator
            .authenticate(&self.peer, &self.credentials, now.seconds)
            .is_ok_and(|user| self.authorizer.authorize(&user, &attributes).is_ok())
    }
}
