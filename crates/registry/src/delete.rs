//! Delete: now, or, while finalizers hold the object, as a mark on it.

use futures_util::{StreamExt as _, stream};
use leasehold_api::meta::{Status, StatusDetails};
use leasehold_api::options::{DeleteOptions, ListOptions, PropagationPolicy, ResourceVersion};
use leasehold_api::{ApiError, Object};
use leasehold_store::Error;

use crate::errors;
use crate::looks::{Attempt, Look};
use crate::outcome::{Deleted, Item, List};
use crate::place::{Place, WriteOptions};
use crate::registry::{Registry, stored_bytes};
use crate::write::{Live, is_released, other_uid};

/// Waits for dependents to be told that they have no owner any more.
const ORPHAN: &str = "orphan";
/// Waits for dependents to be gone.
const FOREGROUND: &str = "foregroundDeletion";
/// How many objects of a collection are deleted at once, so that they share the store's commit groups.
const AT_ONCE: usize = 64;

impl Registry {
    /// Deletes the object at `place`.
    ///
    /// # Errors
    /// 403 for what may not be deleted, 404, 409 where a precondition does not hold.
    pub async fn delete(
        &self,
        place: &Place,
        delete: &DeleteOptions,
        options: &WriteOptions,
    ) -> Result<Deleted, ApiError> {
        let mut looks = self.looks(options.dry_run || delete.dry_run);
        while let Some(look) = looks.next() {
            let attempt = self.delete_once(place, delete, options, look).await;
            if let Some(answer) = looks.judge(attempt) {
                return answer;
            }
        }
        Err(place.modified())
    }

    /// Deletes every selected object of a collection and returns them as they were.
    ///
    /// # Errors
    /// As [`Registry::list`] and [`Registry::delete`]; an object that is gone already is no error.
    pub async fn delete_collection(
        &self,
        place: &Place,
        list: &ListOptions,
        delete: &DeleteOptions,
        options: &WriteOptions,
    ) -> Result<List, ApiError> {
        let listed = self.list(place, list).await?;
        let items = listed.items.iter().cloned();
        let deletions = items.map(|item| self.delete_listed(place, item, delete, options));
        let mut deletions = stream::iter(deletions).buffer_unordered(AT_ONCE);
        while let Some(deleted) = deletions.next().await {
            deleted?;
        }
        drop(deletions);
        Ok(listed)
    }

    /// Deletes the object that was listed, not a namesake made since.
    async fn delete_listed(
        &self,
        place: &Place,
        item: Item,
        delete: &DeleteOptions,
        options: &WriteOptions,
    ) -> Result<(), ApiError> {
        let object = item.object()?;
        let metadata = object.metadata();
        let one = Place {
            namespace: metadata.namespace.as_str().into(),
            name: metadata.name.as_str().into(),
            ..place.clone()
        };
        let mut this = delete.clone();
        this.preconditions.uid.get_or_insert_with(|| metadata.uid.clone());
        match self.delete(&one, &this, options).await {
            Err(error) if error.code() == 404 => Ok(()),
            // Unless the client itself said which one it means.
            Err(error) if error.code() == 409 && delete.preconditions.uid.is_none() => {
                let found = self.find(&one, ResourceVersion::Unset).await?;
                let found = found.map(|item| item.stored()).transpose()?;
                let is_there = found.is_some_and(|found| found.metadata().uid == metadata.uid);
                if is_there { Err(error) } else { Ok(()) }
            }
            other => other.map(drop),
        }
    }

    async fn delete_once(
        &self,
        place: &Place,
        delete: &DeleteOptions,
        options: &WriteOptions,
        look: Look,
    ) -> Result<Attempt<Deleted>, ApiError> {
        let item = self.look(place, look).await?.ok_or_else(|| place.not_found())?;
        let live = Live::new(&item)?;
        preconditions(place, &live, delete)?;
        if let Some(why) = place.resource.strategy.undeletable(&place.name) {
            return Err(ApiError::forbidden(
                place.resource.group,
                place.resource.plural,
                &place.name,
                why,
            ));
        }
        if let Some(admission) = &options.caller.admission {
            admission.admit(place, None, Some(&*live.object))?;
        }
        let mut marked = live.object.boxed_clone();
        marked.metadata_mut().finalizers = match place.resource.strategy.has_dependents() {
            true => finalizers(&*live.object, delete.propagation()),
            false => finalizers(&*live.object, Some(PropagationPolicy::Background)),
        };
        if marked.metadata().deletion_timestamp.is_none() {
            place.resource.strategy.begin_deletion(&mut *marked, self.now());
        }
        if is_released(place, &*marked) {
            return self.remove(place, &live, options.dry_run || delete.dry_run).await;
        }
        self.mark(place, &live, marked, options.dry_run || delete.dry_run).await
    }

