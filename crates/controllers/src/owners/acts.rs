//! A look at one object: read it and its owners afresh, decide, and write if it is still the same.

use futures_util::{TryStreamExt as _, stream};
use leasehold_api::codec::Decoded;
use leasehold_api::codec::glance::{self, Belonging};
use leasehold_api::core::ObjectReference;
use leasehold_api::meta::{ObjectMeta, OwnerReference, Preconditions};
use leasehold_api::options::{DeleteOptions, PropagationPolicy, ResourceVersion};
use leasehold_api::{ApiError, Object};
use leasehold_registry::resources::TABLE;
use leasehold_registry::{Place, Registry, Resource, WriteOptions};
use leasehold_store::{Entry, Key};

use super::graph::Graph;
use super::verdict::{Owner, Verdict, decide};
use super::{FOREGROUND, ORPHAN};
use crate::recorder::{Mood, Notice, record};

/// Whose name stands beside what is written here.
const MANAGER: &str = "owner-collection";
/// What Kubernetes' own controller calls itself in Events.
const COMPONENT: &str = "garbage-collector-controller";
/// How many dependents forget their owner at once, so that they share the store's commit groups.
const AT_ONCE: usize = 64;
/// How often a dependent is asked to forget its owner while others write to it.
const ATTEMPTS: usize = 16;

/// What came of a look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// All is as it should be.
    Moot,
    /// It was deleted, perhaps to wait for others.
    Deleted,
    /// It was changed, or let go.
    Changed,
    /// Somebody else's write came between.
    Again,
}

/// Looks at the object of this key.
pub(super) async fn look(registry: &Registry, graph: &Graph, key: &Key) -> Result<Step, ApiError> {
    let Some((entry, object)) = find(registry, key).await? else {
        return Ok(Step::Moot);
    };
    let mut owners = Vec::new();
    for reference in object.owners() {
        owners.push(owner(registry, key, &object, &reference).await?);
    }
    let target = Target { registry, key, entry };
    match decide(&object, &owners, graph.describe(object.uid())) {
        Verdict::Keep => Ok(Step::Moot),
        Verdict::Disown => {
            let gone = object
                .owners()
                .zip(&owners)
                .filter(|(_, owner)| **owner != Owner::Solid);
            let gone: Vec<_> = gone.map(|(reference, _)| reference.uid).collect();
            target.change(|metadata| disown(metadata, &gone)).await
        }
        Verdict::Delete(policy) => target.delete(policy, object.uid()).await,
        Verdict::DeleteUnblocked => match target.change(unblock).await? {
            Step::Changed => target.delete_anyhow(PropagationPolicy::Foreground, object.uid()).await,
            other => Ok(other),
        },
        Verdict::Orphan => {
            orphan(registry, graph, object.uid()).await?;
            target.change(|metadata| release(metadata, ORPHAN)).await
        }
        Verdict::Release => target.change(|metadata| release(metadata, FOREGROUND)).await,
    }
}

/// An object as it was read.
struct Target<'a> {
    registry: &'a Registry,
    key: &'a Key,
    entry: Entry,
}

impl Target<'_> {
    /// Writes it with other metadata, if it is still as it was read.
    async fn change(&self, change: impl FnOnce(&mut ObjectMeta)) -> Result<Step, ApiError> {
        let place = place(self.key)?;
        let item = match self.registry.get(&place, ResourceVersion::Unset).await {
            Err(error) if error.code() == 404 => return Ok(Step::Moot),
            other => other?,
        };
        let mut object = item.object()?;
        if object.metadata().resource_version != self.entry.revision.to_string() {
            return Ok(Step::Again);
        }
        change(object.metadata_mut());
        update(self.registry, &place, object).await
    }

    async fn delete(&self, policy: PropagationPolicy, uid: &str) -> Result<Step, ApiError> {
        let version = Some(self.entry.revision.to_string());
        self.delete_if(policy, uid, version).await
    }

    /// The same whatever it has become since.
    async fn delete_anyhow(&self, policy: PropagationPolicy, uid: &str) -> Result<Step, ApiError> {
        self.delete_if(policy, uid, None).await
    }

    async fn delete_if(&self, policy: PropagationPolicy, uid: &str, version: Option<String>) -> Result<Step, ApiError> {
        let options = DeleteOptions {
            propagation_policy: Some(policy),
            preconditions: Preconditions {
                uid: Some(uid.to_owned()),
                resource_version: version,
            },
            ..DeleteOptions::default()
        };
        let (place, by) = (place(self.key)?, WriteOptions::internal(MANAGER));
        match self.registry.delete(&place, &options, &by).await {
            Ok(_) => Ok(Step::Deleted),
            Err(error) if error.code() == 404 => Ok(Step::Moot),
            Err(error) if error.code() == 409 => Ok(Step::Again),
            Err(error) => Err(error),
        }
    }
}

