//! A namespace that is being deleted is emptied, and then let go.
//!
//! Everything in it is deleted; what its own finalizers hold stays until they are gone, and the namespace's conditions
//! say what it waits for, in Kubernetes' words. When nothing is left, the namespace's own finalizer is taken away, and
//! with that the namespace.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use leasehold_api::codec::Decoded;
use leasehold_api::core::{Namespace, NamespaceCondition};
use leasehold_api::options::{DeleteOptions, ListOptions};
use leasehold_api::{ApiError, Time};
use leasehold_registry::resources::{NAMESPACES, TABLE};
use leasehold_registry::{Place, Registry, Resource, Subresource, WriteOptions};
use leasehold_store::Range;

use crate::driver::{Controller, Outcome};

const MANAGER: &str = "namespace-deletion";
/// How soon to look again while a namespace waits for somebody else's finalizers.
const WAITING: Duration = Duration::from_secs(1);
/// The namespace's finalizer that this controller answers for.
const FINALIZER: &str = "kubernetes";

/// Empties and lets go of namespaces that are being deleted.
#[derive(Debug, Default)]
pub struct NamespaceDeletion;

/// What was left in a namespace after everything in it was deleted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Remains {
    /// How many objects, by `plural.group`.
    objects: BTreeMap<String, usize>,
    /// How many objects each finalizer holds.
    finalizers: BTreeMap<String, usize>,
}

/// What to do with a namespace.
#[derive(Clone, Debug, PartialEq)]
enum Action {
    /// Nothing holds it any more.
    Finalize(Namespace),
    /// It waits; its conditions shall say for what.
    Report(Namespace),
    /// It waits, and says so already.
    Wait,
}

