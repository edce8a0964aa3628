//! The steps that all writes share, and the loop of read, change and compare-and-swap.

use bytes::Bytes;
use leasehold_api::apply;
use leasehold_api::options::ResourceVersion;
use leasehold_api::validation::{
    FieldError, Path, name_is_path_segment, validate_object_meta, validate_object_meta_update,
};
use leasehold_api::{ApiError, Object};
use leasehold_store::{Error, Revision};

use crate::checks::{dedup_owners, names_version};
use crate::errors;
use crate::looks::{Attempt, Look};
use crate::managed::{self, Change, Writer};
use crate::outcome::{Item, Written};
use crate::place::{Place, WriteOptions};
use crate::registry::{Registry, stored_bytes};

/// What is stored now.
pub(crate) struct Live {
    /// In the stored version, with its resourceVersion.
    pub(crate) object: Box<dyn Object>,
    pub(crate) value: Bytes,
    pub(crate) revision: Revision,
}

impl Live {
    pub(crate) fn new(item: &Item) -> Result<Self, ApiError> {
        Ok(Self {
            object: item.stored()?,
            value: item.value.clone(),
            revision: item.revision,
        })
    }

    /// Looks at it in the version that the request speaks.
    pub(crate) fn served<T>(&self, place: &Place, look: impl FnOnce(&dyn Object) -> T) -> T {
        match place.version.convert {
            Some(convert) => look(&*(convert.from_stored)(&*self.object)),
            None => look(&*self.object),
        }
    }
}

/// An object that is to be stored, in the version that the request speaks.
pub(crate) struct Draft {
    pub(crate) object: Box<dyn Object>,
    pub(crate) warnings: Vec<String>,
    pub(crate) origin: Origin,
}

/// Where a draft comes from, which decides what its metadata means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A whole object as sent: its version and uid are preconditions.
    Sent,
    /// A patch of what is there: tried again when that changes.
    Patched,
    /// The same, and its managed fields have been worked out already.
    Applied,
}

impl Registry {
    pub(crate) fn writer<'a>(&self, options: &'a WriteOptions) -> Writer<'a> {
        Writer {
            manager: &options.caller.manager,
            now: self.now(),
        }
    }

    /// Reads what is there, lets `draft` make what shall be there, and stores that if nothing came between.
    pub(crate) async fn replace(
        &self,
        place: &Place,
        options: &WriteOptions,
        mut draft: impl FnMut(Option<&Live>) -> Result<Draft, ApiError>,
    ) -> Result<Written, ApiError> {
        let mut looks = self.looks(options.dry_run);
        while let Some(look) = looks.next() {
            let attempt = self.replace_once(place, options, look, &mut draft).await;
            if let Some(answer) = looks.judge(attempt) {
                return answer;
            }
        }
        Err(place.modified())
    }

    async fn replace_once(
        &self,
        place: &Place,
        options: &WriteOptions,
        look: Look,
        draft: &mut impl FnMut(Option<&Live>) -> Result<Draft, ApiError>,
    ) -> Result<Attempt<Written>, ApiError> {
        let found = self.look(place, look).await?;
        let live = found.as_ref().map(Live::new).transpose()?;
        let draft = draft(live.as_ref())?;
        let told = draft.warnings.clone();
        let attempt = match &live {
            Some(live) => self.update_once(place, live, draft, options).await,
            None => self.create_in_place(place, draft, options).await,
        };
        attempt.map_err(|error| error.with_warnings(&told))
    }

    /// A write to a name that does not exist makes the object, where the resource allows it.
    async fn create_in_place(
        &self,
        place: &Place,
        draft: Draft,
        options: &WriteOptions,
    ) -> Result<Attempt<Written>, ApiError> {
        // A version is no precondition here, as in Kubernetes; a uid is.
        let uid = &draft.object.metadata().uid;
        if !uid.is_empty() {
            return Err(other_uid(place, uid, ""));
        }
        let created = self.create_draft(place, draft, options).await;
        match created {
            Err(error) if error.reason() == "AlreadyExists" => Ok(Attempt::Overtaken),
            other => other.map(Attempt::Written),
        }
    }

    async fn update_once(
        &self,
        place: &Place,
        live: &Live,
        draft: Draft,
        options: &WriteOptions,
    ) -> Result<Attempt<Written>, ApiError> {
        let Draft {
            mut object,
            mut warnings,
            origin,
        } = draft;
        dedup_owners(&mut *object, &mut warnings);
        let retries = origin != Origin::Sent || !names_version(&*object)?;
        preconditions(place, live, &*object, origin)?;
        let (mut new, change) = self.prepare(place, live, object, origin, options);
        let done = |value, revision| Written {
            item: Item::written(place, value, revision),
            created: false,
            warnings,
        };
        new.metadata_mut().resource_version = live.revision.to_string();
        validate(place, live, &*new)?;
        if let Some(admission) = &options.caller.admission {
            admission.admit(place, Some(&*new), Some(&*live.object))?;
        }
        let value = Bytes::from(settle(place, live, &mut *new, change));
        let released = is_released(place, &*new);
        if options.dry_run || (value == live.value && !released) {
            return Ok(Attempt::Unwritten(done(value, live.revision)));
        }
        let stored = if released {
            self.store
                .delete(place.key(), live.revision)
                .await
                .map(|_| live.revision)
        } else {
            self.store.update(place.key(), value.clone(), live.revision).await
        };
        match stored {
            Ok(revision) => Ok(Attempt::Written(done(value, revision))),
            Err(Error::Conflict(_) | Error::NotFound) if retries => Ok(Attempt::Overtaken),
            Err(Error::Conflict(_) | Error::NotFound) => Err(place.modified()),
            Err(error) => Err(errors::of_write(place, &error)),
        }
    }

    /// From the draft to what would be stored: what this way of writing may not change is put back, and who owns what
    /// is worked out.
    fn prepare(
        &self,
        place: &Place,
        live: &Live,
        object: Box<dyn Object>,
        origin: Origin,
        options: &WriteOptions,
    ) -> (Box<dyn Object>, Change) {
        let mut new = place.to_stored(object);
        place.resource.strategy.default(&mut *new);
        let mut change = Change::Unknown;
        if origin != Origin::Applied {
            // What was meant counts, even where it is put back below.
            let mut served = place.to_served(new);
            let writer = self.writer(options);
            change = live.served(place, |before| {
                managed::track(place, Some(before), &mut *served, writer)
            });
            new = place.to_stored(served);
        }
        if !place.resource.subresources.is_empty() {
            // A part of what was meant is put back.
            change = Change::Unknown;
        }
        new.metadata_mut().generation = live.object.metadata().generation;
        place
            .resource
            .strategy
            .prepare_update(&mut *new, &*live.object, place.subresource, self.served.features);
        keep_system_fields(&mut *new, &*live.object);
        (new, change)
    }
}

