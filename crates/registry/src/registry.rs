//! The [`Registry`]: what all verbs share.

use std::sync::Arc;
use std::time::Duration;

use leasehold_api::codec::protobuf;
use leasehold_api::options::ResourceVersion;
use leasehold_api::{ApiError, Object, Time};
use leasehold_clock::Clock;
use leasehold_store::{Key, Range, Revision, Store};

use crate::errors;
use crate::features::Features;
use crate::looks::Look;
use crate::outcome::Item;
use crate::place::Place;
use crate::served::{Scope, Served};
use crate::token::TokenKey;

/// How long a read waits for a version that has not come yet, as in Kubernetes.
const FUTURE_WAIT: Duration = Duration::from_secs(3);

/// The API verbs over a store. Share it in an [`Arc`].
pub struct Registry {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) tokens: TokenKey,
    pub(crate) served: Served,
}

impl Registry {
    /// A registry over this store. Continue tokens are bound to this value, unless it is told a secret that others know as
    /// well: another one does not take them.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> Self {
        Self {
            store,
            clock,
            tokens: TokenKey::random(),
            served: Served::default(),
        }
    }

    /// The same, taking the continue tokens of all registries that know this secret. 32 random bytes, shown to nobody else.
    #[must_use]
    pub fn with_token_secret(self, secret: [u8; 32]) -> Self {
        Self {
            tokens: TokenKey::of(secret),
            ..self
        }
    }

    /// The same, with these features.
    #[must_use]
    pub fn with_features(self, features: Features) -> Self {
        let served = Served {
            features,
            ..self.served
        };
        Self { served, ..self }
    }

    /// The same, with these resources.
    #[must_use]
    pub fn with_scope(self, scope: Scope) -> Self {
        let served = Served { scope, ..self.served };
        Self { served, ..self }
    }

    /// What is served.
    #[must_use]
    pub fn served(&self) -> Served {
        self.served
    }

    /// Whether writes can be acknowledged now.
    ///
    /// # Errors
    /// 503 with the reason why not.
    pub fn ready(&self) -> Result<(), ApiError> {
        self.store.ready().map_err(|e| errors::unavailable(&e))
    }

    /// The store below, for what only counts and watches.
    #[must_use]
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// The clock that the verbs use.
    #[must_use]
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// The calendar time that goes into objects.
    pub(crate) fn now(&self) -> Time {
        Time::from_system(self.clock.wall())
    }

    /// The object at a place, if it is there, no older than `at`.
    pub(crate) async fn find(&self, place: &Place, at: ResourceVersion) -> Result<Option<Item>, ApiError> {
        let look = match at {
            ResourceVersion::Unset => Look::Latest,
            ResourceVersion::Any => Look::Glance,
            ResourceVersion::At(version) => {
                self.wait_for(Revision(version)).await?;
                Look::Glance
            }
        };
        self.look(place, look).await
    }

    /// The object at a place, if it is there.
    pub(crate) async fn look(&self, place: &Place, look: Look) -> Result<Option<Item>, ApiError> {
        let key = place.key();
        let entry = match look {
            Look::Glance => self.store.glance(&key),
            Look::Latest => self.store.get(&key),
        };
        let entry = entry.await.map_err(|e| errors::unavailable(&e))?;
        Ok(entry.map(|entry| Item::new(place.resource, place.version, entry)))
    }

    /// Waits a little for a version that has not come yet, then answers 504.
    pub(crate) async fn wait_for(&self, revision: Revision) -> Result<(), ApiError> {
        if self.store.revision() >= revision {
            return Ok(());
        }
        match tokio::time::timeout(FUTURE_WAIT, self.store.reached(revision)).await {
            Ok(reached) => reached.map_err(|e| errors::unavailable(&e)),
            Err(_) => Err(errors::too_large(revision, self.store.revision())),
        }
    }
}

/// The bytes that are stored for an object in the stored version. Its resourceVersion is not among them: it is the
/// revision of the write, which is known only afterwards.
pub(crate) fn stored_bytes(place: &Place, object: &mut dyn Object) -> Vec<u8> {
    let version = std::mem::take(&mut object.metadata_mut().resource_version);
    let mut out = Vec::new();
    protobuf::write_object(place.resource.stored.0, object.as_encode(), &mut out);
    object.metadata_mut().resource_version = version;
    out
}

impl Place {
    pub(crate) fn key(&self) -> Key {
        Key {
            resource: self.resource.storage,
            namespace: self.namespace.clone(),
            name: self.name.clone(),
        }
    }

    /// The objects of this collection: of one namespace, or of all.
    pub(crate) fn range(&self) -> Range {
        if self.namespace.is_empty() {
            Range::Resource(self.resource.storage)
        } else {
            Range::Namespace(self.resource.storage, self.namespace.clone())
        }
    }

    /// From the served version to the stored one.
    pub(crate) fn to_stored(&self, object: Box<dyn Object>) -> Box<dyn Object> {
        match self.version.convert {
            Some(convert) => (convert.to_stored)(&*object),
            None => object,
        }
    }

    /// From the stored version to the served one.
    pub(crate) fn to_served(&self, object: Box<dyn Object>) -> Box<dyn Object> {
        match self.version.convert {
            Some(convert) => (convert.from_stored)(&*object),
            None => object,
        }
    }
}