/// Has every dependent of a uid forget it. Those that come later find it gone.
async fn orphan(registry: &Registry, graph: &Graph, uid: &str) -> Result<(), ApiError> {
    let dependents: Vec<Key> = graph.dependents(uid).cloned().collect();
    stream::iter(dependents.into_iter().map(Ok))
        .try_for_each_concurrent(AT_ONCE, async |key| forget(registry, &key, uid).await)
        .await
}

async fn forget(registry: &Registry, key: &Key, uid: &str) -> Result<(), ApiError> {
    for _ in 0..ATTEMPTS {
        let Some((entry, _)) = find(registry, key).await? else {
            return Ok(());
        };
        let target = Target { registry, key, entry };
        let uids = [uid.to_owned()];
        if target.change(|metadata| disown(metadata, &uids)).await? != Step::Again {
            return Ok(());
        }
    }
    Err(place(key)?.modified())
}

fn disown(metadata: &mut ObjectMeta, uids: &[String]) {
    metadata.owner_references.retain(|owner| !uids.contains(&owner.uid));
}

fn unblock(metadata: &mut ObjectMeta) {
    for owner in &mut metadata.owner_references {
        owner.block_owner_deletion = owner.block_owner_deletion.map(|_| false);
    }
}

fn release(metadata: &mut ObjectMeta, finalizer: &str) {
    metadata.finalizers.retain(|held| held != finalizer);
}

async fn update(registry: &Registry, place: &Place, object: Box<dyn Object>) -> Result<Step, ApiError> {
    let body = Decoded {
        object,
        problems: Vec::new(),
    };
    match registry.update(place, body, &WriteOptions::internal(MANAGER)).await {
        Ok(_) => Ok(Step::Changed),
        Err(error) if error.code() == 404 => Ok(Step::Moot),
        Err(error) if error.code() == 409 => Ok(Step::Again),
        Err(error) => Err(error),
    }
}

/// What there is of an owner, as the store says now.
async fn owner(
    registry: &Registry,
    key: &Key,
    object: &Belonging,
    reference: &OwnerReference,
) -> Result<Owner, ApiError> {
    let Some(resource) = resource_of(reference) else {
        return Ok(Owner::Unknowable);
    };
    if resource.namespaced && key.namespace.is_empty() {
        record(registry, COMPONENT, out_of_reach(key, object, reference)?).await;
        return Ok(Owner::Unknowable);
    }
    let namespace = if resource.namespaced {
        key.namespace.clone()
    } else {
        "".into()
    };
    let of_owner = Key {
        resource: resource.storage,
        namespace,
        name: reference.name.as_str().into(),
    };
    let found = find(registry, &of_owner).await?.map(|(_, owner)| owner);
    Ok(match found.filter(|owner| owner.uid() == reference.uid) {
        None => Owner::Absent,
        Some(owner) if owner.is_being_deleted() && owner.has_finalizer(FOREGROUND) => Owner::Waiting,
        Some(_) => Owner::Solid,
    })
}

/// The resource that a reference names, if it takes part.
fn resource_of(reference: &OwnerReference) -> Option<&'static Resource> {
    let api_version = &reference.api_version;
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    let names = |resource: &&&Resource| {
        resource.group == group && resource.kind == reference.kind && resource.version(version).is_some()
    };
    let resource = TABLE.iter().find(names)?;
    resource.strategy.has_dependents().then_some(*resource)
}

/// What is stored under a key. What cannot be read is left alone.
async fn find(registry: &Registry, key: &Key) -> Result<Option<(Entry, Belonging)>, ApiError> {
    let entry = registry.store().get(key).await;
    let entry = entry.map_err(|error| ApiError::unavailable(error.to_string(), 1))?;
    Ok(entry.and_then(|entry| {
        let belonging = glance::belonging(&entry.value)?;
        Some((entry, belonging))
    }))
}

/// Where the object of a key is written.
fn place(key: &Key) -> Result<Place, ApiError> {
    let resource = TABLE.iter().find(|resource| resource.storage == key.resource);
    let resource = resource.ok_or_else(|| ApiError::internal(format!("{} is no resource", key.resource)))?;
    Ok(Place::collection(resource, &key.namespace).named(&key.name))
}

/// What is to be told of an object in no namespace that names an owner in one.
fn out_of_reach(key: &Key, object: &Belonging, reference: &OwnerReference) -> Result<Notice, ApiError> {
    let gvk = place(key)?.gvk();
    let OwnerReference {
        api_version,
        kind,
        name,
        uid,
        ..
    } = reference;
    let message = format!(
        "ownerRef [{api_version}/{kind}, namespace: , name: {name}, uid: {uid}] does not exist in namespace \"\""
    );
    Ok(Notice {
        about: ObjectReference {
            api_version: gvk.api_version(),
            kind: gvk.kind.to_owned(),
            name: key.name.to_string(),
            uid: object.uid().to_owned(),
            ..ObjectReference::default()
        },
        mood: Mood::Warning,
        reason: "OwnerRefInvalidNamespace",
        message,
    })
}