    async fn remove(&self, place: &Place, live: &Live, dry_run: bool) -> Result<Attempt<Deleted>, ApiError> {
        let gone = || Deleted::Gone(Box::new(success(place, &live.object.metadata().uid)));
        if dry_run {
            return Ok(Attempt::Unwritten(gone()));
        }
        match self.store.delete(place.key(), live.revision).await {
            Ok(_) => Ok(Attempt::Written(gone())),
            Err(Error::Conflict(_)) => Ok(Attempt::Overtaken),
            Err(error) => Err(errors::of_write(place, &error)),
        }
    }

    async fn mark(
        &self,
        place: &Place,
        live: &Live,
        mut marked: Box<dyn Object>,
        dry_run: bool,
    ) -> Result<Attempt<Deleted>, ApiError> {
        let value = stored_bytes(place, &mut *marked);
        if dry_run || value == live.value {
            return Ok(Attempt::Unwritten(Deleted::Waiting(place.to_served(marked))));
        }
        match self.store.update(place.key(), value.into(), live.revision).await {
            Ok(revision) => marked.metadata_mut().resource_version = revision.to_string(),
            Err(Error::Conflict(_)) => return Ok(Attempt::Overtaken),
            Err(error) => return Err(errors::of_write(place, &error)),
        }
        Ok(Attempt::Written(Deleted::Waiting(place.to_served(marked))))
    }
}

/// The finalizers that the object keeps or gets, by what shall happen to its dependents. Kubernetes' rule: what the
/// request says, else what the object says already, else nothing.
fn finalizers(object: &dyn Object, propagation: Option<PropagationPolicy>) -> Vec<String> {
    let old = &object.metadata().finalizers;
    let has = |name: &str| old.iter().any(|finalizer| finalizer == name);
    let (orphan, foreground) = match propagation {
        Some(policy) => (
            policy == PropagationPolicy::Orphan,
            policy == PropagationPolicy::Foreground,
        ),
        None => (has(ORPHAN), has(FOREGROUND)),
    };
    let kept = old
        .iter()
        .filter(|finalizer| !matches!(finalizer.as_str(), ORPHAN | FOREGROUND))
        .cloned();
    let added = [(orphan, ORPHAN), (foreground, FOREGROUND)];
    kept.chain(
        added
            .into_iter()
            .filter(|(add, _)| *add)
            .map(|(_, name)| name.to_owned()),
    )
    .collect()
}

fn preconditions(place: &Place, live: &Live, delete: &DeleteOptions) -> Result<(), ApiError> {
    if place.resource.strategy.deletes_itself() {
        return preconditions_of_update(place, live, delete);
    }
    let conflict = |why: String| {
        // As with broken rules, it is the stored kind that is named.
        Err(ApiError::conflict(
            place.resource.stored.0.group,
            place.resource.kind,
            &place.name,
            &why,
        ))
    };
    let metadata = live.object.metadata();
    match &delete.preconditions.uid {
        Some(uid) if *uid != metadata.uid => {
            return conflict(format!(
                "the UID in the precondition ({uid}) does not match the UID in record ({}). The object might have been \
                 deleted and then recreated",
                metadata.uid
            ));
        }
        _ => {}
    }
    match &delete.preconditions.resource_version {
        Some(version) if *version != metadata.resource_version => conflict(format!(
            "the ResourceVersion in the precondition ({version}) does not match the ResourceVersion in record ({}). The \
             object might have been modified",
            metadata.resource_version
        )),
        _ => Ok(()),
    }
}

/// The same, in the words of a write.
fn preconditions_of_update(place: &Place, live: &Live, delete: &DeleteOptions) -> Result<(), ApiError> {
    let metadata = live.object.metadata();
    match &delete.preconditions.uid {
        Some(uid) if *uid != metadata.uid => return Err(other_uid(place, uid, &metadata.uid)),
        _ => {}
    }
    match &delete.preconditions.resource_version {
        Some(version) if *version != metadata.resource_version => {
            let why = format!(
                "Precondition failed: ResourceVersion in precondition: {version}, ResourceVersion in object meta: {}",
                metadata.resource_version
            );
            Err(ApiError::conflict(
                place.resource.group,
                place.resource.plural,
                &place.name,
                &why,
            ))
        }
        _ => Ok(()),
    }
}

fn success(place: &Place, uid: &str) -> Status {
    Status {
        status: "Success".to_owned(),
        details: Some(StatusDetails {
            name: place.name.to_string(),
            group: place.resource.group.to_owned(),
            kind: place.resource.plural.to_owned(),
            uid: uid.to_owned(),
            ..StatusDetails::default()
        }),
        ..Status::default()
    }
}