/// The bytes to store. Where nothing but the times of managed fields would change, those are kept, and so everything.
fn settle(place: &Place, live: &Live, new: &mut dyn Object, change: Change) -> Vec<u8> {
    if change == Change::Certain {
        return stored_bytes(place, new);
    }
    let before = &live.object.metadata().managed_fields;
    let mut after = std::mem::replace(&mut new.metadata_mut().managed_fields, before.clone());
    if after != *before && stored_bytes(place, new) == live.value {
        apply::keep_times(before, &mut after);
    }
    new.metadata_mut().managed_fields = after;
    stored_bytes(place, new)
}

/// A whole object's version and uid must be those of what is there.
fn preconditions(place: &Place, live: &Live, object: &dyn Object, origin: Origin) -> Result<(), ApiError> {
    let metadata = object.metadata();
    let resource = place.resource;
    if origin == Origin::Sent && !metadata.uid.is_empty() && metadata.uid != live.object.metadata().uid {
        return Err(other_uid(place, &metadata.uid, &live.object.metadata().uid));
    }
    match ResourceVersion::parse(&metadata.resource_version)? {
        ResourceVersion::At(version) if version != live.revision.0 => Err(place.modified()),
        ResourceVersion::Unset | ResourceVersion::Any if !resource.unconditional_update => {
            let path = Path::new("metadata");
            let path = path.child("resourceVersion");
            let error = FieldError::invalid_bare(&path, 0, "must be specified for an update");
            Err(ApiError::invalid(
                resource.group,
                resource.plural,
                &place.name,
                &[error],
            ))
        }
        _ => Ok(()),
    }
}

/// 409 for a write that means another object of this name; `found` is empty when there is none.
pub(crate) fn other_uid(place: &Place, meant: &str, found: &str) -> ApiError {
    let why = format!("Precondition failed: UID in precondition: {meant}, UID in object meta: {found}");
    ApiError::conflict(place.resource.group, place.resource.plural, &place.name, &why)
}

fn keep_system_fields(new: &mut dyn Object, old: &dyn Object) {
    let old = old.metadata();
    let new = new.metadata_mut();
    new.self_link.clear();
    if new.uid.is_empty() {
        new.uid.clone_from(&old.uid);
    }
    if !old.creation_timestamp.is_zero() {
        new.creation_timestamp = old.creation_timestamp;
    }
    if old.deletion_timestamp.is_some() {
        new.deletion_timestamp = old.deletion_timestamp;
    }
    if new.deletion_grace_period_seconds.is_none() {
        new.deletion_grace_period_seconds = old.deletion_grace_period_seconds;
    }
}

/// The rules of all objects and those of the resource, which has the former among its own: Kubernetes tells the causes
/// as often as it checks them, and so do we.
fn validate(place: &Place, live: &Live, new: &dyn Object) -> Result<(), ApiError> {
    let path = Path::new("metadata");
    let (metadata, before) = (new.metadata(), live.object.metadata());
    let mut errors = validate_object_meta(metadata, place.resource.namespaced, name_is_path_segment, &path);
    errors.extend(validate_object_meta_update(metadata, before, &path));
    errors.extend(
        place
            .resource
            .strategy
            .validate_update(new, &*live.object, place.subresource, place.version),
    );
    place.refuse_invalid(new, &errors)
}

/// Whether an object that is being deleted has nothing left to wait for.
pub(crate) fn is_released(place: &Place, object: &dyn Object) -> bool {
    let metadata = object.metadata();
    metadata.deletion_timestamp.is_some() && metadata.finalizers.is_empty() && !place.resource.strategy.holds(object)
}

impl Place {
    /// 422 with every broken rule, if any.
    pub(crate) fn refuse_invalid(&self, object: &dyn Object, errors: &[FieldError]) -> Result<(), ApiError> {
        if errors.is_empty() {
            return Ok(());
        }
        // Kubernetes names the kind that is stored: an event is of the core group however it came.
        Err(ApiError::invalid(
            self.resource.stored.0.group,
            self.resource.kind,
            &object.metadata().name,
            errors,
        ))
    }

    /// The namespace that the objects here carry.
    pub(crate) fn namespace_of_objects(&self) -> &str {
        if self.resource.namespaced { &self.namespace } else { "" }
    }
}