impl NamespaceDeletion {
    /// Takes every namespace a step further. One that cannot be does not keep the others from it.
    async fn sweep(&self, registry: &Registry) -> Result<Outcome, ApiError> {
        let (mut gone, mut waiting, mut failed) = (Vec::new(), false, None);
        let namespaces = registry
            .list(&Place::collection(&NAMESPACES, ""), &ListOptions::default())
            .await?;
        for item in namespaces.items {
            let object = item.stored()?;
            let Some(namespace) = object.downcast_ref::<Namespace>().filter(|it| is_ours(it)) else {
                continue;
            };
            match step(registry, namespace).await {
                Ok(Step::Emptied) => gone.push(namespace.metadata.name.clone()),
                Ok(Step::Waits) => waiting = true,
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        if let Some(error) = failed {
            return Err(error);
        }
        let did = if gone.is_empty() {
            String::new()
        } else {
            format!("emptied namespaces: {}", gone.join(", "))
        };
        Ok(Outcome {
            did,
            again_in: waiting.then_some(WAITING),
        })
    }
}

/// What one look at a namespace came to.
enum Step {
    Emptied,
    Waits,
}

/// Whether it is being deleted and waits for us.
fn is_ours(namespace: &Namespace) -> bool {
    namespace.metadata.deletion_timestamp.is_some() && namespace.spec.finalizers.iter().any(|it| it == FINALIZER)
}

async fn step(registry: &Registry, namespace: &Namespace) -> Result<Step, ApiError> {
    let remains = empty(registry, &namespace.metadata.name).await?;
    match decide(namespace, &remains, Time::from_system(registry.clock().wall())) {
        Action::Finalize(next) => {
            let written = write(registry, Subresource::Finalize, next).await?;
            Ok(if written { Step::Emptied } else { Step::Waits })
        }
        Action::Report(next) => {
            write(registry, Subresource::Status, next).await?;
            Ok(Step::Waits)
        }
        Action::Wait => Ok(Step::Waits),
    }
}

impl Controller for NamespaceDeletion {
    fn name(&self) -> &'static str {
        MANAGER
    }

    fn watches(&self) -> Vec<Range> {
        vec![Range::Resource(NAMESPACES.storage)]
    }

    fn activate<'a>(&'a mut self, registry: &'a Registry) -> BoxFuture<'a, Result<Outcome, ApiError>> {
        self.sweep(registry).boxed()
    }
}

/// What a namespace that is being deleted needs next.
fn decide(namespace: &Namespace, remains: &Remains, now: Time) -> Action {
    let mut next = namespace.clone();
    if remains.objects.is_empty() {
        next.spec.finalizers.retain(|finalizer| finalizer != FINALIZER);
        return Action::Finalize(next);
    }
    set_conditions(&mut next, remains, now);
    if next == *namespace {
        Action::Wait
    } else {
        Action::Report(next)
    }
}

/// The two conditions that say what a namespace waits for.
fn set_conditions(namespace: &mut Namespace, remains: &Remains, now: Time) {
    let objects = remains
        .objects
        .iter()
        .map(|(name, count)| format!("{name} has {count} resource instances"));
    let objects = objects.collect::<Vec<_>>().join(", ");
    let content = (
        "SomeResourcesRemain",
        format!("Some resources are remaining: {objects}"),
    );
    set_condition(namespace, "NamespaceContentRemaining", Some(content), now);
    let finalizers = remains
        .finalizers
        .iter()
        .map(|(name, count)| format!("{name} in {count} resource instances"));
    let finalizers = finalizers.collect::<Vec<_>>().join(", ");
    let held = (!finalizers.is_empty()).then(|| {
        (
            "SomeFinalizersRemain",
            format!("Some content in the namespace has finalizers remaining: {finalizers}"),
        )
    });
    set_condition(namespace, "NamespaceFinalizersRemaining", held, now);
}

fn set_condition(namespace: &mut Namespace, kind: &str, holds: Option<(&str, String)>, now: Time) {
    let (status, reason, message) = match holds {
        Some((reason, message)) => ("True", reason.to_owned(), message),
        None => (
            "False",
            "ContentHasNoFinalizers".to_owned(),
            "All content-preserving finalizers finished".to_owned(),
        ),
    };
    let conditions = &mut namespace.status.conditions;
    let old = conditions.iter().position(|condition| condition.r#type == kind);
    let changed = old.is_none_or(|index| conditions[index].status != status);
    let since = match old {
        Some(index) if !changed => conditions[index].last_transition_time,
        _ => now,
    };
    let condition = NamespaceCondition {
        r#type: kind.to_owned(),
        status: status.to_owned(),
        last_transition_time: since,
        reason,
        message,
    };
    match old {
        Some(index) => conditions[index] = condition,
        None => conditions.push(condition),
    }
}

/// Deletes everything in a namespace and counts what is held back.
async fn empty(registry: &Registry, namespace: &str) -> Result<Remains, ApiError> {
    let mut remains = Remains::default();
    for resource in contents() {
        let place = Place::collection(resource, namespace);
        let options = WriteOptions::internal(MANAGER);
        registry
            .delete_collection(&place, &ListOptions::default(), &DeleteOptions::default(), &options)
            .await?;
        for item in registry.list(&place, &ListOptions::default()).await?.items {
            *remains.objects.entry(qualified(resource)).or_default() += 1;
            for finalizer in &item.stored()?.metadata().finalizers {
                *remains.finalizers.entry(finalizer.clone()).or_default() += 1;
            }
        }
    }
    Ok(remains)
}

/// What lives in namespaces, each kind of stored object once.
fn contents() -> impl Iterator<Item = &'static Resource> {
    let first =
        |index: usize, resource: &Resource| TABLE[..index].iter().all(|other| other.storage != resource.storage);
    TABLE
        .iter()
        .enumerate()
        .filter(move |(index, resource)| resource.namespaced && first(*index, resource))
        .map(|(_, resource)| *resource)
}

fn qualified(resource: &Resource) -> String {
    format!("{}.{}", resource.plural, resource.group)
}

/// Writes a part of the namespace as it was read. False when somebody else's write came between: that means another round.
async fn write(registry: &Registry, part: Subresource, namespace: Namespace) -> Result<bool, ApiError> {
    let mut place = Place::collection(&NAMESPACES, "").named(&namespace.metadata.name);
    place.subresource = Some(part);
    let body = Decoded {
        object: Box::new(namespace),
        problems: Vec::new(),
    };
    match registry.update(&place, body, &WriteOptions::internal(MANAGER)).await {
        Ok(_) => Ok(true),
        Err(error) if matches!(error.code(), 404 | 409) => Ok(false),
        Err(error) => Err(error),
    }
}
