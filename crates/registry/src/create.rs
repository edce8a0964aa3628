//! Create: a new object, under the name given or one made for it.

use bytes::Bytes;
use leasehold_api::codec::Decoded;
use leasehold_api::core::Namespace;
use leasehold_api::meta::ObjectMeta;
use leasehold_api::options::{DeleteOptions, ResourceVersion};
use leasehold_api::validation::{Path, name_is_path_segment, validate_object_meta};
use leasehold_api::{ApiError, Object, Time};
use leasehold_store::{Error, Revision};

use crate::checks::{check_namespace, dedup_owners, strictness};
use crate::errors;
use crate::looks::Look;
use crate::managed;
use crate::names;
use crate::outcome::{Item, Written};
use crate::place::{Place, WriteOptions};
use crate::registry::{Registry, stored_bytes};
use crate::resources;
use crate::write::{Draft, Origin};

/// How many made-up names are tried.
const NAME_ATTEMPTS: usize = 8;

impl Registry {
    /// Stores a new object in the collection at `place`.
    ///
    /// # Errors
    /// 400, 403, 404 for the namespace, 409 for a name that is taken, 422.
    pub async fn create(&self, place: &Place, body: Decoded, options: &WriteOptions) -> Result<Written, ApiError> {
        let warnings = strictness(place, body.problems, options.strict)?;
        let mut object = body.object;
        check_namespace(place, &mut *object)?;
        if matches!(
            ResourceVersion::parse(&object.metadata().resource_version)?,
            ResourceVersion::At(_)
        ) {
            return Err(ApiError::bad_request(
                "resourceVersion should not be set on objects to be created",
            ));
        }
        wipe_system_fields(object.metadata_mut());
        let told = warnings.clone();
        let draft = Draft {
            object,
            warnings,
            origin: Origin::Sent,
        };
        let created = self.create_draft(place, draft, options).await;
        created.map_err(|error| error.with_warnings(&told))
    }

    /// Completes, checks and stores what does not exist yet.
    pub(crate) async fn create_draft(
        &self,
        place: &Place,
        draft: Draft,
        options: &WriteOptions,
    ) -> Result<Written, ApiError> {
        let Draft {
            mut object,
            mut warnings,
            origin,
        } = draft;
        dedup_owners(&mut *object, &mut warnings);
        // A dry run is not looked at again, so it must be right the first time.
        let look = if options.dry_run { Look::Latest } else { Look::Glance };
        self.check_namespace_is_open(place, object.metadata(), look).await?;
        let mut new = place.to_stored(object);
        place.resource.strategy.default(&mut *new);
        if origin != Origin::Applied {
            let mut served = place.to_served(new);
            managed::track(place, None, &mut *served, self.writer(options));
            new = place.to_stored(served);
        }
        place.resource.strategy.prepare_create(&mut *new, self.served.features);
        self.set_system_fields(new.metadata_mut());
        let item = self.store_new(place, &mut *new, options).await?;
        if !options.dry_run {
            self.take_back_if_late(place, new.metadata(), item.revision).await?;
        }
        Ok(Written {
            item,
            created: true,
            warnings,
        })
    }

    fn set_system_fields(&self, metadata: &mut ObjectMeta) {
        metadata.uid = uuid::Uuid::new_v4().to_string();
        metadata.creation_timestamp = self.now();
        metadata.deletion_timestamp = None;
        metadata.deletion_grace_period_seconds = None;
        metadata.self_link.clear();
        metadata.resource_version.clear();
    }

    /// Tries the name, or made-up names until one is free.
    async fn store_new(&self, place: &Place, new: &mut dyn Object, options: &WriteOptions) -> Result<Item, ApiError> {
        let metadata = new.metadata();
        let made_up = metadata.name.is_empty() && !metadata.generate_name.is_empty();
        let attempts = if made_up { NAME_ATTEMPTS } else { 1 };
        let mut place = place.clone();
        for _ in 0..attempts {
            if made_up {
                let metadata = new.metadata_mut();
                metadata.name = names::generate(&metadata.generate_name);
                place.resource.strategy.default(new);
            }
            place.name = new.metadata().name.as_str().into();
            validate(&place, new)?;
            if let Some(admission) = &options.caller.admission {
                admission.admit(&place, Some(new), None)?;
            }
            match self.insert(&place, new, options.dry_run).await {
                Err(Error::Exists(_)) => {}
                Err(error) => return Err(errors::of_write(&place, &error)),
                Ok(item) => return Ok(item),
            }
        }
        Err(self.name_taken(&place, made_up).await?)
    }

    /// 409, and whether the one that has the name is going away.
    async fn name_taken(&self, place: &Place, made_up: bool) -> Result<ApiError, ApiError> {
        let mut error = ApiError::already_exists(place.resource.group, place.resource.plural, &place.name);
        let message = &mut error.status_mut().message;
        if made_up {
            message.push_str(", the server was not able to generate a unique name for the object");
        }
        let found = self.find(place, ResourceVersion::Unset).await?;
        if let Some(item) = found
            && item.stored()?.metadata().deletion_timestamp.is_some()
        {
            *message = format!("object is being deleted: {message}");
        }
        Ok(if made_up { error.retry_after(1) } else { error })
    }

    async fn insert(&self, place: &Place, new: &mut dyn Object, dry_run: bool) -> Result<Item, Error> {
        let value = Bytes::from(stored_bytes(place, new));
        let revision = if dry_run {
            match self.store.get(&place.key()).await? {
                Some(entry) => return Err(Error::Exists(entry.revision)),
                None => Revision(0),
            }
        } else {
            self.store.create(place.key(), value.clone()).await?
        };
        Ok(Item::written(place, value, revision))
    }

    /// An object that was on its way while its namespace began to go would be left behind in it: whoever empties the
    /// namespace may have looked already.
    async fn take_back_if_late(&self, place: &Place, new: &ObjectMeta, created: Revision) -> Result<(), ApiError> {
        // Who has seen the creation has seen everything before it.
        let has_seen_it = self.store.revision() >= created;
        let look = if has_seen_it { Look::Glance } else { Look::Latest };
        let Err(closed) = self.check_namespace_is_open(place, new, look).await else {
            return Ok(());
        };
        let mut this = DeleteOptions::default();
        this.preconditions.uid = Some(new.uid.clone());
        let deleted = self
            .delete(&place.named(&new.name), &this, &WriteOptions::internal("leasehold"))
            .await;
        match deleted {
            Err(error) if !matches!(error.code(), 404 | 409) => Err(error),
            _ => Err(closed),
        }
    }

    /// Nothing is created in a namespace that does not exist or is going away. Where namespaces are not ours, who can tell?
    async fn check_namespace_is_open(&self, place: &Place, new: &ObjectMeta, look: Look) -> Result<(), ApiError> {
        if !place.resource.namespaced || !self.served.has(&resources::NAMESPACES) {
            return Ok(());
        }
        match self.namespace_is_open(place, new, look).await {
            Err(_) if look == Look::Glance && self.store.glances_lag() => {
                self.namespace_is_open(place, new, Look::Latest).await
            }
            other => other,
        }
    }

    async fn namespace_is_open(&self, place: &Place, new: &ObjectMeta, look: Look) -> Result<(), ApiError> {
        let namespace = Place::collection(&resources::NAMESPACES, "").named(&place.namespace);
        let item = self
            .look(&namespace, look)
            .await?
            .ok_or_else(|| namespace.not_found())?;
        let object = item.stored()?;
        let terminating = object
            .downcast_ref::<Namespace>()
            .is_some_and(|n| n.metadata.deletion_timestamp.is_some());
        if terminating {
            Err(terminating_error(place, new))
        } else {
            Ok(())
        }
    }
}

/// The rules of the resource, and only where those are kept, those of all objects.
fn validate(place: &Place, new: &dyn Object) -> Result<(), ApiError> {
    place.refuse_invalid(new, &place.resource.strategy.validate_create(new, place.version))?;
    let path = Path::new("metadata");
    let common = validate_object_meta(new.metadata(), place.resource.namespaced, name_is_path_segment, &path);
    place.refuse_invalid(new, &common)
}

/// What only the server sets is taken as if it had not been sent.
fn wipe_system_fields(metadata: &mut ObjectMeta) {
    metadata.uid.clear();
    metadata.creation_timestamp = Time::default();
    metadata.deletion_timestamp = None;
    metadata.deletion_grace_period_seconds = None;
    metadata.self_link.clear();
}

fn terminating_error(place: &Place, new: &ObjectMeta) -> ApiError {
    let name = if new.name.is_empty() {
        &new.generate_name
    } else {
        &new.name
    };
    let namespace = &place.namespace;
    let why = format!("unable to create new content in namespace {namespace} because it is being terminated");
    let cause = format!("namespace {namespace} is being terminated");
    ApiError::forbidden(place.resource.group, place.resource.plural, name, &why).with_cause(
        "NamespaceTerminating",
        cause,
        "metadata.namespace",
    )
}
